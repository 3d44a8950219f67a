"""The task that syncs the shop, on whichever server holds the lease."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import NoReturn

from sync.eligibility.local_rules import MARKETS, Markets
from sync.errors import StoreUnavailable
from sync.model import ProductId
from sync.orders.intake import Intake
from sync.sidecar.session import Pictures, Session, ShopChanged
from sync.store.lease import Fence, Lease, LeaseLost
from sync.store.notices import Notices
from sync.store.stores import Stores
from sync.tiktok.client import TikTok

log = logging.getLogger(__name__)

WORKERS = 16
URGENT_WORKERS = 4
"""These do only what somebody has just changed, so that it waits for nothing else."""

TICK_S = 1.0
TELL_EVERY_S = 0.25

GATHER_S = 0.02
"""How long what comes in a rush is gathered, to be looked at together."""

SETTLE_EVERY_S = 0.1
"""What TikTok has is looked at so soon where it is in doubt."""

_PASSES = 4
"""Of a cycle: what is settled leads to new levels."""

_ENDINGS = (StoreUnavailable, LeaseLost, ShopChanged)


class Sidecar:
    """Keeps TikTok in step while `run` runs; `next_rundown` gives the products of the next show in
    their order, `on_air` says whether a show is. `now` gives unix seconds."""

    def __init__(
        self,
        stores: Stores,
        pictures: Pictures,
        lease: Lease,
        notices: Notices,
        tiktok: TikTok,
        intake: Intake,
        *,
        markets: Markets = MARKETS,
        next_rundown: Callable[[], Sequence[ProductId]],
        on_air: Callable[[], bool],
        now: Callable[[], float],
        workers: int = WORKERS,
    ) -> None:
        self._stores = stores
        self._pictures = pictures
        self._lease = lease
        self._notices = notices
        self._tiktok = tiktok
        self._intake = intake
        self._markets = markets
        self._next_rundown = next_rundown
        self._on_air = on_air
        self._now = now
        self._workers = workers
        self._held: tuple[Fence, Session] | None = None
        self._woken = asyncio.Event()
        self._hinted = asyncio.Event()
        self._ordered = asyncio.Event()
        self._is_channel_stale = False
        self._are_categories_stale = False

    async def run(self) -> NoReturn:
        while True:
            try:
                fence = await self._lease.acquire()
                if fence is not None:
                    await self._hold(fence)
            except* _ENDINGS as ending:
                log.info("sync_ended reason=%s", ending.exceptions[0])
            await asyncio.sleep(TICK_S)

    async def cycle(self) -> bool:
        """Do once all there is to do; whether this server holds the lease. It is `run` without
        waiting for anything, and raises what ends a session."""
        try:
            return await self._cycled()
        except _ENDINGS:
            self._held = None
            raise

    async def _cycled(self) -> bool:
        if self._held is None:
            fence = await self._lease.acquire()
            if fence is None:
                return False
            self._held = fence, self._session(fence)
            await self._held[1].begin()
        fence, session = self._held
        await self._lease.renew(fence)
        await session.channel_changed()
        await session.categories_changed()
        await session.read()
        await session.take_orders()
        for _ in range(_PASSES):
            await session.take_in()
            is_done = True
            while await session.do_next():
                is_done = False
            await session.settle()
            if is_done:
                break
        await session.tell()
        return True

    def _session(self, fence: Fence) -> Session:
        return Session(
            self._stores,
            self._pictures,
            self._tiktok,
            self._intake,
            fence,
            markets=self._markets,
            next_rundown=self._next_rundown,
            on_air=self._on_air,
            now=self._now,
        )

    async def _hold(self, fence: Fence) -> None:
        """Sync until the lease is lost, or cancelled."""
        log.info("sync_began fence=%d", fence)
        session = self._session(fence)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._renew(fence))
                tasks.create_task(self._listen())
                await session.begin()
                tasks.create_task(self._take_in(session))
                tasks.create_task(self._read(session))
                tasks.create_task(self._take_orders(session))
                tasks.create_task(self._settle(session))
                tasks.create_task(self._tell(session))
                for number in range(URGENT_WORKERS + self._workers):
                    is_urgent = number < URGENT_WORKERS
                    tasks.create_task(self._work(session, urgent_only=is_urgent))
        finally:
            with contextlib.suppress(StoreUnavailable):
                await self._lease.release(fence)

    async def _renew(self, fence: Fence) -> NoReturn:
        while True:
            await asyncio.sleep(self._lease.ttl_s / 3)
            await self._lease.renew(fence)

    async def _listen(self) -> None:
        async with contextlib.aclosing(self._notices.listen()) as notices:
            async for notice in notices:
                match notice.kind:
                    case "product" | "stock" | "image":
                        self._woken.set()
                    case "hint":
                        is_order = all(hint.startswith("order:") for hint in notice.ids)
                        (self._ordered if is_order else self._hinted).set()
                    case "channel":
                        self._is_channel_stale = True
                        self._woken.set()
                    case "categories":
                        self._are_categories_stale = True
                        self._woken.set()
                    case "all":
                        self._is_channel_stale = self._are_categories_stale = True
                        self._woken.set()
                        self._hinted.set()
                        self._ordered.set()

    async def _take_in(self, session: Session) -> NoReturn:
        while True:
            self._woken.clear()
            if self._is_channel_stale:
                self._is_channel_stale = False
                await session.channel_changed()
            if self._are_categories_stale:
                self._are_categories_stale = False
                await session.categories_changed()
            await session.take_in()
            await _within(TICK_S, self._woken)

    async def _read(self, session: Session) -> NoReturn:
        while True:
            self._hinted.clear()
            await session.read()
            await _within(TICK_S, self._hinted)

    async def _take_orders(self, session: Session) -> NoReturn:
        while True:
            self._ordered.clear()
            await session.take_orders()
            await _within(TICK_S, self._ordered)

    async def _settle(self, session: Session) -> NoReturn:
        while True:
            await session.settle()
            await asyncio.sleep(SETTLE_EVERY_S)

    async def _tell(self, session: Session) -> NoReturn:
        while True:
            await session.tell()
            await asyncio.sleep(TELL_EVERY_S)

    async def _work(self, session: Session, *, urgent_only: bool) -> NoReturn:
        while True:
            if session.paused:
                await asyncio.sleep(TELL_EVERY_S)
            else:
                await session.do(await session.work.wait(urgent_only=urgent_only))


async def _within(seconds: float, event: asyncio.Event) -> None:
    """Wait for `event` and what comes right after it, but no longer than that."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
            await asyncio.sleep(GATHER_S)
