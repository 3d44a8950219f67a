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
from compositor.transition import Motion
from mediaserver.feed import Feed
from mediaserver.picture import Look, Picture

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
        self._motion = Motion()
        self._last: dict[str, Picture] = {}

    def compose(self, scene: Scene, now_s: float) -> av.VideoFrame:
        """The picture of `scene` at `now_s`; the next call writes into the same memory.

        A scene that is arranged otherwise than the last one is gone to by its layout's
        transition.
        """
        if scene.layout.background != self._background:
            self._background = scene.layout.background
            self._canvas = Canvas(self._size, colour(self._background))
        wanted = scene.layout, tuple(FeedInfo(f.id, f.name, f.state()) for f in scene.feeds)
        if wanted != self._resolved:
            self._resolved = wanted
            self._tiles = tiles(scene.layout, self._size, wanted[1])
        shown = self._motion.at(self._tiles, scene.layout.transition, now_s)
        pictures = self._pictures(shown, {feed.id: feed for feed in scene.feeds})
        return self._canvas.render(
            [Placed(tile.rect, picture) for tile, picture in zip(shown, pictures, strict=True)]
        )

    def _pictures(self, shown: tuple[Tile, ...], feeds: Mapping[str, Feed]) -> list[Yuv420]:
        """A tile that fades after its host has left goes with the host's last picture."""
        live: dict[str, Picture] = {}
        for tile in shown:
            if tile.feed is None or tile.picture == "slate":
                continue
            feed = feeds.get(tile.feed)
            picture = (feed.picture() if feed is not None else None) or self._last.get(tile.feed)
            if picture is not None:
                live[tile.feed] = picture
        self._last = live
        return [self._picture(tile, feeds) for tile in shown]

    def _picture(self, tile: Tile, feeds: Mapping[str, Feed]) -> Yuv420:
        picture = self._last.get(tile.feed) if tile.feed is not None else None
        if tile.picture == "slate" or picture is None:
            feed = feeds.get(tile.feed) if tile.feed is not None else None
            return self._slate(tile, tile.title or (feed.name if feed is not None else ""))
        look = _look(tile)
        if any(look == _look(settled) for settled in self._tiles):
            return picture.tile(look, self._scaler)
        return picture.passing(look, self._scaler)

    def _slate(self, tile: Tile, title: str) -> Yuv420:
        """Of a moving tile, the slate it will have, stretched: to write one takes too long."""
        sizes = (settled.rect.size for settled in self._tiles if settled.feed == tile.feed)
        size = next(sizes, tile.rect.size)
        card = cached_slate(size, title, tile.subtitle)
        return card if size == tile.rect.size else self._scaler.resized(card, tile.rect.size)


def _look(tile: Tile) -> Look:
    return Look(tile.rect.size, tile.fit, dim=tile.picture == "dimmed")
