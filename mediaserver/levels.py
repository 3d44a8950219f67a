"""How loud the feeds and the mix are: peaks and means, as meters show them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

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


def peak_of(samples: Samples) -> float:
    """The highest absolute value; NaN if there is one among them."""
    return float(np.abs(samples).max())


class LevelMeter:
    """Adds up blocks until somebody reads it."""

    def __init__(self) -> None:
        self._peak = 0.0
        self._energy = 0.0
        self._count = 0

    def add(self, samples: Samples, peak: float) -> None:
        """Take a block, (2, n), whose highest absolute value is `peak`."""
        self._peak = max(self._peak, peak)
        self._energy += float(np.vdot(samples, samples))
        self._count += samples.size

    def take(self) -> Level:
        """The level of what was added since the last `take`."""
        level = Level(self._peak, math.sqrt(self._energy / max(1, self._count)))
        self._peak, self._energy, self._count = 0.0, 0.0, 0
        return level
