"""Cancellations: made for the seller, searched, granted."""

from typing import Any

import msgspec

from sync.sandbox import cancelling
from sync.sandbox.aftersales import Cancellation
from sync.sandbox.api.of_order import Times, is_first, order_of, page, refund, remember, unit
from sync.sandbox.call import Call
from sync.sandbox.errors import Refused
from sync.sandbox.ids import CancelId
from sync.sandbox.orders import CANCELLABLE, Order
from sync.sandbox.wire import (
    BUYER_CANCEL,
    SELLER_CANCELS_PAID,
    SELLER_CANCELS_UNPAID,
    CancelStatus,
    Code,
    OrderStatus,
)

_ANSWER_WITHIN_S = 48 * 3600
_CANCELLED_IN_QUERIES = "CANCELLATION_REQUEST_CANCEL"
"""How a search calls the status that its answer calls CANCELLATION_REQUEST_CANCELLED."""


class CancelBody(msgspec.Struct, frozen=True):
    order_id: str = ""
    cancel_reason: str = ""
    order_line_item_ids: list[str] | None = None


class SearchBody(Times, frozen=True):
    cancel_ids: list[str] | None = None
    order_ids: list[str] | None = None
    cancel_types: list[str] | None = None
    cancel_status: list[str] | None = None


def cancel(call: Call) -> Any:
    body = call.json(CancelBody)
    order = order_of(call, body.order_id, Code.AFTERSALES_NOT_YOURS)
    if call.market.aftersales.wish(order.id) or order.status == OrderStatus.CANCELLED:
        raise Refused(Code.ALREADY_CANCELLED, "The order is cancelled, or about to be.")
    if order.status == OrderStatus.COMPLETED:
        raise Refused(Code.CLOSED_ALREADY, "A completed order is not cancelled.")
    _check_reason(call, order, body.cancel_reason)
    items = order.open_items()
    if body.order_line_item_ids:
        wanted = set(body.order_line_item_ids)
        if "out_of_stock" not in body.cancel_reason:
            raise Refused(Code.LINES_NOT_ALONE, "Single line items are cancelled out of stock.")
        items = [item for item in items if item.id in wanted]
        if len(items) != len(wanted):
            raise Refused(Code.LINES_UNKNOWN, "A line item is not of the order, or cancelled.")
    if order.status not in CANCELLABLE or any(item.sent for item in items):
        raise Refused(Code.SHIPPED_ALREADY, "The order has already been shipped.")
    made = cancelling.cancel_for_seller(call.world, call.market, order, items, body.cancel_reason)
    return {"cancel_id": made.id, "cancel_status": made.status}


def search(call: Call) -> Any:
    body = call.json(SearchBody)
    statuses = {
        CancelStatus.CANCELLED if status == _CANCELLED_IN_QUERIES else status
        for status in body.cancel_status or ()
    }
    found = [
        each
        for each in call.market.aftersales.cancellations.values()
        if body.fit(each)
        and (not body.cancel_ids or each.id in body.cancel_ids)
        and (not body.order_ids or each.order_id in body.order_ids)
        and (not body.cancel_types or each.cancel_type in body.cancel_types)
        and (not statuses or each.status in statuses)
    ]
    hits, rest = page(call, body, found, 1)
    return {"cancellations": [_told(each) for each in hits], **rest}


def approve(call: Call) -> Any:
    wish = call.market.aftersales.cancellations.get(CancelId(call.id))
    if wish is None:
        raise Refused(Code.AFTERSALES_NOT_YOURS, f"There is no cancellation {call.id!r}.")
    of = f"approve {wish.id}"
    if not is_first(call, of):
        return {}
    if wish.cancel_type != BUYER_CANCEL or wish.status != CancelStatus.PENDING:
        raise Refused(Code.CANNOT_APPROVE, f"The cancellation is {wish.status}.")
    order = call.market.orders.by_id[wish.order_id]
    cancelling.grant(call.world, call.market, order, wish)
    remember(call, of)
    return {}


def _check_reason(call: Call, order: Order, reason: str) -> None:
    """Raises Refused."""
    is_british = call.shop.region == "GB"
    word = reason.removesuffix("_uk") if is_british else reason
    is_known = reason.endswith("_uk") == is_british and not (
        is_british and word.endswith("buyer_requested_cancellation")
    )
    if not is_known or word not in SELLER_CANCELS_UNPAID | SELLER_CANCELS_PAID:
        raise Refused(Code.REASON_UNKNOWN, f"There is no reason {reason!r} for sellers here.")
    fitting = SELLER_CANCELS_UNPAID if order.status == OrderStatus.UNPAID else SELLER_CANCELS_PAID
    if word not in fitting:
        raise Refused(Code.REASON_UNFIT, "Reason not match order status")


def _told(cancellation: Cancellation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "cancel_id": cancellation.id,
        "cancel_line_items": [
            {"cancel_line_item_id": f"{cancellation.id}{number:02d}", **unit(item)}
            for number, item in enumerate(cancellation.items)
        ],
        "cancel_reason": cancellation.reason,
        "cancel_reason_text": cancellation.reason.rpartition("reason_")[2].replace("_", " "),
        "cancel_status": cancellation.status,
        "cancel_type": cancellation.cancel_type,
        "create_time": cancellation.create_time,
        "order_id": cancellation.order_id,
        "refund_amount": refund(cancellation.items),
        "role": cancellation.role,
        "update_time": cancellation.update_time,
    }
    if cancellation.status == CancelStatus.PENDING:
        deadline = cancellation.create_time + _ANSWER_WITHIN_S
        action = {"action": "SELLER_RESPOND_CANCEL", "deadline": deadline}
        told["seller_next_action_response"] = [action]
    return told
