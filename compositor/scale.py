"""A feed's frame at the size of its tile."""

import math

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from compositor.frame import Plane, Yuv420, blank, copy, region, yuv420
from compositor.geometry import Size, contained, cover_crop
from compositor.layout import Fit

STRIP_PIXELS = 60_000
"""Output pixels that `_halve` treats at a time, so that its sums stay in a core's L2 cache."""

LARGEST_SHRINK = 16
"""Of a side in one go: swscale's filters lose precision beyond, and do not exist beyond 128."""

STAGED_SIZES = 8
"""Sizes of source for which a `Scaler` keeps memory."""


class Scaler:
    """What scaling keeps between frames. Each thread that scales has one of its own."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._staged: dict[Size, av.VideoFrame] = {}
        self._sums = np.empty((2, 2 * STRIP_PIXELS), np.uint16)

    def resized(self, source: Yuv420, size: Size) -> Yuv420:
        """`source` stretched to `size`, in new memory.

        Exactly 2:1, as from 720p to the half of a 720p canvas, is averaged here in 2×2 blocks:
        the result of swscale's AREA at two thirds of the cost of any of its scalers. All else is
        scaled by swscale, bilinear, on the calling thread.
        """
        if source.size == Size(2 * size.width, 2 * size.height):
            target = blank(size)
            _halve(source.y, target.y, self._sums)
            _halve(source.u, target.u, self._sums)
            _halve(source.v, target.v, self._sums)
            return target
        step = _step(source.size, size)
        if step != size:
            return self.resized(self.resized(source, step), size)
        return yuv420(
            self._reformatter.reformat(
                self._stage(source),
                size.width,
                size.height,
                interpolation=Interpolation.BILINEAR,
                threads=1,
            )
        )

    def _stage(self, source: Yuv420) -> av.VideoFrame:
        """A copy of `source` in memory that is in this core's cache.

        A frame comes from a decoder on another core. swscale waits for every line of it in turn,
        which costs up to three times what it takes when the frame is near; a copy waits for many
        lines at once.
        """
        size = source.size
        if size not in self._staged:
            if len(self._staged) == STAGED_SIZES:
                self._staged.clear()
            self._staged[size] = av.VideoFrame(size.width, size.height, "yuv420p")
        copy(source, yuv420(self._staged[size]))
        return self._staged[size]


def scaled(
    frame: av.VideoFrame, size: Size, fit: Fit = "cover", scaler: Scaler | None = None
) -> Yuv420:
    """`frame` for a tile of `size`.

    `cover` cuts off what does not fit the tile's shape, equally on both sides; `fill` stretches;
    `contain` returns a smaller picture if the shapes differ, to be centred in the tile. A frame
    that needs no scaling is returned as it is, in its own memory.
    """
    source = yuv420(frame)
    if fit == "contain":
        size = contained(source.size, size)
    elif fit == "cover":
        source = region(source, cover_crop(source.size, size))
    if source.size == size:
        return source
    return (scaler or Scaler()).resized(source, size)


def _step(source: Size, target: Size) -> Size:
    """`target`, or what `source` can be shrunk to in one go on the way there."""
    least = 2 * LARGEST_SHRINK
    return Size(
        max(target.width, 2 * math.ceil(source.width / least)),
        max(target.height, 2 * math.ceil(source.height / least)),
    )


def _halve(plane: Plane, half: Plane, sums: NDArray[np.uint16]) -> None:
    """Write the rounded mean of every 2×2 block of `plane` into `half`.

    Two neighbours in a row are one uint16, so that all sums are on contiguous 16-bit lanes.
    """
    pairs = plane.view(np.uint16)
    height, width = half.shape
    strip = max(1, STRIP_PIXELS // width)
    for top in range(0, height, strip):
        rows = min(strip, height - top)
        block = pairs[2 * top : 2 * (top + rows)]
        across = sums[0, : block.size].reshape(block.shape)
        odd = sums[1, : block.size].reshape(block.shape)
        np.bitwise_and(block, 0xFF, out=across)
        np.right_shift(block, 8, out=odd)
        np.add(across, odd, out=across)
        total = odd[:rows]
        np.add(across[0::2], across[1::2], out=total)
        np.add(total, 2, out=total)
        np.right_shift(total, 2, out=total)
        np.copyto(half[top : top + rows], total, casting="unsafe")
