"""Slots resolved to feeds and pixels: what is where on a canvas right now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from compositor.geometry import Rect, Size, pixel_rect, whole
from compositor.layout import Fit, Layout, Slot
from compositor.presets import orientation, preset

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

    `feed` is None only on the slate of a show that nobody is in. Titles are for slates.
    """

    rect: Rect
    feed: str | None
    picture: TilePicture
    fit: Fit = "cover"
    title: str = ""
    subtitle: str = ""
    opacity: float = 1.0


def tiles(layout: Layout, size: Size, feeds: Sequence[FeedInfo]) -> tuple[Tile, ...]:
    """`layout` on a canvas of `size`, in the order in which to draw.

    `feeds` are in the order of admission. One that waits is not on the canvas; a frozen one is
    dimmed; one that is away keeps its slot with a slate. When a feed is gone, a slot that names
    it shows a slate and `auto` slots close up. With nobody on it, the canvas is one slate.
    """
    present = [feed for feed in feeds if feed.state in ("on", "frozen", "away")]
    slots = layout.slots
    if layout.preset:
        slots = preset(layout.preset, orientation(size), len(present)).slots
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
    rect = pixel_rect(slot.rect, size)
    match feed.state:
        case "on":
            return Tile(rect, feed.id, "live", slot.fit)
        case "frozen":
            return Tile(rect, feed.id, "dimmed", slot.fit)
        case "away":
            return Tile(rect, feed.id, "slate", slot.fit, feed.name, "Back in a moment")
        case _:
            return Tile(rect, feed.id, "slate", slot.fit, feed.name, "Has left the show")
