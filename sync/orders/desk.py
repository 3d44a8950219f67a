"""What people and the shop's own checkout do with orders."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from sync.catalogue.product_draft import Ids
from sync.errors import Conflict, InsufficientStock, UnreadableSecret
from sync.model import TIKTOK, SkuId
from sync.orders import moves
from sync.orders.buyer import Buyer, opened, sealed
from sync.orders.claims import claims
from sync.orders.moves import GivenBack, Units
from sync.orders.order import OWN_SHOP, Order, OrderId
from sync.orders.order_draft import Catalogue, OrderDraft, buyer_of, placed
from sync.orders.tiktok_desk import Parcel, TikTokDesk
from sync.secret import Vault
from sync.store.orders import Buyer as KeptBuyer
from sync.store.orders import Idempotency, OrderChanged, Saved
from sync.store.stores import Stores
from sync.tiktok.errors import TikTokError
from sync.tiktok.wire import CancelWhy

WAIT_S = 5.0
"""How long an order waits for units that are set aside for channels: these are asked to offer
fewer, and what they did not sell is free then."""

_AGAIN_S = 0.25

_TRIES = 20

_DAY_S = 24 * 3600.0


class Desk:
    """`tiktok` is None where the settings name no app. Buyers' data is sealed by `vault` and kept
    for `buyer_data_days`. `now` gives unix seconds, `clock` counts seconds for `sleep`.

    Each call raises StoreUnavailable when Redis is away. `by` is who asks.
    """

    def __init__(
        self,
        stores: Stores,
        ids: Ids,
        vault: Vault,
        tiktok: TikTokDesk | None,
        *,
        buyer_data_days: int,
        now: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._stores = stores
        self._ids = ids
        self._vault = vault
        self._tiktok = tiktok
        self._buyer_data_s = buyer_data_days * _DAY_S
        self._now = now
        self._clock = clock
        self._sleep = sleep

    async def place(self, draft: OrderDraft, idempotency: Idempotency, *, by: str) -> Saved:
        """The order of the shop's own that `draft` is, all of it or nothing, once for each
        idempotency key. Units that are only set aside for a channel are waited for.

        Raises Invalid, InsufficientStock, and Conflict for a key that came with another body.
        """
        orders, at = self._stores.orders, self._now()
        if (known := await orders.known(idempotency)) is not None:  # whatever is sold by now
            return Saved(await orders.get(known), (await orders.held([known]))[known], False, False)
        catalogue = await self._catalogue([line.sku for line in draft.lines])
        order = placed(draft, catalogue, self._ids.order(), at)
        buyer = buyer_of(draft)
        kept = None
        if buyer is not None:
            kept = KeptBuyer(sealed(buyer, self._vault), at + self._buyer_data_s)
        give_up_at = self._clock() + WAIT_S
        while True:
            try:
                return await orders.save(
                    order,
                    claims(order),
                    by=by,
                    strict=True,
                    buyer=kept,
                    idempotency=idempotency,
                )
            except InsufficientStock as error:
                if not _may_come(error) or self._clock() >= give_up_at:
                    raise
            await self._sleep(_AGAIN_S)

    async def pay(self, order: OrderId, *, by: str) -> Order:
        """Raises NotFound, and what moves.paid does."""
        return await self._moved(order, lambda there: moves.paid(there, self._now()), by)

    async def fulfil(
        self, order: OrderId, units: Units | None, parcel: Parcel | None, *, by: str
    ) -> Order:
        """Those units, None for all that are left, have been sent. One of TikTok's is told there,
        and needs the `parcel`.

        Raises NotFound, what moves.fulfilled does, and what TikTokDesk.fulfil does.
        """
        found = await self._stores.orders.get(order)
        if found.channel == TIKTOK:
            if parcel is None:
                raise Conflict("TikTok wants to know the tracking_number and the carrier")
            await self._desk.fulfil(found, units, parcel)
            return await self._stores.orders.get(order)
        return await self._moved(
            order, lambda there: moves.fulfilled(there, units, self._now()), by
        )

    async def cancel(
        self, order: OrderId, units: Units | None, why: CancelWhy | None, reason: str, *, by: str
    ) -> Order:
        """Those units, None for all that are left, will not be sent. One of TikTok's is cancelled
        there, for `why`, unless its buyer wants it.

        Raises NotFound, what moves.cancelled does, and what TikTokDesk.cancel does.
        """
        found = await self._stores.orders.get(order)
        if found.channel == TIKTOK:
            await self._desk.cancel(found, units, why)
            return await self._stores.orders.get(order)
        return await self._moved(
            order, lambda there: moves.cancelled(there, units, reason or why or "", self._now()), by
        )

    async def complete(self, order: OrderId, *, by: str) -> Order:
        """Raises NotFound, and what moves.completed does."""
        return await self._moved(order, lambda there: moves.completed(there, self._now()), by)

    async def give_back(
        self, order: OrderId, back: Sequence[GivenBack], reason: str, *, by: str
    ) -> Order:
        """Raises NotFound, and what moves.returned does."""
        return await self._moved(
            order, lambda there: moves.returned(there, back, reason, self._now()), by
        )

    async def restock(self, order: OrderId, units: Units | None, *, by: str) -> Order:
        """A person has put those units of any channel's order on the shelf again, None for all
        that came back. Raises NotFound, and what moves.restocked does."""
        return await self._changed(order, lambda there: moves.restocked(there, units), by)

    async def buyer(self, order: OrderId) -> Buyer | None:
        """None where nothing is kept of them, or not any more. TikTok is asked again for one that
        was erased when it was disconnected. Raises NotFound, and Conflict where it was sealed with
        a key that is no more."""
        found = await self._stores.orders.get(order)
        text = await self._stores.buyers.get(found)
        if text is None and found.channel == TIKTOK and self._tiktok is not None:
            with suppress(TikTokError, Conflict):
                await self._tiktok.look(found)
            text = await self._stores.buyers.get(found)
        try:
            return None if text is None else opened(text, self._vault)
        except UnreadableSecret:
            raise Conflict(
                f"the buyer of {order} was sealed with a key that is not among SHOPCAST_SECRET_KEYS"
            ) from None

    @property
    def _desk(self) -> TikTokDesk:
        if self._tiktok is None:
            raise Conflict("this server has no app at TikTok Shop: act in the Seller Center")
        return self._tiktok

    async def _moved(self, order: OrderId, move: Callable[[Order], Order], by: str) -> Order:
        def own(there: Order) -> Order:
            if there.channel != OWN_SHOP:
                raise Conflict(f"the order {there.id} goes on at {there.channel}, not here")
            return move(there)

        return await self._changed(order, own, by)

    async def _changed(self, order: OrderId, change: Callable[[Order], Order], by: str) -> Order:
        """What `change` makes of the order, whoever else changes it."""
        tries_left = _TRIES
        while True:
            tries_left -= 1
            base = await self._stores.orders.get(order)
            after = change(base)
            if after == base:
                return base
            try:
                saved = await self._stores.orders.save(after, claims(after), by=by, base=base)
            except OrderChanged:
                if not tries_left:
                    raise
                continue
            return saved.order

    async def _catalogue(self, skus: Sequence[SkuId]) -> Catalogue:
        owners = await self._stores.stocks.products(skus)
        products = await self._stores.products.many(list(dict.fromkeys(owners.values())))
        return {
            sku.id: (product, sku)
            for product in products.values()
            for sku in product.skus
            if sku.id in owners
        }


def _may_come(error: InsufficientStock) -> bool:
    """Whether what is set aside would be enough."""
    return all(each.wanted <= each.free + each.set_aside for each in error.shortages)
