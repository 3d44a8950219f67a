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

INSET_SIDE: dict[Orientation, tuple[float, float]] = {
    "landscape": (0.25, 0.2),
    "portrait": (0.28, 0.2),
}
"""Width and height of an inset, for one column of up to 3, and for two columns of 4."""

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
            rects = _side_by_side(feeds)
        case "stack":
            rects = _stack(orientation, feeds)
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


def _side_by_side(feeds: int) -> list[Fractions]:
    """Columns of half the canvas's height, in its middle."""
    if feeds == 1:
        return [FULL]
    return [(column / feeds, 0.25, 1 / feeds, 0.5) for column in range(feeds)]


def _stack(orientation: Orientation, feeds: int) -> list[Fractions]:
    """Rows: all of the width in portrait, half of it in landscape."""
    if feeds == 1:
        return [FULL]
    x, width = (0.0, 1.0) if orientation == "portrait" else (0.25, 0.5)
    return [(x, row / feeds, width, 1 / feeds) for row in range(feeds)]


def _insets(orientation: Orientation, count: int, corner: Corner) -> list[Fractions]:
    """Small pictures up or down a side, from `corner` on."""
    large, small = INSET_SIDE[orientation]
    side, rows = (large, 3) if count <= 3 else (small, 4)
    across, down = INSET_GAP[orientation]
    rects = []
    for index in range(count):
        column, row = divmod(index, rows)
        x = across + column * (side + across)
        y = down + row * (side + down)
        rects.append(
            (
                1 - x - side if corner.endswith("right") else x,
                1 - y - side if corner.startswith("bottom") else y,
                side,
                side,
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
