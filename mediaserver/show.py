"""One show: its record, its feeds, and what is on air; every command on it is a method."""

import asyncio
import contextlib
import itertools
import logging
import re
import time
import unicodedata
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import msgspec

from compositor.layout import Layout, Transition
from compositor.spec import layout_document
from mediaserver.advice import Stream, advice, over_cap, requires_tls
from mediaserver.air import Air, Reader
from mediaserver.assets import Assets, check_room
from mediaserver.broadcast import Broadcast
from mediaserver.clock import Clock
from mediaserver.composition import Composition
from mediaserver.encoder import AUDIO_BITRATE_BPS
from mediaserver.errors import BadRequest, Conflict, NotFound, StoreUnavailable
from mediaserver.feed import Feed
from mediaserver.feed_state import FeedState
from mediaserver.lease import Lease, Leases
from mediaserver.levels import Levels
from mediaserver.media import Media
from mediaserver.packet import AssetId, CanvasId, FeedId, ShowId, TargetId
from mediaserver.program import Program, ProgramStats
from mediaserver.rtmp.url import parse_target_url
from mediaserver.secret import Secret, UnreadableSecret, Vault, new_token, token_hash
from mediaserver.stage import Scene
from mediaserver.state import AssetRecord, CanvasRecord, FeedRecord, ShowRecord, TargetRecord
from mediaserver.store import HeldElsewhere, Store
from mediaserver.target import TargetStatus
from mediaserver.view import (
    View,
    asset_view,
    canvas_view,
    feed_view,
    levels_view,
    program_view,
    show_view,
    target_view,
)
from mediaserver.wanted import Wanted

log = logging.getLogger(__name__)

MAX_CANVASES = 4
MAX_FEEDS = 64
MAX_TARGETS = 256

DEFAULT_CANVAS = CanvasId("landscape")

_LOOK_INTERVAL_S = 0.25
_STATS_INTERVAL_S = 1.0
_RESTART_DELAY_S = 1.0
_AWAKE_AFTER_STIR_S = 60.0
_SOURCE_CLOSE_TIMEOUT_S = 1.0

_UNKNOWN_REVISION = -1

_Sight = tuple[FeedState, bool, Wanted | None]
"""Of a feed: what changes without a command."""

_KEY_MISSING = "stream key missing"
_URL_MISSING = "server URL missing"
_KEY_UNREADABLE = "the stored stream key can no longer be read: enter it again"


