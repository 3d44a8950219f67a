"""Slots resolved to feeds and pixels: what is where on a canvas right now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from compositor.geometry import Rect, Size, even, pixel_rect, whole
from compositor.layout import PLAIN_VIEW, Label, Layout, Slot, View
from compositor.presets import orientation, preset
from compositor.trim import PLAIN, Trim

FeedState = Literal["waiting", "on", "frozen", "away", "gone"]

TilePicture = Literal["live", "dimmed", "slate"]
"""The feed's latest frame; the same, dimmed; or a slate with the tile's title and subtitle."""


@dataclass(frozen=True, slots=True)
class FeedInfo:
    """What the composition needs to know of a feed."""

    id: str
    name: str
    state: FeedState


@dataclass(frozen=True, slots=True)
class Tile:
    """A slot on a canvas: which picture goes into which pixels.

    `feed` is None only on the slate of a show that nobody is in. Titles are for slates. `rect`
    is that of the picture: a border lies around it. `name` is what the label says.
    """

    rect: Rect
    feed: str | None
    picture: TilePicture
    view: View = PLAIN_VIEW
    title: str = ""
    subtitle: str = ""
    opacity: float = 1.0
    trim: Trim = PLAIN
    label: Label | None = None
    name: str = ""


def tiles(layout: Layout, size: Size, feeds: Sequence[FeedInfo]) -> tuple[Tile, ...]:
    """`layout` on a canvas of `size`, in the order in which to draw.

    `feeds` are in the order of admission. One that waits is not on the canvas; a frozen one is
    dimmed; one that is away keeps its slot with a slate. When a feed is gone, a slot that names
    it shows a slate and `auto` slots close up. With nobody on it, the canvas is one slate.
    """
    present = [feed for feed in feeds if feed.state in ("on", "frozen", "away")]
    slots = layout.slots
    if layout.preset:
        slots = preset(layout.preset, orientation(size), len(present), layout.corner).slots
    known = {feed.id: feed for feed in feeds}
    resolved = []
    for slot in sorted(slots, key=lambda slot: slot.z):
        feed = _feed(slot.source, present, known)
        if feed and feed.state != "waiting":
            resolved.append(_tile(slot, size, feed))
    return tuple(resolved) or (Tile(whole(size), None, "slate", title="Starting soon"),)


def _feed(
    source: str | int, present: Sequence[FeedInfo], known: Mapping[str, FeedInfo]
) -> FeedInfo | None:
    if isinstance(source, str):
        return known.get(source) or FeedInfo(source, "", "gone")
    return present[source - 1] if source <= len(present) else None


def _tile(slot: Slot, size: Size, feed: FeedInfo) -> Tile:
    outer = pixel_rect(slot.rect, size)
    line, radius = _line(slot, size, outer), _radius(slot, outer)
    picture, subtitle = _PICTURES[feed.state]
    return Tile(
        Rect(outer.x + line, outer.y + line, outer.width - 2 * line, outer.height - 2 * line),
        feed.id,
        picture,
        slot.view,
        title=feed.name if subtitle else "",
        subtitle=subtitle,
        opacity=slot.opacity,
        trim=Trim(max(0, radius - line), line, slot.border.colour if slot.border else ""),
        label=slot.label if picture != "slate" else None,
        name=feed.name if slot.label and picture != "slate" else "",
    )


_PICTURES: Mapping[FeedState, tuple[TilePicture, str]] = {
    "on": ("live", ""),
    "frozen": ("dimmed", ""),
    "away": ("slate", "Back in a moment"),
    "gone": ("slate", "Not here now"),
}


def _line(slot: Slot, size: Size, outer: Rect) -> int:
    """The border's width in pixels, which leaves at least two of the picture."""
    if slot.border is None or not slot.border.width:
        return 0
    wanted = max(2, even(slot.border.width * min(size.width, size.height)))
    return min(wanted, (min(outer.width, outer.height) - 2) // 4 * 2)


def _radius(slot: Slot, outer: Rect) -> int:
    side = min(outer.width, outer.height)
    return min(even(slot.radius * side), side // 4 * 2)
