"""Memory for pictures that are made again and again."""

import sys

import numpy as np

from compositor.colorimetry import Plane
from compositor.frame import Yuv420, planar
from compositor.geometry import Size

_IDLE = 3
"""References to a block that no picture uses: the pool's, the one that asks, its argument's."""


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
        for block in self._blocks:
            if block.size == samples and sys.getrefcount(block) == _IDLE:
                return planar(block, size)
        self._blocks = [block for block in self._blocks if sys.getrefcount(block) > _IDLE]
        self._blocks.append(np.empty(samples, np.uint8))
        return planar(self._blocks[-1], size)
