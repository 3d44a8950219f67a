"""Sound made a little longer or shorter: what a slow or fast sender's clock asks for."""

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

TAPS = 16
BEFORE = TAPS // 2 - 1
"""Samples needed before the first one; `TAPS` more than are used up in all."""


def stretched(window: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """`count` samples in the time of `window`'s, (2, used + TAPS) → (2, count).

    The window begins `BEFORE` samples early. The first sample comes out as it is, and the next
    block goes on where this one ends: a windowed sinc, flat to 16 kHz.
    """
    index, weights = _kernel(count, window.shape[1] - TAPS)
    heard: NDArray[np.float32] = np.einsum(
        "cnt,nt->cn", sliding_window_view(window, TAPS, axis=1)[:, index], weights
    )
    return heard


@lru_cache(maxsize=64)
def _kernel(count: int, used: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    index, rest = np.divmod(np.arange(count) * used, count)
    distance = np.arange(TAPS) - BEFORE - rest[:, None] / count
    weights = np.sinc(distance) * np.cos(np.pi * distance / (TAPS + 2)) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    return index, weights.astype(np.float32)
