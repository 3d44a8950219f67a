"""Keeps a mix within full scale without the sound of clipping."""

import numpy as np

from mediaserver.audio_buffer import SAMPLE_RATE, Samples
from mediaserver.levels import measured

CEILING = 1.0
"""Full scale: one feed at 0 dB never reaches beyond it, and so is never touched."""
LONGEST_ATTACK = SAMPLE_RATE * 5 // 1000
SHORTEST_ATTACK = SAMPLE_RATE // 1000
RELEASE_DB_PER_S = 40.0


class Limiter:
    """Turns the gain down for blocks that would go over CEILING and lets it come back slowly.

    Adds no delay: it looks ahead to the end of the block it is given. The gain is down, by a ramp
    of 1 to 5 ms, when the first sample comes that would go over; of one that comes in the first
    millisecond of a block, what is still over is cut. Below CEILING, with the gain back at 1,
    samples go through untouched.
    """

    def __init__(self) -> None:
        self._gain = 1.0

    def limited(self, block: Samples) -> Samples:
        """`block`, (2, n) finite float32, or a new one that stays within CEILING."""
        peak, _ = measured(block)
        bound = min(1.0, CEILING / peak) if peak > 0 else 1.0
        if self._gain == bound == 1.0:
            return block
        if bound < self._gain:
            curve = self._attack(block, bound)
        else:
            curve = self._release(block.shape[1], bound)
        out: Samples = block * curve
        return np.clip(out, -CEILING, CEILING, out=out)

    def _attack(self, block: Samples, bound: float) -> Samples:
        over = np.abs(block).max(axis=0) * self._gain > CEILING
        first = int(over.argmax())
        length = min(max(first, SHORTEST_ATTACK), LONGEST_ATTACK)
        start = max(0, first - length)
        curve: Samples = np.full(block.shape[1], bound, np.float32)
        curve[:start] = self._gain
        ramp = ramp_up(length)[: block.shape[1] - start]
        curve[start : start + length] = self._gain + (bound - self._gain) * ramp
        self._gain = bound
        return curve

    def _release(self, count: int, bound: float) -> Samples:
        """Towards `bound`, at which the whole block is within the ceiling."""
        rise = 10 ** (RELEASE_DB_PER_S * count / SAMPLE_RATE / 20)
        end = min(bound, self._gain * rise)
        curve: Samples = np.linspace(self._gain, end, count, dtype=np.float32)
        self._gain = end
        return curve


def ramp_up(count: int) -> Samples:
    """From just above 0 to 1 in `count` samples, a raised cosine: no corner to be heard."""
    return (0.5 - 0.5 * np.cos(np.pi * np.arange(1, count + 1) / count)).astype(np.float32)
