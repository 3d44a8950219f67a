"""The jitter buffer of one feed's sound: decoded samples in by position, steady blocks out."""

import threading

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 48_000
CHANNELS = 2
DELAY_S = 0.05
"""What a sample waits: one Opus packet, one AAC frame and a little for a late thread."""
CAPACITY_S = 1.0
RESYNC_S = 0.1
"""Sound further than this from where it should be is brought back at once."""

Samples = NDArray[np.float32]


class AudioBuffer:
    """A ring of stereo samples between one decoder thread and the mixer's thread.

    Positions count samples at 48 kHz on the sender's clock, so a lost packet leaves a gap of
    silence and shifts nothing. Reading starts `DELAY_S` behind the first sample written.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ring: Samples = np.zeros((CHANNELS, int(SAMPLE_RATE * CAPACITY_S)), np.float32)
        self._read: int | None = None
        self._end = 0
        self.underruns = 0
        self.resyncs = 0

    def write(self, position: int, samples: Samples) -> None:
        """Put `samples`, (2, n) float32 in -1 … 1, at `position`."""
        count = samples.shape[1]
        with self._lock:
            behind = 0 if self._read is None else self._read - position
            ahead = -behind + count
            if self._read is None or behind > 0 or ahead > (DELAY_S + RESYNC_S) * SAMPLE_RATE:
                self._restart(position)
            self._store(position, samples)
            self._end = max(self._end, position + count)

    def read(self, count: int) -> Samples:
        """The next `count` samples, (2, count); silence where nothing has come."""
        block: Samples = np.zeros((CHANNELS, count), np.float32)
        with self._lock:
            if self._read is None:
                return block
            available = min(count, self._end - self._read)
            if available < count and self._end > 0:
                self.underruns += 1
            if available > 0:
                self._take(self._read, block[:, :available])
            self._read += count
            if self._read - self._end > RESYNC_S * SAMPLE_RATE:
                self._read = None
        return block

    def _restart(self, position: int) -> None:
        if self._read is not None:
            self.resyncs += 1
        self._ring[:] = 0
        self._read = position - int(DELAY_S * SAMPLE_RATE)
        self._end = position

    def _store(self, position: int, samples: Samples) -> None:
        size = self._ring.shape[1]
        start = position % size
        head = min(samples.shape[1], size - start)
        self._ring[:, start : start + head] = samples[:, :head]
        self._ring[:, : samples.shape[1] - head] = samples[:, head:]

    def _take(self, position: int, block: Samples) -> None:
        """Move samples from the ring into `block`, leaving silence behind for gaps to come."""
        size = self._ring.shape[1]
        start = position % size
        head = min(block.shape[1], size - start)
        for target, source in (
            (block[:, :head], self._ring[:, start : start + head]),
            (block[:, head:], self._ring[:, : block.shape[1] - head]),
        ):
            target[:] = source
            source[:] = 0
