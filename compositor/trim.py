"""How a tile's edge is finished: rounded corners and a border, as coverage of pixels."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.uint16]
"""Of each sample, 0 to 256."""

WHOLE = 256


class Trim(NamedTuple):
    """In even pixels: the radius of the corners, and within it the width of the border around
    the picture, of the colour `#rrggbb`."""

    radius: int = 0
    border: int = 0
    colour: str = ""


PLAIN = Trim()


class Mask(NamedTuple):
    """How much of a picture is seen: `y` per luma sample, `uv` per chroma sample."""

    y: Weights
    uv: Weights


def mask(y: Weights) -> Mask:
    """The mask of luma weights, whose sides are even."""
    blocks = y.reshape(y.shape[0] // 2, 2, y.shape[1] // 2, 2)
    return Mask(y, ((blocks.sum(axis=(1, 3)) + 2) // 4).astype(np.uint16))


@lru_cache(maxsize=64)
def even_mask(width: int, height: int, weight: int) -> Mask:
    """One weight for all of a rectangle, in no memory of its size."""
    value = np.uint16(weight)
    return Mask(
        np.broadcast_to(value, (height, width)),
        np.broadcast_to(value, (height // 2, width // 2)),
    )


@lru_cache(maxsize=64)
def corner(radius: int, line: int, right: bool, bottom: bool, weight: int) -> Mask:
    """The square of `radius` in a rounded corner of something seen by `weight`, of which only
    a line along the edge is there: all of it if the line is as wide as the radius."""
    along = np.arange(radius) + 0.5
    across = along if right else along[::-1]
    down = along if bottom else along[::-1]
    distance = np.hypot(across[None, :], down[:, None])
    coverage = np.clip(radius + 0.5 - distance, 0, 1)
    if line < radius:
        coverage -= np.clip(radius - line + 0.5 - distance, 0, 1)
    return mask(np.round(coverage * weight).astype(np.uint16))
