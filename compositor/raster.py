"""Pictures with alpha, made once and blended as often as needed."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compositor.compiled import compiled
from compositor.frame import Plane, Yuv420, blank, region
from compositor.geometry import Rect, Size
from compositor.mask import WHOLE, Mask, cut

HALF = np.float32(0.5)
CENTRE = np.float32(128.5)
LUMA_RED, LUMA_GREEN, LUMA_BLUE = np.float32(0.2126), np.float32(0.7152), np.float32(0.0722)
LUMA_RANGE, CHROMA_RANGE = np.float32(219 / 255), np.float32(224 / 255)


class Raster(NamedTuple):
    """A picture and how much of it is seen."""

    picture: Yuv420
    alpha: Mask

    @property
    def size(self) -> Size:
        return self.picture.size


def raster(image: Image.Image, opacity: float = 1.0) -> Raster:
    """The RGBA `image`, whose sides are even."""
    pixels = np.asarray(image.convert("RGBA"))
    height, width = pixels.shape[:2]
    size = Size(width, height)
    picture = blank(size)
    alpha = Mask(np.empty((height, width), np.uint8), np.empty_like(picture.u))
    _convert(pixels, opacity, picture.y, picture.u, picture.v, alpha.y, alpha.uv)
    return Raster(picture, alpha)


@compiled(
    "void(Array(u1, 3, 'C', readonly=True), f4, u1[:,::1], u1[:,::1], u1[:,::1], u1[:,::1],"
    " u1[:,::1])"
)
def _convert(
    pixels: NDArray[np.uint8], opacity: float, y: Plane, u: Plane, v: Plane, a: Plane, auv: Plane
) -> None:
    """RGBA to BT.709, limited range (ITU-R BT.709-6, items 3.2–3.4). In the chroma of a 2×2
    block a pixel counts as much as it is seen, and a little even if it is not."""
    blue_scale = np.float32(1 / 1.8556)
    red_scale = np.float32(1 / 1.5748)
    for row in range(y.shape[0] // 2):
        for column in range(y.shape[1] // 2):
            blue_sum = red_sum = seen = np.float32(0)
            weights = np.float32(0)
            for j in range(2 * row, 2 * row + 2):
                for i in range(2 * column, 2 * column + 2):
                    red = np.float32(pixels[j, i, 0])
                    green = np.float32(pixels[j, i, 1])
                    blue = np.float32(pixels[j, i, 2])
                    alpha = np.float32(np.uint8(np.float32(pixels[j, i, 3]) * opacity + HALF))
                    luma = LUMA_RED * red + LUMA_GREEN * green + LUMA_BLUE * blue
                    y[j, i] = np.uint8(np.float32(16.5) + luma * LUMA_RANGE)
                    a[j, i] = np.uint8(alpha)
                    weight = alpha + np.float32(1e-3)
                    blue_sum += (blue - luma) * weight
                    red_sum += (red - luma) * weight
                    weights += weight
                    seen += alpha
            u[row, column] = np.uint8(CENTRE + blue_sum / weights * blue_scale * CHROMA_RANGE)
            v[row, column] = np.uint8(CENTRE + red_sum / weights * red_scale * CHROMA_RANGE)
            auv[row, column] = np.uint8(seen / np.float32(4) + HALF)


def part(picture: Raster, rect: Rect) -> Raster:
    """The part `rect` of `picture`: the same memory."""
    return Raster(region(picture.picture, rect), cut(picture.alpha, rect))


def opaque(picture: Raster) -> Yuv420 | None:
    """`picture` without its alpha, if nothing shines through it."""
    return picture.picture if (picture.alpha.y == WHOLE).all() else None
