"""How large a picture each feed has to send, for the tiles that it fills."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from compositor.geometry import Size
from compositor.layout import Layout, View
from compositor.tiles import FeedInfo, tiles

USUAL_SHAPE = Fraction(16, 9)
"""Of a camera that has not been seen yet."""

MOST_PIXELS = 1920 * 1080
"""Of a feed. A tile that shows a tenth of a picture does not ask for ten times its size."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The size in pixels of a feed's whole picture, upright, that fills its largest tile."""

    width: int
    height: int

    @property
    def max_bitrate_bps(self) -> int:
        """What H.264 of a browser needs at 30 pictures a second to look good: 1 Mbit/s at
        640×360, 2.5 at 1280×720. Larger pictures have more that is alike."""
        return round(1_000_000 * math.pow(self.width * self.height / (640 * 360), 2 / 3))


def wanted(
    canvases: Iterable[tuple[Layout, Size]],
    feeds: Sequence[FeedInfo],
    shapes: Mapping[str, Fraction],
) -> dict[str, Wanted]:
    """What each feed has to send so that no tile is scaled up; one that nobody shows is left out.

    `feeds` are in the order of admission, `shapes` their width by height, upright. Of a
    transition the layout to which it goes counts.
    """
    largest: dict[str, Wanted] = {}
    for layout, size in canvases:
        for tile in tiles(layout, size, feeds):
            if tile.feed is not None:
                shape = shapes.get(tile.feed, USUAL_SHAPE)
                whole = _whole(tile.rect.size, tile.view, float(shape))
                known = largest.get(tile.feed, whole)
                largest[tile.feed] = max(whole, known, key=lambda size: size.width * size.height)
    return largest


def shape(width: int, height: int) -> Fraction:
    """The simplest ratio near that of a picture: the same whatever size a camera's is scaled to."""
    return Fraction(width, height).limit_denominator(16) or Fraction(1, 16)


def _whole(tile: Size, view: View, shape: float) -> Wanted:
    """The whole picture of which `view` shows a part that needs no scaling for `tile`."""
    _, _, across, down = view.crop
    heights = tile.width / (shape * across), tile.height / down
    height = min(heights) if view.fit == "contain" else max(heights)
    height = min(height, math.sqrt(MOST_PIXELS / shape))
    return Wanted(_even_up(shape * height), _even_up(height))


def _even_up(pixels: float) -> int:
    """Rounded to a millionth before, so that what is meant to be whole is so."""
    return max(2, 2 * math.ceil(round(pixels / 2, 6)))
