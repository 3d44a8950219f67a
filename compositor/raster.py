"""Pictures with alpha, made once and blended as often as needed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compositor.frame import Plane, Yuv420
from compositor.geometry import Rect, Size
from compositor.trim import WHOLE, Mask, Weights

STRIP_SAMPLES = 1 << 16
"""How many samples are blended at a time, so that the sums stay in a core's L2 cache."""

HALF = WHOLE // 2
"""Added before the division by 256, to round."""

_RGB_TO_YUV = (
    np.array(
        [
            [0.2126, 0.7152, 0.0722],
            [-0.2126 / 1.8556, -0.7152 / 1.8556, 0.9278 / 1.8556],
            [0.7874 / 1.5748, -0.7152 / 1.5748, -0.0722 / 1.5748],
        ],
        np.float32,
    )
    * np.array([[219], [224], [224]], np.float32)
    / 255
)
"""ITU-R BT.709-6, items 3.2–3.4."""

_OFFSET = np.array([16, 128, 128], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """A picture with alpha: planes as in I420, of uint16.

    `y`, `u`, `v` are samples × alpha (0 to 256) + 128, `gap` is what of the picture below
    shines through. Two are the same picture if they are the same object.
    """

    y: Weights
    u: Weights
    v: Weights
    gap: Mask

    @property
    def size(self) -> Size:
        height, width = self.y.shape
        return Size(width, height)


def raster(image: Image.Image, opacity: float = 1.0) -> Raster:
    """The RGBA `image`, whose sides are even."""
    pixels = np.asarray(image.convert("RGBA")).astype(np.float32)
    alpha = np.round(pixels[..., 3] * (WHOLE / 255 * opacity))
    y, u, v = (
        (pixels[..., :3] @ row + offset) * alpha
        for row, offset in zip(_RGB_TO_YUV, _OFFSET, strict=True)
    )
    gap_uv = np.round(_halved(alpha))
    return Raster(
        (y + HALF).astype(np.uint16),
        _chroma(u, alpha, gap_uv),
        _chroma(v, alpha, gap_uv),
        Mask((WHOLE - alpha).astype(np.uint16), (WHOLE - gap_uv).astype(np.uint16)),
    )


def _halved(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = plane.shape
    means: NDArray[np.float32] = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return means


def _chroma(
    weighted: NDArray[np.float32], alpha: NDArray[np.float32], rounded: NDArray[np.float32]
) -> Weights:
    """The mean colour of what is seen of each 2×2 block, by the block's rounded alpha."""
    colour = _halved(weighted) / np.maximum(_halved(alpha), 1e-6)
    return (colour * rounded + HALF).astype(np.uint16)


def part(picture: Raster, rect: Rect) -> Raster:
    """The part `rect` of `picture`: the same memory."""
    rows, columns = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
    half_rows = slice(rect.y // 2, rect.bottom // 2)
    half_columns = slice(rect.x // 2, rect.right // 2)
    return Raster(
        picture.y[rows, columns],
        picture.u[half_rows, half_columns],
        picture.v[half_rows, half_columns],
        cut(picture.gap, rect),
    )


def cut(mask: Mask, rect: Rect) -> Mask:
    """The part `rect`, in luma samples, of `mask`: the same memory."""
    return Mask(
        mask.y[rect.y : rect.bottom, rect.x : rect.right],
        mask.uv[rect.y // 2 : rect.bottom // 2, rect.x // 2 : rect.right // 2],
    )


class Blender:
    """Blends into pictures, in memory of its own that is kept. One for each thread."""

    def __init__(self) -> None:
        self._sums = np.empty((2, STRIP_SAMPLES), np.uint16)

    def lay(self, picture: Raster, target: Yuv420) -> None:
        """Blend `picture` over `target`, which has the same size."""
        self._lay(picture.y, picture.gap.y, target.y)
        self._lay(picture.u, picture.gap.uv, target.u)
        self._lay(picture.v, picture.gap.uv, target.v)

    def mix(self, picture: Yuv420, mask: Mask, target: Yuv420) -> None:
        """Blend what `mask` shows of `picture` over `target`, all of the same size."""
        self._mix(picture.y, mask.y, target.y)
        self._mix(picture.u, mask.uv, target.u)
        self._mix(picture.v, mask.uv, target.v)

    def _lay(self, ink: Weights, gap: Weights, target: Plane) -> None:
        for rows in _strips(target):
            block = target[rows]
            sums = self._sums[0, : block.size].reshape(block.shape)
            np.multiply(block, gap[rows], out=sums)
            np.add(sums, ink[rows], out=sums)
            np.right_shift(sums, 8, out=sums)
            np.copyto(block, sums, casting="unsafe")

    def _mix(self, source: Plane, weights: Weights, target: Plane) -> None:
        for rows in _strips(target):
            block = target[rows]
            sums, below = self._sums[:, : block.size].reshape(2, *block.shape)
            np.subtract(WHOLE, weights[rows], out=below)
            np.multiply(block, below, out=below)
            np.multiply(source[rows], weights[rows], out=sums)
            np.add(sums, below, out=sums)
            np.add(sums, HALF, out=sums)
            np.right_shift(sums, 8, out=sums)
            np.copyto(block, sums, casting="unsafe")


def _strips(plane: Plane) -> Iterator[slice]:
    height, width = plane.shape
    rows = max(1, STRIP_SAMPLES // width)
    return (slice(top, top + rows) for top in range(0, height, rows))


def opaque(picture: Raster) -> Yuv420 | None:
    """`picture` without its alpha, if nothing shines through it."""
    if picture.gap.y.any():
        return None
    y, u, v = ((plane >> 8).astype(np.uint8) for plane in (picture.y, picture.u, picture.v))
    return Yuv420(y, u, v)
