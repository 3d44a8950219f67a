"""A show: the commands on the whole of it, and its task."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from mediaserver.errors import Conflict, NotFound
from mediaserver.packet import CanvasId
from mediaserver.show.assets import AssetCommands
from mediaserver.show.canvases import CanvasCommands
from mediaserver.show.feeds import FeedCommands
from mediaserver.show.recordings import RecordingCommands
from mediaserver.show.rundown import RundownCommands, check_length
from mediaserver.show.targets import TargetCommands
from mediaserver.state import CanvasRecord
from mediaserver.view import View, program_view, recording_view
from sync.errors import StoreUnavailable

log = logging.getLogger(__name__)

_LOOK_INTERVAL_S = 0.25
_STATS_INTERVAL_S = 1.0
_RESTART_DELAY_S = 1.0
_AWAKE_AFTER_STIR_S = 60.0


class Show(
    FeedCommands, CanvasCommands, RecordingCommands, AssetCommands, RundownCommands, TargetCommands
):
    """`run` is the show's task. An unexpected exception ends its media, is logged, and they are
    built up again.
    """

    _stirred_s = float("-inf")
    _stats_s = float("-inf")

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

        Raises Conflict for a canvas that is being sent, and to remove one that a target names,
        BadRequest for a channel that does not take as many products as are on the rundown.
        """
        async with self._lock:
            changes: dict[str, Any] = {}
            if title is not None:
                changes["title"] = title
            if starts_at is not msgspec.UNSET:
                changes["starts_at"] = starts_at
            if channels is not None:
                check_length(self.record.rundown, channels)
                changes["channels"] = channels
            if canvases:
                changes["canvases"] = self._changed_canvases(canvases)
            return await self._commit(self.record.but(**changes))

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
            await self._see_to_devices()
            self._look()
            if self._is_made or self._assets.loaded:
                async with self._lock:
                    await self._tidy()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_INTERVAL_S if self._is_awake() else None):
                    await self._wake.wait()

    async def _see_to_devices(self) -> None:
        async with self._lock:
            try:
                await self._note_devices()
            except Conflict:
                # Another server has changed the show: the next time it goes by what is stored.
                with contextlib.suppress(NotFound, StoreUnavailable):
                    await self._load()

    async def _tidy(self) -> None:
        """Stop what nobody wants any more, and have at hand what the rest shows."""
        with contextlib.suppress(Conflict):
            await self._give_up_recordings()
            await self._give_up_targets()
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

    def _is_awake(self) -> bool:
        return (
            self._is_made
            or self._clock.now() - self._stirred_s < _AWAKE_AFTER_STIR_S
            or not self._cast.is_empty()
        )

    def _look(self) -> None:
        """Tell of feeds that have changed by themselves, and, once a second, the counters."""
        self._look_at_feeds()
        due = self._clock.now() - self._stats_s >= _STATS_INTERVAL_S
        if self._is_made and self.events.has_listeners and due:
            self._stats_s = self._clock.now()
            self.events.publish("stats", self._stats_view())

    def _stats_view(self) -> View:
        return {
            "canvases": {c: program_view(stats) for c, stats in self.program_stats().items()},
            "recordings": {c: recording_view(s) for c, s in self.recording_statuses().items()},
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
