"""What a canvas shows at a tick: the layout resolved, every tile with its picture."""

import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import av

from compositor.assets import Assets
from compositor.background import background
from compositor.compose import dressed
from compositor.frame import Colour, Yuv420, colour, flat_picture
from compositor.geometry import Size, whole
from compositor.label import label
from compositor.layout import DEFAULT_BACKGROUND, Backdrop, Label, Layout, Transition
from compositor.overlay import Overlay
from compositor.painter import Cards, Painter, Tick
from compositor.render import Canvas, Placed
from compositor.scale import Scaler
from compositor.slate import slate
from compositor.tiles import FeedInfo, Tile, tiles
from compositor.transition import Motion
from mediaserver.composition import Composition
from mediaserver.feed import Feed
from mediaserver.picture import Look, Picture
from mediaserver.sketches import Sketches

log = logging.getLogger(__name__)

UNDRAWN = colour("#1a1e27")
"""In place of a slate for the moment in which it is drawn."""

DECODING_SHARE = 0.15
"""Of a tick: what is left of it is for composing and encoding. Decoding that takes longer is done
beside, on other cores."""

Slates = dict[tuple[Size, str, str], Future[Yuv420]]
"""By size, title and subtitle."""

_drawer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="drawer")


def drawn_slate(size: Size, title: str, subtitle: str) -> Future[Yuv420]:
    """A slate, drawn beside the thread that asks: at 1080p it takes longer than a tick."""
    return _drawer.submit(slate, size, title, subtitle)


@dataclass(frozen=True, slots=True)
class Scene:
    """What to show: `feeds` in the order of admission, with the bytes of the assets, and what the
    products among the overlays say."""

    composition: Composition
    feeds: tuple[Feed, ...] = ()
    assets: Assets = field(default_factory=dict)
    cards: Cards = field(default_factory=dict)

    @classmethod
    def empty(cls) -> "Scene":
        """What a canvas has before anybody gave it a scene."""
        return cls(Composition(Layout.empty()))


@dataclass(frozen=True, slots=True)
class Drawings:
    """What of a composition takes too long to make between two ticks. `painter` is the canvas
    thread's once this is on stage."""

    background: str | Backdrop
    ground: Yuv420
    overlays: tuple[Overlay, ...]
    assets: Assets
    painter: Painter

    def serve(self, scene: Scene) -> bool:
        """Whether they are those of `scene`."""
        return (self.background, self.overlays, self.assets) == (
            scene.composition.layout.background,
            scene.composition.overlays,
            scene.assets,
        )


def drawings(scene: Scene, size: Size, unix_s: float) -> Drawings:
    """Draw what `scene` has beside its feeds. Takes a while; any thread may."""
    composition, assets = scene.composition, scene.assets
    painter = Painter(size, _left_out)
    painter.paint(composition.overlays, unix_s, assets, cards=scene.cards)
    ground = _ground(composition.layout.background, assets, size)
    return Drawings(composition.layout.background, ground, composition.overlays, assets, painter)


def _left_out(overlay: Overlay, error: Exception) -> None:
    kind = type(overlay).__name__
    log.warning("a %s overlay cannot be drawn and is left out", kind, exc_info=error)


def _ground(wanted: str | Backdrop, assets: Assets, size: Size) -> Yuv420:
    found = background(wanted, size, assets)
    return flat_picture(size, found) if isinstance(found, Colour) else found


