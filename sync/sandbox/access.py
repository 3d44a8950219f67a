"""Authorization over HTTP: the consent page, and the tokens that its code is changed for."""

import hmac
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sync.sandbox import consent
from sync.sandbox.envelope import envelope
from sync.sandbox.errors import ControlError, Refused
from sync.sandbox.expiry import announce
from sync.sandbox.failing import failed, refused, unanswered
from sync.sandbox.faults import DONE_BEFORE_FAILING
from sync.sandbox.tokens import Pair
from sync.sandbox.wire import AUTHORIZE, TOKEN_GET, TOKEN_REFRESH, Code
from sync.sandbox.world import World

_GRANT_TYPES = {"token_get": "authorized_code", "token_refresh": "refresh_token"}


def agree(world: World, seller: str, state: str | None) -> str:
    """The seller allows the app: where the browser is sent. Raises ControlError."""
    code = world.tokens.consent(world.seller(seller), world.scopes)
    return consent.redirect(_redirect_url(world), app_key=world.app_key, code=code, **_of(state))


def refuse(world: World, state: str | None) -> str:
    """The seller denies it. Raises ControlError."""
    return consent.redirect(_redirect_url(world), code="null", error="auth_denied", **_of(state))


def routes(world: World) -> list[web.RouteDef]:
    async def page(request: web.Request) -> web.Response:
        if request.query.get("service_id") != world.service_id:
            return _page(400, consent.trouble("There is no app with this service_id."))
        sellers = list(world.sellers.values())
        state = request.query.get("state", "")
        return _page(200, consent.form(sellers, world.service_id, state, world.scopes))

    async def decide(request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("service_id") != world.service_id:
            return _page(400, consent.trouble("There is no app with this service_id."))
        state = str(form.get("state") or "") or None
        try:
            if form.get("answer") == "allow":
                location = agree(world, str(form.get("seller", "")), state)
            else:
                location = refuse(world, state)
        except ControlError as error:
            return _page(400, consent.trouble(str(error)))
        return web.Response(status=302, headers={"location": location})

    async def token_get(request: web.Request) -> web.Response:
        return await _tokens(world, request, "token_get")

    async def token_refresh(request: web.Request) -> web.Response:
        return await _tokens(world, request, "token_refresh")

    return [
        web.get(AUTHORIZE, page),
        web.post(AUTHORIZE, decide),
        web.get(TOKEN_GET, token_get),
        web.get(TOKEN_REFRESH, token_refresh),
    ]


async def _tokens(world: World, request: web.Request, name: str) -> web.Response:
    fault = world.faults.next(name)
    if fault is not None and fault not in DONE_BEFORE_FAILING:
        return failed(world, name, fault, request)
    try:
        pair = _pair(world, request.query, name)
    except Refused as error:
        return refused(world, name, error)
    world.requests[name, Code.OK] += 1
    if fault is not None:
        return await unanswered(world, fault, request)
    return envelope(Code.OK, "success", world.faults.changed(name, _told(pair)))


def _pair(world: World, query: Mapping[str, str], name: str) -> Pair:
    """Raises Refused."""
    if query.get("app_key") != world.app_key:
        raise Refused(Code.INVALID, "Invalid credentials: Invalid `app_key`.")
    secret = query.get("app_secret", "")
    if not hmac.compare_digest(secret.encode(), world.app_secret.encode()):
        raise Refused(Code.INVALID, "Invalid credentials: Invalid `app_secret`.")
    grant_type = _GRANT_TYPES[name]
    if query.get("grant_type") != grant_type:
        raise Refused(Code.INVALID, f"`grant_type` must be {grant_type}.")
    if name == "token_refresh":
        return world.tokens.refresh(query.get("refresh_token", ""))
    pair = world.tokens.redeem(query.get("auth_code", ""))
    announce(world, pair.authorization)
    return pair


def _told(pair: Pair) -> dict[str, Any]:
    seller = pair.authorization.seller
    return {
        "access_token": pair.access_token,
        "access_token_expire_in": pair.access_token_expire_in,
        "granted_scopes": list(pair.authorization.scopes),
        "open_id": seller.open_id,
        "refresh_token": pair.refresh_token,
        "refresh_token_expire_in": pair.refresh_token_expire_in,
        "seller_base_region": seller.base_region,
        "seller_name": seller.name,
        "user_type": seller.user_type,
    }


def _redirect_url(world: World) -> str:
    if world.redirect_url is None:
        raise ControlError(
            "the app has no redirect URL: start the sandbox with --redirect-url, or give it one "
            "with POST /_control/app"
        )
    return world.redirect_url


def _of(state: str | None) -> dict[str, str]:
    return {} if state is None else {"state": state}


def _page(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html")
