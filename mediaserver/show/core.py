"""What every command on a show needs: its record, what is made of it, and how both change."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

import msgspec

from compositor.painter import Cards
from mediaserver.air import Air
from mediaserver.assets import Assets
from mediaserver.broadcast import Broadcast, EventKind
from mediaserver.clock import Clock
from mediaserver.composition import Composition
from mediaserver.errors import Conflict, NotFound
from mediaserver.feed import Feed
from mediaserver.lease import Leases
from mediaserver.levels import Levels
from mediaserver.media import Media
from mediaserver.packet import AssetId, CanvasId, FeedId, ShowId, TargetId
from mediaserver.program import Program, ProgramStats
from mediaserver.recording import RecordingStatus
from mediaserver.sales import sales_view
from mediaserver.show.addresses import Addresses
from mediaserver.show.cast import Cast, part
from mediaserver.show.changes import changes
from mediaserver.show.keeping import Keeping
from mediaserver.show.product_cards import cards, places, product_overlays
from mediaserver.show.recorder import Recorder
from mediaserver.show.shelf import Shelf
from mediaserver.show.showing import Standing
from mediaserver.stage import Scene
from mediaserver.state import AssetRecord, CanvasRecord, FeedRecord, ShowRecord, TargetRecord
from mediaserver.store import Store
from mediaserver.target import Status, TargetStatus
from mediaserver.view import (
    View,
    asset_view,
    canvas_view,
    feed_view,
    levels_view,
    show_view,
    target_view,
)
from sync.model import ChannelId, ProductId
from sync.sales.report import NOTHING_SOLD
from sync.secret import Vault

log = logging.getLogger(__name__)

OnTarget = Callable[[ShowId, TargetId, str | None, Status], None]
"""Hears each change of a target's status, with its platform, which is None of one that was removed
meanwhile."""


def unheard(_show: ShowId, _target: TargetId, _platform: str | None, _status: Status) -> None:
    """Nobody wants to know."""


class ShowCore:
    """A show of this server. Its commands answer whether what they did is stored: on air they
    act first and are stored when Redis is back; off air Redis is asked first. Each has the lock
    while it reads the record, changes it by `_commit`, and acts on the media.
    """

    def __init__(
        self,
        record: ShowRecord,
        *,
        media: Media,
        store: Store,
        leases: Leases,
        vault: Vault,
        clock: Clock,
        holder: str | None = None,
        now: Callable[[], float] = time.time,
        on_target: OnTarget = unheard,
    ) -> None:
        self.record = msgspec.structs.replace(record, feeds={})
        self.events = Broadcast(self._state)
        self._clock = clock
        self._now = now
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._kept = Keeping(record, store, leases, holder)
        self._addresses = Addresses(vault, media.keyframe_interval_s)
        self._assets = Assets(record.id, store)
        self._cast = Cast(record.id, media)
        self._shelf = Shelf()
        self._pictures: dict[str, bytes] = {}
        self._since: dict[TargetId, tuple[float, float]] = {}
        self._sales: View = sales_view(NOTHING_SOLD)
        self._on_target = on_target
        self._air = Air(
            record.id,
            media,
            on_target=self._target_changed,
            on_failure=self._wake.set,
            on_levels=self._levels_measured,
        )
        self._recorder = Recorder(record.id, media, self._air, self._recording_changed)
        self._follow(record.at_rest() if holder else record.unheld())

    # ---- what it is

    @property
    def id(self) -> ShowId:
        return self.record.id

    @property
    def on_air(self) -> bool:
        """Whether this server has the show on air."""
        return self.record.on_air

    @property
    def holder(self) -> str | None:
        """Another server that has the show on air."""
        return self._kept.holder

    @property
    def durable(self) -> bool:
        """Whether the store has all that was changed."""
        return self._kept.durable

    def view(self) -> View:
        """The whole state, as GET and the first event give it."""
        return {
            **self._show_view(),
            "canvases": {canvas: self.canvas_view(canvas) for canvas in self.record.canvases},
            "feeds": [self.feed_view(feed) for feed in self.record.feeds],
            "targets": [self.target_view(target) for target in self.record.targets],
            "assets": [asset_view(key, asset) for key, asset in self.record.assets.items()],
            "rundown": self.rundown_view(),
            "sales": self._sales,
        }

    def rundown_view(self) -> View:
        """Its products, with their badges as they were last looked at."""
        record = self.record
        shown = places(record, self._standing)
        return self._shelf.view(record.rundown, record.pinned, self.channels, shown, self._now())

    @property
    def is_attended(self) -> bool:
        """Whether somebody may see a change of the rundown at once."""
        return self._is_made or self.events.has_listeners

    @property
    def channels(self) -> tuple[ChannelId, ...]:
        """Where the show sells."""
        return tuple(map(ChannelId, self.record.channels))

    def canvas_view(self, canvas_id: CanvasId) -> View:
        canvas = self.canvas(canvas_id)
        stats = self.program_stats().get(canvas_id)
        return canvas_view(canvas_id, canvas, stats, self._recorder.status(canvas_id))

    def feed_view(self, feed_id: FeedId) -> View:
        record, feed = self._feed_record(feed_id), self._cast.feeds[feed_id]
        return feed_view(feed_id, record, feed, self._cast.wanted.get(feed_id))

    def target_view(self, target_id: TargetId) -> View:
        record = self._target_record(target_id)
        status = self.target_status(target_id)
        since = self._wall_since(target_id, status.since) if status else None
        warnings = self._addresses.warnings(record, self.record.canvases[record.canvas])
        return target_view(target_id, record, status, since, self._lack(record), warnings)

    def target_status(self, target_id: TargetId) -> TargetStatus | None:
        """Of a target that was started since the server knows it."""
        return self._air.status(target_id)

    def canvas(self, canvas_id: CanvasId) -> CanvasRecord:
        """Raises NotFound."""
        if canvas_id not in self.record.canvases:
            raise NotFound("canvas", canvas_id)
        return self.record.canvases[canvas_id]

    def asset(self, asset_id: AssetId) -> AssetRecord:
        """Raises NotFound."""
        if asset_id not in self.record.assets:
            raise NotFound("image or font", asset_id)
        return self.record.assets[asset_id]

    async def asset_bytes(self, asset_id: AssetId) -> bytes:
        """Raises NotFound, StoreUnavailable."""
        self.asset(asset_id)
        found = await self._assets.read([asset_id])
        if asset_id not in found:
            raise NotFound("image or font", asset_id)
        return found[asset_id]

    async def scene(self, canvas_id: CanvasId, composition: Composition) -> Scene:
        """`composition` on that canvas, with the show's feeds, assets and products.

        Raises StoreUnavailable.
        """
        feeds = [self._cast.feeds[feed_id] for feed_id in self.record.admitted()]
        assets = await self._assets.read(composition.assets())
        shown = cards(self.record, canvas_id, composition.overlays, self._standing, self._pictures)
        return Scene(composition, tuple(feeds), assets, shown)

    def program(self, canvas_id: CanvasId) -> Program:
        """The canvas's program. Raises NotFound, or Conflict while nobody wants it."""
        self.canvas(canvas_id)
        program = self._air.programs.get(canvas_id)
        if program is None:
            raise Conflict("the canvas is not being made: nobody sends, records or watches it")
        return program

    def feed(self, feed_id: FeedId) -> Feed:
        """Raises NotFound."""
        if feed_id not in self._cast.feeds:
            raise NotFound("feed", feed_id)
        return self._cast.feeds[feed_id]

    def feeds(self) -> Mapping[FeedId, Feed]:
        return self._cast.feeds

    def feed_of(self, hashed: str) -> FeedId | None:
        """The feed that a token of that hash may publish."""
        for feed_id, record in self.record.feeds.items():
            if record.token_hash == hashed:
                return feed_id
        return None

    def recording_statuses(self) -> dict[CanvasId, RecordingStatus]:
        """Of the canvases that are, or were, recorded."""
        statuses = {key: self._recorder.status(key) for key in self.record.canvases}
        return {key: status for key, status in statuses.items() if status is not None}

    def program_stats(self) -> dict[CanvasId, ProgramStats]:
        """Of the canvases that are being made."""
        return {key: program.stats() for key, program in self._air.programs.items()}

    def sending(self) -> int:
        """How many targets are connected or try to be."""
        return self._air.sending()

    # ---- how it changes

    @property
    def _is_made(self) -> bool:
        """Whether media run, or may at any moment."""
        return self.on_air or bool(self._air.programs)

    async def _commit(self, record: ShowRecord) -> bool:
        """Make `record` the show's: on air at once and then stored, off air the other way round.

        Raises Conflict when another server has changed or taken the show.
        """
        if not record.on_air:
            try:
                durable = await self._kept.save(record)
            except Conflict as error:
                if self.on_air:
                    await self._lost(error)
                raise
            await self._apply(record)
            return durable
        await self._apply(record)
        try:
            return await self._kept.save(record)
        except Conflict as error:
            await self._lost(error)
            raise

    async def _lost(self, conflict: Conflict) -> None:
        """Another server has taken, changed or deleted the show, and what it stored is what
        counts."""
        log.warning("show_lost show=%s reason=%s", self.id, conflict)
        if self.on_air:
            await self._off_air()
        self._kept.lose(conflict)
        await self._apply(self.record.at_rest())
        self.events.publish("show", self._show_view())

    async def _off_air(self) -> list[asyncio.Task[None]]:
        """Close every target; the goodbyes to their peers go on by themselves."""
        goodbyes = await self._air.end()
        await self._air.rest()
        log.info("show_off_air show=%s", self.id)
        return goodbyes

    async def _apply(self, record: ShowRecord) -> None:
        """Let the media follow `record`, tell what has changed, part with whom it parts."""
        parting = self._follow(record)
        await self._air.remake()
        await part(parting)

    def _follow(self, record: ShowRecord) -> list[Feed]:
        """Gives the feeds whose connections `record` ends."""
        before, self.record = self.record, record
        parting = self._cast.follow(before, record)
        self._compose()
        self._recorder.follow(record)
        self._cast.wanted = self._air.wanted()
        for kind, key in changes(before, record):
            if kind == "feed":
                self._cast.told(FeedId(key))
            self.events.publish(kind, self._told(kind, key))
        self._look_at_feeds()
        return parting

    def _state(self) -> View:
        """The whole state for a listener that begins with it. Everybody is told of the feeds as
        they are in it: a change back would otherwise be none."""
        self._look_at_feeds()
        return self.view()

    def _look_at_feeds(self) -> None:
        """Tell of feeds that have changed by themselves."""
        self._cast.wanted = self._air.wanted()
        for feed_id in self._cast.changed():
            self._cast.told(feed_id)
            self.events.publish("feed", self.feed_view(feed_id))

    def _told(self, kind: EventKind, key: str) -> View:
        """The data of an event about what has the id `key`."""
        match kind:
            case "show":
                return self._show_view()
            case "canvas":
                return self.canvas_view(CanvasId(key))
            case "feed":
                return self.feed_view(FeedId(key))
            case "asset":
                return asset_view(AssetId(key), self.record.assets[AssetId(key)])
            case "target":
                return self.target_view(TargetId(key))
            case "rundown":
                return self.rundown_view()
            case "state":
                return self.view()
        return {"id": key}

    def show_sales(self, sales: View) -> None:
        """Tell what the show has sold so far, where that is news."""
        if sales != self._sales:
            self._sales = sales
            self.events.publish("sales", sales)

    def _target_changed(self, target_id: TargetId, status: TargetStatus) -> None:
        record = self.record.targets.get(target_id)
        platform = None if record is None else record.platform
        self._on_target(self.id, target_id, platform, status.status)
        if record is not None:
            self.events.publish("target", self.target_view(target_id))
        self._wake.set()

    def _recording_changed(self, canvas_id: CanvasId) -> None:
        if canvas_id in self.record.canvases:
            self.events.publish("canvas", self.canvas_view(canvas_id))
        self._wake.set()

    def _levels_measured(self, levels: Levels) -> None:
        if self.events.has_level_listeners:
            self.events.show_levels(levels_view(levels))

    def _compose(self) -> None:
        feeds = [self._cast.feeds[feed_id] for feed_id in self.record.admitted()]
        self._air.compose(self.record.canvases, feeds, self._assets.loaded, self._cards())

    def _cards(self) -> dict[CanvasId, Cards]:
        """What the products on each canvas say now."""
        return {
            key: cards(self.record, key, product_overlays(canvas), self._standing, self._pictures)
            for key, canvas in self.record.canvases.items()
        }

    def _standing(self, product: ProductId) -> Standing:
        return self._shelf.standing(product, self.record.rundown, self.channels, self._now())

    # ---- small parts

    def _show_view(self) -> View:
        return {**show_view(self.record, self._kept.holder), "durable": self.durable}

    def _feed_record(self, feed_id: FeedId) -> FeedRecord:
        if feed_id not in self.record.feeds:
            raise NotFound("feed", feed_id)
        return self.record.feeds[feed_id]

    def _lack(self, record: TargetRecord) -> str | None:
        """What the target needs before it can start, in words."""
        return self._addresses.lack(record, self.record.canvases[record.canvas])

    def _target_record(self, target_id: TargetId) -> TargetRecord:
        if target_id not in self.record.targets:
            raise NotFound("target", target_id)
        return self.record.targets[target_id]

    def _wall_since(self, target_id: TargetId, since_s: float) -> float:
        """`since_s` of our clock in unix seconds: computed once for each change, so that it
        neither flickers nor follows a clock that is set."""
        noted = self._since.get(target_id)
        if noted is None or noted[0] != since_s:
            noted = self._since[target_id] = since_s, self._now() - self._clock.now() + since_s
        return noted[1]
