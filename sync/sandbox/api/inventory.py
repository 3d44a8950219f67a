"""Stock: set, read, and what becomes of it when an order is cancelled."""

from typing import Any

import msgspec

from sync.sandbox import inventory, shoppers
from sync.sandbox.bodies import StockBody
from sync.sandbox.call import Call
from sync.sandbox.errors import Refused, ShopperRefused
from sync.sandbox.ids import ProductId, SkuId
from sync.sandbox.products import Product, may_edit
from sync.sandbox.wire import HIDDEN, Code

MOST_PRODUCTS = 100
MOST_SKUS = 600
MOST_SKUS_SET = 500


class SkuStockBody(msgspec.Struct, frozen=True):
    id: str = ""
    inventory: list[StockBody] = []


class UpdateBody(msgspec.Struct, frozen=True):
    skus: list[SkuStockBody] = []


class SearchBody(msgspec.Struct, frozen=True):
    product_ids: list[str] = []
    sku_ids: list[str] = []


class _Setting(msgspec.Struct, frozen=True):
    enable_auto_restock: bool | None = None


class SettingsBody(msgspec.Struct, frozen=True):
    """Without `sku_ids` it is for the whole shop."""

    sku_ids: list[str] | None = None
    stock_operation_setting: _Setting = _Setting()
    enable_auto_restock: bool | None = None


def update(call: Call) -> Any:
    product = call.market.catalogue.by_id.get(ProductId(call.id))
    if product is None or not may_edit(product):
        raise Refused(Code.PRODUCT_UNKNOWN, f"There is no product {call.id!r} to change.")
    body = call.json(UpdateBody)
    if not body.skus:
        raise Refused(Code.SKUS_MISSING, "At least one SKU is required.")
    _sell(call, body, after=False)
    errors = []
    for sku in body.skus:
        stock = [(each.warehouse_id, each.quantity) for each in sku.inventory]
        fault = inventory.set_available(product, call.shop, sku.id, stock)
        if fault is not None:
            errors.append(_told(fault))
    _sell(call, body, after=True)
    return {"errors": errors} if errors else {}


def search(call: Call) -> Any:
    body = call.json(SearchBody)
    if not body.product_ids and not body.sku_ids:
        raise Refused(Code.PARAMETER, "Name `product_ids` or `sku_ids`.")
    if len(body.product_ids) > MOST_PRODUCTS or len(body.sku_ids) > MOST_SKUS:
        raise Refused(
            Code.TOO_MANY_PRODUCTS, f"Name {MOST_PRODUCTS} products or {MOST_SKUS} SKUs at most."
        )
    catalogue = call.market.catalogue
    wanted: dict[ProductId, tuple[Product, list[SkuId]]] = {}
    if body.sku_ids:
        for sku_id in map(SkuId, dict.fromkeys(body.sku_ids)):
            if (product := catalogue.by_sku.get(sku_id)) is not None:
                wanted.setdefault(product.id, (product, []))[1].append(sku_id)
    else:
        for product_id in map(ProductId, dict.fromkeys(body.product_ids)):
            if (product := catalogue.by_id.get(product_id)) is not None:
                wanted[product_id] = (product, [sku.id for sku in product.content.skus])
    return {
        "inventory": [
            {"product_id": product.id, "skus": [_stock(product, sku_id) for sku_id in sku_ids]}
            for product, sku_ids in wanted.values()
            if product.status not in HIDDEN
        ]
    }


def settings(call: Call) -> Any:
    body = call.json(SettingsBody)
    enabled = body.stock_operation_setting.enable_auto_restock
    if enabled is None:
        enabled = body.enable_auto_restock
    if enabled is None:
        raise Refused(Code.PARAMETER, "`enable_auto_restock` is missing.")
    if body.sku_ids is None:
        call.shop.restock_all = enabled
        call.shop.restock.clear()
        return {"failed_sku_ids": []}
    if not 0 < len(body.sku_ids) <= MOST_SKUS_SET:
        raise Refused(Code.TOO_MANY_PRODUCTS, f"Name from 1 to {MOST_SKUS_SET} SKUs.")
    failed = [
        sku_id for sku_id in body.sku_ids if SkuId(sku_id) not in call.market.catalogue.by_sku
    ]
    for sku_id in body.sku_ids:
        if sku_id not in failed:
            call.shop.restock[sku_id] = enabled
    return {"failed_sku_ids": failed}


def _sell(call: Call, body: UpdateBody, *, after: bool) -> None:
    """What shoppers were told to buy right before this update, or after it, they buy now."""
    for purchase in call.world.faults.due_purchases({sku.id for sku in body.skus}, after=after):
        try:
            order = shoppers.buy(
                call.world,
                {purchase.sku_id: purchase.quantity},
                room_id=purchase.room_id,
                buyer="between",
            )
        except ShopperRefused as error:
            purchase.outcome = error.reason
        else:
            purchase.outcome = order.id


def _told(fault: inventory.StockFault) -> dict[str, Any]:
    return {
        "code": fault.code,
        "detail": {
            "extra_errors": [
                {"code": code, "message": message, "warehouse_id": warehouse_id}
                for warehouse_id, code, message in fault.extra
            ],
            "sku_id": fault.sku_id,
        },
        "message": fault.message,
    }


def _stock(product: Product, sku_id: SkuId) -> dict[str, Any]:
    available = product.available(sku_id)
    sku = product.skus().get(sku_id)
    return {
        "id": sku_id,
        "seller_sku": sku.seller_sku if sku is not None else "",
        "total_available_inventory_distribution": {
            "campaign_inventory": [],
            "creator_inventory": [],
            "in_shop_inventory": {"quantity": available},
        },
        "total_available_quantity": available,
        "total_committed_quantity": product.committed(sku_id),
        "warehouse_inventory": [
            {
                "available_quantity": stock.available,
                "committed_quantity": stock.committed,
                "warehouse_id": warehouse_id,
            }
            for warehouse_id, stock in product.stock[sku_id].items()
        ],
    }
