"""Badges of products as the store has them now."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import msgspec

from sync.eligibility.badge import badge
from sync.eligibility.categories import Placements
from sync.eligibility.local_rules import MARKETS, Markets, available
from sync.eligibility.verdict import Subject, shop_verdict
from sync.model import TIKTOK, Badge, ChannelId, ChannelRecord, Product, ProductId
from sync.store.stores import Stores


class Looked(msgspec.Struct, frozen=True):
    """A product as it was when it was looked at: `available` units of all variants together, and
    its badge on each channel."""

    product: Product
    available: int
    badges: dict[ChannelId, Badge]


class Badges:
    """Reads what a badge rests on in a number of round trips that does not grow with the products,
    but for slices of a hundred. `now` gives unix seconds.

    TikTok's categories are thousands, so they are kept from the first time on, until somebody
    says that they have changed. Each call raises StoreUnavailable when Redis is away.
    """

    def __init__(
        self, stores: Stores, now: Callable[[], float], markets: Markets = MARKETS
    ) -> None:
        self._stores = stores
        self._now = now
        self._markets = markets
        self._placements: Placements | None = None
        self._forgotten = 0

    def forget_categories(self) -> None:
        """They, their rules or the shop's mapping to them have changed."""
        self._placements = None
        self._forgotten += 1

    async def of(
        self, product_ids: Sequence[ProductId], channels: Iterable[ChannelId]
    ) -> dict[ProductId, dict[ChannelId, Badge]]:
        """The badges of those products that exist."""
        looked = await self.look(product_ids, channels)
        return {product: each.badges for product, each in looked.items()}

    async def look(
        self, product_ids: Sequence[ProductId], channels: Iterable[ChannelId]
    ) -> dict[ProductId, Looked]:
        """Those products that exist, with their badges."""
        return await self.of_products(
            (await self._stores.products.many(product_ids)).values(), channels
        )

    async def of_products(
        self, products: Iterable[Product], channels: Iterable[ChannelId]
    ) -> dict[ProductId, Looked]:
        """Products that were read already, with their badges."""
        found = {product.id: product for product in products}
        channels = tuple(dict.fromkeys(channels))
        if not found:
            return {}
        skus = [sku.id for product in found.values() for sku in product.skus]
        if TIKTOK not in channels:
            stocks = await self._stores.stocks.many(skus)
            subjects = {key: Subject(product, stocks) for key, product in found.items()}
            return self._looked(subjects, channels, None)
        urls = {image.url for product in found.values() for image in product.images}
        stocks, images, listings, record, placements = await asyncio.gather(
            self._stores.stocks.many(skus),
            self._stores.images.many(list(urls)),
            self._stores.listings.many(list(found)),
            self._stores.channels.get(TIKTOK),
            self._known_placements(),
        )
        subjects = {
            key: Subject(product, stocks, images, listings.get(key), placements.of(product.type))
            for key, product in found.items()
        }
        return self._looked(subjects, channels, record)

    def _looked(
        self,
        subjects: dict[ProductId, Subject],
        channels: tuple[ChannelId, ...],
        record: ChannelRecord | None,
    ) -> dict[ProductId, Looked]:
        now = self._now()
        shop = shop_verdict(record or ChannelRecord(), now, self._markets)
        return {
            key: Looked(
                subject.product,
                available(subject.product, subject.stocks),
                {channel: badge(channel, subject, shop, now) for channel in channels},
            )
            for key, subject in subjects.items()
        }

    async def _known_placements(self) -> Placements:
        if self._placements is not None:
            return self._placements
        begun = self._forgotten
        mapping, tree, rules = await asyncio.gather(
            self._stores.categories.mapping(),
            self._stores.categories.tree(),
            self._stores.categories.rules(),
        )
        placements = Placements(mapping, tree.categories, rules)
        if begun == self._forgotten:  # else they changed while they were read
            self._placements = placements
        return placements
