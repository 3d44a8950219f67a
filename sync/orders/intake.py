"""Fetches TikTok's orders, and keeps them: a hint or a search only says which to look at."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

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
from sync.tiktok.errors import Misused, Refused, ScopeMissing, Unreadable

log = logging.getLogger(__name__)

BY = "tiktok"
"""Who changes stock by TikTok's orders, as its history has it."""

SKEW_S = 300.0
"""How far TikTok's clock and ours may be apart: it refuses calls that seem older."""

_DAY_S = 24 * 3600.0

_TRIES = 10

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

    async def take(self, shop: wire.ShopCipher, remote_ids: Sequence[str]) -> None:
        """Keep these orders as they are now; those that TikTok does not have are none.

        Raises TikTokError and StoreUnavailable; what could be kept was kept.
        """
        ids = list(dict.fromkeys(remote_ids))
        for at in range(0, len(ids), wire.MOST_ORDERS_PER_BATCH):
            # One after the other: what was fetched first must not be kept last.
            async with self._turn:
                await self._take(shop, ids[at : at + wire.MOST_ORDERS_PER_BATCH])

    async def _take(self, shop: wire.ShopCipher, remote_ids: Sequence[str]) -> None:
        ids = list(remote_ids)
        for _ in range(_TRIES):
            ids = await self._keep(shop, await self._fetched(shop, ids))
            if not ids:
                return
        log.warning("orders_changed_all_the_time count=%d", len(ids))

    async def _fetched(self, shop: wire.ShopCipher, ids: Sequence[str]) -> tuple[wire.Order, ...]:
        try:
            return await self._tiktok.orders(shop, ids)
        except Refused as error:
            if len(ids) == 1:
                log.warning("order_refused order=%s error=%s", ids[0], error)
                return ()
        return tuple([each for one in ids for each in await self._fetched(shop, [one])])

    async def _keep(self, shop: wire.ShopCipher, remotes: Sequence[wire.Order]) -> list[str]:
        """Those that somebody else changed meanwhile."""
        if not remotes:
            return []
        stores = self._stores
        kept = await stores.orders.many([order_id(each.id) for each in remotes])
        places = await self._places(remotes)
        returns = await self._returns(shop, remotes, kept)
        since = await self._since()
        outcomes = await asyncio.gather(
            *(self._save(each, kept, places, returns, since) for each in remotes),
            return_exceptions=True,
        )
        again = []
        for remote, outcome in zip(remotes, outcomes, strict=True):
            if isinstance(outcome, OrderChanged):
                again.append(remote.id)
            elif isinstance(outcome, BaseException):
                raise outcome
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

    async def _places(self, remotes: Sequence[wire.Order]) -> dict[str, Place]:
        """What the SKUs are that were ordered. Orders with one of which nobody knows are
        remembered, before they are kept without it."""
        items = [line for remote in remotes for line in remote.line_items]
        skus = self._stores.remote_skus
        places = await skus.places(
            list(dict.fromkeys(each.sku_id for each in items if each.sku_id))
        )
        unknown = [each.product_id for each in items if each.sku_id not in places]
        products = list(dict.fromkeys(each for each in unknown if each))
        known = await self._stores.listings.by_remote(products)
        foreign = {product for product, ours in known.items() if ours is None}
        strangers = {
            remote.id: [
                Stranger(line.product_id, line.sku_id)
                for line in remote.line_items
                if line.product_id and line.sku_id
                if line.sku_id not in places and line.product_id not in foreign
            ]
            for remote in remotes
        }
        await skus.note_unplaced({order: found for order, found in strangers.items() if found})
        await skus.note_placed([order for order, found in strangers.items() if not found])
        return places

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
        except (Refused, ScopeMissing, Misused, Unreadable) as error:
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
