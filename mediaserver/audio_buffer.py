"""The jitter buffer of one feed's sound: decoded samples in by position, steady blocks out."""

import threading
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mediaserver.clock import Clock
from mediaserver.lateness import ASSUMED_JITTER_S, Lateness
from mediaserver.stretch import BEFORE, TAPS, stretched

SAMPLE_RATE = 48_000
CHANNELS = 2
MARGIN_S = 0.005
"""What sound waits more than the worst jitter: a late thread, and a clock that drifts."""
MAX_WAIT_S = 1.0
"""Sound waits no longer than this for its own jitter, nor for pictures that are later."""
CAPACITY_S = 3.0
EARLY_S, LATE_S = -0.004, ASSUMED_JITTER_S + 0.001
"""Sound this near to where it should be is left as it is, sample by sample."""
LATE_WITH_PICTURES_S = 0.005
"""Pictures that wait for sound should not wait for more than they must."""
SLOWEST, FASTEST = 2, 10
"""Samples that a block of 1,024 is stretched by: at most 1 %, a sixth of a semitone."""
CATCH_UP_S = 2.0
"""In which an error is made up for, if it can be; one under `NEAR` is none."""
NEAR = 48
JUMP_S = 0.03
"""An error that is larger would take too long to stretch."""
WAIT_AFTER_S, SKIP_AFTER_S = 0.3, 0.7
"""How long an error must last before sound pauses, or leaves something out."""
FADE = 240
"""Samples that sound takes to end or to begin where something is missing: 5 ms."""
CROSSFADE = 480

Samples = NDArray[np.float32]


