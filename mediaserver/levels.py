"""How loud the feeds and the mix are: peaks and means, as meters show them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from compositor.compiled import compiled
from mediaserver.audio_buffer import Samples
from mediaserver.loudness import Loudness
from mediaserver.packet import FeedId


@dataclass(frozen=True, slots=True)
class Level:
    """Of a stretch of sound, both channels together, as shares of full scale: the highest sample
    and the root of the mean square (a full sine has 0.707)."""

    peak: float
    rms: float

    def at_gain(self, gain: float) -> "Level":
        return Level(self.peak * gain, self.rms * gain)


@dataclass(frozen=True, slots=True)
class Levels:
    """Of the last tenth of a second. A feed's is after its gain, whether it is muted or not."""

    feeds: Mapping[FeedId, Level]
    master: Level
    loudness: Loudness


def decibels(amplitude: float) -> float:
    """Of a share of full scale; minus infinity for silence."""
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf


@compiled("UniTuple(f8, 2)(f4[:,:])")
def measured(samples: Samples) -> tuple[float, float]:
    """The highest absolute value of `samples`, (2, n), and the sum of their squares.

    If one is no number, the sum is none either.
    """
    peak, left_energy, right_energy = np.float32(0), 0.0, 0.0
    for index in range(samples.shape[1]):
        left, right = samples[0, index], samples[1, index]
        peak = max(peak, abs(left), abs(right))
        left_energy += np.float64(left) * left
        right_energy += np.float64(right) * right
    return float(peak), left_energy + right_energy


class LevelMeter:
    """Adds up blocks until somebody reads it."""

    def __init__(self) -> None:
        self._peak = 0.0
        self._energy = 0.0
        self._count = 0

    def add(self, peak: float, energy: float, count: int) -> None:
        """Take what was measured of `count` samples."""
        self._peak = max(self._peak, peak)
        self._energy += energy
        self._count += count

    def take(self) -> Level:
        """The level of what was added since the last `take`."""
        level = Level(self._peak, math.sqrt(self._energy / max(1, self._count)))
        self._peak, self._energy, self._count = 0.0, 0.0, 0
        return level
