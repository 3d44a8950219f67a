"""What calls about one order, or what became of it, share."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from sync.sandbox.aftersales import Cancellation, Return
from sync.sandbox.api.orders import amount
from sync.sandbox.call import Call, PageToken, fingerprint, opaque
from sync.sandbox.errors import Refused
from sync.sandbox.ids import OrderId
from sync.sandbox.images import url
from sync.sandbox.orders import LineItem, Order
from sync.sandbox.wire import Code

MOST_PER_PAGE = 50
_DEFAULT_PAGE = 10

Found = TypeVar("Found", Cancellation, Return)


class Times(msgspec.Struct, frozen=True):
    """When what is searched for was made and changed, unix seconds, the second of each pair out."""

    create_time_ge: int | None = None
    create_time_lt: int | None = None
    update_time_ge: int | None = None
    update_time_lt: int | None = None

    def fit(self, found: Cancellation | Return) -> bool:
        return _within(found.create_time, self.create_time_ge, self.create_time_lt) and _within(
            found.update_time, self.update_time_ge, self.update_time_lt
        )


def order_of(call: Call, order_id: str, code: int) -> Order:
    """Raises Refused with `code` for an order that is not of the shop."""
    order = call.market.orders.by_id.get(OrderId(order_id))
    if order is None:
        raise Refused(code, f"The order {order_id!r} is not of the seller.")
    return order


def page(
    call: Call, body: msgspec.Struct, found: Iterable[Found], least: int
) -> tuple[list[Found], dict[str, Any]]:
    """A page of `found`, and how it goes on. `least` is the smallest page. Raises Refused."""
    size = call.page_size(_DEFAULT_PAGE)
    if not least <= size <= MOST_PER_PAGE:
        raise Refused(
            Code.AFTERSALES_PARAMETER, f"`page_size` must be from {least} to {MOST_PER_PAGE}."
        )
    by = call.query.get("sort_field", "create_time")
    order = call.query.get("sort_order", "ASC")
    if by not in ("create_time", "update_time") or order not in ("ASC", "DESC"):
        raise Refused(Code.AFTERSALES_PARAMETER, "`sort_field` or `sort_order` is not known.")
    filters = fingerprint(call.shop.id, call.endpoint.name, msgspec.to_builtins(body), by, order)
    token = call.page_token(filters)

    def key(each: Found) -> tuple[int, str]:
        return (each.create_time if by == "create_time" else each.update_time), each.id

    hits = sorted(found, key=key, reverse=order == "DESC")
    told: dict[str, Any] = {"next_page_token": "", "total_count": len(hits)}
    if token is not None:
        hits = [
            each
            for each in hits
            if (key(each) > token.key if order == "ASC" else key(each) < token.key)
        ]
    if len(hits) > size:
        token = PageToken(filters, key(hits[size - 1]), 0, told["total_count"])
        told["next_page_token"] = opaque(token)
    return hits[:size], told


def refund(items: list[LineItem]) -> dict[str, str]:
    cents = amount(sum(item.sale_cents for item in items))
    return {
        "currency": items[0].price.currency,
        "refund_shipping_fee": "0",
        "refund_subtotal": cents,
        "refund_tax": "0",
        "refund_total": cents,
    }


def unit(item: LineItem) -> dict[str, Any]:
    """A line item as a cancellation or a return tells it."""
    return {
        "order_line_item_id": item.id,
        "product_image": {"height": 300, "url": url(item.image), "width": 300},
        "product_name": item.product_name,
        "refund_amount": refund([item]),
        "seller_sku": item.seller_sku,
        "sku_id": item.sku_id,
        "sku_name": item.sku_name,
    }


def is_first(call: Call, of: str) -> bool:
    """Whether the call's idempotency key, if it has one, was not used yet. Raises Refused for one
    that was used for something else."""
    key = call.query.get("idempotency_key", "")
    if not key:
        return True
    if len(key) > 255:
        raise Refused(Code.AFTERSALES_PARAMETER, "`idempotency_key` is too long.")
    answered = call.market.aftersales.answered.get(key)
    if answered not in (None, of):
        raise Refused(Code.AFTERSALES_PARAMETER, "`idempotency_key` is of another request.")
    return answered is None


def remember(call: Call, of: str) -> None:
    """What was done for the call's idempotency key."""
    if key := call.query.get("idempotency_key"):
        call.market.aftersales.answered[key] = of


def _within(moment: int, first: int | None, end: int | None) -> bool:
    return (first is None or moment >= first) and (end is None or moment < end)