class AudioBuffer:
    """A ring of stereo samples between a feed's decoder and the mixer.

    Positions count samples at 48 kHz on the sender's clock, so a lost packet leaves a gap of
    silence and shifts nothing. The delay is what the jitter asks for, or what the feed's pictures
    need, if that is more: `wanted_s`. Sound that comes too late is heard late, and then the
    delay comes down again.

    All times of playing are `offset_s`: when a sample is heard minus its position in seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self.underruns = 0
        self.resyncs = 0
        self.wanted_s: float | None = None
        """The least `offset_s` that suits the pictures; set by any thread."""
        self._clock = clock
        self._lock = threading.Lock()
        self._ring: Samples = np.zeros((CHANNELS, int(SAMPLE_RATE * CAPACITY_S)), np.float32)
        self._due_s: float | None = None
        self._read: int | None
        self._offset_s: float | None
        self._is_sounding: bool
        self._echo: Samples | None = None
        self._cut_off: Samples | None = None
        self._begin_anew()

    def begin_anew(self) -> None:
        """What is written next has nothing to do with what was written before."""
        with self._lock:
            self._begin_anew()

    def write(self, position: int, samples: Samples, arrived_s: float | None = None) -> None:
        """Put `samples`, (2, n) float32 in -1 … 1, at `position`, after all written before; they
        came at `arrived_s`, just now unless said."""
        now_s = self._clock.now() if arrived_s is None else arrived_s
        lateness_s = now_s - position / SAMPLE_RATE
        with self._lock:
            if self._lateness.is_other(lateness_s):
                self.resyncs += 1
                self._begin_anew()
            if not self._lateness.is_known:
                self._begin = self._end = position
            self._lateness.add(lateness_s, now_s)
            if position < self._end:  # it overlaps what is there
                samples = samples[:, self._end - position :]
                position = self._end
            is_late = self._read is not None and position < self._read
            if is_late or position > self._end:
                samples = _faded_in(samples)
            if is_late:
                self._go_back(position)
            elif position > self._end:
                self._open_gap(position)
            self._store(position, samples)
            self._end = position + samples.shape[1]
            self._begin = max(self._begin, self._end - self._ring.shape[1])

    def read(self, count: int, due_s: float | None = None) -> Samples:
        """The next `count` samples, (2, count); silence where nothing has come.

        `due_s` is when the first of them is heard: after those read before, unless said. A block
        is read when its time is over.
        """
        with self._lock:
            ends_now_s = self._clock.now() - count / SAMPLE_RATE
            follows_s = self._due_s if self._due_s is not None else ends_now_s
            due_s = follows_s if due_s is None else due_s
            self._due_s = due_s + count / SAMPLE_RATE
            left_out = round((due_s - follows_s) * SAMPLE_RATE)
            cut_off, self._cut_off = None if left_out else self._cut_off, None
            if not self._lateness.is_known:
                return _fading(cut_off, count)
            if self._read is None:
                self._read = self._place(due_s)
            else:
                self._read += left_out
            block, start, used = self._next(self._read, count, due_s)
            self._offset_s = due_s - start / SAMPLE_RATE
            self._read = start + used
            self._echo = block[:, ::-1][:, :FADE].copy() if self._is_sounding else None
            return block if cut_off is None else block + _fading(cut_off, count)

    def offset_s(self, now_s: float) -> float | None:
        """When a sample is heard at present minus its position; None while nobody listens."""
        offset_s, due_s = self._offset_s, self._due_s
        if offset_s is None or due_s is None or now_s - due_s > MAX_WAIT_S:
            return None
        return offset_s

    @property
    def delay_s(self) -> float:
        """What a sample that came the fastest way waits."""
        offset_s = self._offset_s
        return 0.0 if offset_s is None else max(0.0, offset_s - self._lateness.earliest_s)

    def _begin_anew(self) -> None:
        self.wanted_s = None
        self._lateness = Lateness()
        self._begin = self._end = 0
        self._read = None
        self._offset_s = None
        self._is_sounding = False
        if self._echo is not None:
            self._cut_off, self._echo = self._echo, None
        self._is_stretched = False
        self._astray_since_s: float | None = None

    def _place(self, due_s: float) -> int:
        """The position that should be heard at `due_s`."""
        late = self._lateness
        offset_s = min(late.worst_s, late.earliest_s + MAX_WAIT_S) + MARGIN_S
        wanted_s = self.wanted_s
        if wanted_s is not None and offset_s < wanted_s <= offset_s + MAX_WAIT_S:
            offset_s = wanted_s
        return round((due_s - offset_s) * SAMPLE_RATE)

    def _next(self, start: int, count: int, due_s: float) -> tuple[Samples, int, int]:
        """A block, the position at which it starts, and how many samples it uses up: from `start`
        on, or nearer to where sound should be."""
        behind = self._place(due_s) - start
        available = self._end - start
        if available <= 0:
            # Nothing is heard, so nothing is lost by going where sound should be.
            self.underruns += self._is_sounding
            self._is_sounding = False
            return _fading(self._echo, count), max(self._end, start + behind), count
        jump = self._jump(behind, due_s)
        if jump < 0:
            self.resyncs += 1
            self._store(start, _faded_in(self._taken(start, FADE)))
            self._begin = start
            block = _fading(self._echo, count) + self._taken(start + jump, count)
            return block, start + jump, count
        if jump > 0 and available >= count + jump:
            self.resyncs += 1
            block = self._taken(start + jump, count)
            fade = min(CROSSFADE, count)
            block[:, :fade] *= _rise(fade)
            block[:, :fade] += self._taken(start, fade) * (1 - _rise(fade))
            return block, start + jump, count
        used = count + self._stretch(behind, count)
        if used != count and available >= used + TAPS:
            return stretched(self._taken(start - BEFORE, used + TAPS), count), start, used
        block = self._taken(start, count)
        self._is_sounding = available >= count
        if available < count:
            self.underruns += 1
            fade = min(FADE, available)
            block[:, available - fade : available] *= 1 - _rise(fade)
        return block, start, count

    def _jump(self, behind: int, due_s: float) -> int:
        """Samples to leave out, or, below 0, to wait for, now that sound is so far `behind`."""
        if abs(behind) <= JUMP_S * SAMPLE_RATE:
            self._astray_since_s = None
            return 0
        if self._astray_since_s is None:
            self._astray_since_s = due_s
        if due_s - self._astray_since_s < (SKIP_AFTER_S if behind > 0 else WAIT_AFTER_S):
            return 0
        self._astray_since_s = None
        return behind

    def _stretch(self, behind: int, count: int) -> int:
        """Samples that a block uses up more than it gives, to come nearer."""
        if self._is_stretched:
            self._is_stretched = abs(behind) > NEAR
        else:
            late_s = LATE_S if self.wanted_s is None else LATE_WITH_PICTURES_S
            self._is_stretched = not EARLY_S * SAMPLE_RATE <= behind <= late_s * SAMPLE_RATE
        if not self._is_stretched:
            return 0
        wish = round(abs(behind) * count / (CATCH_UP_S * SAMPLE_RATE))
        least, most = max(1, SLOWEST * count // 1024), max(1, FASTEST * count // 1024)
        used_more = max(least, min(most, wish))
        return used_more if behind > 0 else -used_more

    def _go_back(self, position: int) -> None:
        """Sound at `position` has come too late: it is heard late, after silence."""
        assert self._read is not None
        assert self._due_s is not None
        self._read = min(self._read, self._place(self._due_s))
        self._begin = position

    def _open_gap(self, position: int) -> None:
        """Nothing comes between the end and `position`."""
        first = max(self._begin, self._end - FADE, self._read or self._begin)
        if first < self._end:
            tail = self._taken(first, self._end - first)
            self._store(first, tail * (1 - _rise(FADE))[FADE - tail.shape[1] :])
        missing = min(position - self._end, self._ring.shape[1])
        self._store(position - missing, np.zeros((CHANNELS, missing), np.float32))

    def _store(self, position: int, samples: Samples) -> None:
        size = self._ring.shape[1]
        start = position % size
        head = min(samples.shape[1], size - start)
        self._ring[:, start : start + head] = samples[:, :head]
        self._ring[:, : samples.shape[1] - head] = samples[:, head:]

    def _taken(self, position: int, count: int) -> Samples:
        """A copy of what the ring holds there; silence where it holds nothing."""
        block: Samples = np.zeros((CHANNELS, count), np.float32)
        first = max(position, self._begin)
        last = min(position + count, self._end)
        if first < last:
            size = self._ring.shape[1]
            start, length = first % size, last - first
            head = min(length, size - start)
            at = first - position
            block[:, at : at + head] = self._ring[:, start : start + head]
            block[:, at + head : at + length] = self._ring[:, : length - head]
        return block


def _fading(echo: Samples | None, count: int) -> Samples:
    """(2, count) of silence, in which what was heard before fades out in the mirror."""
    block: Samples = np.zeros((CHANNELS, count), np.float32)
    if echo is not None:
        fade = min(count, echo.shape[1])
        block[:, :fade] = echo[:, :fade] * (1 - _rise(fade))
    return block


@lru_cache(maxsize=32)
def _rise(count: int) -> Samples:
    """From 0 to 1 in `count` samples."""
    rise: Samples = np.sin(np.pi / 2 * (np.arange(count) + 0.5) / count).astype(np.float32) ** 2
    return rise


def _faded_in(samples: Samples) -> Samples:
    fade = min(FADE, samples.shape[1])
    faded = samples.copy()
    faded[:, :fade] *= _rise(fade)
    return faded
