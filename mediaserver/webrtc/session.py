"""Live WHIP sessions: each one host's connection, from the answer to the end."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence

from mediaserver.clock import Clock
from mediaserver.decoder import BT601
from mediaserver.errors import NotFound
from mediaserver.feed import Feed, Source
from mediaserver.packet import AccessUnit
from mediaserver.webrtc.receiver import Receiver, ReceiverStats
from mediaserver.webrtc.sdp import Candidate, IceCredentials, Offer
from mediaserver.webrtc.transport import IceSettings, PeerTransport, TransportError

log = logging.getLogger(__name__)


class WhipSession:
    """One host's connection, the source of a feed while it lasts.

    It is answered, then started; `close` ends it from our side. Browsers seldom tag pictures, and
    theirs are BT.601 at every size (docs/adr/0007).
    """

    untagged_matrix = BT601

    def __init__(
        self, show_id: str, feed: Feed, offer: Offer, settings: IceSettings, clock: Clock
    ) -> None:
        self.id = secrets.token_urlsafe(24)
        self.etag = f'"{secrets.token_urlsafe(9)}"'
        self.show_id = show_id
        self.feed = feed
        self.remote_credentials: IceCredentials = offer.credentials
        self._offer = offer
        self._clock = clock
        self._transport = PeerTransport(
            settings,
            on_rtp=self._rtp_received,
            on_rtcp=lambda data: self._receiver.rtcp_received(data, clock.now()),
        )
        self._receiver = Receiver(offer, sink=self._push, send=self._transport.send_rtcp)
        self._timer: asyncio.TimerHandle | None = None
        self._tick_s = float("inf")
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    async def answer(self) -> str:
        """Answer the offer. Raises NodeFull without a UDP port."""
        return await self._transport.answer(self._offer)

    def start(self) -> asyncio.Task[None]:
        """Connect, then carry media until either side ends it."""
        self._task = asyncio.create_task(self._run(), name=f"whip-{self.feed.id}")
        return self._task

    async def add_candidates(self, candidates: Sequence[Candidate]) -> None:
        await self._transport.add_candidates(candidates)

    def request_keyframe(self) -> None:
        if not self._ended:
            self._receiver.request_keyframe(self._clock.now())

    async def close(self) -> None:
        """End the session and wait until its sockets are closed."""
        self.silence()
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        self.feed.detach(self)
        await self._transport.close()

    def take_the_rest(self) -> None:
        """Give the feed what has come and was not read yet."""
        self._transport.read_waiting()

    def silence(self) -> None:
        """Nothing goes from here to the feed any more."""
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Ours, as the host was told."""
        return self._transport.candidates

    @property
    def srtp_errors(self) -> int:
        return self._transport.srtp_errors

    def stats(self) -> ReceiverStats:
        return self._receiver.stats()

    async def _run(self) -> None:
        try:
            await self._transport.connect(
                self._offer.credentials, self._offer.fingerprints, self._offer.setup
            )
            log.info("whip_connected feed=%s session=%.6s…", self.feed.id, self.id)
            self._tick()
            await self._transport.closed.wait()
            log.info("whip_ended feed=%s session=%.6s…", self.feed.id, self.id)
        except TransportError as error:
            log.info("whip_failed feed=%s session=%.6s… reason=%s", self.feed.id, self.id, error)
        finally:
            self.silence()
            self.feed.detach(self)
            await self._transport.close()

    def _rtp_received(self, data: bytes) -> None:
        now = self._clock.now()
        self._receiver.rtp_received(data, now, self._transport.age_s)
        if self._receiver.due_s < self._tick_s:
            self._tick_later(now)

    def _tick(self) -> None:
        now = self._clock.now()
        self._receiver.tick(now)
        self._tick_later(now)

    def _tick_later(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._ended:
            self._tick_s = self._receiver.due_s
            self._timer = asyncio.get_running_loop().call_later(self._tick_s - now, self._tick)

    def _push(self, unit: AccessUnit) -> None:
        if not self._ended and self.feed.source is self:
            self.feed.push(unit)


class WhipSessions:
    """The sessions of this node, by id; owns their tasks."""

    def __init__(self, settings: IceSettings, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self._sessions: dict[str, WhipSession] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, session_id: str) -> WhipSession | None:
        return self._sessions.get(session_id)

    async def open(
        self,
        show_id: str,
        feed: Feed,
        offer: Offer,
        welcome: Callable[[], Awaitable[Feed]],
        device: str = "",
    ) -> tuple[WhipSession, str]:
        """A new session that joins `feed` from `device`, and the answer to its offer.

        Answering takes time, so `welcome` has the last word: it gives the feed that the host may
        publish now, or raises. What brought the feed before is closed. Raises NodeFull without
        a UDP port, NotFound when the feed has been removed.
        """
        session = WhipSession(show_id, feed, offer, self.settings, self._clock)
        try:
            answer = await session.answer()
            if await welcome() is not feed:
                raise NotFound("feed", feed.id)
        except BaseException:
            await session.close()
            raise
        # No await from the welcome to here: what it saw still holds.
        self._sessions[session.id] = session
        previous = feed.join(session, device)
        if previous is not None:
            self._retire(previous)
        session.start().add_done_callback(lambda task: self._ended(session, task))
        log.info("whip_opened feed=%s session=%.6s…", feed.id, session.id)
        return session, answer

    async def leave(self, session: WhipSession) -> None:
        """The host ended the session on purpose."""
        session.take_the_rest()
        session.feed.detach(session, left=True)
        await session.close()

    async def close_all(self) -> None:
        await asyncio.gather(*(session.close() for session in list(self._sessions.values())))
        while self._closing:
            await asyncio.wait(self._closing)

    def _retire(self, source: Source) -> None:
        if isinstance(source, WhipSession):
            source.silence()
        task: asyncio.Task[None] = asyncio.create_task(source.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _ended(self, session: WhipSession, task: asyncio.Task[None]) -> None:
        self._sessions.pop(session.id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("whip_crashed feed=%s", session.feed.id, exc_info=error)
