"""What a line of an order earned: the definition of docs/sales.md. Pure."""

from typing import NamedTuple

from sync.orders.order import Order, OrderLine, OrderStatus

PAID = frozenset(
    {
        OrderStatus.ON_HOLD,
        OrderStatus.AWAITING_SHIPMENT,
        OrderStatus.PARTIALLY_SHIPPING,
        OrderStatus.AWAITING_COLLECTION,
        OrderStatus.IN_TRANSIT,
        OrderStatus.DELIVERED,
        OrderStatus.COMPLETED,
    }
)
"""The states that only an order reaches which the buyer has paid, or will on delivery."""


class Figures(NamedTuple):
    """Units, and money in minor units of the order's currency. `gross` is what was sold, of which
    `cancelled` was taken back before it left; `units` are those that were not. `returned` units and
    what was `refunded` for them stand beside and are taken from nothing."""

    gross: int = 0
    cancelled: int = 0
    units: int = 0
    returned: int = 0
    refunded: int = 0

    @property
    def gmv(self) -> int:
        return self.gross - self.cancelled


NOTHING = Figures()


def is_sale(order: Order) -> bool:
    """Whether the order counts: it was paid, and is no sample. One that was cancelled, or whose
    state we do not know, counts where it is known when it was paid."""
    if order.is_sample or order.status == OrderStatus.UNPAID:
        return False
    return order.status in PAID or order.paid_at is not None


def figures(order: Order, line: OrderLine) -> Figures:
    """What `line` of `order` comes to. A unit is taken back once, whether the line says so, its
    state, that of the order, or all of them."""
    if not is_sale(order):
        return NOTHING
    cancelled = min(line.cancelled, line.units)
    if OrderStatus.CANCELLED in (order.status, line.status):
        cancelled = line.units
    return Figures(
        gross=line.price * line.units,
        cancelled=line.price * cancelled,
        units=line.units - cancelled,
        returned=line.returned,
        refunded=line.refunded,
    )
