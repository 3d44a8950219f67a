"""What a canvas shows at a tick: the layout resolved, every tile with its picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import av

from compositor.frame import Yuv420, colour
from compositor.geometry import Size
from compositor.layout import Layout
from compositor.render import Canvas, Placed
from compositor.scale import Scaler
from compositor.slate import slate
from compositor.tiles import FeedInfo, Tile, tiles
from mediaserver.feed import Feed
from mediaserver.picture import Look

cached_slate = lru_cache(maxsize=64)(slate)


@dataclass(frozen=True, slots=True)
class Scene:
    """What to show: `feeds` in the order of admission, by `layout`."""

    layout: Layout
    feeds: tuple[Feed, ...]


class Stage:
    """Composes scenes on one canvas; to be used by one thread."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._scaler = Scaler()
        self._background = ""
        self._canvas: Canvas
        self._resolved: tuple[Layout, tuple[FeedInfo, ...]] | None = None
        self._tiles: tuple[Tile, ...] = ()

    def compose(self, scene: Scene) -> av.VideoFrame:
        """The picture of `scene` at this moment; the next call writes into the same memory."""
        if scene.layout.background != self._background:
            self._background = scene.layout.background
            self._canvas = Canvas(self._size, colour(self._background))
        wanted = scene.layout, tuple(FeedInfo(f.id, f.name, f.state()) for f in scene.feeds)
        if wanted != self._resolved:
            self._resolved = wanted
            self._tiles = tiles(scene.layout, self._size, wanted[1])
        feeds: Mapping[str, Feed] = {feed.id: feed for feed in scene.feeds}
        return self._canvas.render(
            [Placed(tile.rect, self._picture(tile, feeds)) for tile in self._tiles]
        )

    def _picture(self, tile: Tile, feeds: Mapping[str, Feed]) -> Yuv420:
        feed = feeds.get(tile.feed) if tile.feed is not None else None
        picture = feed.picture() if feed is not None else None
        if tile.picture == "slate" or feed is None or picture is None:
            title = tile.title or (feed.name if feed is not None else "")
            return cached_slate(tile.rect.size, title, tile.subtitle)
        look = Look(tile.rect.size, tile.fit, dim=tile.picture == "dimmed")
        return picture.tile(look, self._scaler)
