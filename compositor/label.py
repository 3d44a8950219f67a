"""Names on tiles."""

from functools import lru_cache

from compositor.drawing import BOX_PADDING, boxed
from compositor.geometry import Rect, Size, even
from compositor.layout import Label
from compositor.raster import Raster, raster
from compositor.render import Placed
from compositor.text import MIN_FONT_PX, Face, drawable, lettering, rgba, shortened
from compositor.tiles import Tile

WEIGHT = 600

MARGIN = 0.6
"""From the edges of the picture, of the letters' size."""


def label(tile: Tile, canvas: Size) -> Placed | None:
    """The name on `tile`, the same picture while it stays; None if it has none, or no room."""
    if tile.label is None:
        return None
    size_px = tile.label.size * min(canvas.width, canvas.height)
    margin = even(MARGIN * size_px)
    width, height = tile.rect.width - 2 * margin, tile.rect.height - 2 * margin
    words = tile.label.text or tile.name
    sign = _sign(tile.label, words, size_px, width)
    if sign is None or sign.size.width > width or sign.size.height > height:
        return None
    right, bottom = tile.label.at.endswith("right"), tile.label.at.startswith("bottom")
    x = tile.rect.right - margin - sign.size.width if right else tile.rect.x + margin
    y = tile.rect.bottom - margin - sign.size.height if bottom else tile.rect.y + margin
    return Placed(Rect(x, y, sign.size.width, sign.size.height), sign, opacity=tile.opacity)


def _sign(label: Label, words: str, size_px: float, room_px: int) -> Raster | None:
    face = Face(size_px, WEIGHT)
    said = drawable(words, face)
    widest_px = room_px - 2 * round(BOX_PADDING * size_px) - 2
    if size_px < MIN_FONT_PX or not said or widest_px < size_px:
        return None
    return _raster(shortened(said, face, widest_px), face, label.colour, label.box)


@lru_cache(maxsize=128)
def _raster(words: str, face: Face, colour: str, box: str) -> Raster:
    padding = round(BOX_PADDING * face.size_px)
    letters = lettering([words], face, rgba(colour), padding_px=padding)
    return raster(boxed(letters, box, face))
