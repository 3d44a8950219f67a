"""What the outside sees of the catalogue: plain JSON, the same in answers and in events."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mediaserver.badge_view import badges_view
from mediaserver.commerce import Commerce
from mediaserver.view import time_view
from sync.catalogue.catalogue import Item
from sync.model import (
    TIKTOK,
    Badge,
    ChannelId,
    Image,
    ImageRecord,
    Product,
    ProductId,
    Sku,
    Stock,
)
from sync.store.images import urls_of
from sync.store.stock import StockChange

View = dict[str, Any]


BADGED = (TIKTOK,)
"""The channels that a product has badges for."""


async def product_views(commerce: Commerce, items: Sequence[Item]) -> dict[ProductId, View]:
    """Products with their SKUs' stock, what became of their pictures, and their badges; made in
    steps, between which the event loop turns. Raises StoreUnavailable."""
    urls = {url for item in items for url in urls_of(item.product)}
    records, looked = await asyncio.gather(
        commerce.stores.images.many(list(urls)),
        commerce.badges.of_products([item.product for item in items], BADGED),
    )
    views = {}
    for item in items:
        views[item.product.id] = _product_view(item, records, looked[item.product.id].badges)
        await asyncio.sleep(0)
    return views


def _product_view(
    item: Item, records: Mapping[str, ImageRecord], badges: Mapping[ChannelId, Badge]
) -> View:
    product, stocks = item
    return {
        **_fields(product),
        "images": [
            _fields(image) | _image_view(records.get(image.url)) for image in product.images
        ],
        "skus": [
            _fields(sku)
            | {
                "image": None if sku.image_url is None else _image_view(records.get(sku.image_url)),
                "stock": stock_view(stocks[sku.id]),
            }
            for sku in product.skus
            if sku.id in stocks
        ],
        "badges": badges_view(badges),
        "created_at": time_view(product.created_at),
        "updated_at": time_view(product.updated_at),
    }


def stock_view(stock: Stock) -> View:
    return {
        "on_hand": stock.on_hand,
        "committed": stock.committed,
        "quotas": stock.quotas,
        "unsettled": sorted({*stock.doubts, *stock.unbound}),
        "free": stock.free,
        "available": stock.available,
        "sold": stock.sold,
        "revision": stock.revision,
    }


def stock_change_view(change: StockChange) -> View:
    return {**msgspec.structs.asdict(change), "at": time_view(change.at)}


def _image_view(record: ImageRecord | None) -> View:
    """One that nobody has asked for yet is waiting."""
    found = record or ImageRecord()
    is_fetched = found.state == "fetched"
    return {
        "state": found.state,
        "reason": found.reason or None,
        "width": found.width if is_fetched else None,
        "height": found.height if is_fetched else None,
    }


def _fields(record: Product | Sku | Image) -> View:
    fields: View = msgspec.structs.asdict(record)
    fields.pop("version", None)
    return fields
