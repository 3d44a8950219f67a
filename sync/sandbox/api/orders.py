"""Orders: searched by time, and got by their ids."""

from typing import Any

import msgspec

from sync.sandbox.call import Call, PageToken, fingerprint, opaque
from sync.sandbox.errors import Refused
from sync.sandbox.ids import OrderId
from sync.sandbox.images import url
from sync.sandbox.orders import LineItem, Order
from sync.sandbox.wire import (
    DELIVERY_OPTION,
    DELIVERY_OPTION_NAME,
    PROVIDERS,
    Code,
    OrderStatus,
)

MOST_IDS = 50


class SearchBody(msgspec.Struct, frozen=True):
    """Times are unix seconds, the second of each pair out."""

    order_status: str | None = None
    create_time_ge: int | None = None
    create_time_lt: int | None = None
    update_time_ge: int | None = None
    update_time_lt: int | None = None


def search(call: Call) -> Any:
    body = call.json(SearchBody)
    size = call.page_size()
    by = call.query.get("sort_field", "create_time")
    order = call.query.get("sort_order", "DESC")
    if by not in ("create_time", "update_time") or order not in ("ASC", "DESC"):
        raise Refused(Code.INVALID, "`sort_field` or `sort_order` is not known.")
    filters = fingerprint(call.shop.id, msgspec.to_builtins(body), by, order)
    token = call.page_token(filters)
    found = [
        each
        for each in call.market.orders.between(
            (body.create_time_ge, body.create_time_lt), (body.update_time_ge, body.update_time_lt)
        )
        if body.order_status in (None, each.status)
    ]

    def key(each: Order) -> tuple[int, str]:
        return (each.create_time if by == "create_time" else each.update_time), each.id

    found.sort(key=key, reverse=order == "DESC")
    total = len(found)
    if token is not None:
        found = [
            each
            for each in found
            if (key(each) > token.key if order == "ASC" else key(each) < token.key)
        ]
    answer: dict[str, Any] = {
        "orders": [told(call, each) for each in found[:size]],
        "total_count": total,
        "next_page_token": "",
    }
    if len(found) > size:
        answer["next_page_token"] = opaque(PageToken(filters, key(found[size - 1]), 0, total))
    return answer


def get(call: Call) -> Any:
    ids = [each for each in call.query.get("ids", "").split(",") if each]
    if not 0 < len(ids) <= MOST_IDS:
        raise Refused(Code.INVALID, f"`ids` are from 1 to {MOST_IDS} orders.")
    book = call.market.orders.by_id
    found = [book[OrderId(each)] for each in dict.fromkeys(ids) if OrderId(each) in book]
    return {"orders": [told(call, order) for order in found]}


def told(call: Call, order: Order) -> dict[str, Any]:
    """An order as the API gives it; while it is UNPAID or ON_HOLD the address is blank, once it
    is CANCELLED it is masked."""
    currency = order.line_items[0].price.currency
    items = order.line_items
    original = sum(item.price.cents for item in items)
    sub_total = sum(item.sale_cents for item in items)
    data: dict[str, Any] = {
        "buyer_message": order.message,
        "buyer_email": f"{order.buyer}@scs.tiktokw.us",
        "commerce_platform": "TIKTOK_SHOP",
        "create_time": order.create_time,
        "delivery_option_id": DELIVERY_OPTION,
        "delivery_option_name": DELIVERY_OPTION_NAME,
        "delivery_type": "HOME_DELIVERY",
        "fulfillment_type": "FULFILLMENT_BY_SELLER",
        "id": order.id,
        "is_buyer_request_cancel": order.asked_to_cancel is not None,
        "is_cod": False,
        "is_on_hold_order": order.is_on_hold,
        "is_replacement_order": False,
        "is_sample_order": False,
        "line_items": [_item(item) for item in items],
        "order_type": "NORMAL",
        "packages": [{"id": package_id} for package_id in order.package_ids],
        "payment": {
            "currency": currency,
            "original_shipping_fee": amount(order.shipping),
            "original_total_product_price": amount(original),
            "platform_discount": amount(sum(item.platform_discount for item in items)),
            "seller_discount": amount(sum(item.seller_discount for item in items)),
            "shipping_fee": amount(order.shipping),
            "shipping_fee_platform_discount": "0",
            "shipping_fee_seller_discount": "0",
            "sub_total": amount(sub_total),
            "tax": amount(order.tax),
            "total_amount": amount(sub_total + order.shipping + order.tax),
        },
        "payment_method_name": "CREDIT_CARD",
        "recipient_address": _address(call, order),
        "shipping_type": "SELLER",
        "status": order.status,
        "update_time": order.update_time,
        "user_id": order.buyer,
        "warehouse_id": items[0].warehouse_id,
    }
    moments = {
        "paid_time": order.paid_time,
        "collection_time": order.sent_time,
        "delivery_time": order.delivered_time,
        "cancel_time": order.cancel_time,
        "request_cancel_time": order.asked_to_cancel,
    }
    data |= {name: moment for name, moment in moments.items() if moment is not None}
    if order.status == OrderStatus.CANCELLED:
        data["cancel_reason"] = order.cancel_reason
        data["cancellation_initiator"] = order.cancel_role
    return data


def amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _item(item: LineItem) -> dict[str, Any]:
    data: dict[str, Any] = {
        "currency": item.price.currency,
        "display_status": item.status,
        "id": item.id,
        "is_gift": False,
        "original_price": item.price.amount,
        "platform_discount": amount(item.platform_discount),
        "product_id": item.product_id,
        "product_name": item.product_name,
        "sale_price": amount(item.sale_cents),
        "seller_discount": amount(item.seller_discount),
        "seller_sku": item.seller_sku,
        "sku_id": item.sku_id,
        "sku_image": url(item.image),
        "sku_name": item.sku_name,
        "sku_type": "NORMAL",
    }
    if item.room_id is not None:
        data["room_id"] = item.room_id
    if item.package_id:
        data["package_id"] = item.package_id
        data["package_status"] = "FULFILLING" if item.sent else "PROCESSING"
    if item.provider_id:
        data["tracking_number"] = item.tracking_number
        data["shipping_provider_id"] = item.provider_id
        data["shipping_provider_name"] = PROVIDERS[item.provider_id]
    if item.status == OrderStatus.CANCELLED:
        data["cancel_reason"] = item.cancel_reason
        data["cancel_user"] = item.cancel_role
    return data


def _address(call: Call, order: Order) -> dict[str, Any]:
    region = call.shop.region
    if order.status in (OrderStatus.UNPAID, OrderStatus.ON_HOLD):
        return {"full_address": "", "name": "", "phone_number": "", "region_code": region}
    if order.status == OrderStatus.CANCELLED:
        return {
            "full_address": "2 S****** ****, Springfield",
            "name": f"{order.buyer[:1]}***",
            "phone_number": "(+1)*********11",
            "postal_code": "*****",
            "region_code": region,
        }
    return {
        "full_address": "2 Shopper Road, Springfield",
        "name": order.buyer,
        "phone_number": "(+1)202****111",
        "postal_code": "00002",
        "region_code": region,
    }
