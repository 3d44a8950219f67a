"""Keeps what shows tell of the products on their rundowns as the store has it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence

from mediaserver.errors import BadRequest
from mediaserver.show import Show
from mediaserver.show.rundown import check_length
from sync.connection import Connection
from sync.eligibility.badges import Badges
from sync.errors import StoreUnavailable, SyncError
from sync.model import Notice, ProductId

log = logging.getLogger(__name__)

LOOK_INTERVAL_S = 0.5
"""How often it is asked whether time alone has changed a badge, or the store went away."""

_PAUSE_S = 0.05
"""Between two looks: units that sell faster than this are told together."""

_OF_PRODUCTS = ("product", "stock", "image", "listing")
_OF_ALL = ("channel", "categories", "all")


class Rundowns:
    """Of the shows that are on air or watched; the others are looked at when they are asked for.
    `now` gives unix seconds."""

    def __init__(
        self,
        badges: Badges,
        connection: Connection,
        shows: Callable[[], Iterable[Show]],
        now: Callable[[], float],
    ) -> None:
        self._badges = badges
        self._connection = connection
        self._shows = shows
        self._now = now
        self._changed: set[ProductId] = set()
        self._all_changed = False
        self._wake = asyncio.Event()
        self._looking = asyncio.Lock()  # what was read first is told first

    def note(self, notice: Notice) -> None:
        """Something has changed in the store."""
        if notice.kind in _OF_PRODUCTS:
            self._changed.update(map(ProductId, notice.ids))
        elif notice.kind in _OF_ALL:
            self._all_changed = True
        else:
            return
        self._wake.set()

    async def run(self) -> None:
        """Tell of changes until cancelled."""
        while True:
            if await self._tend():
                await asyncio.sleep(_PAUSE_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_INTERVAL_S):
                    await self._wake.wait()
            self._wake.clear()

    async def refresh(self, show: Show) -> None:
        """Look at the products of a show now: whoever has just changed one sees it so."""
        if show.record.rundown:
            await self._look([show])

    async def put(self, show: Show, products: Sequence[ProductId]) -> bool:
        """Let `products` be the show's rundown; whether that is stored.

        Raises BadRequest for too many products and for such as do not exist, and StoreUnavailable
        for those that cannot be looked at and were not on it before.
        """
        check_length(products, show.channels)
        async with self._looking:
            try:
                looked = await self._badges.look(products, show.channels)
            except StoreUnavailable:
                if not set(products) <= set(show.record.rundown):
                    raise
                return await show.set_rundown(products, {})
            for number, product in enumerate(products):
                if product not in looked:
                    raise BadRequest(f"there is no product {product!r}", f"products[{number}]")
            return await show.set_rundown(products, looked)

    async def _tend(self) -> bool:
        """Whether products of any show had to be looked at."""
        changed, self._changed = self._changed, set()
        all_changed, self._all_changed = self._all_changed, False
        now, concerned = self._now(), []
        for show in self._shows():
            if not show.record.rundown:
                continue
            has_changed = all_changed or not changed.isdisjoint(show.record.rundown)
            if not show.is_attended:
                if has_changed:
                    show.forget_products()
            elif not self._connection.available:
                show.lose_products()
            elif has_changed or show.lacks_products() or now >= show.products_due_at:
                concerned.append(show)
        if concerned:
            await self._look(concerned)
        return bool(concerned)

    async def _look(self, shows: Sequence[Show]) -> None:
        async with self._looking:
            products = list(dict.fromkeys(p for show in shows for p in show.record.rundown))
            channels = list(dict.fromkeys(c for show in shows for c in show.channels))
            try:
                looked = await self._badges.look(products, channels)
            except StoreUnavailable:
                for show in shows:
                    show.lose_products()
                return
            except SyncError as error:
                log.warning("products_not_looked_at reason=%s", error)
                for show in shows:
                    show.forget_products()
                return
            for show in shows:
                show.show_products(products, channels, looked)
