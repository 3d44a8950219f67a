"""The canvas: pictures put into one buffer, of which only what changed is written."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import NamedTuple

import av

from compositor.errors import GeometryError
from compositor.frame import (
    Colour,
    Yuv420,
    blank,
    colour,
    copy,
    flat_picture,
    region,
    video_frame,
)
from compositor.geometry import Rect, Size, centred, uncovered, whole
from compositor.mask import WHOLE, Mask, blend, corner, cut
from compositor.raster import Raster, part
from compositor.trim import PLAIN, Trim

KEPT_PLANS = 64
"""Sets of changed pictures for which a canvas remembers what to write."""


class Placed(NamedTuple):
    """A picture and the rectangle it goes into; a smaller one is centred there.

    A border lies around the picture. A raster has no trim.
    """

    rect: Rect
    picture: Yuv420 | Raster
    trim: Trim = PLAIN
    opacity: float = 1.0


class _Piece(NamedTuple):
    """A rectangle of one kind of pixels: a part of the picture of that number, or of one that
    stays.

    `rect` is where it is on the canvas, `x` and `y` where it begins in the picture, `weight` of
    255 how much of it is seen where `mask` shows it.
    """

    rect: Rect
    source: int | Yuv420
    x: int = 0
    y: int = 0
    weight: int = WHOLE
    mask: Mask | None = None
    opaque: bool = True


class _Stroke(NamedTuple):
    """What of a picture to write into which memory of the canvas."""

    source: int | Yuv420
    rect: Rect
    weight: int
    mask: Mask | None
    target: Yuv420


class Canvas:
    """A picture that is composed again and again in the same memory, by one thread."""

    def __init__(self, size: Size, background: Colour | Yuv420) -> None:
        self.size = size
        self._background = (
            flat_picture(size, background) if isinstance(background, Colour) else background
        )
        self._picture = blank(size)
        self._keys: list[tuple[object, ...]] = []
        self._outlines: list[Rect] = []
        self._pieces: list[_Piece] = []
        self._shown: list[Yuv420 | Raster] = []
        self._plans: dict[int, list[_Stroke]] = {}
        self._paint([], self._plan([whole(size)]))

    def render(self, placed: Sequence[Placed]) -> av.VideoFrame:
        """The canvas with `placed` on it, later ones over earlier ones.

        The frame shares the canvas's memory: the next call writes into it. Only rectangles in
        which a picture is another object than at the last call, or in another place, are
        written.

        Raises GeometryError if a rectangle is not inside the canvas, or a picture too large.
        """
        keys: list[tuple[object, ...]] = [
            (item.rect, item.picture.size, item.trim, item.opacity, type(item.picture))
            for item in placed
        ]
        pictures = [item.picture for item in placed]
        if keys != self._keys:
            plan = self._arrange(keys, placed)
        else:
            changed = 0
            for number, (shown, picture) in enumerate(zip(self._shown, pictures, strict=True)):
                if picture is not shown:
                    changed |= 1 << number
            plan = self._plan_of(changed)
        self._shown = pictures
        self._paint(pictures, plan)
        return video_frame(self._picture)

    def _arrange(self, keys: list[tuple[object, ...]], placed: Sequence[Placed]) -> list[_Stroke]:
        """Take over a new arrangement, and what to write because of it."""
        inner = [_inner(item, self.size) for item in placed]
        pieces = [
            piece
            for number, (item, rect) in enumerate(zip(placed, inner, strict=True))
            for piece in _pieces(number, item, rect)
        ]
        outlines = [
            _outer(rect, item.trim.border) for item, rect in zip(placed, inner, strict=True)
        ]
        damage = []
        olds = zip(self._keys, self._outlines, self._shown, strict=True)
        news = zip(keys, outlines, (item.picture for item in placed), strict=True)
        for old, new in zip_longest(olds, news):
            if old is None or new is None or old[0] != new[0] or old[2] is not new[2]:
                damage += [entry[1] for entry in (old, new) if entry is not None]
        self._keys, self._outlines, self._pieces = keys, outlines, pieces
        self._plans.clear()
        if 2 * sum(rect.area for rect in damage) > whole(self.size).area:
            damage = [whole(self.size)]
        return self._plan(damage)

    def _plan_of(self, changed: int) -> list[_Stroke]:
        """What to write when the pictures whose bits are set in `changed` are new."""
        plan = self._plans.get(changed)
        if plan is None:
            if len(self._plans) == KEPT_PLANS:
                self._plans.clear()
            plan = self._plans[changed] = self._plan(
                piece.rect
                for piece in self._pieces
                if isinstance(piece.source, int) and changed >> piece.source & 1
            )
        return plan

    def _plan(self, damage: Iterable[Rect]) -> list[_Stroke]:
        """Every damaged pixel from the highest opaque piece on upwards, and each once."""
        strokes = []
        done: list[Rect] = []
        for rect in sorted(damage, key=lambda rect: -rect.area):
            for bare in uncovered(rect, done):
                strokes += self._strokes(bare)
            done.append(rect)
        return strokes

    def _strokes(self, rect: Rect) -> list[_Stroke]:
        strokes = [_Stroke(self._background, rect, WHOLE, None, region(self._picture, rect))]
        for piece in self._pieces:
            both = piece.rect.common(rect)
            if both is None:
                continue
            if piece.opaque and both == rect:
                strokes.clear()
            inside = Rect(both.x - piece.rect.x, both.y - piece.rect.y, both.width, both.height)
            strokes.append(
                _Stroke(
                    piece.source,
                    replace(inside, x=inside.x + piece.x, y=inside.y + piece.y),
                    piece.weight,
                    cut(piece.mask, inside) if piece.mask else None,
                    region(self._picture, both),
                )
            )
        return strokes

    def _paint(self, pictures: Sequence[Yuv420 | Raster], plan: Iterable[_Stroke]) -> None:
        for source, rect, weight, mask, target in plan:
            picture = pictures[source] if isinstance(source, int) else source
            if isinstance(picture, Raster):
                over, alpha = part(picture, rect)
                blend(over, alpha, weight, target)
            elif weight == WHOLE and mask is None:
                copy(region(picture, rect), target)
            else:
                blend(region(picture, rect), mask, weight, target)


def _inner(item: Placed, size: Size) -> Rect:
    """Where the picture itself goes. Raises GeometryError if it or its border is outside."""
    rect, border = centred(item.picture.size, item.rect), item.trim.border
    if rect.x < border or rect.y < border:
        raise GeometryError(f"the border of {rect} is not inside the canvas of {size}")
    outer = _outer(rect, border)
    if not outer.inside(size):
        raise GeometryError(f"{outer} is not inside the canvas of {size}")
    return rect


def _outer(rect: Rect, border: int) -> Rect:
    return Rect(rect.x - border, rect.y - border, rect.width + 2 * border, rect.height + 2 * border)


def _pieces(number: int, item: Placed, rect: Rect) -> Iterator[_Piece]:
    """The pieces of one placed picture, its border first."""
    weight = round(item.opacity * WHOLE)
    if not weight:
        return
    if isinstance(item.picture, Raster):
        yield _Piece(rect, number, weight=weight, opaque=False)
        return
    border = item.trim.border
    outer = _outer(rect, border)
    radius = min(item.trim.radius, min(outer.width, outer.height) // 4 * 2)
    if border:
        yield from _border(outer, border, radius, colour(item.trim.colour), weight)
    inner_radius = max(0, radius - border)
    yield from _bodies(number, rect, inner_radius, weight)
    yield from _corners(number, rect, inner_radius, inner_radius, weight)


def _bodies(source: int, rect: Rect, radius: int, weight: int) -> Iterator[_Piece]:
    """All but the corners of `rect`."""
    for x, y, width, height in (
        (radius, 0, rect.width - 2 * radius, radius),
        (0, radius, rect.width, rect.height - 2 * radius),
        (radius, rect.height - radius, rect.width - 2 * radius, radius),
    ):
        if width and height:
            yield _piece(source, rect, (x, y, width, height), weight)


def _corners(
    source: int | Yuv420, rect: Rect, radius: int, line: int, weight: int
) -> Iterator[_Piece]:
    if not radius:
        return
    for right in (False, True):
        for bottom in (False, True):
            x = rect.width - radius if right else 0
            y = rect.height - radius if bottom else 0
            square = Rect(rect.x + x, rect.y + y, radius, radius)
            shape = corner(radius, line, right, bottom)
            yield _Piece(square, source, x, y, weight, shape, opaque=False)


def _border(outer: Rect, width: int, radius: int, colour: Colour, weight: int) -> Iterator[_Piece]:
    """The line inside `outer`. Where the picture is opaque its corners go on beneath the
    picture's, so that nothing shines through between the two."""
    flat = flat_picture(outer.size, colour)
    end = max(radius, width)
    across, down = outer.width - 2 * end, outer.height - 2 * end
    for x, y, long, high in (
        (end, 0, across, width),
        (end, outer.height - width, across, width),
        (0, end, width, down),
        (outer.width - width, end, width, down),
    ):
        if long > 0 and high > 0:
            yield _piece(flat, outer, (x, y, long, high), weight)
    if radius:
        yield from _corners(flat, outer, end, end if weight == WHOLE else width, weight)
        return
    for x in (0, outer.width - width):
        for y in (0, outer.height - width):
            yield _piece(flat, outer, (x, y, width, width), weight)


def _piece(
    source: int | Yuv420, rect: Rect, within: tuple[int, int, int, int], weight: int
) -> _Piece:
    x, y, width, height = within
    place = Rect(rect.x + x, rect.y + y, width, height)
    return _Piece(place, source, x, y, weight, opaque=weight == WHOLE)
