"""The way from one arrangement of tiles to another, for any moment of it."""

import math
from collections.abc import Sequence
from dataclasses import replace

from compositor.geometry import Rect
from compositor.layout import Easing, Transition, View
from compositor.tiles import Tile
from compositor.trim import Trim

MAX_TILES = 64
"""Of a moment. Interrupted again and again, tiles that still fade would pile up."""

INVISIBLE = 1 / 512
"""Opacity that changes no 8-bit sample by a whole step."""


def eased(progress: float, easing: Easing) -> float:
    """How far the tiles are when `progress` (0 to 1) of the time has passed."""
    match easing:
        case "ease-in":
            return progress * progress
        case "ease-out":
            return progress * (2 - progress)
        case "ease-in-out":
            return progress * progress * (3 - 2 * progress)
        case _:
            return progress


def between(
    old: Sequence[Tile], new: Sequence[Tile], progress: float, *, moving: bool = True
) -> tuple[Tile, ...]:
    """The tiles, in drawing order, at `progress` (0 to 1) of the way from `old` to `new`.

    A feed's tile moves from where it is to where it will be; without `moving` only a tile that
    stays in its place is the same one. Other tiles fade, out below and in above. A moving tile
    whose look changes, or that comes to lie over one that it was under, does so by fading in
    above itself, so nothing jumps.

    The picture is that of `old` at 0 and of `new` at 1, and each moment can be the `old` of
    another transition.
    """
    pairs = _pairs(old, new, moving)
    carried = _carried(old, new, pairs)
    below = []
    for index, tile in enumerate(old):
        goal = pairs.get(index)
        if goal is None:
            below.append(_faded(tile, _leaving(progress)))
        elif goal in carried:
            below.append(_on_the_way(tile, new[goal], progress))
        else:
            below.append(_faded(_moved(tile, tile, new[goal], progress), _leaving(progress)))
    origins = {goal: index for index, goal in pairs.items()}
    above = []
    for index, tile in enumerate(new):
        if index in carried:
            continue
        if index in origins:
            tile = _moved(tile, old[origins[index]], tile, progress)
        above.append(_faded(tile, _coming(progress)))
    return _visible([*below, *above])


def _leaving(progress: float) -> float:
    """Opacity of a tile that goes.

    With that of one that comes in the same place, at least 15/16: what is behind both hardly
    shines through half-way.
    """
    return 1 - progress * progress


def _coming(progress: float) -> float:
    return progress * (2 - progress)


def _pairs(old: Sequence[Tile], new: Sequence[Tile], moving: bool) -> dict[int, int]:
    """Which old tile, by index, is which new one: of the same feed, best in the same place,
    else the most opaque that is left."""
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for in_place in (True, False) if moving else (True,):
        for goal, tile in enumerate(new):
            if goal in taken:
                continue
            candidates = [
                index
                for index, origin in enumerate(old)
                if index not in pairs
                and origin.feed == tile.feed
                and (origin.rect == tile.rect if in_place else tile.feed is not None)
            ]
            if candidates:
                pairs[max(candidates, key=lambda index: old[index].opacity)] = goal
                taken.add(goal)
    return pairs


def _carried(old: Sequence[Tile], new: Sequence[Tile], pairs: dict[int, int]) -> set[int]:
    """The new tiles, by index, that go all the way as one tile.

    The others have no origin, look different from it, or lie over a tile that is not below
    them already.
    """
    origins = {goal: index for index, goal in pairs.items()}
    carried: set[int] = set()
    for index, tile in enumerate(new):
        if index not in origins or not _same_look(old[origins[index]], tile):
            continue
        covered = [lower for lower in range(index) if new[lower].rect.overlaps(tile.rect)]
        if all(lower in carried and origins[lower] < origins[index] for lower in covered):
            carried.add(index)
    return carried


def _same_look(origin: Tile, tile: Tile) -> bool:
    """Whether one becomes the other in small steps."""
    lines = {trim.colour for trim in (origin.trim, tile.trim) if trim.border}
    return (
        origin.view.fit == tile.view.fit
        and origin.view.mirror == tile.view.mirror
        and origin.label == tile.label
        and len(lines) < 2
    )


