"""Live WHEP sessions: each one player's connection, from the answer to the end."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence

from mediaserver.clock import Clock
from mediaserver.errors import NodeFull
from mediaserver.fanout import PacketQueue
from mediaserver.opus import OpusPacket, OpusStreams
from mediaserver.packet import CanvasId, FeedId
from mediaserver.program import Program
from mediaserver.show import Show
from mediaserver.webrtc.sdp import Candidate, IceCredentials, Offer, Stream
from mediaserver.webrtc.sending import RELEASE_INTERVAL_S, Sender
from mediaserver.webrtc.transport import IceSettings, PeerTransport, TransportError

log = logging.getLogger(__name__)

SILENT_FOR_S = 15.0
"""A player reports every second or so: one that is silent so long has gone."""

MOST_FOR_ONE_FEED = 4
"""Players that hear the mix without one feed's voice: a host does not take everybody's room."""


class Viewer:
    """One player's connection, a reader of a canvas while it lasts.

    The mix comes with it, `without` the voice of the host who watches. It is answered, then
    started; `close` ends it from our side, and so does `may_watch` when it is no longer true.
    """

    def __init__(
        self,
        show: Show,
        canvas_id: CanvasId,
        without: FeedId | None,
        offer: Offer,
        *,
        may_watch: Callable[[], bool],
        settings: IceSettings,
        sounds: OpusStreams,
        clock: Clock,
    ) -> None:
        self.id = secrets.token_urlsafe(24)
        self.etag = f'"{secrets.token_urlsafe(9)}"'
        self.show_id = show.id
        self.canvas_id = canvas_id
        self.without = without
        self.remote_credentials: IceCredentials = offer.credentials
        self._show = show
        self._offer = offer
        self._may_watch = may_watch
        self._sounds = sounds
        self._clock = clock
        self._transport = PeerTransport(
            settings,
            on_rtp=lambda data: None,
            on_rtcp=lambda data: self._sender.rtcp_received(data, clock.now()),
        )
        cname = secrets.token_hex(8)
        self._streams = [
            Stream(media.kind, secrets.randbits(32), secrets.randbits(32), cname)
            for media in offer.media
        ]
        self._sender = Sender(
            offer,
            self._streams,
            began_s=clock.now(),
            began_unix_s=time.time(),
            send_rtp=self._transport.send_rtp,
            send_rtcp=self._transport.send_rtcp,
        )
        self._sends_sound = any(stream.kind == "audio" for stream in self._streams)
        self._program: Program | None = None
        self._connected = False
        self._packets: PacketQueue | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._release_timer: asyncio.Handle | None = None
        self._task: asyncio.Task[None] | None = None

    async def answer(self) -> str:
        """Answer the offer. Raises NodeFull without a UDP port."""
        return await self._transport.answer(self._offer, self._streams)

    def start(self) -> asyncio.Task[None]:
        """Have the canvas made, connect, then send until either side ends it. Raises NotFound."""
        self._show.add_reader(self.canvas_id, self)
        self._task = asyncio.create_task(self._run(), name=f"whep-{self.show_id}-{self.canvas_id}")
        return self._task

    async def add_candidates(self, candidates: Sequence[Candidate]) -> None:
        await self._transport.add_candidates(candidates)

    async def close(self) -> None:
        """End the session and wait until its sockets are closed."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        self._show.remove_reader(self.canvas_id, self)
        await self._transport.close()

    # ---- what its canvas tells it (mediaserver.air.Reader)

    def begin(self, program: Program) -> None:
        self._program = program
        self._read()

    def end(self) -> None:
        self._stop_reading()
        self._program = None

    # ---- the connection

    async def _run(self) -> None:
        try:
            await self._transport.connect(
                self._offer.credentials, self._offer.fingerprints, self._offer.setup
            )
            log.info("whep_connected show=%s session=%.6s…", self.show_id, self.id)
            self._connected = True
            self._sender.heard_s = self._clock.now()
            self._read()
            self._tick()
            await self._transport.closed.wait()
        except TransportError as error:
            log.info("whep_failed show=%s session=%.6s… reason=%s", self.show_id, self.id, error)
        finally:
            self._connected = False
            for timer in (self._timer, self._release_timer):
                if timer is not None:
                    timer.cancel()
            self._show.remove_reader(self.canvas_id, self)
            await self._transport.close()

    def _read(self) -> None:
        """Take the program's packets, once there is a program and somebody to send them to."""
        program = self._program
        if program is None or not self._connected:
            return
        self._sender.begin(program.audio.epoch_s)
        self._packets = program.fanout.subscribe(self._packet_came)
        self._packet_came()
        if self._sends_sound:
            self._sounds.listen(program.audio, self.without, self._sound_came)

    def _stop_reading(self) -> None:
        program, packets = self._program, self._packets
        if program is None or packets is None:
            return
        self._packets = None
        program.fanout.unsubscribe(packets)
        if self._sends_sound:
            self._sounds.leave(program.audio, self.without, self._sound_came)

    def _packet_came(self) -> None:
        """Send in a turn of the loop of our own: what goes wrong here is not the program's."""
        if self._release_timer is None:
            self._release_timer = asyncio.get_running_loop().call_soon(self._release)

    def _release(self) -> None:
        self._release_timer = None
        now = self._clock.now()
        while self._packets is not None and (packet := self._packets.pop()) is not None:
            if packet.kind == "video":
                self._sender.picture(packet, now)
        if self._sender.release(now) and self._connected:
            loop = asyncio.get_running_loop()
            self._release_timer = loop.call_later(RELEASE_INTERVAL_S, self._release)

    def _sound_came(self, packet: OpusPacket) -> None:
        self._sender.sound(packet, self._clock.now())

    def _tick(self) -> None:
        now = self._clock.now()
        silent = now - self._sender.heard_s > SILENT_FOR_S
        if silent or not self._may_watch():
            reason = "silent" if silent else "no_longer_allowed"
            log.info("whep_closed show=%s session=%.6s… reason=%s", self.show_id, self.id, reason)
            self._transport.closed.set()
            return
        self._timer = asyncio.get_running_loop().call_later(self._sender.tick(now), self._tick)


