"""Writes down when which show's targets on TikTok are live: LIVE rooms are known by it."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from mediaserver.packet import ShowId, TargetId
from mediaserver.target import Status
from sync.errors import StoreUnavailable
from sync.sales.rooms import LOST_S, Airing
from sync.store.airings import Airings

log = logging.getLogger(__name__)

PLATFORM: Final = "tiktok"

SEEN_EVERY_S = 30.0
"""How often it is written down that a target is still live: of a server that is killed, nobody else
can say until when."""

_RETRY_S = 0.5
_CLOSE_WITHIN_S = 0.8

_OVER: Final = ("idle", "rejected", "stopped")


class AirLog:
    """Of all shows of this server; `now` gives unix seconds. What cannot be written while Redis is
    away is written when it is back."""

    def __init__(self, airings: Airings, now: Callable[[], float]) -> None:
        self._airings = airings
        self._now = now
        self._open: dict[tuple[ShowId, TargetId], Airing] = {}
        self._away: set[tuple[ShowId, TargetId]] = set()
        """Of these, those that try to be live again."""
        self._unsaved: dict[str, Airing] = {}
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()

    def note(self, show: ShowId, target: TargetId, platform: str | None, status: Status) -> None:
        """A target's status has changed; `platform` is None of one that was removed meanwhile. One
        that is live again goes on where it was, unless it was away for too long."""
        at, key = self._now(), (show, target)
        airing = self._open.get(key)
        if airing is not None and key in self._away and at >= airing.seen_at + LOST_S:
            self._end(key, airing.seen_at + LOST_S)
            airing = None
        if status == "live":
            self._away.discard(key)
            if platform == PLATFORM and airing is None:
                name = secrets.token_hex(8)
                self._open[key] = Airing(name, show, target, began_at=at, seen_at=at)
                self._keep(self._open[key])
        elif airing is not None and status in _OVER:
            self._end(key, at)
        elif airing is not None and key not in self._away:
            self._away.add(key)
            self._open[key] = replace(airing, seen_at=at)

    async def run(self) -> None:
        """Write what was noted until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SEEN_EVERY_S if self._open else None):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.write()
            except StoreUnavailable:
                self._wake.set()
                await asyncio.sleep(_RETRY_S)

    async def write(self) -> None:
        """Write what is not written yet, and that what is live is so now. Raises
        StoreUnavailable."""
        async with self._writing:
            at, unsaved = self._now(), dict(self._unsaved)
            for key in self._open.keys() - self._away:
                self._open[key] = replace(self._open[key], seen_at=at)
            still_live = {airing.id: airing for airing in self._open.values()}
            await self._airings.save(list((unsaved | still_live).values()), is_news=bool(unsaved))
            for name, airing in unsaved.items():
                if self._unsaved[name] == airing:  # else it has ended meanwhile
                    del self._unsaved[name]

    async def close(self) -> None:
        """The server ends, and its shows have ended."""
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await self.write()
        except (StoreUnavailable, TimeoutError):
            log.warning("airings_not_written count=%d", len(self._unsaved))

    def _end(self, key: tuple[ShowId, TargetId], ended_at: float) -> None:
        self._away.discard(key)
        airing = self._open.pop(key)
        self._keep(replace(airing, seen_at=min(ended_at, self._now()), ended_at=ended_at))

    def _keep(self, airing: Airing) -> None:
        self._unsaved[airing.id] = airing
        self._wake.set()