class Show:
    """A show of this server. Commands answer whether what they did is stored: on air they act
    first and are stored when Redis is back; off air Redis is asked first.

    `run` is the show's task. An unexpected exception ends its media, is logged, and they are
    built up again.
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
        now: Callable[[], float] = time.time,
    ) -> None:
        self.record = msgspec.structs.replace(record, feeds={})
        self.holder: str | None = None
        self.events = Broadcast(self.view)
        self._media = media
        self._store = store
        self._leases = leases
        self._vault = vault
        self._clock = clock
        self._now = now
        self._stored_revision = record.revision
        self._dirty = False
        self._lease: Lease | None = None
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._stirred_s = clock.now()
        self._stats_s = float("-inf")
        self._readable: dict[str, bool] = {}
        self._since: dict[TargetId, tuple[float, float]] = {}
        self._air = Air(
            record.id,
            media,
            on_target=self._target_changed,
            on_failure=self._wake.set,
            on_levels=self._levels_measured,
        )
        self._assets = Assets(record.id, store)
        self._feeds: dict[FeedId, Feed] = {}
        self._seen: dict[FeedId, _Sight] = {}
        self._wanted: dict[str, Wanted] = {}
        self._follow(record.at_rest())

    # ---- what it is

    @property
    def id(self) -> ShowId:
        return self.record.id

    @property
    def on_air(self) -> bool:
        """Whether this server has the show on air."""
        return self.record.on_air

    @property
    def durable(self) -> bool:
        """Whether the store has all that was changed."""
        return not self._dirty

    def view(self) -> View:
        """The whole state, as GET and the first event give it."""
        return {
            **self._show_view(),
            "canvases": {canvas: self.canvas_view(canvas) for canvas in self.record.canvases},
            "feeds": [self.feed_view(feed) for feed in self.record.feeds],
            "targets": [self.target_view(target) for target in self.record.targets],
            "assets": [asset_view(key, asset) for key, asset in self.record.assets.items()],
        }

    def canvas_view(self, canvas_id: CanvasId) -> View:
        canvas = self.canvas(canvas_id)
        return canvas_view(canvas_id, canvas, self.program_stats().get(canvas_id))

    def feed_view(self, feed_id: FeedId) -> View:
        record, feed = self._feed_record(feed_id), self._feeds[feed_id]
        return feed_view(feed_id, record, feed, self._wanted.get(feed_id))

    def target_view(self, target_id: TargetId) -> View:
        record = self._target_record(target_id)
        status = self.target_status(target_id)
        since = self._wall_since(target_id, status.since) if status else None
        warnings = advice(record.platform, record.url, self._stream(self.record, record))
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

    async def scene(self, composition: Composition) -> Scene:
        """`composition` with the show's feeds and assets. Raises StoreUnavailable."""
        feeds = [self._feeds[feed_id] for feed_id in self.record.admitted()]
        assets = await self._assets.read(composition.assets())
        return Scene(composition, tuple(feeds), assets)

    def program(self, canvas_id: CanvasId) -> Program:
        """The canvas's program. Raises NotFound, or Conflict while nobody wants it."""
        self.canvas(canvas_id)
        program = self._air.programs.get(canvas_id)
        if program is None:
            raise Conflict("the canvas is not being made: nobody sends, records or watches it")
        return program

    def add_reader(self, canvas_id: CanvasId, reader: Reader) -> None:
        """Make the canvas for `reader` too, on air or not. Raises NotFound."""
        self.canvas(canvas_id)
        self._air.add_reader(canvas_id, reader)
        self._wake.set()
        self.events.publish("canvas", self.canvas_view(canvas_id))

    def remove_reader(self, canvas_id: CanvasId, reader: Reader) -> None:
        """Nothing happens to a reader that was removed already."""
        self._air.remove_reader(canvas_id, reader)
        self._wake.set()

    def feed(self, feed_id: FeedId) -> Feed:
        """Raises NotFound."""
        if feed_id not in self._feeds:
            raise NotFound("feed", feed_id)
        return self._feeds[feed_id]

    def feeds(self) -> Mapping[FeedId, Feed]:
        return self._feeds

    def feed_of(self, hashed: str) -> FeedId | None:
        """The feed that a token of that hash may publish."""
        for feed_id, record in self.record.feeds.items():
            if record.token_hash == hashed:
                return feed_id
        return None

    def program_stats(self) -> dict[CanvasId, ProgramStats]:
        """Of the canvases that are being made."""
        return {key: program.stats() for key, program in self._air.programs.items()}

    def sending(self) -> int:
        """How many targets are connected or try to be."""
        return self._air.sending()

    # ---- the task

    async def run(self) -> None:
        """Tend the show until cancelled."""
        broken = False
        while True:
            try:
                if broken:
                    await asyncio.sleep(_RESTART_DELAY_S)
                    await self._rebuild()
                    broken = False
                await self._tend()
            except Exception:
                log.exception("show_failed show=%s", self.id)
                broken = True

    def stir(self) -> None:
        """A host is about to come: look at the feeds for a while."""
        self._stirred_s = self._clock.now()
        self._wake.set()

    async def _tend(self) -> None:
        while True:
            self._wake.clear()
            if self._air.failure is not None:
                raise self._air.failure
            self._look()
            if self._is_made or self._assets.loaded:
                async with self._lock:
                    await self._tidy()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_INTERVAL_S if self._is_awake() else None):
                    await self._wake.wait()

    async def _tidy(self) -> None:
        """Stop what nobody wants any more, and have at hand what the rest shows."""
        before = set(self._air.programs)
        await self._air.rest()
        for canvas_id in (before - self._air.programs.keys()) & self.record.canvases.keys():
            self.events.publish("canvas", self.canvas_view(canvas_id))
        await self._have_assets()

    async def _have_assets(self) -> None:
        """In memory while media are made, which do not wait for the store."""
        if not self._is_made:
            self._assets.unload()
        elif not self._assets.has(self.record.assets):
            with contextlib.suppress(StoreUnavailable):
                await self._assets.load(self.record.assets)
                self._compose()

    @property
    def _is_made(self) -> bool:
        """Whether media run, or may at any moment."""
        return self.on_air or bool(self._air.programs)

    def _is_awake(self) -> bool:
        return (
            self._is_made
            or self._clock.now() - self._stirred_s < _AWAKE_AFTER_STIR_S
            or any(feed.state() != "gone" for feed in self._feeds.values())
        )

    def _look(self) -> None:
        """Tell of feeds that have changed by themselves, and, once a second, the counters."""
        self._look_at_feeds()
        due = self._clock.now() - self._stats_s >= _STATS_INTERVAL_S
        if self._is_made and self.events.has_listeners and due:
            self._stats_s = self._clock.now()
            self.events.publish("stats", self._stats_view())

    def _look_at_feeds(self) -> None:
        self._wanted = self._air.wanted()
        for feed_id in self._feeds:
            before, seen = self._seen.get(feed_id), self._feed_sight(feed_id)
            if seen == before:
                continue
            self._seen[feed_id] = seen
            if before is None or seen[:2] != before[:2]:
                log.info(
                    "feed_state show=%s feed=%s state=%s connected=%s", self.id, feed_id, *seen[:2]
                )
            self.events.publish("feed", self.feed_view(feed_id))

    def _stats_view(self) -> View:
        return {
            "canvases": {c: program_view(stats) for c, stats in self.program_stats().items()},
            "targets": [self.target_view(target) for target in self.record.targets],
        }

    async def _rebuild(self) -> None:
        """Begin again with fresh media for what is being made."""
        async with self._lock:
            wanted = [
                target_id
                for target_id, record in self.record.targets.items()
                if record.wanted
                and (self._air.status(target_id) is None or self._air.sends(target_id))
            ]
            await self._air.rebuild()
            for target_id in wanted:
                self._send(target_id)

    # ---- commands: the show

    async def change(
        self,
        *,
        title: str | None = None,
        starts_at: float | msgspec.UnsetType | None = msgspec.UNSET,
        channels: tuple[str, ...] | None = None,
        canvases: Mapping[CanvasId, CanvasRecord | None] | None = None,
    ) -> bool:
        """Change what is given. A canvas of None is removed; one that is there keeps its layout
        and overlays.

        Raises Conflict for a canvas that is being sent, and to remove one that a target names.
        """
        async with self._lock:
            changes: dict[str, Any] = {}
            if title is not None:
                changes["title"] = title
            if starts_at is not msgspec.UNSET:
                changes["starts_at"] = starts_at
            if channels is not None:
                changes["channels"] = channels
            if canvases:
                changes["canvases"] = self._changed_canvases(canvases)
            return await self._commit(self.record.but(**changes))

    async def set_layout(self, canvas_id: CanvasId, document: object) -> bool:
        """Raises LayoutError with the path of the fault; nothing is changed then."""
        async with self._lock:
            canvas = self.canvas(canvas_id)
            taken = Composition.of(canvas)
            composition = taken.with_layout(document)
            composition.check_layout(self.record, taken.layout)
            changed = self.record.with_canvas(canvas_id, composition.on(canvas))
            return await self._commit(changed)

    async def set_overlays(self, canvas_id: CanvasId, document: object) -> bool:
        """Raises LayoutError with the path of the fault; nothing is changed then."""
        async with self._lock:
            canvas = self.canvas(canvas_id)
            composition = Composition.of(canvas).with_overlays(document)
            composition.check_overlays(self.record)
            changed = self.record.with_canvas(canvas_id, composition.on(canvas))
            return await self._commit(changed)

    async def start(self) -> bool:
        """Go on air with every target that has an address and a key.

        Raises HeldElsewhere while another server has the show on air, and Conflict while a target
        may not be sent as much as its canvas has.
        """
        for record in self.record.targets.values():
            excess = self._excess(record)
            if excess is not None and record.sealed_key is not None and record.url is not None:
                raise Conflict(f"{record.name} cannot start: {excess}")
        return await self._start(tuple(self.record.targets))

    async def end(self) -> bool:
        """Close every target and go off air."""
        async with self._lock:
            if not self.on_air:
                raise Conflict("the show is not on air on this server")
            goodbyes = await self._off_air()
            durable = await self._commit(self.record.at_rest().but(ended_at=self._now()))
        await self._said(goodbyes)
        async with self._lock:
            await self._part_with_lease()
        return durable

    # ---- commands: feeds

    async def add_feed(self, name: str, *, admitted: bool) -> tuple[FeedId, Secret, bool]:
        """A new invitation: its id, its token (never shown again), and whether it is stored."""
        async with self._lock:
            if len(self.record.feeds) >= MAX_FEEDS:
                raise Conflict(f"a show has at most {MAX_FEEDS} feeds: remove one first")
            feed_id = FeedId(_slug(name, "feed", self.record.feeds))
            token = new_token("host")
            record = FeedRecord(name, token_hash(token), self._now() if admitted else None)
            return feed_id, token, await self._commit(self.record.with_feed(feed_id, record))

    async def change_feed(
        self,
        feed_id: FeedId,
        *,
        name: str | None = None,
        admitted: bool | None = None,
        gain_db: float | None = None,
        muted: bool | None = None,
        solo: bool | None = None,
    ) -> bool:
        async with self._lock:
            record = self._feed_record(feed_id)
            changes: dict[str, Any] = {
                "name": name,
                "gain_db": gain_db,
                "muted": muted,
                "solo": solo,
            }
            changes = {field: value for field, value in changes.items() if value is not None}
            if admitted is not None and admitted != (record.admitted_at is not None):
                changes["admitted_at"] = self._now() if admitted else None
            changed = msgspec.structs.replace(record, **changes)
            return await self._commit(self.record.with_feed(feed_id, changed))

    async def reissue_token(self, feed_id: FeedId) -> tuple[Secret, bool]:
        """A new token; the old one is dead, and so is the connection made with it."""
        async with self._lock:
            record = self._feed_record(feed_id)
            token = new_token("host")
            changed = msgspec.structs.replace(record, token_hash=token_hash(token))
            durable = await self._commit(self.record.with_feed(feed_id, changed))
            return token, durable

    async def remove_feed(self, feed_id: FeedId) -> bool:
        async with self._lock:
            self._feed_record(feed_id)
            return await self._commit(self.record.without_feed(feed_id))

    # ---- commands: assets

    async def add_asset(self, asset_id: AssetId, record: AssetRecord, data: bytes) -> bool:
        """Take an image or a font; one that is there already keeps its name.

        Raises Conflict when there is no room, StoreUnavailable.
        """
        async with self._assets.lock:
            if asset_id in self.record.assets:
                return self.durable
            check_room(self.record.assets, record)
            await self._assets.add(asset_id, data, keep=self._is_made)
            async with self._lock:
                return await self._commit(self.record.with_asset(asset_id, record))

    async def remove_asset(self, asset_id: AssetId) -> bool:
        """Raises NotFound, and Conflict while a canvas shows it."""
        async with self._assets.lock, self._lock:
            self.asset(asset_id)
            canvases = self.record.canvases.items()
            users = [key for key, each in canvases if asset_id in Composition.of(each).assets()]
            if users:
                raise Conflict(f"it is in use on {', '.join(users)}: take it off there first")
            durable = await self._commit(self.record.without_asset(asset_id))
            with contextlib.suppress(StoreUnavailable):
                await self._assets.remove(asset_id)
            return durable

    # ---- commands: targets

    async def add_target(
        self,
        name: str,
        platform: str,
        canvas_id: CanvasId | None,
        url: str | None,
        stream_key: Secret | None,
        max_video_bitrate: int | None = None,
    ) -> tuple[TargetId, bool]:
        async with self._lock:
            if len(self.record.targets) >= MAX_TARGETS:
                raise Conflict(f"a show has at most {MAX_TARGETS} targets: remove one first")
            record = TargetRecord(
                name=name,
                platform=platform,
                canvas=canvas_id or next(iter(self.record.canvases)),
                url=url,
                sealed_key=self._vault.seal(stream_key) if stream_key else None,
                max_video_bitrate=max_video_bitrate,
            )
            self._check_target(record)
            target_id = TargetId(_slug(name, "target", self.record.targets))
            return target_id, await self._commit(self.record.with_target(target_id, record))

    async def change_target(
        self,
        target_id: TargetId,
        *,
        stream_key: Secret | msgspec.UnsetType | None = msgspec.UNSET,
        **changes: Any,
    ) -> bool:
        """Change `name`, and of one that is not sending `platform`, `canvas`, `url`, the key and
        `max_video_bitrate`.

        Raises Conflict for those while it is sending.
        """
        async with self._lock:
            record = self._target_record(target_id)
            if stream_key is not msgspec.UNSET:
                changes["sealed_key"] = self._vault.seal(stream_key) if stream_key else None
            if changes.keys() - {"name"} and self._air.sends(target_id):
                raise Conflict("the target is sending: stop it before changing where it sends")
            changed = msgspec.structs.replace(record, **changes)
            self._check_target(changed)
            if changes.keys() - {"name"}:
                self._forget(target_id)
            return await self._commit(self.record.with_target(target_id, changed))

    async def remove_target(self, target_id: TargetId) -> bool:
        async with self._lock:
            self._target_record(target_id)
            goodbyes = await self._close_target(target_id)
            self._forget(target_id)
            durable = await self._commit(self.record.without_target(target_id))
        await self._said(goodbyes)
        return durable

    async def start_target(self, target_id: TargetId) -> bool:
        """Send to one target, the others untouched; a show at rest goes on air.

        Raises Conflict when the target lacks its address or key, or may not be sent so much.
        """
        lack = self._lack(self._target_record(target_id))
        if lack is not None:
            raise Conflict(f"the target cannot start: {lack}")
        return await self._start([target_id])

    async def stop_target(self, target_id: TargetId) -> bool:
        """Close one target, the others untouched; the show stays on air."""
        async with self._lock:
            record = self._target_record(target_id)
            goodbyes = await self._close_target(target_id)
            changed = msgspec.structs.replace(record, wanted=False)
            durable = await self._commit(self.record.with_target(target_id, changed))
        await self._said(goodbyes)
        return durable

    # ---- the store and the lease

    async def refresh(self) -> None:
        """Take over what another server has stored of a show that is not on air here.

        Raises NotFound when it was deleted, StoreUnavailable.
        """
        if self.on_air:
            return
        async with self._lock:
            if not self.on_air:
                await self._load()

    async def keep(self) -> None:
        """Renew the lease, and store what is not stored yet. Called every few seconds, and when
        Redis is back. A show that another server has taken, changed or deleted since the lease
        ran out goes off air here."""
        async with self._lock:
            try:
                if (
                    self.on_air
                    and self._lease is not None
                    and not await self._leases.renew(self._lease)
                ):
                    self._dirty = True
                if self._dirty and await self._save(self.record):
                    self.events.publish("show", self._show_view())
                await self._part_with_lease()
            except StoreUnavailable:
                return
            except Conflict as error:
                await self._lost(error)

    async def close(self) -> None:
        """The server ends: close every target, give the lease back, part with everybody."""
        async with self._lock:
            was_on_air = self.on_air
            await self._air.stop()
            if was_on_air:
                log.info("show_off_air show=%s", self.id)
                with contextlib.suppress(Conflict):
                    await self._commit(self.record.at_rest().but(ended_at=self._now()))
            await self._part_with_lease()
            self.events.close()
            await self._parted(list(self._feeds.values()))

    async def _commit(self, record: ShowRecord) -> bool:
        """Make `record` the show's: on air at once and then stored, off air the other way round.

        Raises Conflict when another server has changed or taken the show.
        """
        if not record.on_air:
            try:
                durable = await self._save(record)
            except Conflict as error:
                if self.on_air:
                    await self._lost(error)
                raise
            await self._apply(record)
            return durable
        await self._apply(record)
        try:
            return await self._save(record)
        except Conflict as error:
            await self._lost(error)
            raise

    async def _save(self, record: ShowRecord) -> bool:
        """Store `record`; False when Redis is away."""
        fence = self._lease.fence if self._lease else None
        try:
            await self._store.save(record, base=self._stored_revision, fence=fence)
        except StoreUnavailable:
            self._dirty = True
            return False
        self._stored_revision = record.revision
        self._dirty = False
        return True

    async def _part_with_lease(self) -> None:
        """Give back the lease of a show that is off air, that is stored, and whose targets all
        have said goodbye."""
        if self._lease is None or self.on_air or self._dirty or self._air.says_goodbye:
            return
        with contextlib.suppress(StoreUnavailable):
            await self._leases.release(self._lease)
            self._lease = None

    async def _lost(self, conflict: Conflict) -> None:
        """Another server has taken, changed or deleted the show, and what it stored is what
        counts."""
        log.warning("show_lost show=%s reason=%s", self.id, conflict)
        if self.on_air:
            await self._off_air()
        self._lease = None
        self._dirty = False
        self._stored_revision = _UNKNOWN_REVISION
        self.holder = conflict.holder if isinstance(conflict, HeldElsewhere) else None
        await self._apply(self.record.at_rest())
        self.events.publish("show", self._show_view())

    # ---- the media

    async def _start(self, target_ids: Sequence[TargetId]) -> bool:
        async with self._lock:
            is_new = not self.on_air
            if is_new:
                await self._take_lease()
                await self._assets.load(self.record.assets)
            targets = dict(self.record.targets)
            startable = [key for key in target_ids if self._lack(self._target_record(key)) is None]
            for target_id in startable:
                targets[target_id] = msgspec.structs.replace(targets[target_id], wanted=True)
            record = self.record.but(targets=targets)
            if is_new:
                self._air.forget_ended()
                self._air.measure_anew()
                on_air = {"on_air": True, "started_at": self._now(), "ended_at": None}
                record = msgspec.structs.replace(record, **on_air)
            self._compose()
            try:
                for target_id in startable:
                    self._send(target_id)
            except BaseException:
                if is_new:
                    await self._off_air()
                raise
            if is_new:
                log.info("show_on_air show=%s", self.id)
            return await self._commit(record)

    async def _take_lease(self) -> None:
        """Raises HeldElsewhere, or StoreUnavailable: going on air takes a Redis that answers.

        A lease that is taken in vain is given back by the next `keep`.
        """
        try:
            if self._lease is not None:
                await self._leases.renew(self._lease)
            if self._dirty:
                await self._save(self.record)
        except Conflict as error:
            await self._lost(error)
        if self._lease is None:
            self._lease = await self._leases.acquire(self.id)
        await self._load()

    async def _load(self) -> None:
        """Take over what another server has stored. Raises NotFound, StoreUnavailable."""
        stored = await self._store.load(self.id)
        if stored is None:
            raise NotFound("show", self.id)
        self.holder = None if self._lease else stored.holder
        if not self._dirty and stored.record.revision != self._stored_revision:
            self._stored_revision = stored.record.revision
            await self._apply(stored.record.at_rest())

    async def _off_air(self) -> list[asyncio.Task[None]]:
        """Close every target; the goodbyes to their peers go on by themselves."""
        goodbyes = await self._air.end()
        await self._air.rest()
        log.info("show_off_air show=%s", self.id)
        return goodbyes

    async def _close_target(self, target_id: TargetId) -> list[asyncio.Task[None]]:
        """Take the target off air; the goodbye to its peer goes on by itself."""
        if not self._air.sends(target_id):
            return []
        goodbye = self._air.close_target(target_id)
        await self._air.rest()
        return [goodbye]

    async def _said(self, goodbyes: list[asyncio.Task[None]]) -> None:
        """Wait for goodbyes: without the lock, for a peer may take seconds."""
        if goodbyes:
            await asyncio.wait(goodbyes)

    def _send(self, target_id: TargetId) -> None:
        record = self._target_record(target_id)
        assert record.url is not None
        assert record.sealed_key is not None
        if self._air.sends(target_id):
            return
        key = self._vault.open(record.sealed_key)
        self._air.start_target(target_id, record.url, key, record.canvas)

    def _target_changed(self, target_id: TargetId, status: TargetStatus) -> None:
        if target_id in self.record.targets:
            self.events.publish("target", self.target_view(target_id))
        self._wake.set()

    def _levels_measured(self, levels: Levels) -> None:
        if self.events.has_level_listeners:
            self.events.show_levels(levels_view(levels))

    def _compose(self) -> None:
        feeds = [self._feeds[feed_id] for feed_id in self.record.admitted()]
        self._air.compose(self.record.canvases, feeds, self._assets.loaded)

    async def _apply(self, record: ShowRecord) -> None:
        """Let the media follow `record`, tell what has changed, part with whom it parts."""
        parting = self._follow(record)
        await self._air.remake()
        await self._parted(parting)

    def _follow(self, record: ShowRecord) -> list[Feed]:
        """Gives the feeds whose connections `record` ends."""
        before, self.record = self.record, record
        parting = []
        for feed_id, kept in record.feeds.items():
            feed = self._feeds.get(feed_id)
            if feed is None:
                feed = self._feeds[feed_id] = self._media.feed(feed_id, kept.name)
            elif feed_id in before.feeds and before.feeds[feed_id].token_hash != kept.token_hash:
                parting.append(feed)
            feed.name = kept.name
            feed.admitted = kept.admitted_at is not None
            feed.gain_db = kept.gain_db
            feed.muted = kept.muted
            feed.solo = kept.solo
        parting += [self._feeds.pop(key) for key in before.feeds.keys() - record.feeds.keys()]
        self._compose()
        self._wanted = self._air.wanted()
        self._tell(before)
        self._look_at_feeds()
        return parting

    def _tell(self, before: ShowRecord) -> None:
        record, events = self.record, self.events
        if show_view(before, None) != show_view(record, None):
            events.publish("show", self._show_view())
        if before.canvases.keys() - record.canvases.keys():
            events.publish("state", self.view())
        for canvas_id, canvas in record.canvases.items():
            if canvas != before.canvases.get(canvas_id):
                events.publish("canvas", self.canvas_view(canvas_id))
        for feed_id in before.feeds.keys() - record.feeds.keys():
            self._seen.pop(feed_id, None)
            events.publish("feed_removed", {"id": feed_id})
        for feed_id, feed in record.feeds.items():
            if feed != before.feeds.get(feed_id):
                self._seen[feed_id] = self._feed_sight(feed_id)
                events.publish("feed", self.feed_view(feed_id))
        for asset_id in before.assets.keys() - record.assets.keys():
            events.publish("asset_removed", {"id": asset_id})
        for asset_id, asset in record.assets.items():
            if asset != before.assets.get(asset_id):
                events.publish("asset", asset_view(asset_id, asset))
        for target_id in before.targets.keys() - record.targets.keys():
            events.publish("target_removed", {"id": target_id})
        for target_id, target in record.targets.items():
            if (
                target != before.targets.get(target_id)
                # What it is advised against may have changed.
                or self._stream(record, target) != self._stream(before, target)
            ):
                events.publish("target", self.target_view(target_id))

    async def _parted(self, feeds: list[Feed]) -> None:
        """Close the connections of `feeds`."""
        sources = [(feed, feed.source) for feed in feeds if feed.source is not None]
        for feed, source in sources:
            feed.detach(source, left=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SOURCE_CLOSE_TIMEOUT_S):
                await asyncio.gather(*(source.close() for _, source in sources))

    # ---- small parts

    def _show_view(self) -> View:
        return {**show_view(self.record, self.holder), "durable": self.durable}

    def _feed_sight(self, feed_id: FeedId) -> _Sight:
        feed = self._feeds[feed_id]
        return feed.state(), feed.source is not None, self._wanted.get(feed_id)

    def _feed_record(self, feed_id: FeedId) -> FeedRecord:
        if feed_id not in self.record.feeds:
            raise NotFound("feed", feed_id)
        return self.record.feeds[feed_id]

    def _target_record(self, target_id: TargetId) -> TargetRecord:
        if target_id not in self.record.targets:
            raise NotFound("target", target_id)
        return self.record.targets[target_id]

    def _lack(self, record: TargetRecord) -> str | None:
        """What the target needs before it can start, in words."""
        if record.sealed_key is None:
            return _KEY_MISSING
        if record.url is None:
            return _URL_MISSING
        if not self._opens(record.sealed_key):
            return _KEY_UNREADABLE
        return self._excess(record)

    def _excess(self, record: TargetRecord) -> str | None:
        """What the target may not be sent, in words."""
        canvas = self.record.canvases[record.canvas]
        return over_cap(record.max_video_bitrate, canvas.video_bitrate)

    def _stream(self, record: ShowRecord, target: TargetRecord) -> Stream:
        """What the target gets from the show as it is in `record`."""
        canvas = record.canvases[target.canvas]
        return Stream(
            width=canvas.width,
            height=canvas.height,
            fps=canvas.fps,
            video_bitrate_bps=canvas.video_bitrate,
            audio_bitrate_bps=AUDIO_BITRATE_BPS,
            keyframe_interval_s=self._media.keyframe_interval_s,
        )

    def _opens(self, sealed_key: str) -> bool:
        """Whether the vault opens it: tried once, for every view asks."""
        if sealed_key not in self._readable:
            try:
                self._vault.open(sealed_key)
                self._readable[sealed_key] = True
            except UnreadableSecret:
                self._readable[sealed_key] = False
        return self._readable[sealed_key]

    def _check_target(self, record: TargetRecord) -> None:
        """Raises BadRequest."""
        if record.canvas not in self.record.canvases:
            known = ", ".join(self.record.canvases)
            raise BadRequest(f"there is no canvas {record.canvas!r}; canvases: {known}", "canvas")
        if record.url is not None:
            url = parse_target_url(record.url)
            if requires_tls(record.platform) and not url.secure:
                raise BadRequest(f"{record.platform} takes rtmps:// addresses only", "url")

    def _wall_since(self, target_id: TargetId, since_s: float) -> float:
        """`since_s` of our clock in unix seconds: computed once for each change, so that it
        neither flickers nor follows a clock that is set."""
        noted = self._since.get(target_id)
        if noted is None or noted[0] != since_s:
            noted = self._since[target_id] = since_s, self._now() - self._clock.now() + since_s
        return noted[1]

    def _forget(self, target_id: TargetId) -> None:
        """What came of the target when it was last started."""
        self._since.pop(target_id, None)
        self._air.forget(target_id)

    def _changed_canvases(
        self, changes: Mapping[CanvasId, CanvasRecord | None]
    ) -> dict[CanvasId, CanvasRecord]:
        canvases = dict(self.record.canvases)
        for canvas_id, canvas in changes.items():
            if canvas is not None:
                kept = canvases.get(canvas_id, canvas)
                canvases[canvas_id] = msgspec.structs.replace(
                    canvas, layout=kept.layout, overlays=kept.overlays, recording=kept.recording
                )
                continue
            users = [t.name for t in self.record.targets.values() if t.canvas == canvas_id]
            if users:
                raise Conflict(f"canvas {canvas_id!r} is sent to {', '.join(users)}: move them")
            canvases.pop(canvas_id, None)
        if not 1 <= len(canvases) <= MAX_CANVASES:
            raise BadRequest(f"a show has 1 to {MAX_CANVASES} canvases", "canvases")
        for canvas_id in self._air.sent():
            if canvases.get(canvas_id) != self.record.canvases[canvas_id]:
                raise Conflict(f"canvas {canvas_id!r} is on air: stop its targets first")
        return canvases


def default_layout(width: int, height: int) -> dict[str, Any]:
    """What a canvas shows before anybody gave it a layout: all who are admitted, making room
    for each other as they come and go."""
    return layout_document(
        Layout(
            preset="stack" if height > width else "side-by-side",
            transition=Transition(300, "ease-in-out"),
        )
    )


def _slug(name: str, fallback: str, taken: Container[str]) -> str:
    """A readable id from `name` that is not taken yet."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:32].strip("-") or fallback
    candidates = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
    return next(candidate for candidate in candidates if candidate not in taken)
