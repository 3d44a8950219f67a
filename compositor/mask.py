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
    y = coverage * weight
    return Mask(np.round(y).astype(np.uint8), np.round(halved(y)).astype(np.uint8))


def blend(picture: Yuv420, seen: Mask | int, target: Yuv420) -> None:
    """Lay what is seen of `picture` over `target`, which has the same size, in place.

    `seen` as a number is that much of every sample.
    """
    if isinstance(seen, int):
        _fade(picture.y, seen, target.y)
        _fade(picture.u, seen, target.u)
        _fade(picture.v, seen, target.v)
    else:
        _blend(picture.y, seen.y, target.y)
        _blend(picture.u, seen.uv, target.u)
        _blend(picture.v, seen.uv, target.v)


@compiled("u1(u1, u1, u1)")
def _mixed(over: np.uint8, weight: np.uint8, under: np.uint8) -> np.uint16:
    """The weighted mean, rounded; x / 255 is (x + 128 + (x + 128) / 256) / 256 in integers."""
    rest = np.uint16(np.uint16(255) - np.uint16(weight))
    above = np.uint16(np.uint16(over) * np.uint16(weight))
    total = np.uint16(np.uint16(np.uint16(under) * rest) + np.uint16(above + np.uint16(128)))
    return np.uint16(total + np.uint16(total >> np.uint16(8))) >> np.uint16(8)


@compiled("void(Array(u1, 2, 'A', readonly=True), Array(u1, 2, 'A', readonly=True), u1[:,:])")
def _blend(source: Plane, weights: Plane, target: Plane) -> None:
    height, width = target.shape
    for y in range(height):
        over, seen, under = source[y], weights[y], target[y]
        for x in range(width):
            under[x] = _mixed(over[x], seen[x], under[x])


@compiled("void(Array(u1, 2, 'A', readonly=True), u1, u1[:,:])")
def _fade(source: Plane, weight: int, target: Plane) -> None:
    height, width = target.shape
    for y in range(height):
        over, under = source[y], target[y]
        for x in range(width):
            under[x] = _mixed(over[x], np.uint8(weight), under[x])
