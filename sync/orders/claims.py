"""What an order asks of the stock. Pure."""

from sync.orders.order import Claim, Order, OrderStatus

SENT = frozenset({OrderStatus.IN_TRANSIT, OrderStatus.DELIVERED, OrderStatus.COMPLETED})
"""The words of units that have left the warehouse. All others but CANCELLED hold their units, also
those that nobody knows yet."""


def claims(order: Order, since: float = 0.0) -> tuple[Claim, ...]:
    """One for each line. An order that was made before `since` (unix seconds) asks for nothing:
    nobody knows whether the units on hand were counted with or without it."""
    is_ours = order.created_at >= since
    return tuple(
        Claim(
            line=line.id,
            sku=line.sku if is_ours else None,
            ordered=line.units,
            units=line.units - line.cancelled,
            sent=line.sent,
            restocked=line.restocked,
        )
        for line in order.lines
    )
