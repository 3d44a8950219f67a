"""Every change of a listing goes through here: read, changed and written under the lease."""

import asyncio
from collections.abc import Callable, Mapping

from sync.model import Listing, ProductId
from sync.store.lease import Fence
from sync.store.listings import Listings

Change = Callable[[Listing], Listing]


class Ledger:
    """Changes listings one after the other. Raises StoreUnavailable and LeaseLost."""

    def __init__(self, listings: Listings, fence: Fence, seen: Callable[[Listing], None]) -> None:
        self._listings = listings
        self._fence = fence
        self._seen = seen
        self._lock = asyncio.Lock()

    async def change(self, product: ProductId, change: Change) -> Listing:
        """What `change` makes of the product's listing, as it is stored; of one with no key where
        there is none yet."""
        return (await self.change_all({product: change}))[product]

    async def change_all(self, changes: Mapping[ProductId, Change]) -> dict[ProductId, Listing]:
        async with self._lock:
            before = await self._listings.many(list(changes))
            after = {
                product: change(before.get(product) or Listing(product, ""))
                for product, change in changes.items()
            }
            changed = [each for each in after.values() if each != before.get(each.product)]
            if changed:
                await self._listings.save(changed, self._fence)
            for listing in changed:
                self._seen(listing)
            return after

    async def forget(self, product: ProductId) -> None:
        async with self._lock:
            listing = await self._listings.get(product)
            if listing is not None:
                await self._listings.forget(listing, self._fence)
