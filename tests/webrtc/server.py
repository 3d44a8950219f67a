"""A WHIP server around feeds that remember what they are given."""

import asyncio
import ssl
from collections.abc import Callable

from aiohttp import web

from mediaserver.api import pages, signalling, whip
from mediaserver.api.keys import DEPLOYMENT, Deployment
from mediaserver.api.problems import problems
from mediaserver.clock import Clock
from mediaserver.errors import Forbidden, NodeFull, NotFound, Unauthorized
from mediaserver.feed import Feed, Source
from mediaserver.packet import AccessUnit, FeedId, ShowId
from mediaserver.webrtc.session import WhipSessions
from mediaserver.webrtc.transport import IceSettings

SHOW = "spring-sale"
TOKEN = "sch_0123456789abcdef0123456789"
OTHER_TOKEN = "sch_fedcba98765432100123456789"
PRODUCER_TOKEN = "scp_0123456789abcdef0123456789"


class RecordingFeed(Feed):
    """A feed that keeps what a publisher brings, and can be waited on."""

    def __init__(self, feed_id: str, clock: Clock) -> None:
        super().__init__(FeedId(feed_id), feed_id, clock=clock)
        self.units: list[AccessUnit] = []
        self._changed = asyncio.Event()

    def push(self, unit: AccessUnit) -> None:
        self.units.append(unit)
        self._changed.set()

    def attach(self, source: Source) -> Source | None:
        self._changed.set()
        return super().attach(source)

    def detach(self, source: Source, *, left: bool = False) -> None:
        super().detach(source, left=left)
        self._changed.set()

    def of(self, kind: str) -> list[AccessUnit]:
        return [unit for unit in self.units if unit.kind == kind]

    async def until(self, done: Callable[[], bool], timeout_s: float = 30) -> None:
        """Wait until `done` holds; looked at whenever a unit comes."""
        async with asyncio.timeout(timeout_s):
            while not done():
                self._changed.clear()
                await self._changed.wait()


class FakeNode:
    """Publishing for one show with two invitations; at most `room` may publish."""

    def __init__(self, clock: Clock) -> None:
        self.feeds = {
            TOKEN: RecordingFeed("phone", clock),
            OTHER_TOKEN: RecordingFeed("desk", clock),
        }
        self.room = 2

    async def show(self, show_id: ShowId) -> object:
        if show_id != SHOW:
            raise NotFound("show", show_id)
        return self

    def publisher(self, show_id: str, token: str) -> Feed:
        if show_id != SHOW:
            raise NotFound("show", show_id)
        if token == PRODUCER_TOKEN:
            raise Forbidden("this token is not an invitation")
        if token not in self.feeds:
            raise Unauthorized("this invitation is not known")
        return self.feeds[token]

    def elsewhere(self, show_id: str) -> str | None:
        return None

    def reserve(self) -> None:
        if sum(feed.source is not None for feed in self.feeds.values()) >= self.room:
            raise NodeFull("feeds")


class WhipServer:
    """A running server; `url` is the show's WHIP endpoint."""

    def __init__(
        self, settings: IceSettings, clock: Clock, *, base_url: str = "http://localhost"
    ) -> None:
        self.node = FakeNode(clock)
        self.sessions = WhipSessions(settings, clock)
        self.app = web.Application(middlewares=[problems])
        self.app[DEPLOYMENT] = Deployment(base_url)
        self.app.add_routes(whip.routes(self.node, self.sessions, clock))
        self.app.router.add_get("/host", pages.host)
        self.app.router.add_get(r"/{name:[a-z]+\.(?:js|css)}", pages.asset)
        self.app.on_response_prepare.append(signalling.allow_any_origin)
        self._runner = web.AppRunner(self.app)
        self.origin = ""

    @property
    def url(self) -> str:
        return f"{self.origin}/whip/{SHOW}"

    @property
    def feed(self) -> RecordingFeed:
        return self.node.feeds[TOKEN]

    async def start(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, 0, ssl_context=tls)
        await site.start()
        port = self._runner.addresses[0][1]
        self.origin = f"{'https' if tls else 'http'}://{host}:{port}"

    async def stop(self) -> None:
        await self.sessions.close_all()
        await self._runner.cleanup()
