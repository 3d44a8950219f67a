"""Planes shrunk by exact ratios, several times faster than a scaler for any ratio."""

import numpy as np

from compositor.compiled import compiled
from compositor.frame import Plane


@compiled("u1(u1, u1)")
def _middle(one: np.uint8, other: np.uint8) -> np.uint16:
    return (np.uint16(one) + np.uint16(other) + np.uint16(1)) >> np.uint16(1)


@compiled("u1(u1, u1, u1)")
def _weighted(before: np.uint8, at: np.uint8, after: np.uint8) -> np.uint16:
    """1/11, 7/11 and 3/11, in 256ths."""
    total = np.uint16(before) * np.uint16(23) + np.uint16(at) * np.uint16(163)
    return (total + np.uint16(after) * np.uint16(70) + np.uint16(128)) >> np.uint16(8)


@compiled("void(u1[:,:], u1[:,::1])")
def halve(plane: Plane, half: Plane) -> None:
    """Write the rounded mean of every 2×2 block of `plane` into `half`."""
    height, width = half.shape
    sums = np.empty(2 * width, np.uint16)
    for y in range(height):
        above, below, out = plane[2 * y], plane[2 * y + 1], half[y]
        for x in range(2 * width):
            sums[x] = np.uint16(above[x]) + np.uint16(below[x])
        for x in range(width):
            out[x] = (sums[2 * x] + sums[2 * x + 1] + np.uint16(2)) >> np.uint16(2)


@compiled("void(u1[:,:], u1[:,::1])")
def three_quarters(plane: Plane, smaller: Plane) -> None:
    """Write `plane` into `smaller`, which has three pixels for every four of it each way.

    The middles of the three lie at 1/6, 3/2 and 17/6 of the four. A pixel that is 4/3 wide is
    weighted by a triangle of that width to each side, as swscale's bilinear does it.
    """
    height, width = smaller.shape
    quads, last = width // 3, len(plane) - 1
    end = 4 * quads
    rows = np.empty((3, end + 2), np.uint8)
    for y in range(height // 3):
        a, b, c, d = plane[4 * y], plane[4 * y + 1], plane[4 * y + 2], plane[4 * y + 3]
        above, below = plane[max(4 * y - 1, 0)], plane[min(4 * y + 4, last)]
        for x in range(end):
            rows[0, x + 1] = _weighted(above[x], a[x], b[x])
        for x in range(end):
            rows[1, x + 1] = _middle(b[x], c[x])
        for x in range(end):
            rows[2, x + 1] = _weighted(below[x], d[x], c[x])
        for line in range(3):
            row, out = rows[line], smaller[3 * y + line]
            row[0], row[end + 1] = row[1], row[end]
            for x in range(quads):
                out[3 * x] = _weighted(row[4 * x], row[4 * x + 1], row[4 * x + 2])
                out[3 * x + 1] = _middle(row[4 * x + 2], row[4 * x + 3])
                out[3 * x + 2] = _weighted(row[4 * x + 5], row[4 * x + 4], row[4 * x + 3])
