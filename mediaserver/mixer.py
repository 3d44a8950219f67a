"""The sound of a show: every admitted feed mixed and encoded once, whatever the canvases."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
from fractions import Fraction

from mediaserver import rounds
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
FADE_OUT_BLOCKS = 4
"""The block that fades, one that the encoder holds back, one that it laps over, one more."""
FADE_OUT_S = 0.25
"""No longer than this, whatever becomes of them."""
_LOOK_S = 0.01
RELIEVED_S = 0.2
"""So long after `make_due` the thread of the sound leaves to its caller what is due."""

OnBlock = Callable[[int, Samples], None]
"""Takes the number of a block and its samples, (2, 1024) at 48 kHz, which it must not change."""


class AudioBus:
    """Mixes and encodes the sound of a show, a block when its time is over: on a thread per show,
    or, as sound goes out with the pictures of each canvas, on the thread of a canvas that is about
    to give a picture out. What wakes a thread or the event loop, and writes to a target, does so
    once for both. Who listens in hears each block at once, from the thread.

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
        self.epoch_s = rounds.first_tick_s(clock.now())
        self._clock = clock
        self._on_failure = on_failure
        self._on_levels = on_levels
        self._feeds: tuple[Feed, ...] = ()
        self._waiting: dict[Fanout, deque[EncodedPacket]] = {}
        self._listeners: tuple[tuple[OnBlock, FeedId | None], ...] = ()
        self._stopping = threading.Event()
        self._relieved_until_s = float("-inf")
        self._making = threading.Lock()
        self._pacer = Pacer(self.epoch_s, FRAME_RATE)
        self._index = 0
        self._levels: Levels | None = None
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
        end = self._index + FADE_OUT_BLOCKS
        for _ in range(round(FADE_OUT_S / _LOOK_S)):
            await asyncio.sleep(_LOOK_S)
            if self._index >= end and not any(self._waiting.values()):
                return

    def measure_anew(self) -> None:
        """What was heard so far does not count for the loudness of the whole."""
        self._mix.measure_anew()

    def add(self, fanout: Fanout) -> None:
        """Keep the sound for `fanout` too."""
        fanout.publish(self._encoder.header)
        self._waiting = {**self._waiting, fanout: deque()}

    def remove(self, fanout: Fanout) -> None:
        self._waiting = {key: kept for key, kept in self._waiting.items() if key is not fanout}

    def make_due(self) -> None:
        """Mix and encode here what is due; any thread may. The sound's own rests meanwhile."""
        self._relieved_until_s = self._clock.now() + RELIEVED_S
        with self._making:
            while self._over_s() <= self._clock.now():
                self._make()

    def taken(self, fanout: Fanout) -> list[EncodedPacket]:
        """The sound that has been encoded for `fanout` since this was last called. For the event
        loop, which also hears of levels."""
        levels, self._levels = self._levels, None
        if levels is not None and self._on_levels is not None:
            self._on_levels(levels)
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
        while not self._stopping.wait(self._due_s() - self._clock.now()):
            with self._making:
                if self._due_s() <= self._clock.now():
                    self._make()

    def _due_s(self) -> float:
        """When the thread has something to do next."""
        over_s = self._over_s()
        return over_s if self._listeners else max(over_s, self._relieved_until_s)

    def _over_s(self) -> float:
        """When the next block is over, and what has come of it is read."""
        return rounds.mixed_s(self._pacer.due_s(self._index + 1))

    def _make(self) -> None:
        """Mix and encode the next block."""
        index, listeners = self._index, self._listeners
        without = {key for _, key in listeners if key is not None}
        mixed = self._mix.following(self._feeds, without, self._pacer.due_s(index))
        packets = self._encoder.encode(mixed.block, index)
        for waiting in self._waiting.values():
            waiting.extend(packets)
        if mixed.levels is not None and self._on_levels is not None:
            if self._waiting:
                self._levels = mixed.levels
            else:
                self._loop.call_soon_threadsafe(self._on_levels, mixed.levels)
        for on_block, key in listeners:
            on_block(index, mixed.block if key is None else mixed.without[key])
        self._index = max(index + 1, self._pacer.first_after(self._clock.now() - LEAD_S))
