"""What the outside sees of the catalogue: plain JSON."""

from typing import Any

import msgspec

from mediaserver.view import time_view
from sync.catalogue import Item
from sync.model import Product, Sku, Stock
from sync.store.stock import StockChange

View = dict[str, Any]


def product_view(item: Item) -> View:
    product, stocks = item
    return {
        **_record_view(product),
        "skus": [
            _record_view(sku) | {"stock": stock_view(stocks[sku.id])}
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


def _record_view(record: Product | Sku) -> View:
    view: View = msgspec.structs.asdict(record)
    view.pop("version", None)
    return view
