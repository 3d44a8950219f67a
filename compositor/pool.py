"""Memory for pictures that are made again and again."""

import sys
from collections.abc import Sequence

import numpy as np

from compositor.colorimetry import Plane
from compositor.frame import Yuv420, planar
from compositor.geometry import Size


class Pool:
    """Gives out memory again as soon as nobody holds a picture in it.

    Who holds one need not say when he is done: a picture's planes, and every view of them,
    refer to their block, and the interpreter counts references. For one thread to take from;
    pictures may end on any.
    """

    def __init__(self) -> None:
        self._blocks: list[Plane] = []

    def blank(self, size: Size) -> Yuv420:
        """A picture of `size`, its pixels not set."""
        samples = size.width * size.height * 3 // 2
        busy = []
        for block, count in zip(self._blocks, _references(self._blocks), strict=True):
            if count > _IDLE:
                busy.append(block)
            elif block.size == samples:
                return planar(block, size)
        new = np.empty(samples, np.uint8)
        self._blocks = [*busy, new]
        return planar(new, size)


def _references(blocks: Sequence[Plane]) -> list[int]:
    """How many there are to each block; which of the interpreter's own count depends on it."""
    return [sys.getrefcount(block) for block in blocks]


_IDLE = _references([np.empty(0, np.uint8)])[0]
"""References to a block that a list alone holds."""
