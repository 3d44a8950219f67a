"""How much of a picture is seen, sample by sample."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compositor.compiled import compiled
from compositor.frame import Plane, Yuv420
from compositor.geometry import Rect

WHOLE = 255


class Mask(NamedTuple):
    """0 (nothing) to 255 (all) of each luma and of each chroma sample."""

    y: Plane
    uv: Plane


def halved(plane: NDArray[Any]) -> NDArray[np.float32]:
    """The mean of every 2×2 block."""
    height, width = plane.shape
    means: NDArray[np.float32] = plane.reshape(height // 2, 2, width // 2, 2).mean(
        axis=(1, 3), dtype=np.float32
    )
    return means


def cut(mask: Mask, rect: Rect) -> Mask:
    """The part `rect`, in luma samples, of `mask`: the same memory."""
    return Mask(
        mask.y[rect.y : rect.bottom, rect.x : rect.right],
        mask.uv[rect.y // 2 : rect.bottom // 2, rect.x // 2 : rect.right // 2],
    )


@lru_cache(maxsize=64)
def corner(radius: int, line: int, right: bool, bottom: bool) -> Mask:
    """The square of `radius` in a rounded corner of something, of which only a line along the
    edge is there: all of it if the line is as wide as the radius."""
    quarter = _quarter(radius, line)
    y = np.ascontiguousarray(quarter[:: 1 if bottom else -1, :: 1 if right else -1])
    return Mask(y, np.round(halved(y)).astype(np.uint8))


@lru_cache(maxsize=16)
def _quarter(radius: int, line: int) -> Plane:
    coverage = np.empty((radius, radius), np.uint8)
    _cover(coverage, radius, radius - line if line < radius else -1)
    return coverage


@compiled("void(u1[:,::1], i8, i8)")
def _cover(quarter: Plane, outer: int, inner: int) -> None:
    """How much of each pixel lies between two circles around the first one's upper left."""
    height, width = quarter.shape
    half, one, nothing = np.float32(0.5), np.float32(1), np.float32(0)
    far, near = np.float32(outer) + half, np.float32(inner) + half
    for y in range(height):
        down, row = np.float32(y) + half, quarter[y]
        for x in range(width):
            across = np.float32(x) + half
            distance = np.sqrt(across * across + down * down)
            seen = min(max(far - distance, nothing), one)
            if inner >= 0:
                seen -= min(max(near - distance, nothing), one)
            row[x] = np.uint8(seen * np.float32(255) + half)


def blend(picture: Yuv420, mask: Mask | None, weight: int, target: Yuv420) -> None:
    """Lay what is seen of `picture` over `target`, which has the same size, in place: `weight`
    of 255 of what `mask` shows, or of all."""
    if mask is None:
        _fade(picture.y, weight, target.y)
        _fade(picture.u, weight, target.u)
        _fade(picture.v, weight, target.v)
    else:
        _blend(picture.y, mask.y, weight, target.y)
        _blend(picture.u, mask.uv, weight, target.u)
        _blend(picture.v, mask.uv, weight, target.v)


@compiled("u1(u1, u1, u1)")
def _mixed(over: np.uint8, weight: np.uint8, under: np.uint8) -> np.uint16:
    """The weighted mean, rounded; x / 255 is (x + 128 + (x + 128) / 256) / 256 in integers."""
    rest = np.uint16(np.uint16(255) - np.uint16(weight))
    above = np.uint16(np.uint16(over) * np.uint16(weight))
    total = np.uint16(np.uint16(np.uint16(under) * rest) + np.uint16(above + np.uint16(128)))
    return np.uint16(total + np.uint16(total >> np.uint16(8))) >> np.uint16(8)


@compiled("void(Array(u1, 2, 'A', readonly=True), Array(u1, 2, 'A', readonly=True), u1, u1[:,:])")
def _blend(source: Plane, weights: Plane, weight: int, target: Plane) -> None:
    height, width = target.shape
    for y in range(height):
        over, seen, under = source[y], weights[y], target[y]
        for x in range(width):
            share = _mixed(seen[x], np.uint8(weight), np.uint8(0))
            under[x] = _mixed(over[x], np.uint8(share), under[x])


@compiled("void(Array(u1, 2, 'A', readonly=True), u1, u1[:,:])")
def _fade(source: Plane, weight: int, target: Plane) -> None:
    height, width = target.shape
    for y in range(height):
        over, under = source[y], target[y]
        for x in range(width):
            under[x] = _mixed(over[x], np.uint8(weight), under[x])