class Stage:
    """Composes scenes on one canvas; to be used by one thread.

    `drawings` are those of the latest scene for which they are ready; set by any thread. One
    that is `patient` waits for what has to be drawn. Another has the host's last picture until
    a slate is drawn, no name on a tile until that is, and a clock's last second.
    """

    def __init__(self, size: Size, fps: float = 30.0, *, patient: bool = False) -> None:
        self._patient = patient
        self._fps = fps
        self._sketches = Sketches(size, _drawer)
        self._names: dict[tuple[Label | None, str], Future[Placed | None]] = {}
        self._slates: Slates = {}
        self._failed_slate: tuple[Size, str, str] | None = None
        self.drawings = drawings(Scene.empty(), size, 0.0)
        self._size = size
        self._scaler = Scaler()
        self._canvas = Canvas(size, colour(DEFAULT_BACKGROUND))
        self._resolved: tuple[Layout, tuple[FeedInfo, ...]] | None = None
        self._tiles: tuple[Tile, ...] = ()
        self._motion = Motion()
        self._ground = _Ground()
        self._last: dict[str, Picture] = {}

    def compose(self, scene: Scene, now_s: float, unix_s: float) -> av.VideoFrame:
        """The picture of `scene` at `now_s` of the show, which is `unix_s` for viewers; the next
        call writes into the same memory.

        A scene that is arranged otherwise than the last one is gone to by its layout's
        transition.
        """
        layout = scene.composition.layout
        wanted = layout, tuple(FeedInfo(f.id, f.name, f.state()) for f in scene.feeds)
        if wanted != self._resolved:
            self._resolved = wanted
            self._tiles = tiles(layout, self._size, wanted[1])
            self._names = {
                (tile.label, tile.name): self._name(tile) for tile in self._tiles if tile.label
            }
        shown = self._motion.at(self._tiles, layout.transition, now_s)
        feeds: dict[str, Feed] = {feed.id: feed for feed in scene.feeds}
        self._last = self._pictures(shown, feeds)
        slates, self._slates = self._slates, {}
        drawn = self.drawings
        placed = self._ground.placed(
            drawn.ground, str(drawn.background), self._size, layout.transition, now_s
        )
        for tile in shown:
            name = self._names.get((tile.label, tile.name)) if tile.label else None
            named = tile if name is None or name.done() else replace(tile, label=None)
            placed += dressed(named, self._picture(tile, feeds, slates), self._size)
        placed += self._overlays(scene.cards, now_s, unix_s)
        return self._canvas.render(placed)

    def _overlays(self, cards: Cards, now_s: float, unix_s: float) -> list[Placed]:
        drawn = self.drawings
        tick = Tick(round(now_s * self._fps), self._fps)
        draw = None if self._patient else self._sketches.draw
        placed = drawn.painter.paint(drawn.overlays, unix_s, drawn.assets, tick, draw, cards)
        if not self._patient:
            self._sketches.prepare(drawn.overlays, unix_s, drawn.assets, cards)
        return placed

    def _name(self, tile: Tile) -> Future[Placed | None]:
        """The label of `tile`, drawn so that it is at hand when the tile is dressed."""
        begun = self._names.get((tile.label, tile.name)) or _drawer.submit(label, tile, self._size)
        if self._patient:
            begun.result()
        return begun

    def _pictures(self, shown: tuple[Tile, ...], feeds: Mapping[str, Feed]) -> dict[str, Picture]:
        """The feeds' pictures. A tile that fades because its host has left keeps the last."""
        live: dict[str, Picture] = {}
        left_s = DECODING_SHARE / self._fps
        for tile in shown:
            if tile.feed is None or tile.feed in live:
                continue
            feed = feeds.get(tile.feed)
            if feed is not None:
                left_s -= feed.decode_due(left_s)
            picture = feed.picture() if feed is not None else None
            if picture is None and tile.picture != "slate":
                picture = self._last.get(tile.feed)
            if picture is not None:
                live[tile.feed] = picture
        return live

    def _picture(self, tile: Tile, feeds: Mapping[str, Feed], slates: Slates) -> Yuv420:
        picture = self._last.get(tile.feed) if tile.feed is not None else None
        if tile.picture == "slate" or picture is None:
            feed = feeds.get(tile.feed) if tile.feed is not None else None
            title = tile.title or (feed.name if feed is not None else "")
            card = self._slate(tile, title, slates)
            if card is not None:
                return card
            if picture is None:
                return flat_picture(tile.rect.size, UNDRAWN)
        look = _look(tile)
        if any(look == _look(settled) for settled in self._tiles):
            return picture.tile(look, self._scaler)
        return picture.passing(look, self._scaler)

    def _slate(self, tile: Tile, title: str, before: Slates) -> Yuv420 | None:
        """None until it is drawn; if that fails it is tried again. Of a moving tile it is the one
        of its goal, stretched. Those of the picture `before` are at hand, others are forgotten."""
        sizes = (settled.rect.size for settled in self._tiles if settled.feed == tile.feed)
        size = next(sizes, tile.rect.size)
        key = size, title, tile.subtitle
        drawn = before.get(key) or self._slates.get(key) or drawn_slate(*key)
        self._slates[key] = drawn
        if not self._patient and not drawn.done():
            return None
        try:
            card = drawn.result()
        except Exception as error:  # noqa: BLE001 - a show goes on without a slate
            if self._failed_slate != key:
                self._failed_slate = key
                log.warning("a slate cannot be drawn: %r", error)
            del self._slates[key]
            return None
        return card if size == tile.rect.size else self._scaler.resized(card, tile.rect.size)


def _look(tile: Tile) -> Look:
    return Look(tile.rect.size, tile.view, dim=tile.picture != "live")


class _Ground:
    """What lies behind the tiles of a canvas; another colour or image fades in."""

    def __init__(self) -> None:
        self._motion = Motion()
        self._tiles: tuple[Tile, ...] = ()
        self._pictures: dict[str, Yuv420] = {}

    def placed(
        self, picture: Yuv420, name: str, size: Size, transition: Transition, now_s: float
    ) -> list[Placed]:
        """`picture`, of which `name` tells whether it is new, over what it has yet to hide."""
        if name not in self._pictures or self._tiles[0].feed != name:
            self._tiles = (Tile(whole(size), name, "live"),)
            self._pictures[name] = picture
        if transition.kind == "move":
            transition = replace(transition, kind="fade")
        shown = self._motion.at(self._tiles, transition, now_s)
        names = [tile.feed for tile in shown if tile.feed is not None]
        self._pictures = {name: self._pictures[name] for name in names}
        return [
            Placed(tile.rect, self._pictures[name], opacity=tile.opacity)
            for name, tile in zip(names, shown, strict=True)
        ]
