"""The sound of a show: every admitted feed mixed and encoded once, whatever the canvases."""

import asyncio
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable
from fractions import Fraction

from mediaserver.audio_buffer import SAMPLE_RATE, Samples
from mediaserver.clock import Clock
from mediaserver.encoder import AAC_FRAME_SAMPLES, AudioEncoder
from mediaserver.fanout import Fanout
from mediaserver.feed import Feed
from mediaserver.levels import Levels
from mediaserver.mix import Mix
from mediaserver.pacer import Pacer
from mediaserver.packet import EncodedPacket, FeedId

FRAME_RATE = Fraction(SAMPLE_RATE, AAC_FRAME_SAMPLES)
LEAD_S = 0.5
"""Sound later than this is left out rather than made up for."""
FADE_OUT_S = 0.19
"""The block that fades, one that the encoder holds back, one that it laps over, one more; the next
time at which blocks are mixed, and the picture that takes them along."""
MIXED_EVERY_S = 1 / 30
"""Sound goes out with pictures, so there is no hurry before one, and a thread that wakes for two
blocks costs little more than for one. It does so `AFTER_TICK_S`, when canvases encode."""
AFTER_TICK_S = 0.002

OnBlock = Callable[[int, Samples], None]
"""Takes the number of a block and its samples, (2, 1024) at 48 kHz, which it must not change."""


class AudioBus:
    """One thread per show that mixes and encodes a block when its time is over and a picture is
    being made that takes it along, or at once while somebody listens. Its packets go out with the
    pictures of each canvas: what wakes the event loop, and writes to a target, does so once for
    both.

    The epoch of the bus is the epoch of the show: canvases count their ticks from it too.
    `on_levels` is called on the event loop, ten times a second.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        on_failure: Callable[[Exception], None],
        on_levels: Callable[[Levels], None] | None = None,
    ) -> None:
        self.epoch_s = clock.now()
        self._clock = clock
        self._on_failure = on_failure
        self._on_levels = on_levels
        self._feeds: tuple[Feed, ...] = ()
        self._waiting: dict[Fanout, deque[EncodedPacket]] = {}
        self._listeners: tuple[tuple[OnBlock, FeedId | None], ...] = ()
        self._stopping = threading.Event()
        self._encoder = AudioEncoder()
        self._mix = Mix()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name=f"audio-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def stop(self) -> None:
        """End the thread; at most one block of sound is waited for."""
        self._stopping.set()
        await asyncio.to_thread(self._thread.join)

    def listen(self, feeds: Iterable[Feed]) -> None:
        """Mix these feeds from the next block on."""
        self._feeds = tuple(feeds)

    async def fade_out(self) -> None:
        """Let the sound end softly; done when the packets of that are with the fan-outs."""
        self.listen(())
        await asyncio.sleep(FADE_OUT_S)

    def measure_anew(self) -> None:
        """What was heard so far does not count for the loudness of the whole."""
        self._mix.measure_anew()

    def add(self, fanout: Fanout) -> None:
        """Keep the sound for `fanout` too."""
        fanout.publish(self._encoder.header)
        self._waiting = {**self._waiting, fanout: deque()}

    def remove(self, fanout: Fanout) -> None:
        self._waiting = {key: kept for key, kept in self._waiting.items() if key is not fanout}

    def taken(self, fanout: Fanout) -> list[EncodedPacket]:
        """The sound that has been encoded for `fanout` since this was last called."""
        waiting = self._waiting.get(fanout, ())
        return [waiting.popleft() for _ in range(len(waiting))] if waiting else []

    def listen_in(self, on_block: OnBlock, without: FeedId | None) -> None:
        """From the next block on call `on_block` on the thread of the sound, which it must not
        hold up: with the mix as it goes out, or with the mix `without` one feed's own voice."""
        self._listeners += ((on_block, without),)

    def stop_listening(self, on_block: OnBlock) -> None:
        """The block that is being mixed at this moment may still come."""
        self._listeners = tuple(each for each in self._listeners if each[0] != on_block)

    def _run(self) -> None:
        try:
            self._pace()
        except Exception as error:  # noqa: BLE001 - the show that owns this thread decides
            self._loop.call_soon_threadsafe(self._on_failure, error)

    def _pace(self) -> None:
        pacer = Pacer(self.epoch_s, FRAME_RATE)
        index = 0
        while not self._stopping.wait(self._mixed_s(pacer.due_s(index + 1)) - self._clock.now()):
            while pacer.due_s(index + 1) <= self._clock.now():
                self._make(index, pacer.due_s(index))
                index = max(index + 1, pacer.first_after(self._clock.now() - LEAD_S))

    def _mixed_s(self, over_s: float) -> float:
        """When to mix the block whose time is over at `over_s`."""
        if self._listeners:
            return over_s
        begin_s = self.epoch_s + AFTER_TICK_S
        return begin_s + math.ceil((over_s - begin_s) / MIXED_EVERY_S) * MIXED_EVERY_S

    def _make(self, index: int, due_s: float) -> None:
        """Mix and encode the block that begins at `due_s`."""
        listeners = self._listeners
        without = {key for _, key in listeners if key is not None}
        mixed = self._mix.following(self._feeds, without, due_s)
        packets = self._encoder.encode(mixed.block, index)
        for waiting in self._waiting.values():
            waiting.extend(packets)
        if mixed.levels is not None and self._on_levels is not None:
            self._loop.call_soon_threadsafe(self._on_levels, mixed.levels)
        for on_block, key in listeners:
            on_block(index, mixed.block if key is None else mixed.without[key])