def _on_the_way(origin: Tile, tile: Tile, progress: float) -> Tile:
    rect = _rect(origin.rect, tile.rect, progress)
    return replace(
        tile,
        rect=rect,
        view=_view(origin.view, tile.view, progress),
        opacity=_number(origin.opacity, tile.opacity, progress),
        trim=_trim(origin.trim, tile.trim, rect, progress),
    )


def _moved(look: Tile, origin: Tile, tile: Tile, progress: float) -> Tile:
    """`look` on the way from `origin` to `tile`, its border no wider than there is room for."""
    rect = _rect(origin.rect, tile.rect, progress)
    between = _trim(origin.trim, tile.trim, rect, progress)
    border = between.border if look.trim.border else 0
    return replace(look, rect=rect, trim=look.trim._replace(border=border))


def _view(origin: View, view: View, progress: float) -> View:
    if origin == view:
        return view
    x, y, width, height = (
        _number(start, end, progress) for start, end in zip(origin.crop, view.crop, strict=True)
    )
    across, down = (
        _number(start, end, progress) for start, end in zip(origin.focus, view.focus, strict=True)
    )
    return replace(view, crop=(x, y, width, height), focus=(across, down))


def _trim(origin: Trim, trim: Trim, rect: Rect, progress: float) -> Trim:
    if origin == trim:
        return trim
    radius = _even(origin.radius, trim.radius, progress)
    return Trim(
        min(radius, min(rect.width, rect.height) // 4 * 2),
        # Never rounded up, or it would pass the canvas's edge beside a rectangle that was.
        2 * math.floor(_number(origin.border, trim.border, progress) / 2),
        trim.colour or origin.colour,
    )


def _rect(start: Rect, end: Rect, progress: float) -> Rect:
    """Each edge on the nearest even pixel of its way."""
    left = _even(start.x, end.x, progress)
    top = _even(start.y, end.y, progress)
    right = _even(start.right, end.right, progress)
    bottom = _even(start.bottom, end.bottom, progress)
    return Rect(left, top, right - left, bottom - top)


def _even(start: int, end: int, progress: float) -> int:
    return 2 * math.floor(_number(start, end, progress) / 2 + 0.5)


def _number(start: float, end: float, progress: float) -> float:
    return start + (end - start) * progress


def _faded(tile: Tile, share: float) -> Tile:
    return replace(tile, opacity=tile.opacity * share)


def _visible(tiles: Sequence[Tile]) -> tuple[Tile, ...]:
    seen = [tile for tile in tiles if tile.opacity > INVISIBLE]
    while len(seen) > MAX_TILES:
        seen.remove(min(seen, key=lambda tile: tile.opacity))
    return tuple(seen)


class Motion:
    """What a canvas shows of its tiles from moment to moment; the time is an argument."""

    def __init__(self) -> None:
        self._old: tuple[Tile, ...] = ()
        self._wanted: tuple[Tile, ...] = ()
        self._shown: tuple[Tile, ...] = ()
        self._transition = Transition()
        self._started_s = float("-inf")
        self._shown_s = float("-inf")

    @property
    def is_moving(self) -> bool:
        """Whether the tiles last given are on their way."""
        return self._shown is not self._wanted

    def at(
        self, wanted: tuple[Tile, ...], transition: Transition, now_s: float
    ) -> tuple[Tile, ...]:
        """The tiles at `now_s` on the way to `wanted`.

        Where `wanted` is arranged otherwise than at the last call, a transition by `transition`
        begins at the moment of that call, from what was shown then. The first tiles are there
        at once.
        """
        if wanted is not self._wanted:
            if _outlines(wanted) != _outlines(self._wanted):
                self._old, self._transition = self._shown, transition
                self._started_s = self._shown_s
            self._wanted = wanted
        self._shown_s = now_s
        self._shown = self._moment(now_s)
        return self._shown

    def _moment(self, now_s: float) -> tuple[Tile, ...]:
        duration_s = self._transition.duration_ms / 1000
        passed_s = now_s - self._started_s
        if not self._old or self._transition.kind == "cut" or passed_s >= duration_s:
            self._old = ()
            return self._wanted
        progress = eased(max(0.0, passed_s / duration_s), self._transition.easing)
        return between(self._old, self._wanted, progress, moving=self._transition.kind == "move")


def _outlines(tiles: Sequence[Tile]) -> list[Tile]:
    """`tiles` without what their feeds' states and names decide, which changes at once."""
    return [replace(tile, picture="live", title="", subtitle="", name="") for tile in tiles]
