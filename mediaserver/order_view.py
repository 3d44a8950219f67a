"""What the outside sees of an order: plain JSON. Whom it goes to is not in it."""

from collections.abc import Mapping

import msgspec

from mediaserver.view import View, time_view
from sync.orders.buyer import Buyer
from sync.orders.order import Held, LineId, Order, OrderLine, Return


def order_view(order: Order, held: Mapping[LineId, Held]) -> View:
    """`held` is what it has of the stock."""
    return {
        "id": order.id,
        "channel": order.channel,
        "number": order.remote_id,
        "status": order.status,
        "currency": order.currency,
        "total": sum(line.price * (line.units - line.cancelled) for line in order.lines),
        "lines": [_line_view(line, held.get(line.id)) for line in order.lines],
        "short": any(each.short for each in held.values()),
        "show": order.show,
        "note": order.note,
        "sample": order.is_sample,
        "cancel_requested": order.cancel_requested,
        "predates": order.predates,
        "cancel_reason": order.cancel_reason,
        "returns": [_return_view(each) for each in order.returns],
        "created_at": time_view(order.created_at),
        "updated_at": time_view(order.updated_at),
        "paid_at": time_view(order.paid_at),
        "cancelled_at": time_view(order.cancelled_at),
        "taken_at": time_view(order.taken_at),
    }


def buyer_view(buyer: Buyer | None) -> View:
    return {"buyer": None if buyer is None else msgspec.structs.asdict(buyer)}


def _line_view(line: OrderLine, held: Held | None) -> View:
    return {**msgspec.structs.asdict(line), "short": 0 if held is None else held.short}


def _return_view(each: Return) -> View:
    return {
        **msgspec.structs.asdict(each),
        "lines": list(each.lines),
        "updated_at": time_view(each.updated_at),
    }
