"""Sound made a little longer or shorter: what a slow or fast sender's clock asks for."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from compositor.compiled import compiled

TAPS = 16
BEFORE = TAPS // 2 - 1
"""Samples needed before the first one; `TAPS` more than are used up in all."""


def stretched(window: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """`count` samples in the time of `window`'s, (2, used + TAPS) → (2, count).

    The window begins `BEFORE` samples early. The first sample comes out as it is, and the next
    block goes on where this one ends: a windowed sinc, flat to 16 kHz.
    """
    index, weights = _kernel(count, window.shape[1] - TAPS)
    heard = np.empty((window.shape[0], count), np.float32)
    _filtered(window, index, weights, heard)
    return heard


@compiled("void(f4[:,:], i8[::1], f4[:,::1], f4[:,::1])")
def _filtered(
    window: NDArray[np.float32],
    index: NDArray[np.int64],
    weights: NDArray[np.float32],
    heard: NDArray[np.float32],
) -> None:
    """Write into `heard`, (2, n), the sums of `window` from `index`, (n,), on by `weights`,
    (n, TAPS)."""
    for channel in range(window.shape[0]):
        for sample in range(len(index)):
            start, total = index[sample], np.float32(0)
            for tap in range(weights.shape[1]):
                total += window[channel, start + tap] * weights[sample, tap]
            heard[channel, sample] = total


@lru_cache(maxsize=64)
def _kernel(count: int, used: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    index, rest = np.divmod(np.arange(count, dtype=np.int64) * used, count)
    distance = np.arange(TAPS) - BEFORE - rest[:, None] / count
    weights = np.sinc(distance) * np.cos(np.pi * distance / (TAPS + 2)) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    return index, weights.astype(np.float32)
