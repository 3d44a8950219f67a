"""Pictures with alpha, made once and blended as often as needed."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compositor.frame import Plane, Yuv420, region
from compositor.geometry import Rect, Size
from compositor.mask import WHOLE, Mask, cut, halved

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

_OFFSETS = np.array([16, 128, 128], np.float32)


class Raster(NamedTuple):
    """A picture and how much of it is seen."""

    picture: Yuv420
    alpha: Mask

    @property
    def size(self) -> Size:
        return self.picture.size


def raster(image: Image.Image, opacity: float = 1.0) -> Raster:
    """The RGBA `image`, whose sides are even."""
    pixels = np.asarray(image.convert("RGBA")).astype(np.float32)
    alpha = np.round(pixels[..., 3] * opacity)
    y, u, v = (
        pixels[..., :3] @ row + offset for row, offset in zip(_RGB_TO_YUV, _OFFSETS, strict=True)
    )
    seen = Mask(alpha.astype(np.uint8), np.round(halved(alpha)).astype(np.uint8))
    return Raster(Yuv420(_samples(y), _chroma(u, alpha), _chroma(v, alpha)), seen)


def _samples(plane: NDArray[np.float32]) -> Plane:
    return np.round(plane).astype(np.uint8)


def _chroma(plane: NDArray[np.float32], alpha: NDArray[np.float32]) -> Plane:
    """The mean of each 2×2 block, in which a pixel counts as much as it is seen."""
    weights = np.maximum(alpha, 1e-3)
    return _samples(halved(plane * weights) / halved(weights))


def part(picture: Raster, rect: Rect) -> Raster:
    """The part `rect` of `picture`: the same memory."""
    return Raster(region(picture.picture, rect), cut(picture.alpha, rect))


def opaque(picture: Raster) -> Yuv420 | None:
    """`picture` without its alpha, if nothing shines through it."""
    return picture.picture if (picture.alpha.y == WHOLE).all() else None
