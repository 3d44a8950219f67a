"""All that is known here of products, read together: what they are, what they have of stock, what
became of their pictures, and what TikTok has of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec.structs import replace

from sync.eligibility.categories import Placements
from sync.model import TIKTOK, ImageRecord, Listing, ProductId, SkuId, Stock, StockPolicy
from sync.quota import Trend, followed, offered
from sync.sidecar.goal import Facts
from sync.store.stores import Stores

_NEVER_SOLD = Trend({}, {}, 0.0)


class ImageRecords(Protocol):
    """What became of pictures' addresses; `again` has them fetched once more."""

    async def many(self, urls: Sequence[str]) -> Mapping[str, ImageRecord]: ...

    async def again(self, urls: Sequence[str], at: float) -> None: ...


class Known(msgspec.Struct, frozen=True):
    """A product as it was loaded; `facts` are None of a deleted one."""

    product: ProductId
    facts: Facts | None
    listing: Listing | None

    @property
    def stocks(self) -> list[Stock]:
        """Those of its SKUs."""
        if self.facts is None:
            return []
        stocks = self.facts.stocks
        return [stocks[sku.id] for sku in self.facts.product.skus if sku.id in stocks]


class Loader:
    """Of one server's time at the sync; `policy` and `placements` are those of now. Its calls raise
    StoreUnavailable."""

    def __init__(
        self,
        stores: Stores,
        images: ImageRecords,
        *,
        policy: Callable[[], StockPolicy],
        placements: Callable[[], Placements],
        now: Callable[[], float],
    ) -> None:
        self._stores = stores
        self._images = images
        self._policy = policy
        self._placements = placements
        self._now = now
        self._trends: dict[SkuId, Trend] = {}

    async def load(self, ids: Sequence[ProductId]) -> list[Known]:
        stores = self._stores
        products = await stores.products.many(ids)
        listings = await stores.listings.many(ids)
        skus = [sku.id for product in products.values() for sku in product.skus]
        stocks = await stores.stocks.many(skus) if skus else {}
        stocks |= await self._escrowed(listings, stocks)
        now = self._now()
        for sku, stock in stocks.items():
            if stock.sold:
                self._trends[sku] = followed(self._trends.get(sku), stock.sold, now)
        urls = dict.fromkeys(image.url for each in products.values() for image in each.images)
        images = await self._images.many(list(urls)) if urls else {}
        placements = self._placements()
        return [
            Known(
                each,
                Facts(
                    products[each],
                    placements.of(products[each].type),
                    images,
                    stocks,
                )
                if each in products
                else None,
                listings.get(each),
            )
            for each in ids
        ]

    async def restocked(self, known: Known) -> Known:
        """With the stock as it is after a change."""
        if known.facts is None:
            return known
        skus = [sku.id for sku in known.facts.product.skus]
        return replace(
            known, facts=replace(known.facts, stocks=await self._stores.stocks.many(skus))
        )

    def levels(self, known: Known) -> dict[SkuId, int]:
        """How many units of each SKU TikTok is to have."""
        if known.facts is None:
            return {}
        now, policy, stocks = self._now(), self._policy(), known.facts.stocks
        return {
            sku.id: offered(stocks[sku.id], policy, self._trends.get(sku.id, _NEVER_SOLD), now)
            if sku.id in stocks
            else 0
            for sku in known.facts.product.skus
        }

    def set_aside(self, known: Known) -> Mapping[SkuId, Stock]:
        """The stock of which units are set aside for TikTok."""
        if known.facts is None or self._policy().mode != "escrow":
            return {}
        return known.facts.stocks

    async def _escrowed(
        self, listings: Mapping[ProductId, Listing], stocks: Mapping[SkuId, Stock]
    ) -> dict[SkuId, Stock]:
        """The stock of those SKUs that TikTok has while nothing was ever set aside for it: what it
        offers of them is not bounded."""
        if self._policy().mode != "escrow":
            return {}
        skus = [
            sku
            for listing in listings.values()
            for sku in listing.remote_skus
            if sku in stocks and TIKTOK not in stocks[sku].quotas
        ]
        if not skus:
            return {}
        await self._stores.stocks.unbound(skus, TIKTOK)
        return await self._stores.stocks.many(skus)
