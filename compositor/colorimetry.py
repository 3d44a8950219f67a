"""What the numbers of a picture mean: its matrix and its range, brought to BT.709, limited range.

Primaries and transfer are left as they are: those of BT.601 and BT.709 are all but the same.
Source: ITU-T H.273, 8.3.
"""

from functools import lru_cache

import av
import numpy as np
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from compositor.compiled import compiled

Plane = NDArray[np.uint8]
Matrix = NDArray[np.int32]

BT709 = 0.2126, 0.0722
"""The parts that red and blue have in luma."""
BT601 = 0.299, 0.114
_LUMA_PARTS = {5: BT601, 6: BT601, 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
"""By H.273's code; what is not here is BT.709, or untagged and taken for it."""

_SHIFT = 14
_ONE = 1 << _SHIFT


def conversion(frame: av.VideoFrame) -> Matrix | None:
    """What brings the YUV `frame` to BT.709, limited range; None if it is that already."""
    parts = _LUMA_PARTS.get(frame.colorspace, BT709)
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    return _matrix(parts, full=full) if full or parts != BT709 else None


@lru_cache
def _matrix(parts: tuple[float, float], *, full: bool) -> Matrix:
    """Two rows of 2^14ths: luma from y, u, v and 1; then u from u and v, and v from u and v."""
    luma, chroma = (1, 1) if full else (255 / 219, 255 / 224)
    to_rgb = np.linalg.inv(_from_rgb(*parts)) @ np.diag([luma, chroma, chroma])
    to_yuv = np.diag([219, 224, 224]) @ _from_rgb(*BT709) @ to_rgb / 255
    black_in, black_out = (0 if full else 16), 16
    offset = black_out + 0.5 - to_yuv[0] @ (black_in, 128, 128)
    rows = [[*to_yuv[0], offset], to_yuv[1:, 1:].ravel()]
    return np.array(np.round(np.array(rows) * _ONE), np.int32)


def _from_rgb(red: float, blue: float) -> NDArray[np.float64]:
    """Y from 0 to 1, Cb and Cr from -1/2 to 1/2, of RGB from 0 to 1."""
    luma = np.array([red, 1 - red - blue, blue])
    return np.array(
        [
            luma,
            (np.array([0, 0, 1]) - luma) / (2 * (1 - blue)),
            (np.array([1, 0, 0]) - luma) / (2 * (1 - red)),
        ]
    )


@compiled("void(u1[:,:], u1[:,:], u1[:,:], i4[:,::1])")
def convert(y: Plane, u: Plane, v: Plane, matrix: Matrix) -> None:
    """Apply `matrix` to 4:2:0 planes, in place."""
    height, width = u.shape
    luma, from_u, from_v, offset = matrix[0]
    u_u, u_v, v_u, v_v = matrix[1]
    middle = (128 << _SHIFT) + (_ONE >> 1)
    shifts = np.empty(2 * width, np.int32)
    for row in range(height):
        us, vs = u[row], v[row]
        for x in range(width):
            a, b = np.int32(us[x]), np.int32(vs[x])
            shift = from_u * a + from_v * b + offset
            shifts[2 * x] = shift
            shifts[2 * x + 1] = shift
            a -= np.int32(128)
            b -= np.int32(128)
            us[x] = min(max((u_u * a + u_v * b + middle) >> _SHIFT, 0), 255)
            vs[x] = min(max((v_u * a + v_v * b + middle) >> _SHIFT, 0), 255)
        for line in range(2):
            ys = y[2 * row + line]
            for x in range(2 * width):
                ys[x] = min(max((luma * np.int32(ys[x]) + shifts[x]) >> _SHIFT, 0), 255)
