"""Takes TikTok's orders in: those that a hint names at once, and whatever has changed since the
last look, so that every hint may be lost."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from sync.errors import Conflict
from sync.model import TIKTOK, ChannelRecord
from sync.orders.claims import claims
from sync.orders.intake import BY, NO_RETURNS, Intake, since
from sync.orders.order import Order, OrderId
from sync.orders.tiktok_order import order_id, print_of, print_of_remote
from sync.store.lease import Fence
from sync.store.orders import OrderChanged
from sync.store.stores import Stores
from sync.store.watermark import Watermark
from sync.tiktok import wire
from sync.tiktok.client import TikTok
from sync.tiktok.errors import TikTokUnavailable, Unreadable

log = logging.getLogger(__name__)

LAG_S = 10
"""How far a look reaches behind the latest change that was seen: one of the same moment may become
visible later."""

SKEW_S = 60
"""How far it reaches behind its own beginning at most: TikTok refuses clocks further ahead."""

DEEP_S = 3600
DEEP_EVERY_S = 600.0
"""Now and then, and whenever a server takes over, it reaches back so far, for what became visible
very late."""

FIRST_S = 30 * 24 * 3600
"""Of a shop that is connected for the first time, orders are shown that changed so long before."""

RETURNS_EVERY_S = 60.0

_PASSES = 5


class Taking:
    """One server's, from its taking the lease of the sync to its losing it. `now` gives unix
    seconds.

    Its calls raise TikTokError, StoreUnavailable, LeaseLost, and Conflict while no shop is
    connected.
    """

    def __init__(
        self,
        tiktok: TikTok,
        stores: Stores,
        intake: Intake,
        fence: Fence,
        now: Callable[[], float],
    ) -> None:
        self._tiktok = tiktok
        self._stores = stores
        self._intake = intake
        self._fence = fence
        self._now = now
        self._turn = asyncio.Lock()
        self._begun = 0
        self._done = 0
        """How many looks have begun, and the latest that came to its end."""
        self._deep_at = float("-inf")
        self._returns_at = float("-inf")

    async def poll(self) -> None:
        """Take in all that has changed at TikTok up to now, by a look that begins after this was
        called: who calls while one is under way shares the next with all others that wait."""
        asked = self._begun
        async with self._turn:
            if self._done > asked:
                return
            self._begun += 1
            await self._look()
            self._done = self._begun

    async def take(self, remote_ids: Sequence[str]) -> None:
        """Take in these orders as they are at TikTok now."""
        await self._intake.take(_cipher(await self._channel()), remote_ids)

    async def _channel(self) -> ChannelRecord:
        return await self._stores.channels.get(TIKTOK)

    async def _look(self) -> None:
        record = await self._channel()
        shop = _cipher(record)
        began_at = self._now()
        before = await self._stores.watermarks.get() or _first(record)
        is_deep = not 0 <= began_at - self._deep_at < DEEP_EVERY_S  # the clock may be put back
        faults: list[Unreadable] = []
        latest = await self._read(shop, max(0, before.upto - (DEEP_S if is_deep else 0)), faults)
        await self._place(shop)
        await self._back()
        if faults:  # units may have been sold by it: this was no look at all orders
            raise faults[0]
        returns_upto = before.returns_upto
        if not 0 <= began_at - self._returns_at < RETURNS_EVERY_S:
            returns_upto = await self._read_returns(shop, before.returns_upto, began_at)
            self._returns_at = began_at
        upto = max(before.upto, latest - LAG_S, int(began_at) - SKEW_S)
        after = Watermark(upto, returns_upto, before.since)
        if after != before or before.upto == 0:
            await self._stores.watermarks.save(after, self._fence)
        if is_deep:
            self._deep_at = began_at

    async def _read(self, shop: wire.ShopCipher, start: int, faults: list[Unreadable]) -> int:
        """Take in what has changed from `start` on (TikTok's unix seconds); the latest change.
        `faults` gets what is wrong with orders that cannot be read.

        An order that changes while the pages are read goes to their end, and others may move up
        to a page that was read: then fewer are found than there are said to be, and all is read
        again, until nothing more is found.
        """
        latest = 0
        query = wire.OrderQuery(update_time_ge=start)
        before: set[str] | None = None
        for _ in range(_PASSES):
            seen: set[str] = set()
            total = 0
            async for page in self._tiktok.order_pages(shop, query):
                try:
                    await self._take(shop, await self._changed(page.items))
                except Unreadable as error:
                    faults.append(error)
                seen.update(each.id for each in page.items)
                latest = max([latest, *(each.update_time or 0 for each in page.items)])
                total = len(seen) if page.total is None else page.total
            if len(seen) >= total or (before is not None and seen <= before):
                return latest
            before = seen | (before or set())
        raise TikTokUnavailable("TikTok's orders change faster than they can be read")

    async def _take(self, shop: wire.ShopCipher, found: Sequence[wire.Order]) -> None:
        """Take these in as they are now, or, where TikTok finds one and does not tell it, as it was
        found: what was sold by it is sold."""
        told = await self._intake.take(shop, [each.id for each in found])
        if untold := [each for each in found if each.id not in told]:
            log.warning("orders_found_and_not_told orders=%s", [each.id for each in untold])
            await self._intake.keep(shop, untold)

    async def _changed(self, remotes: Sequence[wire.Order]) -> list[wire.Order]:
        """Those that are not kept as they are there. Their times are of whole seconds, in which an
        order may change after it was fetched."""
        kept = await self._stores.orders.many([order_id(each.id) for each in remotes])
        return [each for each in remotes if _is_news(kept.get(order_id(each.id)), each)]

    async def _place(self, shop: wire.ShopCipher) -> None:
        """Take those orders anew of which it has become known what they are of."""
        unplaced = await self._stores.remote_skus.unplaced()
        if not unplaced:
            return
        strangers = {each for found in unplaced.values() for each in found}
        places = await self._stores.remote_skus.places([each.sku for each in strangers])
        known = await self._stores.listings.by_remote([each.product for each in strangers])
        foreign = {product for product, ours in known.items() if ours is None}
        await self._intake.take(
            shop,
            [
                order
                for order, found in unplaced.items()
                if any(each.sku in places or each.product in foreign for each in found)
            ],
        )

    async def _back(self) -> None:
        """Give orders the units that they were short of, where these are there by now."""
        orders = self._stores.orders
        for order in (await orders.many(await orders.short())).values():
            with suppress(OrderChanged):  # and backed by that
                await orders.save(order, claims(order), by=BY, base=order)

    async def _read_returns(self, shop: wire.ShopCipher, start: int, began_at: float) -> int:
        """Take in the orders whose returns have changed from `start` on; up to when that is."""
        latest = 0
        try:
            async for page in self._tiktok.return_pages(
                shop, wire.ReturnQuery(update_time_ge=start)
            ):
                ids = [order_id(each.order_id) for each in page.items]
                kept = await self._stores.orders.many(list(dict.fromkeys(ids)))
                news = [each.order_id for each in page.items if _is_news_of(kept, each)]
                await self._intake.take(shop, news)
                latest = max([latest, *(each.update_time or 0 for each in page.items)])
        except NO_RETURNS as error:  # stock does not hang on them
            log.warning("returns_refused error=%s", error)
            return start
        return max(start, latest - LAG_S, int(began_at) - SKEW_S)


def _cipher(record: ChannelRecord) -> wire.ShopCipher:
    """Raises Conflict."""
    if record.shop is None or not record.is_connected:
        raise Conflict("no TikTok Shop is connected")
    return wire.ShopCipher(record.shop.cipher)


def _first(record: ChannelRecord) -> Watermark:
    first = since(record.connected_at)
    upto = max(0, int(first) - FIRST_S)
    return Watermark(upto, upto, first)


def _is_news(kept: Order | None, remote: wire.Order) -> bool:
    if kept is None:
        return True
    if kept.updated_at > (remote.update_time or 0):
        return False
    return print_of(kept) != print_of_remote(remote)


def _is_news_of(kept: dict[OrderId, Order], found: wire.Return) -> bool:
    order = kept.get(order_id(found.order_id))
    if order is None:
        return True
    return not any(
        each.id == found.return_id
        and each.status == (found.return_status or "")
        and each.updated_at == float(found.update_time or 0)
        for each in order.returns
    )
