"""What the outside sees of the catalogue: plain JSON."""

from collections.abc import Mapping
from typing import Any

import msgspec

from mediaserver.view import time_view
from sync.catalogue import Item
from sync.model import Image, ImageRecord, Product, Sku, Stock
from sync.store.stock import StockChange

View = dict[str, Any]


def product_view(item: Item, records: Mapping[str, ImageRecord]) -> View:
    """A product with its SKUs' stock, and what became of its pictures, by their addresses."""
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
        "created_at": time_view(product.created_at),
        "updated_at": time_view(product.updated_at),
    }


def stock_view(stock: Stock) -> View:
    return {
        "on_hand": stock.on_hand,
        "committed": stock.committed,
        "quotas": stock.quotas,
        "free": stock.free,
        "available": stock.available,
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
