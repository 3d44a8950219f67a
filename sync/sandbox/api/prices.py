"""Prices."""

from typing import Any

import msgspec

from sync.sandbox import listing
from sync.sandbox.api.of_product import product_of
from sync.sandbox.bodies import PriceBody
from sync.sandbox.call import Call
from sync.sandbox.errors import Refused
from sync.sandbox.ids import SkuId
from sync.sandbox.wire import Code, Status


class SkuPriceBody(msgspec.Struct, frozen=True):
    id: str = ""
    price: PriceBody = PriceBody()


class PricesBody(msgspec.Struct, frozen=True):
    skus: list[SkuPriceBody] = []


def update_prices(call: Call) -> Any:
    product = product_of(call)
    body = call.json(PricesBody)
    if product.status != Status.ACTIVATE:
        raise Refused(
            Code.STATUS_UNFIT, f"Prices are of products that are ACTIVATE, not {product.status}."
        )
    if product.on_promotion:
        raise Refused(Code.PRICE_LOCKED, "The price is locked: the product is in a promotion.")
    if not body.skus:
        raise Refused(Code.SKUS_MISSING, "At least one SKU is required.")
    for sku in body.skus:
        if sku.id not in product.prices:
            raise Refused(Code.SKU_NOT_OF_PRODUCT, f"The product has no SKU {sku.id!r}.")
        of = f"SKU {sku.id}"
        for flaw in listing.price_flaws(sku.price.amount, sku.price.currency, call.shop, of):
            raise Refused(flaw.code, flaw.message)
    for sku in body.skus:
        product.prices[SkuId(sku.id)] = listing.price(sku.price.amount, sku.price.currency)
    call.market.catalogue.touch(product, call.world.clock.seconds())
    return {}
