"""Listings in Redis: what TikTok has of each product, written by the one server that syncs."""

from collections.abc import Iterable, Sequence

import msgspec

from sync.connection import Connection
from sync.model import Listing, ProductId
from sync.store.keys import NOTICES, key
from sync.store.lease import FENCE, Fence, LeaseLost
from sync.store.notices import encoded
from sync.store.remote_skus import REMOTE_SKUS

LISTINGS = key("listings")
REMOTES = key("remotes")
"""hash: TikTok's id → product, "" for one that is none of ours."""

_SLICE = 100


class Listings:
    """Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis

    async def get(self, product: ProductId) -> Listing | None:
        return (await self.many([product])).get(product)

    async def many(self, products: Sequence[ProductId]) -> dict[ProductId, Listing]:
        """Those of `products` that have one."""
        found = await self._connection.fields(LISTINGS, products)
        return {
            product: msgspec.json.decode(document, type=Listing)
            for product, document in found.items()
        }

    async def ids(self) -> set[ProductId]:
        names = await self._connection.asked(lambda: self._redis.hkeys(LISTINGS))
        return {ProductId(name.decode()) for name in names}

    async def by_remote(self, remote_ids: Sequence[str]) -> dict[str, ProductId | None]:
        """Whose TikTok's products are: None where they are none of ours. Those that nobody has
        looked at yet are missing."""
        found = await self._connection.fields(REMOTES, remote_ids)
        return {
            remote_id: ProductId(product.decode()) if product else None
            for remote_id, product in found.items()
        }

    async def save(self, listings: Iterable[Listing], fence: Fence) -> None:
        """Raises LeaseLost, and then nothing is written."""
        rows = [
            (listing.product, msgspec.json.encode(listing), listing.remote_id or "")
            for listing in listings
        ]
        for at in range(0, len(rows), _SLICE):
            part = rows[at : at + _SLICE]
            await self._write(part, fence, encoded("listing", *(row[0] for row in part)))

    async def forget(self, listing: Listing, fence: Fence) -> None:
        """Raises LeaseLost."""
        row = (listing.product, b"", listing.remote_id or "")
        await self._write([row], fence, encoded("listing", listing.product))

    async def note_foreign(self, remote_ids: Iterable[str], fence: Fence) -> None:
        """TikTok's products that are none of ours. Raises LeaseLost."""
        rows = [("", b"", remote_id) for remote_id in remote_ids]
        if rows:
            await self._write(rows, fence, b"")

    async def _write(
        self, rows: Sequence[tuple[str, bytes, str]], fence: Fence, notice: bytes
    ) -> None:
        arguments: list[str | bytes | int] = [fence, NOTICES, notice]
        arguments += [part for row in rows for part in row]
        answer = await self._connection.script(
            "sync.store", "save_listings", [LISTINGS, REMOTES, FENCE, REMOTE_SKUS], arguments
        )
        if answer[0] == "lost":
            raise LeaseLost
