"""Fetches TikTok's orders, and keeps them: a hint or a search only says which to look at."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from sync.errors import StoreUnavailable
from sync.model import TIKTOK
from sync.orders.buyer import sealed
from sync.orders.claims import claims
from sync.orders.order import Order, OrderId, OrderStatus, Place
from sync.orders.tiktok_order import buyer_of, order_id, order_of
from sync.secret import Vault
from sync.store.orders import Buyer as KeptBuyer
from sync.store.orders import OrderChanged
from sync.store.remote_skus import Stranger
from sync.store.stores import Stores
from sync.tiktok import wire
from sync.tiktok.client import TikTok
from sync.tiktok.errors import (
    Misused,
    RateLimited,
    Refused,
    ScopeMissing,
    TikTokUnavailable,
    Unreadable,
)

log = logging.getLogger(__name__)

BY = "tiktok"
"""Who changes stock by TikTok's orders, as its history has it."""

SKEW_S = 300.0
"""How far TikTok's clock and ours may be apart: it refuses calls that seem older."""

NO_RETURNS = (Refused, ScopeMissing, Misused, Unreadable, RateLimited, TikTokUnavailable)
"""Returns are read again every now and then; orders are taken in without."""

_DAY_S = 24 * 3600.0

_TRIES = 10
_CHANGING = "orders are changed all the time: try again"

_NOTHING_BACK = frozenset(
    {
        OrderStatus.UNPAID,
        OrderStatus.ON_HOLD,
        OrderStatus.AWAITING_SHIPMENT,
        OrderStatus.AWAITING_COLLECTION,
        OrderStatus.CANCELLED,
    }
)
"""Nothing of such orders was sent that could be given back."""


