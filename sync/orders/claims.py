"""What an order asks of the stock. Pure."""

from sync.orders.order import Claim, Order, OrderStatus

SENT = frozenset({OrderStatus.IN_TRANSIT, OrderStatus.DELIVERED, OrderStatus.COMPLETED})
"""The words of units that have left the warehouse. All others but CANCELLED hold their units, also
those that nobody knows yet."""


def claims(order: Order) -> tuple[Claim, ...]:
    """One for each line."""
    return tuple(
        Claim(
            line=line.id,
            sku=None if order.predates else line.sku,
            ordered=line.units,
            units=line.units - line.cancelled,
            sent=line.sent,
            restocked=line.restocked,
        )
        for line in order.lines
    )
