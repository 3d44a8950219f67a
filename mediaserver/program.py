"""A canvas on air: composed and encoded once, tick by tick, for any number of readers."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import av

from compositor.geometry import Size
from mediaserver import flv
from mediaserver.clock import Clock
from mediaserver.encoder import AUDIO_BITRATE_BPS, VideoEncoder, VideoEncoding
from mediaserver.errors import Conflict
from mediaserver.fanout import Fanout
from mediaserver.mixer import AudioBus
from mediaserver.pacer import Pacer
from mediaserver.packet import CanvasId, EncodedPacket
from mediaserver.stage import Scene, Stage, drawings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProgramStats:
    """Counters since the program started; `fps` is that of the last second."""

    frames: int
    late_ticks: int
    fps: float


class Program:
    """One thread that paces, composes and encodes one canvas, and a fan-out for its packets."""

    def __init__(
        self,
        canvas: CanvasId,
        encoding: VideoEncoding,
        *,
        audio: AudioBus,
        clock: Clock,
        on_failure: Callable[[Exception], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._now = now
        self.audio = audio
        self._on_failure = on_failure
        self._size = Size(encoding.width, encoding.height)
        self._fps = encoding.fps
        self._stage = Stage(self._size, float(encoding.fps))
        self._encoder = VideoEncoder(encoding)
        self._pacer = Pacer(audio.epoch_s, encoding.fps)
        self._delivered: deque[float] = deque(maxlen=round(encoding.fps) + 1)
        self._frames = 0
        self._scene = Scene.empty()
        self._drawing: asyncio.Task[None] | None = None
        self._snapshot_waiters: deque[asyncio.Future[av.VideoFrame]] = deque()
        self._stopping = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name=f"canvas-{canvas}", daemon=True)
        self.fanout = Fanout(
            flv.on_metadata(
                width=encoding.width,
                height=encoding.height,
                fps=float(encoding.fps),
                video_bitrate_bps=encoding.bitrate_bps,
                audio_bitrate_bps=AUDIO_BITRATE_BPS,
            )
        )

    def start(self) -> None:
        """Begin with the next tick of the show's clock."""
        self.fanout.publish(self._encoder.header)
        self.audio.add(self.fanout)
        self._thread.start()

    async def stop(self) -> None:
        """End the thread after the tick it is in."""
        self.audio.remove(self.fanout)
        self._stopping.set()
        if self._drawing is not None:
            await asyncio.gather(self._drawing, return_exceptions=True)
        await asyncio.to_thread(self._thread.join)
        while self._snapshot_waiters:
            waiter = self._snapshot_waiters.popleft()
            if not waiter.done():
                waiter.set_exception(Conflict("the canvas has just stopped"))

    def show(self, scene: Scene) -> None:
        """Compose `scene` from the next tick on; other overlays, or another background, from
        when they are drawn."""
        self._scene = scene
        if self._drawing is None and not self._stage.drawings.serve(scene):
            self._drawing = self._loop.create_task(self._draw())

    def stats(self) -> ProgramStats:
        """Counters, read at any time."""
        times = list(self._delivered)
        span_s = times[-1] - times[0] if len(times) > 1 else 0.0
        return ProgramStats(
            frames=self._frames,
            late_ticks=self._pacer.late,
            fps=(len(times) - 1) / span_s if span_s > 0 else 0.0,
        )

    async def snapshot(self, timeout_s: float = 1.0) -> av.VideoFrame:
        """A copy of the next composed picture.

        Raises TimeoutError when none comes, Conflict when the program stops.
        """
        waiter: asyncio.Future[av.VideoFrame] = self._loop.create_future()
        self._snapshot_waiters.append(waiter)
        async with asyncio.timeout(timeout_s):
            return await waiter

    async def _draw(self) -> None:
        """Draw what the latest scene needs beside the canvas's thread, which cannot wait."""
        try:
            tried: Scene | None = None
            while self._scene is not tried and not self._stopping.is_set():
                tried = self._scene
                if not self._stage.drawings.serve(tried):
                    await self._draw_scene(tried)
        finally:
            self._drawing = None

    async def _draw_scene(self, scene: Scene) -> None:
        """Draw `scene`, or keep the last drawings if that fails."""
        try:
            self._stage.drawings = await asyncio.to_thread(drawings, scene, self._size, self._now())
        except Exception:
            log.exception("a scene cannot be drawn; the last drawings stay")

    def _publish(self, packets: list[EncodedPacket]) -> None:
        self.fanout.publish(*self.audio.taken(self.fanout), *packets)

    def _run(self) -> None:
        try:
            self._pace()
        except Exception as error:  # noqa: BLE001 - the show that owns this thread decides
            self._loop.call_soon_threadsafe(self._on_failure, error)

    def _pace(self) -> None:
        pacer, clock = self._pacer, self._clock
        tick = pacer.first_after(clock.now())
        while not self._stopping.wait(pacer.due_s(tick) - clock.now()):
            frame = self._stage.compose(self._scene, float(tick / self._fps), self._now())
            given_s = clock.now()
            pacer.delivered(tick, given_s)
            self._delivered.append(given_s)
            packets = self._encoder.encode(frame, tick)
            self.audio.make_due()
            self._frames += 1
            self._loop.call_soon_threadsafe(self._publish, packets)
            self._answer_snapshots(frame)
            tick = pacer.following(tick, clock.now())

    def _answer_snapshots(self, frame: av.VideoFrame) -> None:
        while self._snapshot_waiters:
            waiter = self._snapshot_waiters.popleft()
            copy = av.VideoFrame.from_ndarray(frame.to_ndarray(), format="yuv420p")
            self._loop.call_soon_threadsafe(self._resolve, waiter, copy)

    @staticmethod
    def _resolve(waiter: asyncio.Future[av.VideoFrame], frame: av.VideoFrame) -> None:
        if not waiter.done():
            waiter.set_result(frame)
