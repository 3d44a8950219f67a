"""Loudness as ears hear it, in LUFS.

Source: ITU-R BS.1770-4, annex 1 and 2; EBU Tech 3341 for the three times.
"""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compositor.compiled import compiled
from mediaserver.audio_buffer import CHANNELS, SAMPLE_RATE, Samples

STEP_SAMPLES = SAMPLE_RATE // 10
MOMENTARY_STEPS, SHORT_TERM_STEPS = 4, 30  # 400 ms and 3 s, EBU Tech 3341 §2.2
ABSOLUTE_GATE_LUFS = -70.0  # BS.1770-4 annex 1
RELATIVE_GATE_LU = 10.0
_OFFSET_LU = -0.691

# BS.1770-4 tables 1 and 2, for 48 kHz: the shelf of the head, then the high-pass.
_B0, _B1, _B2 = 1.53512485958697, -2.69169618940638, 1.19839281085285
_A1, _A2 = -1.69065929318241, 0.73248077421585
_C1, _C2 = -1.99004745483398, 0.99007225036621

_BINS_PER_LU = 100
_BINS = int(100 * _BINS_PER_LU)
_FAINTEST = 1e-30


@dataclass(frozen=True, slots=True)
class Loudness:
    """In LUFS, minus infinity for silence: of the last 400 ms, of the last 3 s, and of all that
    was loud enough to count."""

    momentary: float
    short_term: float
    integrated: float


class LoudnessMeter:
    """Takes the sound in blocks of any size and has a new reading every 100 ms of it.

    The integrated loudness takes the same memory after hours: blocks are counted in classes of
    a hundredth of a LU, with their exact energy.
    """

    def __init__(self) -> None:
        self._filters = np.zeros((CHANNELS, 4))
        self._energy = 0.0
        self._missing = STEP_SAMPLES
        self._steps = deque([0.0] * SHORT_TERM_STEPS, maxlen=SHORT_TERM_STEPS)
        self._seen = 0
        self._counts = np.zeros(_BINS, np.int64)
        self._energies = np.zeros(_BINS)

    def add(self, block: Samples) -> bool:
        """Take `block`, (2, n); whether there is a new reading."""
        is_new, start = False, 0
        while start < block.shape[1]:
            part = block[:, start : start + self._missing]
            self._energy += weighted_energy(part, self._filters)
            start += part.shape[1]
            self._missing -= part.shape[1]
            if self._missing == 0:
                self._step()
                is_new = True
        return is_new

    def read(self) -> Loudness:
        return Loudness(
            momentary=lufs(self._mean(MOMENTARY_STEPS)),
            short_term=lufs(self._mean(SHORT_TERM_STEPS)),
            integrated=self._integrated(),
        )

    def _step(self) -> None:
        self._steps.append(self._energy / STEP_SAMPLES)
        self._energy = 0.0
        self._missing = STEP_SAMPLES
        # A filter that rings out in silence would come to numbers so small that they are slow.
        self._filters[np.abs(self._filters) < _FAINTEST] = 0.0
        self._seen += 1
        if self._seen >= MOMENTARY_STEPS:
            energy = self._mean(MOMENTARY_STEPS)
            if lufs(energy) > ABSOLUTE_GATE_LUFS:
                index = _bin(lufs(energy))
                self._counts[index] += 1
                self._energies[index] += energy

    def _mean(self, steps: int) -> float:
        return sum(list(self._steps)[-steps:]) / steps

    def _integrated(self) -> float:
        """The two gates of BS.1770-4: -70 LUFS, then 10 LU below the mean of what is left."""
        count = int(self._counts.sum())
        if count == 0:
            return -math.inf
        gate = _bin(lufs(float(self._energies.sum()) / count) - RELATIVE_GATE_LU)
        return lufs(float(self._energies[gate:].sum()) / int(self._counts[gate:].sum()))


def lufs(energy: float) -> float:
    """Of the mean square of weighted samples, added up over the channels."""
    return _OFFSET_LU + 10 * math.log10(energy) if energy > 0 else -math.inf


def _bin(loudness_lufs: float) -> int:
    index = math.floor((loudness_lufs - ABSOLUTE_GATE_LUFS) * _BINS_PER_LU)
    return min(max(index, 0), _BINS - 1)


@compiled("f8(f4[:,:], f8[:,::1])")
def weighted_energy(samples: Samples, filters: NDArray[np.float64]) -> float:
    """The sum of the squares of `samples`, (2, n), after K-weighting.

    `filters`, (2, 4), is what the two filters of each channel remember; it is brought up to date.
    """
    energy = 0.0
    for channel in range(samples.shape[0]):
        shelf_1, shelf_2 = filters[channel, 0], filters[channel, 1]
        high_1, high_2 = filters[channel, 2], filters[channel, 3]
        for index in range(samples.shape[1]):
            x = np.float64(samples[channel, index])
            y = _B0 * x + shelf_1
            shelf_1 = _B1 * x - _A1 * y + shelf_2
            shelf_2 = _B2 * x - _A2 * y
            z = y + high_1
            high_1 = -2.0 * y - _C1 * z + high_2
            high_2 = y - _C2 * z
            energy += z * z
        filters[channel, 0], filters[channel, 1] = shelf_1, shelf_2
        filters[channel, 2], filters[channel, 3] = high_1, high_2
    return energy