class Intake:
    """Whoever knows that orders have changed at TikTok has them fetched here. Buyers' data is
    sealed by `vault` and kept for `buyer_data_days`. `now` gives unix seconds."""

    def __init__(
        self,
        tiktok: TikTok,
        stores: Stores,
        vault: Vault,
        *,
        buyer_data_days: int,
        now: Callable[[], float],
    ) -> None:
        self._tiktok = tiktok
        self._stores = stores
        self._vault = vault
        self._buyer_data_s = buyer_data_days * _DAY_S
        self._now = now
        self._turn = asyncio.Lock()

    async def take(self, shop: wire.ShopCipher, remote_ids: Sequence[str]) -> set[str]:
        """Keep these orders as they are now; those of them that TikTok tells.

        Raises TikTokError and StoreUnavailable; what could be kept was kept. One that cannot be
        read keeps none of the others back: Unreadable is raised when all were seen to.
        """
        ids, told = list(dict.fromkeys(remote_ids)), set()
        faults: list[Unreadable] = []
        for at in range(0, len(ids), wire.MOST_ORDERS_PER_BATCH):
            # One after the other: what was fetched first must not be kept last.
            async with self._turn:
                told |= await self._take(shop, ids[at : at + wire.MOST_ORDERS_PER_BATCH], faults)
        if faults:
            raise faults[0]
        return told

    async def keep(self, shop: wire.ShopCipher, remotes: Sequence[wire.Order]) -> None:
        """Keep these as they were found: for orders that TikTok does not tell by their ids. Raises
        what `take` does."""
        faults: list[Unreadable] = []
        async with self._turn:
            before = await self._stored(each.id for each in remotes)
            if await self._kept(shop, remotes, before, faults):
                raise StoreUnavailable(_CHANGING)
        if faults:
            raise faults[0]

    async def _take(
        self, shop: wire.ShopCipher, ids: Sequence[str], faults: list[Unreadable]
    ) -> set[str]:
        """Those that TikTok tells; `faults` gets what is wrong with those that cannot be read."""
        told: set[str] = set()
        for _ in range(_TRIES):
            before = await self._stored(ids)
            remotes = await self._fetched(shop, ids)
            told.update(each.id for each in remotes)
            ids = await self._kept(shop, remotes, before, faults)
            if not ids:
                return told
        raise StoreUnavailable(_CHANGING)

    async def _stored(self, remote_ids: Iterable[str]) -> dict[OrderId, Order]:
        return await self._stores.orders.many([order_id(each) for each in remote_ids])

    async def _fetched(self, shop: wire.ShopCipher, ids: Sequence[str]) -> tuple[wire.Order, ...]:
        try:
            return await self._tiktok.orders(shop, ids)
        except Refused as error:
            if len(ids) == 1:
                log.warning("order_refused order=%s error=%s", ids[0], error)
                return ()
        return tuple([each for one in ids for each in await self._fetched(shop, [one])])

    async def _kept(
        self,
        shop: wire.ShopCipher,
        remotes: Sequence[wire.Order],
        before: Mapping[OrderId, Order],
        faults: list[Unreadable],
    ) -> list[str]:
        """Those that somebody else has changed since they were as `before`: what they know may be
        newer."""
        if not remotes:
            return []
        fresh = await self._stored(each.id for each in remotes if order_id(each.id) not in before)
        again = [each.id for each in remotes if order_id(each.id) in fresh]
        remotes = [each for each in remotes if order_id(each.id) not in fresh]
        places, strange = await self._places(remotes)
        returns = await self._returns(shop, remotes, before)
        since = await self._since()
        outcomes = await asyncio.gather(
            *(self._save(each, before, places, returns, since) for each in remotes),
            return_exceptions=True,
        )
        for remote, outcome in zip(remotes, outcomes, strict=True):
            if isinstance(outcome, OrderChanged):
                again.append(remote.id)
            elif isinstance(outcome, Unreadable):
                faults.append(outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
        placed = [each.id for each in remotes if each.id not in strange and each.id not in again]
        await self._stores.remote_skus.note_placed(placed)
        return again

    async def _save(
        self,
        remote: wire.Order,
        kept: Mapping[OrderId, Order],
        places: Mapping[str, Place],
        returns: Mapping[str, Sequence[wire.Return]],
        since: float,
    ) -> None:
        before = kept.get(order_id(remote.id))
        order = order_of(
            remote, places, before, returns.get(remote.id), since=since, at=self._now()
        )
        await self._stores.orders.save(
            order,
            claims(order),
            by=BY,
            base=before,
            buyer=self._kept_buyer(remote, order.created_at + self._buyer_data_s),
        )

    def _kept_buyer(self, remote: wire.Order, until: float) -> KeptBuyer | None:
        buyer = buyer_of(remote) if until > self._now() else None
        return None if buyer is None else KeptBuyer(sealed(buyer, self._vault), until)

    async def _places(self, remotes: Sequence[wire.Order]) -> tuple[dict[str, Place], set[str]]:
        """What the SKUs are that were ordered, and the orders with one of which nobody knows:
        these are remembered, before they are kept without it."""
        items = [line for remote in remotes for line in remote.line_items]
        skus = self._stores.remote_skus
        places = await skus.places(
            list(dict.fromkeys(each.sku_id for each in items if each.sku_id))
        )
        unknown = [each.product_id for each in items if each.sku_id not in places]
        products = list(dict.fromkeys(each for each in unknown if each))
        known = await self._stores.listings.by_remote(products)
        foreign = {product for product, ours in known.items() if ours is None}
        strange: dict[str, list[Stranger]] = {}
        for remote in remotes:
            for line in remote.line_items:
                if not line.product_id or not line.sku_id:
                    continue
                if line.sku_id not in places and line.product_id not in foreign:
                    stranger = Stranger(line.product_id, line.sku_id)
                    strange.setdefault(remote.id, []).append(stranger)
        await skus.note_unplaced(strange)
        return places, set(strange)

    async def _returns(
        self,
        shop: wire.ShopCipher,
        remotes: Sequence[wire.Order],
        kept: Mapping[OrderId, Order],
    ) -> dict[str, list[wire.Return]]:
        """All returns of the orders that may have some."""
        asked: dict[str, list[wire.Return]] = {}
        for remote in remotes:
            before = kept.get(order_id(remote.id))
            if remote.status not in _NOTHING_BACK or (before is not None and before.returns):
                asked[remote.id] = []
        if not asked:
            return {}
        query = wire.ReturnQuery(order_ids=tuple(asked))
        try:
            async for page in self._tiktok.return_pages(shop, query):
                for each in page.items:
                    if each.order_id in asked:
                        asked[each.order_id].append(each)
        except NO_RETURNS as error:
            log.warning("returns_refused error=%s", error)  # stock does not hang on them
            return {}
        return asked

    async def _since(self) -> float:
        """When TikTok was connected."""
        watermark = await self._stores.watermarks.get()
        if watermark is not None:
            return watermark.since
        record = await self._stores.channels.get(TIKTOK)
        return since(record.connected_at)


def since(connected_at: float | None) -> float:
    """When the first orders were made that sell what is ours: before, nothing was listed."""
    return (connected_at or SKEW_S) - SKEW_S
