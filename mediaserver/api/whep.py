"""WHEP (draft-ietf-wish-whep, experimental): a canvas and the mix, watched with one POST."""

from collections.abc import Callable

from aiohttp import web

from mediaserver.api.keys import DEPLOYMENT, NODE, PRINCIPAL
from mediaserver.api.roles import sent_token_hash
from mediaserver.api.shows import show_of
from mediaserver.api.signalling import (
    created,
    describe_endpoint,
    endpoint_options,
    offer_of,
    session_options,
    trickled,
)
from mediaserver.clock import Clock
from mediaserver.errors import Forbidden, NotFound
from mediaserver.packet import CanvasId, FeedId
from mediaserver.rate_limit import RateLimit
from mediaserver.show import Show
from mediaserver.webrtc.sdp import parse_offer
from mediaserver.webrtc.viewing import Viewer, Viewers

ENDPOINT = "/whep/{show}/{canvas}"
SESSION = "/whep/{show}/{canvas}/{session}"


def routes(viewers: Viewers, clock: Clock) -> list[web.RouteDef]:
    """The WHEP endpoint of each canvas, and the sessions it makes."""
    whep = _Whep(viewers, clock)
    return [
        web.post(ENDPOINT, whep.watch),
        web.get(ENDPOINT, describe_endpoint),
        web.options(ENDPOINT, endpoint_options),
        web.patch(SESSION, whep.trickle),
        web.delete(SESSION, whep.end),
        web.get(SESSION, whep.describe_session),
        web.options(SESSION, session_options),
    ]


class _Whep:
    def __init__(self, viewers: Viewers, clock: Clock) -> None:
        self._viewers = viewers
        self._watch_limit = RateLimit(20, 1.0, clock)
        self._session_limit = RateLimit(40, 5.0, clock)

    async def watch(self, request: web.Request) -> web.Response:
        self._watch_limit.take(request.remote or "")
        show = await show_of(request)
        canvas_id = CanvasId(request.match_info["canvas"])
        show.canvas(canvas_id)
        without = _own_feed(request)
        if without is not None:
            show.feed(without)
        there = _elsewhere(request, show)
        if there is not None:
            raise web.HTTPTemporaryRedirect(f"{there}{request.path_qs}")
        offer = parse_offer(await offer_of(request), "receiver")
        viewer, answer = await self._viewers.open(
            show, canvas_id, without, offer, _may_watch(request, show, canvas_id)
        )
        path = f"/whep/{show.id}/{canvas_id}/{viewer.id}"
        return created(request, path, viewer, answer, self._viewers.settings.servers)

    async def trickle(self, request: web.Request) -> web.Response:
        return await trickled(request, self._viewer_of(request))

    async def end(self, request: web.Request) -> web.Response:
        await self._viewer_of(request).close()
        return web.Response(status=200)

    async def describe_session(self, request: web.Request) -> web.Response:
        self._find_viewer(request)
        return web.Response(status=204)

    def _viewer_of(self, request: web.Request) -> Viewer:
        """The session in the URL, if it may be whose token came."""
        viewer = self._find_viewer(request)
        principal = request[PRINCIPAL]
        if principal.role == "host" and viewer.without != principal.feed_id:
            raise NotFound("session", viewer.id)
        return viewer

    def _find_viewer(self, request: web.Request) -> Viewer:
        self._session_limit.take(request.remote or "")
        named = request.match_info
        viewer = self._viewers.get(named["session"])
        if viewer is None or (viewer.show_id, viewer.canvas_id) != (named["show"], named["canvas"]):
            raise NotFound("session", named["session"])
        return viewer


def _own_feed(request: web.Request) -> FeedId | None:
    """The feed whose voice is left out: for a host always their own. Raises Forbidden."""
    named = request.query.get("for")
    principal = request[PRINCIPAL]
    if principal.role != "host":
        return None if named is None else FeedId(named)
    if named not in (None, principal.feed_id):
        raise Forbidden("a host's token is good for their own feed only")
    return principal.feed_id


def _elsewhere(request: web.Request, show: Show) -> str | None:
    """The base URL of another server that has the show on air."""
    there = request.app[NODE].elsewhere(show.id)
    return None if there == request.app[DEPLOYMENT].base_url else there


def _may_watch(request: web.Request, show: Show, canvas_id: CanvasId) -> Callable[[], bool]:
    """Whether the token is still good, and what it was good for still here."""
    node, hashed = request.app[NODE], sent_token_hash(request)

    def may_watch() -> bool:
        return (
            show in node.known
            and canvas_id in show.record.canvases
            and node.knows(hashed)
            and _elsewhere(request, show) is None
        )

    return may_watch
