"""Sizes and rectangles in luma pixels, even on every side so that 4:2:0 chroma halves exactly."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from compositor.errors import GeometryError

Turns = Literal[0, 1, 2, 3]
"""Quarter turns clockwise, such as bring a phone's picture upright."""

Fractions = tuple[float, float, float, float]
"""x, y, width, height as fractions of a canvas."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in luma pixels, both even and at least 2."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 2 or self.height < 2 or self.width % 2 or self.height % 2:
            raise GeometryError(f"{self} is not even and at least 2×2")

    def __str__(self) -> str:
        return f"{self.width}×{self.height}"


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in luma pixels, every number even, no side negative or empty."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if (self.x | self.y | self.width | self.height) & 1:
            raise GeometryError(f"{self} is not even on every side")
        if self.x < 0 or self.y < 0 or self.width < 2 or self.height < 2:
            raise GeometryError(f"{self} is empty or begins outside")

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def area(self) -> int:
        return self.width * self.height

    def inside(self, size: Size) -> bool:
        return self.right <= size.width and self.bottom <= size.height

    def overlaps(self, other: "Rect") -> bool:
        return (
            self.x < other.right
            and other.x < self.right
            and self.y < other.bottom
            and other.y < self.bottom
        )

    def common(self, other: "Rect") -> "Rect | None":
        """What both cover."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        width = min(self.x + self.width, other.x + other.width) - x
        height = min(self.y + self.height, other.y + other.height) - y
        return Rect(x, y, width, height) if width > 0 and height > 0 else None


def whole(size: Size) -> Rect:
    """The rectangle that covers all of `size`."""
    return Rect(0, 0, size.width, size.height)


def pixel_rect(fractions: Fractions, size: Size) -> Rect:
    """`fractions` of `size` as even pixels.

    Each edge goes to the nearest even pixel by itself, so rectangles that share an edge meet
    without a gap or an overlap. What would vanish is kept at 2 pixels.
    """
    x, y, width, height = fractions
    left, right = _span(x, x + width, size.width)
    top, bottom = _span(y, y + height, size.height)
    return Rect(left, top, right - left, bottom - top)


def _span(start: float, end: float, length: int) -> tuple[int, int]:
    first = min(even(start * length), length - 2)
    last = min(even(end * length), length)
    return first, max(last, first + 2)


def even(pixels: float) -> int:
    """The nearest even number, halves going up.

    Rounded to a millionth before, so that 1/3 + 1/3 and 2/3 end on the same pixel.
    """
    return 2 * math.floor(round(pixels / 2, 6) + 0.5)


def cover_crop(source: Size, target: Size, focus: tuple[float, float] = (0.5, 0.5)) -> Rect:
    """The largest part of `source` with the shape of `target`, as near around `focus` as can be.

    `focus` is in fractions of `source`.
    """
    width, height = source.width, source.height
    if width * target.height > height * target.width:
        width = min(max(even(height * target.width / target.height), 2), width)
    else:
        height = min(max(even(width * target.height / target.width), 2), height)
    return Rect(
        _around(focus[0], width, source.width),
        _around(focus[1], height, source.height),
        width,
        height,
    )


def _around(focus: float, length: int, room: int) -> int:
    """Where `length` begins that has `focus`, a fraction of `room`, in its middle if it can."""
    middle = 2 * math.floor((focus * room - length / 2) / 2 + 1e-6)
    return min(max(middle, 0), room - length)


def turned_back(rect: Rect, size: Size, turns: Turns) -> Rect:
    """Where `rect` of a picture of `size` lay before that was turned clockwise by quarters."""
    for _ in range(turns):
        rect = Rect(rect.y, size.width - rect.right, rect.height, rect.width)
        size = Size(size.height, size.width)
    return rect


def contained(source: Size, target: Size) -> Size:
    """The largest size with the shape of `source` that fits into `target`."""
    width, height = target.width, target.height
    if source.width * height > source.height * width:
        height = min(max(even(width * source.height / source.width), 2), height)
    else:
        width = min(max(even(height * source.width / source.height), 2), width)
    return Size(width, height)


def centred(size: Size, rect: Rect) -> Rect:
    """`size` in the middle of `rect`. Raises GeometryError if it is larger."""
    if size.width > rect.width or size.height > rect.height:
        raise GeometryError(f"{size} does not fit into {rect.size}")
    return Rect(
        rect.x + (rect.width - size.width) // 4 * 2,
        rect.y + (rect.height - size.height) // 4 * 2,
        size.width,
        size.height,
    )


def uncovered(rect: Rect, covers: Iterable[Rect]) -> list[Rect]:
    """What of `rect` none of `covers` hides, as rectangles that do not overlap."""
    left = [rect]
    for cover in covers:
        left = [piece for part in left for piece in _without(part, cover)]
    return left


def _without(rect: Rect, hole: Rect) -> list[Rect]:
    if not rect.overlaps(hole):
        return [rect]
    top, bottom = max(rect.y, hole.y), min(rect.bottom, hole.bottom)
    spans = (
        (rect.x, rect.y, rect.right, top),
        (rect.x, bottom, rect.right, rect.bottom),
        (rect.x, top, hole.x, bottom),
        (hole.right, top, rect.right, bottom),
    )
    return [Rect(x, y, x1 - x, y1 - y) for x, y, x1, y1 in spans if x1 > x and y1 > y]
