"""What TikTok's SKUs are here, as save_listings.lua writes it with the listings, and orders of
which that is not known yet: they came before the answer to the create of what they sell did."""

from collections.abc import Mapping, Sequence

import msgspec

from sync.connection import Connection
from sync.model import ProductId, SkuId
from sync.orders.order import Place
from sync.store.keys import key

REMOTE_SKUS = key("remote_skus")
"""hash: TikTok's SKU → product, blank, SKU. One that was ours stays: its orders go on."""

UNPLACED = key("orders:unplaced")
"""hash: TikTok's order → JSON of Strangers."""


class Stranger(msgspec.Struct, frozen=True, array_like=True):
    """A SKU of TikTok's that nobody knows, and its product there."""

    product: str
    sku: str


class RemoteSkus:
    """Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis

    async def places(self, remote_skus: Sequence[str]) -> dict[str, Place]:
        """Those of `remote_skus` that are ours."""
        found = await self._connection.fields(REMOTE_SKUS, remote_skus)
        places = {}
        for remote_sku, value in found.items():
            product, _, sku = value.decode().partition(" ")
            places[remote_sku] = Place(ProductId(product), SkuId(sku))
        return places

    async def unplaced(self) -> dict[str, tuple[Stranger, ...]]:
        """TikTok's orders with something in them of which nobody knows whose it is."""
        found = await self._connection.asked(lambda: self._redis.hgetall(UNPLACED))
        return {
            order.decode(): msgspec.json.decode(strangers, type=tuple[Stranger, ...])
            for order, strangers in found.items()
        }

    async def note_unplaced(self, orders: Mapping[str, Sequence[Stranger]]) -> None:
        """Remember them, before they are taken in as they are."""
        fields: list[str | bytes] = []
        for order, strangers in orders.items():
            fields += [order, msgspec.json.encode(strangers)]
        if fields:
            await self._connection.asked(lambda: self._redis.hset(UNPLACED, items=fields))

    async def note_placed(self, orders: Sequence[str]) -> None:
        """Of these all is known now."""
        if orders:
            await self._connection.asked(lambda: self._redis.hdel(UNPLACED, *orders))
