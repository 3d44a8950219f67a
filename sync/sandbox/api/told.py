"""How parts of a product are told."""

from typing import Any

from sync.sandbox.call import Call
from sync.sandbox.ids import SkuId
from sync.sandbox.images import url
from sync.sandbox.products import Price, Product


def audit(product: Product) -> dict[str, Any]:
    return {"pre_approved_reasons": list(product.pre_approved), "status": product.audit}


def image(call: Call, uri: str) -> dict[str, Any]:
    width, height = call.world.images.size(uri)
    return {
        "height": height,
        "thumb_urls": [url(uri)],
        "uri": uri,
        "urls": [url(uri)],
        "width": width,
    }


def price(price: Price) -> dict[str, Any]:
    return {
        "currency": price.currency,
        "sale_price": price.amount,
        "tax_exclusive_price": price.amount,
    }


def inventory(product: Product, sku_id: SkuId) -> list[dict[str, Any]]:
    return [
        {"quantity": stock.available, "warehouse_id": warehouse_id}
        for warehouse_id, stock in product.stock[sku_id].items()
    ]
