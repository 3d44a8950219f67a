"""What the shop's events are made of: the views that the API answers with."""

import asyncio
from collections.abc import Iterable

import msgspec

from mediaserver.api.channels import current_view
from mediaserver.badge_view import badges_view
from mediaserver.commerce import Commerce
from mediaserver.product_view import product_view
from mediaserver.shop_news import ShopNews
from mediaserver.view import View, time_view
from sync.catalogue import Item
from sync.model import TIKTOK, ProductId
from sync.store.images import urls_of
from sync.store.progress import Progress


def shop_news(commerce: Commerce) -> ShopNews:
    async def channel() -> View:
        return await current_view(commerce)

    async def progress() -> View:
        return progress_view(await commerce.progress.get())

    async def products(ids: Iterable[ProductId]) -> dict[ProductId, View]:
        return await product_views(commerce, ids)

    return ShopNews(commerce.badges, channel=channel, progress=progress, products=products)


def progress_view(progress: Progress) -> View:
    """How far the sync with TikTok is."""
    return {
        **msgspec.structs.asdict(progress),
        "paused": progress.paused or None,
        "failures": [
            {**msgspec.structs.asdict(failed), "retry_at": time_view(failed.retry_at)}
            for failed in progress.failures
        ],
        "at": time_view(progress.at) if progress.at else None,
    }


async def product_views(commerce: Commerce, ids: Iterable[ProductId]) -> dict[ProductId, View]:
    """Those products that exist, as GET gives them. Raises StoreUnavailable."""
    products = await commerce.products.many(list(ids))
    skus = [sku.id for product in products.values() for sku in product.skus]
    urls = {url for product in products.values() for url in urls_of(product)}
    stocks, records, looked = await asyncio.gather(
        commerce.stocks.many(skus),
        commerce.images.many(list(urls)),
        commerce.badges.of_products(products.values(), [TIKTOK]),
    )
    return {
        key: {
            **product_view(Item(product, stocks), records),
            "badges": badges_view(looked[key].badges),
        }
        for key, product in products.items()
    }