class Viewers:
    """The players of this node, by id, `room` at most; owns their tasks."""

    def __init__(self, settings: IceSettings, room: int, clock: Clock) -> None:
        self.settings = settings
        self._room = room
        self._clock = clock
        self._sounds = OpusStreams()
        self._opening: list[Viewer] = []
        self._viewers: dict[str, Viewer] = {}

    def __len__(self) -> int:
        return len(self._viewers)

    def get(self, session_id: str) -> Viewer | None:
        return self._viewers.get(session_id)

    async def open(
        self,
        show: Show,
        canvas_id: CanvasId,
        without: FeedId | None,
        offer: Offer,
        may_watch: Callable[[], bool],
    ) -> tuple[Viewer, str]:
        """A new player's session, and the answer to its offer.

        Raises NodeFull, also without a UDP port, and NotFound when the canvas is gone.
        """
        present = [*self._viewers.values(), *self._opening]
        if len(present) >= self._room:
            raise NodeFull("previews")
        alike = [v for v in present if (v.show_id, v.without) == (show.id, without)]
        if without is not None and len(alike) >= MOST_FOR_ONE_FEED:
            raise NodeFull("previews for one feed")
        viewer = Viewer(
            show,
            canvas_id,
            without,
            offer,
            may_watch=may_watch,
            settings=self.settings,
            sounds=self._sounds,
            clock=self._clock,
        )
        self._opening.append(viewer)
        try:
            answer = await viewer.answer()
            task = viewer.start()
        except BaseException:
            await viewer.close()
            raise
        finally:
            self._opening.remove(viewer)
        self._viewers[viewer.id] = viewer
        task.add_done_callback(lambda task: self._ended(viewer, task))
        log.info("whep_opened show=%s canvas=%s session=%.6s…", show.id, canvas_id, viewer.id)
        return viewer, answer

    async def close_all(self) -> None:
        await asyncio.gather(*(viewer.close() for viewer in list(self._viewers.values())))

    def _ended(self, viewer: Viewer, task: asyncio.Task[None]) -> None:
        self._viewers.pop(viewer.id, None)
        log.info("whep_ended show=%s session=%.6s…", viewer.show_id, viewer.id)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("whep_crashed show=%s", viewer.show_id, exc_info=error)
