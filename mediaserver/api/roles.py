"""Who may call what: the one table of routes and roles, and the check that asks it."""

from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from mediaserver.api.keys import DEPLOYMENT, GUESSES, NODE, PRINCIPAL, VAULT
from mediaserver.errors import Forbidden, ShopcastError, Unauthorized
from mediaserver.node import Principal
from mediaserver.packet import ShowId
from mediaserver.secret import token_hash
from sync.errors import UnreadableSecret
from sync.secret import Secret

PUBLIC = frozenset({"public"})
OWNER = frozenset({"owner"})
CREW = frozenset({"owner", "producer"})
HOST = frozenset({"host"})
FEED = CREW | HOST
"""The crew, and the host of the feed that the address names."""

RULES: dict[tuple[str, str], frozenset[str]] = {
    ("GET", "/host"): PUBLIC,
    ("GET", "/{name}"): PUBLIC,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): PUBLIC,
    ("POST", "/api/v1/session"): FEED,
    ("DELETE", "/api/v1/session"): FEED,
    ("GET", "/api/v1/tokens"): OWNER,
    ("POST", "/api/v1/tokens"): OWNER,
    ("DELETE", "/api/v1/tokens/{token}"): OWNER,
    ("GET", "/api/v1/shows"): CREW,
    ("POST", "/api/v1/shows"): CREW,
    ("GET", "/api/v1/shows/{show}"): CREW,
    ("PATCH", "/api/v1/shows/{show}"): CREW,
    ("DELETE", "/api/v1/shows/{show}"): CREW,
    ("POST", "/api/v1/shows/{show}/start"): CREW,
    ("POST", "/api/v1/shows/{show}/end"): CREW,
    ("GET", "/api/v1/shows/{show}/events"): CREW,
    ("PUT", "/api/v1/shows/{show}/canvases/{canvas}/layout"): CREW,
    ("PUT", "/api/v1/shows/{show}/canvases/{canvas}/overlays"): CREW,
    ("POST", "/api/v1/shows/{show}/canvases/{canvas}/preview"): CREW,
    ("GET", "/api/v1/shows/{show}/canvases/{canvas}/snapshot.jpg"): CREW,
    ("POST", "/api/v1/shows/{show}/canvases/{canvas}/recording/start"): CREW,
    ("POST", "/api/v1/shows/{show}/canvases/{canvas}/recording/stop"): CREW,
    ("GET", "/api/v1/shows/{show}/recordings"): CREW,
    ("GET", "/api/v1/shows/{show}/recordings/{recording}"): CREW,
    ("DELETE", "/api/v1/shows/{show}/recordings/{recording}"): CREW,
    ("GET", "/api/v1/shows/{show}/assets"): CREW,
    ("POST", "/api/v1/shows/{show}/assets"): CREW,
    ("GET", "/api/v1/shows/{show}/assets/{asset}"): CREW,
    ("DELETE", "/api/v1/shows/{show}/assets/{asset}"): CREW,
    ("GET", "/api/v1/products"): CREW,
    ("POST", "/api/v1/products"): CREW,
    ("POST", "/api/v1/products/import"): CREW,
    ("GET", "/api/v1/products/imports/{import}"): CREW,
    ("GET", "/api/v1/products/export"): CREW,
    ("GET", "/api/v1/products/{product}"): CREW,
    ("GET", "/api/v1/products/{product}/images/{image}.jpg"): FEED,
    ("PATCH", "/api/v1/products/{product}"): CREW,
    ("DELETE", "/api/v1/products/{product}"): CREW,
    ("GET", "/api/v1/products/{product}/skus/{sku}/stock"): CREW,
    ("PUT", "/api/v1/products/{product}/skus/{sku}/stock"): CREW,
    ("POST", "/api/v1/products/{product}/skus/{sku}/stock/adjust"): CREW,
    ("GET", "/api/v1/products/{product}/skus/{sku}/stock/history"): CREW,
    ("GET", "/api/v1/orders"): CREW,
    ("POST", "/api/v1/orders"): CREW,
    ("GET", "/api/v1/orders/{order}"): CREW,
    ("GET", "/api/v1/orders/{order}/buyer"): OWNER,
    ("POST", "/api/v1/orders/{order}/pay"): CREW,
    ("POST", "/api/v1/orders/{order}/fulfil"): CREW,
    ("POST", "/api/v1/orders/{order}/cancel"): CREW,
    ("POST", "/api/v1/orders/{order}/complete"): CREW,
    ("POST", "/api/v1/orders/{order}/return"): CREW,
    ("POST", "/api/v1/orders/{order}/restock"): CREW,
    ("GET", "/api/v1/schemas/{schema}"): PUBLIC,
    ("POST", "/api/v1/shows/{show}/feeds"): CREW,
    ("PATCH", "/api/v1/shows/{show}/feeds/{feed}"): CREW,
    ("DELETE", "/api/v1/shows/{show}/feeds/{feed}"): CREW,
    ("POST", "/api/v1/shows/{show}/feeds/{feed}/token"): CREW,
    ("GET", "/api/v1/shows/{show}/feeds/{feed}/thumbnail.jpg"): FEED,
    ("GET", "/api/v1/shows/{show}/feeds/{feed}/events"): FEED,
    ("GET", "/api/v1/shows/{show}/rundown"): CREW,
    ("PUT", "/api/v1/shows/{show}/rundown"): CREW,
    ("PUT", "/api/v1/shows/{show}/rundown/pinned"): CREW,
    ("GET", "/api/v1/events"): CREW,
    ("POST", "/api/v1/shows/{show}/targets"): CREW,
    ("PATCH", "/api/v1/shows/{show}/targets/{target}"): CREW,
    ("DELETE", "/api/v1/shows/{show}/targets/{target}"): CREW,
    ("POST", "/api/v1/shows/{show}/targets/{target}/start"): CREW,
    ("POST", "/api/v1/shows/{show}/targets/{target}/stop"): CREW,
    ("GET", "/api/v1/reports/gmv"): CREW,
    ("GET", "/api/v1/reports/lives"): CREW,
    ("PUT", "/api/v1/reports/lives/{room}"): CREW,
    ("GET", "/api/v1/channels"): CREW,
    ("GET", "/api/v1/channels/tiktok"): CREW,
    ("PATCH", "/api/v1/channels/tiktok"): OWNER,
    ("DELETE", "/api/v1/channels/tiktok"): OWNER,
    ("POST", "/api/v1/channels/tiktok/connect"): OWNER,
    ("POST", "/api/v1/channels/tiktok/shop"): OWNER,
    ("POST", "/api/v1/channels/tiktok/check"): CREW,
    ("GET", "/api/v1/channels/tiktok/categories"): CREW,
    ("GET", "/api/v1/channels/tiktok/categories/mapping"): CREW,
    ("PUT", "/api/v1/channels/tiktok/categories/mapping"): CREW,
    ("GET", "/oauth/tiktok/callback"): PUBLIC,
    ("POST", "/webhooks/tiktok"): PUBLIC,
    ("POST", "/whip/{show}"): HOST,
    ("GET", "/whip/{show}"): PUBLIC,
    ("OPTIONS", "/whip/{show}"): PUBLIC,
    ("PATCH", "/whip/{show}/{session}"): HOST,
    ("DELETE", "/whip/{show}/{session}"): HOST,
    ("GET", "/whip/{show}/{session}"): PUBLIC,
    ("OPTIONS", "/whip/{show}/{session}"): PUBLIC,
    ("POST", "/whep/{show}/{canvas}"): FEED,
    ("GET", "/whep/{show}/{canvas}"): PUBLIC,
    ("OPTIONS", "/whep/{show}/{canvas}"): PUBLIC,
    ("PATCH", "/whep/{show}/{canvas}/{session}"): FEED,
    ("DELETE", "/whep/{show}/{canvas}/{session}"): FEED,
    ("GET", "/whep/{show}/{canvas}/{session}"): PUBLIC,
    ("OPTIONS", "/whep/{show}/{canvas}/{session}"): PUBLIC,
}

