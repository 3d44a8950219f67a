"""Reads what TikTok makes of our products: all that changed since the last search, 100 a page,
now and then every product, and one by one those that a webhook named."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence

from msgspec.structs import replace

from sync.model import TIKTOK, Listing, Product, ProductId, SkuId
from sync.sidecar.draft import heard, sku_ids, wants_reasons
from sync.sidecar.ledger import Ledger
from sync.store.lease import Fence
from sync.store.listings import Listings
from sync.store.products import Products
from sync.store.progress import ProgressStore, Searched
from sync.store.stock import Stocks
from sync.tiktok import wire
from sync.tiktok.client import TikTok
from sync.tiktok.errors import Refused

log = logging.getLogger(__name__)

ALL_EVERY_S = 4 * 3600.0
"""Every product is asked for more often than badges go stale, and whatever was missed is found."""

LAG_S = 10
"""How far a search reaches behind the latest change that was seen: one in the same moment may
become visible later."""

SKEW_S = 60
"""How far it reaches behind its own beginning at most: TikTok refuses clocks further ahead."""

STRANGER_S = 60.0
"""How long a product that we do not know stays so, before we ask whose it is: a create that is
under way has been answered by then."""

_EVER = 1 << 32


class Watch:
    """`is_creating` says whether a product is being created at present; `found` is called with
    one of ours that was there and we did not know."""

    def __init__(
        self,
        tiktok: TikTok,
        ledger: Ledger,
        listings: Listings,
        products: Products,
        stocks: Stocks,
        progress: ProgressStore,
        fence: Fence,
        *,
        is_creating: Callable[[ProductId], bool],
        found: Callable[[ProductId], None],
        now: Callable[[], float],
    ) -> None:
        self._tiktok = tiktok
        self._ledger = ledger
        self._listings = listings
        self._products = products
        self._stocks = stocks
        self._progress = progress
        self._fence = fence
        self._is_creating = is_creating
        self._found = found
        self._now = now
        self._searched: Searched | None = None
        self._clear_at: float | None = None
        self._strangers: dict[str, tuple[float, int]] = {}
        """When each was first seen, and when it had changed at TikTok."""

    @property
    def searched_at(self) -> float | None:
        """Everything that TikTok had by then has been looked at, and it is known whose it is."""
        return self._clear_at

    async def begin(self) -> None:
        """Go on where the last server has stopped."""
        self._searched = await self._progress.searched()

    def is_stranger(self, remote_id: str | None) -> bool:
        """Whether it was told of when nobody knew whose it is."""
        return remote_id in self._strangers

    async def search(self, shop: wire.ShopCipher) -> None:
        """Read what has changed. Raises TikTokError, StoreUnavailable and LeaseLost."""
        began_at, before = self._now(), self._searched
        is_all = before is None or began_at - before.all_at >= ALL_EVERY_S
        since = None if before is None or is_all else before.upto
        latest = 0 if before is None else before.upto
        seen: set[str] = set()
        async for products in self._pages(shop, since, None):
            await self._hear(shop, products)
            if is_all:
                seen.update(each.id for each in products)
            latest = max(
                [latest, *(each.update_time - LAG_S for each in products if each.update_time)]
            )
        await self._meet_strangers(shop)
        upto = max(latest, int(began_at) - SKEW_S)
        if self._strangers:  # whoever takes over looks at them again
            upto = min(upto, *(changed for _, changed in self._strangers.values()))
        else:
            self._clear_at = began_at
        if is_all:
            await self._miss(shop, seen, began_at)
        self._searched = Searched(
            upto, began_at, began_at if is_all or before is None else before.all_at
        )
        await self._progress.save_searched(self._searched, self._fence)

    async def ask(self, shop: wire.ShopCipher, remote_ids: Sequence[str]) -> bool:
        """Read these products; whether that was enough, else a search has to tell."""
        known = await self._listings.by_remote(remote_ids)
        is_enough = True
        for remote_id in remote_ids:
            if remote_id not in known:
                self._strangers.setdefault(remote_id, (self._now(), int(self._now())))
            elif (product := known[remote_id]) is not None:
                try:
                    remote = await self._tiktok.product(shop, remote_id)
                except Refused:  # frozen and deleted products are only found
                    is_enough = False
                    continue
                await self._ledger.change(product, self._heard(remote))
        return is_enough

    async def _pages(
        self, shop: wire.ShopCipher, since: int | None, until: int | None
    ) -> AsyncIterator[tuple[wire.Product, ...]]:
        """What has changed between, both included. A search that finds too much is divided."""
        query = wire.ProductQuery(update_time_ge=since, update_time_le=until)
        async for page in self._tiktok.product_pages(shop, query):
            low, high = since or 0, _EVER if until is None else until
            if (page.total or 0) > wire.MOST_FOUND and low < high:
                break
            yield page.items
            await asyncio.sleep(0)
        else:
            return
        middle = self._middle(low, high)
        async for products in self._pages(shop, low, middle):
            yield products
        async for products in self._pages(shop, middle + 1, until):
            yield products

    def _middle(self, low: int, high: int) -> int:
        """Halfway, of times that have been."""
        return (low + max(low, min(high, int(self._now()) + SKEW_S))) // 2

    async def _hear(self, shop: wire.ShopCipher, remotes: Sequence[wire.Product]) -> None:
        known = await self._listings.by_remote([remote.id for remote in remotes])
        ours: dict[ProductId, wire.Product] = {}
        for remote in remotes:
            product = known.get(remote.id)
            if product is not None:
                ours[product] = remote
            elif remote.id not in known:
                changed = remote.update_time or int(self._now())
                self._strangers.setdefault(remote.id, (self._now(), changed))
        if not ours:
            return
        refused: list[tuple[ProductId, str]] = []

        def hearing(remote: wire.Product) -> Callable[[Listing], Listing]:
            def change(there: Listing) -> Listing:
                after = heard(there, remote, self._now())
                if wants_reasons(there, after):
                    refused.append((there.product, remote.id))
                return after

            return change

        await self._ledger.change_all({product: hearing(each) for product, each in ours.items()})
        for product, remote_id in refused:
            await self._ledger.change(
                product, self._heard(await self._tiktok.product(shop, remote_id))
            )

    def _heard(self, remote: wire.Product) -> Callable[[Listing], Listing]:
        return lambda there: heard(there, remote, self._now())

    async def _meet_strangers(self, shop: wire.ShopCipher) -> None:
        """Ask whose the products are that nobody has claimed for a while."""
        now = self._now()
        due = [each for each, (seen, _) in self._strangers.items() if now - seen >= STRANGER_S]
        known = await self._listings.by_remote(due)
        for remote_id in due:
            if remote_id not in known and not await self._is_met(shop, remote_id):
                continue
            del self._strangers[remote_id]
        if known:  # claimed meanwhile: what TikTok said of them was not put down
            await self.ask(shop, [remote_id for remote_id, whose in known.items() if whose])

    async def _is_met(self, shop: wire.ShopCipher, remote_id: str) -> bool:
        """Whether it is known now whose it is: one of ours, whose create was answered to nobody,
        or somebody else's."""
        try:
            remote = await self._tiktok.product(shop, remote_id)
        except Refused:
            await self._listings.note_foreign([remote_id], self._fence)
            return True
        product_id = ProductId(remote.external_product_id or "")
        listing = await self._listings.get(product_id)
        product = (await self._products.many([product_id])).get(product_id)
        is_unlisted = listing is None or listing.remote_id is None
        is_lost = is_unlisted and listing is not None and bool(listing.sending)
        is_new = is_unlisted and product is not None and remote.status != "DELETED"
        if self._is_creating(product_id):
            return False
        if not (is_lost or is_new):
            await self._listings.note_foreign([remote.id], self._fence)
            return True
        log.info("tiktok_product_found product=%s remote=%s", product_id, remote.id)
        ids = _ids(product, remote)
        await self._stocks.unbound(ids, TIKTOK)  # nobody knows what it offers

        def adopted(there: Listing) -> Listing:
            if there.remote_id is not None:
                return there
            there = replace(there, remote_id=remote.id, remote_skus=ids)
            return heard(there, remote, self._now())

        await self._ledger.change(product_id, adopted)
        self._found(product_id)
        return True

    async def _miss(self, shop: wire.ShopCipher, seen: set[str], began_at: float) -> None:
        """Ask for what a search for everything did not find: TikTok has it no longer."""
        ids = sorted(await self._listings.ids())
        for at in range(0, len(ids), wire.PAGE_SIZE):
            some = await self._listings.many(ids[at : at + wire.PAGE_SIZE])
            for listing in some.values():
                is_old = (listing.sent_at or 0.0) < began_at - STRANGER_S
                if listing.remote_id is not None and listing.remote_id not in seen and is_old:
                    await self._ask_missed(shop, listing)
            await asyncio.sleep(0)

    async def _ask_missed(self, shop: wire.ShopCipher, listing: Listing) -> None:
        if listing.status == "DELETED" or listing.remote_id is None:
            return
        try:
            change = self._heard(await self._tiktok.product(shop, listing.remote_id))
        except Refused as error:
            message = error.message

            def change(there: Listing) -> Listing:
                return replace(there, status="DELETED", reasons=(message,), verdict_at=self._now())

        await self._ledger.change(listing.product, change)


def _ids(product: Product | None, remote: wire.Product) -> dict[SkuId, str]:
    if product is not None:
        return sku_ids(product, remote.skus, {})
    # Deleted here: all that is still to be done is to stop its sales.
    return {SkuId(each.external_sku_id or each.id): each.id for each in remote.skus}
