"""Delivery options, carriers, and orders marked as shipped."""

from typing import Any

import msgspec

from sync.sandbox.api.of_order import order_of
from sync.sandbox.call import Call
from sync.sandbox.errors import Refused
from sync.sandbox.ids import WarehouseId
from sync.sandbox.orders import LineItem, Order
from sync.sandbox.shipping import SHIPPABLE
from sync.sandbox.shipping import mark_shipped as mark
from sync.sandbox.wire import (
    DELIVERY_OPTION,
    DELIVERY_OPTION_NAME,
    PROVIDERS,
    Code,
    OrderStatus,
)

_UPS = "1Z"
"""How the tracking numbers of UPS begin."""


class ShippedBody(msgspec.Struct, frozen=True):
    tracking_number: str = ""
    shipping_provider_id: str = ""
    order_line_item_ids: list[str] | None = None


def delivery_options(call: Call) -> Any:
    if WarehouseId(call.id) not in {place.id for place in call.shop.warehouses}:
        raise Refused(Code.NO_WAREHOUSE, f"There is no warehouse {call.id!r}.")
    return {
        "delivery_options": [
            {
                "description": "The seller hands parcels to a carrier of their own.",
                "id": DELIVERY_OPTION,
                "name": DELIVERY_OPTION_NAME,
                "platform": ["TIKTOK_SHOP"],
                "type": "SEND_BY_SELLER",
            }
        ]
    }


def providers(call: Call) -> Any:
    if call.id != DELIVERY_OPTION:
        raise Refused(Code.OPTION_UNKNOWN, f"The shop has no delivery option {call.id!r}.")
    return {"shipping_providers": [{"id": key, "name": name} for key, name in PROVIDERS.items()]}


def mark_shipped(call: Call) -> Any:
    order = order_of(call, call.id, Code.NOT_OF_THE_SELLER)
    body = call.json(ShippedBody)
    number = body.tracking_number
    if not number or not (number.isascii() and number.isalnum()):
        raise Refused(Code.TRACKING_NUMBER_FORMAT, "A tracking number is of letters and digits.")
    if body.shipping_provider_id not in PROVIDERS:
        raise Refused(Code.PROVIDER_UNKNOWN, "Invalid tracking number or provider ID.")
    items = _items(order, body.order_line_item_ids)
    package_id = mark(
        call.world,
        call.market,
        order,
        items,
        tracking_number=number,
        provider_id=body.shipping_provider_id,
    )
    told: dict[str, Any] = {
        "order_id": order.id,
        "order_line_item_ids": [item.id for item in items],
        "package_id": package_id,
    }
    if number.startswith(_UPS) and PROVIDERS[body.shipping_provider_id] != "UPS":
        told["warning"] = {"message": "The tracking number looks like one of UPS."}
    return told


def _items(order: Order, line_items: list[str] | None) -> list[LineItem]:
    """The units to send. Raises Refused."""
    if order.status == OrderStatus.ON_HOLD:
        raise Refused(
            Code.ON_HOLD, "The order is on hold: ship it when its status is AWAITING_SHIPMENT."
        )
    loose = {item.id: item for item in order.open_items() if not item.package_id}
    if not loose and order.open_items() and order.status != OrderStatus.UNPAID:
        raise Refused(Code.ALREADY_SHIPPED, "The order is already shipped.")
    if order.status not in SHIPPABLE:
        raise Refused(Code.STATUS_NOT_SHIPPABLE, f"The order is {order.status}.")
    if not line_items:
        return list(loose.values())
    of_order = {item.id: item for item in order.line_items}
    if any(each not in of_order for each in line_items):
        raise Refused(Code.NOT_OF_THE_ORDER, "A line item is not of the order.")
    if any(each not in loose for each in line_items):
        raise Refused(Code.ALREADY_SHIPPED, "A line item is already shipped, or cancelled.")
    return [item for item in loose.values() if item.id in line_items]
