"""How an order of the shop's own goes on, and what a person does with units that came back. Pure.

An order that is where a move of all of it would bring it stays as it is, so that a move whose
answer was lost can be asked for again. Else a move raises Conflict where the order, or as many
units of it, are in no state for it, and Invalid where it names lines that there are not.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from msgspec.structs import replace

from sync.errors import Conflict, Invalid
from sync.orders.order import LineId, Order, OrderLine, OrderStatus, Return

Units = Mapping[LineId, int]
Move = Literal["pay", "fulfil", "cancel", "complete", "return"]

ALLOWED: Mapping[Move, frozenset[str]] = {
    "pay": frozenset({OrderStatus.UNPAID}),
    "fulfil": frozenset({OrderStatus.AWAITING_SHIPMENT, OrderStatus.PARTIALLY_SHIPPING}),
    "cancel": frozenset(
        {OrderStatus.UNPAID, OrderStatus.AWAITING_SHIPMENT, OrderStatus.PARTIALLY_SHIPPING}
    ),
    "complete": frozenset({OrderStatus.IN_TRANSIT}),
    "return": frozenset(
        {OrderStatus.PARTIALLY_SHIPPING, OrderStatus.IN_TRANSIT, OrderStatus.COMPLETED}
    ),
}
"""From where each may be made. What was sent cannot be cancelled: it is returned."""

_SENT_ALL = frozenset({OrderStatus.IN_TRANSIT, OrderStatus.COMPLETED})

_INSTEAD: Mapping[Move, str] = {
    "pay": "only an order that is not paid can be",
    "fulfil": "it is to be paid, and not all of it sent or cancelled",
    "cancel": "units that were sent can only be returned",
    "complete": "all of it is to be sent first",
    "return": "only what was sent can come back",
}


class GivenBack(NamedTuple):
    """Units of a line that came back, and what was paid back for them in all, None for their
    price."""

    line: LineId
    units: int
    refund: int | None = None


def paid(order: Order, at: float) -> Order:
    if order.paid_at is not None and order.status != OrderStatus.CANCELLED:
        return order
    _check(order, "pay")
    return _moved(order, at, paid_at=at, status=OrderStatus.AWAITING_SHIPMENT)


def fulfilled(order: Order, units: Units | None, at: float) -> Order:
    """Those units have been sent; None: all that are left."""
    if units is None and order.status in _SENT_ALL:
        return order
    _check(order, "fulfil")
    found = _of_lines(order, units, _left, "can still be sent")
    lines = [replace(line, sent=line.sent + found.get(line.id, 0)) for line in order.lines]
    return _moved(replace(order, lines=tuple(lines)), at)


def cancelled(order: Order, units: Units | None, reason: str, at: float) -> Order:
    """Those units will not be sent; None: all that are left."""
    if units is None and order.status == OrderStatus.CANCELLED:
        return order
    _check(order, "cancel")
    found = _of_lines(order, units, _left, "can still be cancelled")
    lines = [
        replace(line, cancelled=line.cancelled + found[line.id], cancel_reason=reason)
        if found.get(line.id)
        else line
        for line in order.lines
    ]
    after = _moved(replace(order, lines=tuple(lines)), at)
    if after.status == OrderStatus.CANCELLED:
        return replace(after, cancelled_at=after.updated_at, cancel_reason=reason)
    return after


def completed(order: Order, at: float) -> Order:
    """Nothing more is to come of it."""
    if order.status == OrderStatus.COMPLETED:
        return order
    _check(order, "complete")
    return _moved(order, at, status=OrderStatus.COMPLETED)


def returned(order: Order, back: Sequence[GivenBack], reason: str, at: float) -> Order:
    """Those units came back. They are not for sale again before they are `restocked`."""
    _check(order, "return")
    units = {each.line: each.units for each in back}
    if len(units) < len(back):
        raise Invalid("names a line twice", "lines")
    found = _of_lines(order, units, _out, "were sent and not returned")
    by_id = {line.id: line for line in order.lines}
    refunds = {}
    for number, each in enumerate(back):
        line = by_id[each.line]
        most = line.price * line.sent - line.refunded
        refund = min(most, line.price * each.units) if each.refund is None else each.refund
        if not 0 <= refund <= most:
            raise Invalid(f"must be from 0 to {most}", f"lines[{number}].refund")
        refunds[each.line] = refund
    lines = [
        replace(
            line,
            returned=line.returned + found.get(line.id, 0),
            refunded=line.refunded + refunds.get(line.id, 0),
        )
        for line in order.lines
    ]
    record = Return(
        id=str(len(order.returns) + 1),
        status="RETURNED",
        lines=tuple(units),
        refund=sum(refunds.values()),
        reason=reason,
        updated_at=at,
    )
    return _moved(replace(order, lines=tuple(lines), returns=(*order.returns, record)), at)


def restocked(order: Order, units: Units | None) -> Order:
    """Those units that came back are on the shelf again; None: all that came back and are not.
    An order of any channel."""
    if order.predates:
        raise Conflict(
            f"the order {order.id} is older than its channel's connection, and has no stock here: "
            "set the stock by hand"
        )
    found = _of_lines(order, units, _unshelved, "came back and are not on the shelf again")
    lines = [
        replace(line, restocked=line.restocked + found.get(line.id, 0)) for line in order.lines
    ]
    return replace(order, lines=tuple(lines))


def _left(line: OrderLine) -> int:
    return line.units - line.cancelled - line.sent


def _out(line: OrderLine) -> int:
    return line.sent - line.returned


def _unshelved(line: OrderLine) -> int:
    return 0 if line.sku is None else line.returned - line.restocked


def _check(order: Order, move: Move) -> None:
    if order.status not in ALLOWED[move]:
        raise Conflict(f"the order {order.id} is {order.status}: {_INSTEAD[move]}")


def _of_lines(
    order: Order, units: Units | None, most: Callable[[OrderLine], int], words: str
) -> dict[LineId, int]:
    """The units by line; `most` says how many of a line there can be."""
    if units is None:
        found = {line.id: most(line) for line in order.lines if most(line) > 0}
        if not found:
            raise Conflict(f"of the order {order.id} no units {words}")
        return found
    if not units:
        raise Invalid("names no line", "lines")
    lines = {line.id: line for line in order.lines}
    for number, (line_id, count) in enumerate(units.items()):
        if line_id not in lines:
            raise Invalid(f"the order has no line {line_id!r}", f"lines[{number}].line")
        if count < 1:
            raise Invalid("must be 1 or more", f"lines[{number}].units")
        if count > most(lines[line_id]):
            raise Conflict(f"of the line {line_id} only {most(lines[line_id])} units {words}")
    return dict(units)


def _moved(order: Order, at: float, **changes: Any) -> Order:
    """The order with the statuses that follow from its units, at `at` or not before the last."""
    order = replace(order, updated_at=max(at, order.updated_at), **changes)
    is_sent = any(line.sent for line in order.lines)
    if any(_left(line) for line in order.lines):
        status = OrderStatus.PARTIALLY_SHIPPING if is_sent else order.status
    elif not is_sent:
        status = OrderStatus.CANCELLED
    elif order.status == OrderStatus.COMPLETED:
        status = OrderStatus.COMPLETED
    else:
        status = OrderStatus.IN_TRANSIT
    lines = [replace(line, status=_line_status(line, status)) for line in order.lines]
    return replace(order, status=status, lines=tuple(lines))


def _line_status(line: OrderLine, status: str) -> str:
    if line.cancelled == line.units:
        return OrderStatus.CANCELLED
    if _left(line):
        if line.sent:
            return OrderStatus.PARTIALLY_SHIPPING
        return OrderStatus.AWAITING_SHIPMENT if status != OrderStatus.UNPAID else status
    return OrderStatus.COMPLETED if status == OrderStatus.COMPLETED else OrderStatus.IN_TRANSIT
