"""Layouts by name, as plain specs for 1–9 feeds and for either orientation."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from compositor.geometry import Fractions, Size
from compositor.layout import FULL, Corner, Layout, PresetName, Slot

Orientation = Literal["landscape", "portrait"]

MAX_FEEDS = 9

GRID_ROWS: dict[Orientation, Sequence[Sequence[int]]] = {
    "landscape": ((1,), (2,), (2, 1), (2, 2), (3, 2), (3, 3), (2, 3, 2), (3, 2, 3), (3, 3, 3)),
    "portrait": (
        (1,),
        (1, 1),
        (1, 1, 1),
        (2, 2),
        (2, 2, 1),
        (2, 2, 2),
        (2, 2, 2, 1),
        (2, 2, 2, 2),
        (3, 3, 3),
    ),
}
"""Tiles in each row, for 1, 2, 3 … feeds; a short row is centred."""

ROW: dict[Orientation, Sequence[Sequence[int]]] = {
    "landscape": ((1,), (2,), (3,), (4,), (3, 2), (3, 3), (4, 3), (4, 4), (3, 3, 3)),
    "portrait": (
        (1,),
        (2,),
        (2, 1),
        (2, 2),
        (2, 2, 1),
        (2, 2, 2),
        (2, 2, 2, 1),
        (2, 2, 2, 2),
        (3, 3, 3),
    ),
}
"""Tiles side by side, for 1, 2, 3 … feeds: a row for as long as they are no slivers."""

COLUMN: dict[Orientation, Sequence[Sequence[int]]] = {
    "landscape": ((1,), (2,), (3,), (2, 2), (3, 2), (3, 3), (3, 2, 2), (3, 3, 2), (3, 3, 3)),
    "portrait": ((1,), (2,), (3,), (4,), (3, 2), (3, 3), (4, 3), (4, 4), (3, 3, 3)),
}
"""Tiles in each column of a stack, likewise."""

INSETS: dict[Orientation, Sequence[tuple[int, float, float]]] = {
    "landscape": ((3, 0.25, 0.25), (4, 0.2, 0.2), (8, 0.15, 0.15)),
    "portrait": ((1, 0.28, 0.28), (4, 0.2, 0.2), (8, 0.2, 0.125)),
}
"""Width and height of an inset where there are up to so many."""

INSETS_ABREAST = 4
"""In landscape they go up or down a side, in portrait along the top or bottom: either way the
middle of the picture behind them stays free."""

INSET_GAP: dict[Orientation, tuple[float, float]] = {
    "landscape": (0.02, 0.02 * 16 / 9),
    "portrait": (0.04, 0.04 * 9 / 16),
}
"""Across and down, the same in pixels on 16:9 and 9:16."""

INSET_CORNER: dict[Orientation, Corner] = {
    "landscape": "bottom-right",
    "portrait": "top-right",
}
"""Where none is asked for: in portrait, viewers' apps lay their chat over the bottom."""

STRIP_LENGTH = 4
"""Tiles side by side in a strip beside the spotlight; more make it two deep."""

STRIP_DEPTH: dict[Orientation, tuple[float, float]] = {
    "landscape": (0.25, 0.2),
    "portrait": (0.2, 0.15),
}
"""Of a tile in a strip that is one deep, and in one that is two."""


def orientation(size: Size) -> Orientation:
    """Portrait if higher than wide."""
    return "portrait" if size.height > size.width else "landscape"


@lru_cache(maxsize=128)
def preset(
    name: PresetName, orientation: Orientation, feeds: int, corner: Corner | None = None
) -> Layout:
    """The preset `name` spelt out in `auto` slots for that many feeds, 9 at most.

    `corner` is where the insets of picture-in-picture begin.
    Its document can be edited and given back as a layout of one's own.
    """
    feeds = min(feeds, MAX_FEEDS)
    if feeds < 1:
        return Layout.empty()
    match name:
        case "solo":
            rects: list[Fractions] = [FULL]
        case "side-by-side":
            rects = _side_by_side(ROW[orientation][feeds - 1])
        case "stack":
            rects = _stack(COLUMN[orientation][feeds - 1], orientation)
        case "picture-in-picture":
            rects = [FULL, *_insets(orientation, feeds - 1, corner or INSET_CORNER[orientation])]
        case "grid":
            rects = _grid(GRID_ROWS[orientation][feeds - 1])
        case "spotlight":
            rects = _spotlight(orientation, feeds)
    over = name == "picture-in-picture"
    return Layout(
        slots=tuple(
            Slot(rect, number, z=int(over and number > 1))
            for number, rect in enumerate(rects, start=1)
        )
    )


def _side_by_side(rows: Sequence[int]) -> list[Fractions]:
    """Rows; a single one is half as high as the canvas."""
    if len(rows) > 1 or rows == (1,):
        return _grid(rows)
    return [(x, 0.25, width, 0.5) for x, _, width, _ in _grid(rows)]


def _stack(columns: Sequence[int], orientation: Orientation) -> list[Fractions]:
    """Columns; in landscape a single one is half as wide as the canvas."""
    turned = [(y, x, height, width) for x, y, width, height in _grid(columns)]
    if len(columns) > 1 or columns == (1,) or orientation == "portrait":
        return turned
    return [(0.25, y, 0.5, height) for _, y, _, height in turned]


def _insets(orientation: Orientation, count: int, corner: Corner) -> list[Fractions]:
    """Small pictures along an edge, from `corner` on."""
    if not count:
        return []
    width, height = next(sides for most, *sides in INSETS[orientation] if count <= most)
    across, down = INSET_GAP[orientation]
    rects = []
    for index in range(count):
        line, place = divmod(index, INSETS_ABREAST)
        column, row = (line, place) if orientation == "landscape" else (place, line)
        x = across + column * (width + across)
        y = down + row * (height + down)
        rects.append(
            (
                1 - x - width if corner.endswith("right") else x,
                1 - y - height if corner.startswith("bottom") else y,
                width,
                height,
            )
        )
    return rects


def _spotlight(orientation: Orientation, feeds: int) -> list[Fractions]:
    """One large, the rest in a strip: on the right in landscape, along the top in portrait."""
    if feeds == 1:
        return [FULL]
    lines = [feeds - 1]
    if feeds - 1 > STRIP_LENGTH:
        lines = [feeds // 2, (feeds - 1) // 2]
    depth = STRIP_DEPTH[orientation][len(lines) - 1]
    strip, side = depth * len(lines), 1 / STRIP_LENGTH
    places = [
        ((1 - tiles * side) / 2 + index * side, line * depth)
        for line, tiles in enumerate(lines)
        for index in range(tiles)
    ]
    if orientation == "portrait":
        return [(0.0, strip, 1.0, 1 - strip), *((x, y, side, depth) for x, y in places)]
    begin = 1 - strip
    return [(0.0, 0.0, begin, 1.0), *((begin + x, y, depth, side) for y, x in places)]


def _grid(rows: Sequence[int]) -> list[Fractions]:
    width, height = 1 / max(rows), 1 / len(rows)
    return [
        ((1 - tiles * width) / 2 + column * width, row * height, width, height)
        for row, tiles in enumerate(rows)
        for column in range(tiles)
    ]
