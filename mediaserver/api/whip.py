"""WHIP, RFC 9725: a host publishes one camera and one microphone with one POST.

A page that lost its path publishes anew, which takes the old session's place at once.
"""

from aiohttp import web

from mediaserver.api.keys import DEPLOYMENT
from mediaserver.api.signalling import (
    bearer,
    created,
    describe_endpoint,
    endpoint_options,
    offer_of,
    session_options,
    trickled,
)
from mediaserver.clock import Clock
from mediaserver.errors import BadRequest, NotFound
from mediaserver.feed import Feed
from mediaserver.packet import ShowId
from mediaserver.rate_limit import RateLimit
from mediaserver.secret import token_hash
from mediaserver.webrtc.publishing import Publishing
from mediaserver.webrtc.sdp import parse_offer
from mediaserver.webrtc.session import WhipSession, WhipSessions
from sync.secret import Secret

RESUME_HEADER = "Shopcast-Resume"
LONGEST_RESUME_SECRET = 200
CONTENDER_HEADER = "Shopcast-Contender"
"""Tells a host that the invitation's place is another device's, so that this one waits."""

ENDPOINT = "/whip/{show}"
SESSION = "/whip/{show}/{session}"


def routes(publishing: Publishing, sessions: WhipSessions, clock: Clock) -> list[web.RouteDef]:
    """The WHIP endpoint of each show, and the sessions it makes."""
    whip = _Whip(publishing, sessions, clock)
    return [
        web.post(ENDPOINT, whip.publish),
        web.get(ENDPOINT, describe_endpoint),
        web.options(ENDPOINT, endpoint_options),
        web.patch(SESSION, whip.trickle),
        web.delete(SESSION, whip.end),
        web.get(SESSION, whip.describe_session),
        web.options(SESSION, session_options),
    ]


class _Whip:
    def __init__(self, publishing: Publishing, sessions: WhipSessions, clock: Clock) -> None:
        self._publishing = publishing
        self._sessions = sessions
        self._publish_limit = RateLimit(20, 1.0, clock)
        self._session_limit = RateLimit(40, 5.0, clock)

    async def publish(self, request: web.Request) -> web.Response:
        self._publish_limit.take(request.remote or "")
        show_id = ShowId(request.match_info["show"])
        token = bearer(request)

        device = _device(request)

        async def welcome() -> Feed:
            await self._publishing.show(show_id)
            feed = self._publishing.publisher(show_id, token)
            there = self._publishing.elsewhere(show_id)
            if there not in (None, request.app[DEPLOYMENT].base_url):
                raise web.HTTPTemporaryRedirect(f"{there}/whip/{show_id}")  # RFC 9725 §4.5
            if feed.source is None or feed.device not in (None, device):
                self._publishing.reserve()
            return feed

        feed = await welcome()
        offer = parse_offer(await offer_of(request))
        session, answer = await self._sessions.open(show_id, feed, offer, welcome, device)
        path = f"/whip/{show_id}/{session.id}"
        response = created(request, path, session, answer, self._sessions.settings.servers)
        if feed.contender is not None and feed.contender[0] is session:
            response.headers[CONTENDER_HEADER] = "true"
        return response

    async def trickle(self, request: web.Request) -> web.Response:
        return await trickled(request, self._session_of(request))

    async def end(self, request: web.Request) -> web.Response:
        await self._sessions.leave(self._session_of(request))
        return web.Response(status=200)

    async def describe_session(self, request: web.Request) -> web.Response:
        self._session_limit.take(request.remote or "")
        self._find_session(request)
        return web.Response(status=204)

    def _session_of(self, request: web.Request) -> WhipSession:
        """The session in the URL, if the token is its feed's."""
        self._session_limit.take(request.remote or "")
        feed = self._publishing.publisher(request.match_info["show"], bearer(request))
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


def _device(request: web.Request) -> str:
    """The hash of the secret by which a host's device is known again; "" of one that sends none.
    Raises BadRequest."""
    secret = request.headers.get(RESUME_HEADER, "").strip()
    if len(secret) > LONGEST_RESUME_SECRET:
        raise BadRequest(f"{RESUME_HEADER} has at most {LONGEST_RESUME_SECRET} characters")
    return token_hash(Secret(secret)) if secret else ""
