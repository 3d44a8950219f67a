"""WHIP, RFC 9725: a host publishes one camera and one microphone with one POST.

Trickle ICE is taken; ICE restart is not (422, §4.3.1): a page that lost its path publishes anew,
which takes the old session's place at once.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from aiohttp import web

from mediaserver.api.bodies import BODY_TIMEOUT_S, MAX_BODY_BYTES, read_bytes
from mediaserver.api.keys import DEPLOYMENT
from mediaserver.clock import Clock
from mediaserver.errors import NotFound, Unauthorized
from mediaserver.feed import Feed
from mediaserver.packet import ShowId
from mediaserver.rate_limit import RateLimit
from mediaserver.settings import IceServer
from mediaserver.webrtc.publishing import Publishing
from mediaserver.webrtc.sdp import SdpError, parse_fragment, parse_offer
from mediaserver.webrtc.session import WhipSession, WhipSessions

OFFER_TYPE = "application/sdp"
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"
ENDPOINT = "/whip/{show}"
SESSION = "/whip/{show}/{session}"

_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Retry-After",
}
_PREFLIGHT = {
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "86400",
}


def routes(publishing: Publishing, sessions: WhipSessions, clock: Clock) -> list[web.RouteDef]:
    """The WHIP endpoint of each show, and the sessions it makes."""
    whip = _Whip(publishing, sessions, clock)
    return [
        web.post(ENDPOINT, whip.publish),
        web.get(ENDPOINT, whip.describe_endpoint),
        web.options(ENDPOINT, whip.endpoint_options),
        web.patch(SESSION, whip.trickle),
        web.delete(SESSION, whip.end),
        web.get(SESSION, whip.describe_session),
        web.options(SESSION, whip.session_options),
    ]


async def allow_any_origin(request: web.Request, response: web.StreamResponse) -> None:
    """Signal for `Application.on_response_prepare`: pages from anywhere may publish.

    Errors too: a page that may not read them could not say what is wrong.
    """
    if request.path.startswith("/whip/"):
        response.headers.update(_CORS)


class _Whip:
    def __init__(self, publishing: Publishing, sessions: WhipSessions, clock: Clock) -> None:
        self._publishing = publishing
        self._sessions = sessions
        self._publish_limit = RateLimit(20, 1.0, clock)
        self._session_limit = RateLimit(40, 5.0, clock)

    async def publish(self, request: web.Request) -> web.Response:
        self._publish_limit.take(request.remote or "")
        show_id = ShowId(request.match_info["show"])
        token = _token(request)

        async def welcome() -> Feed:
            await self._publishing.show(show_id)
            feed = self._publishing.publisher(show_id, token)
            there = self._publishing.elsewhere(show_id)
            if there not in (None, request.app[DEPLOYMENT].base_url):
                raise web.HTTPTemporaryRedirect(f"{there}/whip/{show_id}")  # RFC 9725 §4.5
            if feed.source is None:
                self._publishing.reserve()
            return feed

        feed = await welcome()
        offer = parse_offer(await _body(request, OFFER_TYPE))
        session, answer = await self._sessions.open(show_id, feed, offer, welcome)
        response = web.Response(status=201, text=answer, content_type=OFFER_TYPE)
        root = urlsplit(request.app[DEPLOYMENT].base_url).path
        response.headers["Location"] = f"{root}/whip/{show_id}/{session.id}"
        response.headers["ETag"] = session.etag
        for link in ice_server_links(self._sessions.settings.servers):
            response.headers.add("Link", link)
        return response

    async def trickle(self, request: web.Request) -> web.Response:
        session = self._session_of(request)
        text = await _body(request, FRAGMENT_TYPE)
        condition = request.headers.get("If-Match")
        if condition is None:
            raise web.HTTPPreconditionRequired(text="send the session's ETag as If-Match")
        named = [tag.strip() for tag in condition.split(",")]
        if named != ["*"] and session.etag not in named:
            raise web.HTTPPreconditionFailed(text="this ETag is of another ICE session")
        fragment = parse_fragment(text)
        if fragment.credentials not in (None, session.remote_credentials):
            raise web.HTTPUnprocessableEntity(
                text="ICE restart is not supported here: publish anew with POST"
            )
        await session.add_candidates(fragment.candidates)
        return web.Response(status=204)

    async def end(self, request: web.Request) -> web.Response:
        await self._sessions.leave(self._session_of(request))
        return web.Response(status=200)

    async def describe_endpoint(self, _request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def describe_session(self, request: web.Request) -> web.Response:
        self._session_limit.take(request.remote or "")
        self._find_session(request)
        return web.Response(status=204)

    async def endpoint_options(self, _request: web.Request) -> web.Response:
        allowed = "POST, GET, HEAD, OPTIONS"
        return web.Response(
            headers=_PREFLIGHT
            | {"Allow": allowed, "Access-Control-Allow-Methods": allowed, "Accept-Post": OFFER_TYPE}
        )

    async def session_options(self, _request: web.Request) -> web.Response:
        allowed = "PATCH, DELETE, GET, HEAD, OPTIONS"
        return web.Response(
            headers=_PREFLIGHT
            | {
                "Allow": allowed,
                "Access-Control-Allow-Methods": allowed,
                "Accept-Post": OFFER_TYPE,
                "Accept-Patch": FRAGMENT_TYPE,
            }
        )

    def _session_of(self, request: web.Request) -> WhipSession:
        """The session in the URL, if the token is its feed's."""
        self._session_limit.take(request.remote or "")
        feed = self._publishing.publisher(request.match_info["show"], _token(request))
        session = self._find_session(request)
        if session.feed is not feed:
            raise NotFound("session", session.id)
        return session

    def _find_session(self, request: web.Request) -> WhipSession:
        session_id = request.match_info["session"]
        session = self._sessions.get(session_id)
        if session is None or session.show_id != request.match_info["show"]:
            raise NotFound("session", session_id)
        return session


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("send the invitation's token as Authorization: Bearer")
    return token.strip()


async def _body(request: web.Request, content_type: str) -> str:
    if request.content_type != content_type:
        raise web.HTTPUnsupportedMediaType(text=f"send {content_type}")
    body = await read_bytes(request, MAX_BODY_BYTES, BODY_TIMEOUT_S)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise SdpError("the body is not UTF-8 text") from None


def ice_server_links(servers: Sequence[IceServer]) -> list[str]:
    """Values of Link headers (RFC 9725 §4.6)."""
    links = []
    for server in servers:
        account = ""
        if server.username is not None and server.credential is not None:
            account = (
                f"; username={_quoted(server.username)}"
                f"; credential={_quoted(server.credential.reveal())}"
                '; credential-type="password"'
            )
        links += [f'<{url}>; rel="ice-server"{account}' for url in server.urls]
    return links


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