CREW_COOKIE = "shopcast_session"
HOST_COOKIE = "shopcast_host"
SESSION_S = 24 * 3600

_WHOSE = {"owner": "an owner's", "producer": "a producer's", "host": "a host's"}

_SAFE = ("GET", "HEAD", "OPTIONS")


class RouteWithoutRule(ShopcastError):
    """A route that RULES does not know, or a rule that no route has: a mistake of ours."""


def check_rules(routes: Iterable[web.AbstractRoute]) -> None:
    """Raises RouteWithoutRule unless routes and rules are the same."""
    found = {(_verb(route.method), _address(route)) for route in routes}
    if found != RULES.keys():
        raise RouteWithoutRule(f"without a rule or a route: {sorted(found ^ RULES.keys())}")


@web.middleware
async def authorize(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let only those through whom the route's rule names."""
    if request.match_info.http_exception is not None:
        return await handler(request)
    route = request.match_info.route
    if RULES[_verb(route.method), _address(route)] is not PUBLIC:
        request[PRINCIPAL] = await authorized(request)
    return await handler(request)


async def authorized(request: web.Request) -> Principal:
    """Who asks, if they may. Raises Unauthorized or Forbidden, and TooManyRequests for an
    address that keeps sending tokens which nobody knows: each is looked up in Redis."""
    route = request.match_info.route
    rule = RULES[_verb(route.method), _address(route)]
    node, hashed = request.app[NODE], sent_token_hash(request)
    if not node.knows(hashed):
        request.app[GUESSES].take(request.remote or "")
    show_id = request.match_info.get("show")
    principal = await node.identify(hashed, None if show_id is None else ShowId(show_id))
    if principal.role not in rule:
        raise Forbidden(f"{_WHOSE[principal.role]} token may not do this")
    if principal.role == "host":
        named = request.match_info
        if named.get("show", principal.show_id) != principal.show_id or (
            named.get("feed", principal.feed_id) != principal.feed_id
        ):
            raise Forbidden("a host's token is good for their own feed only")
    return principal


def session_cookie(principal: Principal) -> tuple[str, str]:
    """Name and path: a host's cookie goes to their feed's addresses only, so that one browser
    can hold it beside the crew's."""
    if principal.role == "host":
        return HOST_COOKIE, f"/api/v1/shows/{principal.show_id}/feeds/{principal.feed_id}"
    return CREW_COOKIE, "/"


def sent_token_hash(request: web.Request) -> str:
    """The hash of the token that came, as Bearer or by the cookie it was exchanged for."""
    given = request.headers.get("Authorization")
    if given is not None:
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("send the token as `Authorization: Bearer …`")
        return token_hash(Secret(token.strip()))
    sealed = request.cookies.get(CREW_COOKIE) or request.cookies.get(HOST_COOKIE)
    if sealed is None:
        raise Unauthorized
    if request.method not in _SAFE:
        _check_origin(request)
    try:
        return request.app[VAULT].open(sealed, max_age_s=SESSION_S).reveal()
    except UnreadableSecret:
        raise Unauthorized("the session has ended: sign in again") from None


def _check_origin(request: web.Request) -> None:
    """A browser sends cookies whoever's page asks: take them from our own pages only."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        ours = site == "same-origin"
    else:
        origin = request.headers.get("Origin", "")
        own = request.app[DEPLOYMENT].base_url, f"http://{request.host}", f"https://{request.host}"
        ours = origin in own
    if not ours:
        raise Forbidden("a session's cookie is good for requests from this server's pages only")


def _verb(method: str) -> str:
    return "GET" if method == "HEAD" else method


def _address(route: web.AbstractRoute) -> str:
    return route.resource.canonical if route.resource is not None else ""
