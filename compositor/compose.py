"""All of it in one call: a layout, pictures and overlays in, a frame out."""

from collections.abc import Mapping, Sequence

import av

from compositor.assets import Assets
from compositor.background import background
from compositor.frame import Colour, Yuv420, dimmed
from compositor.geometry import Size
from compositor.label import label
from compositor.layout import Layout
from compositor.overlay import Overlay
from compositor.painter import Cards, Painter
from compositor.render import Canvas, Placed
from compositor.scale import scaled
from compositor.slate import slate
from compositor.tiles import FeedInfo, Tile, tiles


def compose(
    layout: Layout,
    size: Size,
    pictures: Mapping[str, av.VideoFrame],
    overlays: Sequence[Overlay] = (),
    now_s: float = 0.0,
    assets: Assets | None = None,
    feeds: Sequence[FeedInfo] | None = None,
    cards: Cards | None = None,
) -> av.VideoFrame:
    """One frame of `layout` with the feeds' `pictures`, at `now_s` for clocks (unix seconds).

    `feeds` are in the order of admission; if not given, those of `pictures`, in its order, all
    on. `cards` are of the products among the overlays. For a stream of frames keep a Canvas and a
    Painter, which do less when little changes.
    """
    present = [FeedInfo(name, name, "on") for name in pictures] if feeds is None else feeds
    ground = background(layout.background, size, assets or {})
    over = Painter(size).paint(overlays, now_s, assets, cards=cards)
    return arranged(tiles(layout, size, present), size, pictures, ground, over)


def arranged(
    shown: Sequence[Tile],
    size: Size,
    pictures: Mapping[str, av.VideoFrame],
    ground: Colour | Yuv420,
    over: Sequence[Placed] = (),
) -> av.VideoFrame:
    """One frame of the tiles `shown` with the feeds' `pictures`, and of what lies over them."""
    placed: list[Placed] = []
    for tile in shown:
        placed += dressed(tile, _picture(tile, pictures), size)
    return Canvas(size, ground).render([*placed, *over])


def dressed(tile: Tile, picture: Yuv420, canvas: Size) -> list[Placed]:
    """`tile` with its picture, its edge and its label."""
    name = label(tile, canvas)
    return [
        Placed(tile.rect, picture, tile.trim, tile.opacity),
        *([name] if name is not None else []),
    ]


def _picture(tile: Tile, pictures: Mapping[str, av.VideoFrame]) -> Yuv420:
    frame = pictures.get(tile.feed or "")
    if tile.picture == "slate" or frame is None:
        return slate(tile.rect.size, tile.title, tile.subtitle)
    picture = scaled(frame, tile.rect.size, tile.view)
    return dimmed(picture) if tile.picture == "dimmed" else picture
