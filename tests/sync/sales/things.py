"""Orders as tests begin with them."""

from typing import Any

from sync.model import TIKTOK, ProductId
from sync.orders.order import LineId, Order, OrderId, OrderLine, OrderStatus

PLACED_AT = 1_800_000_000.0
"""2027-01-15, 8 o'clock UTC."""


def line(name: str = "1", **changes: Any) -> OrderLine:
    """A mug for 12.50."""
    plain: dict[str, Any] = {
        "title": "Mug",
        "price": 1250,
        "status": OrderStatus.AWAITING_SHIPMENT,
        "product": ProductId("p_mug"),
    }
    return OrderLine(LineId(name), **plain | changes)


def order(name: str = "1", *lines: OrderLine, **changes: Any) -> Order:
    """One that was paid on TikTok, with one mug unless said."""
    plain: dict[str, Any] = {
        "channel": TIKTOK,
        "remote_id": name,
        "status": OrderStatus.AWAITING_SHIPMENT,
        "currency": "USD",
        "lines": lines or (line(),),
        "created_at": PLACED_AT,
        "updated_at": PLACED_AT,
        "paid_at": PLACED_AT,
    }
    return Order(OrderId(name), **plain | changes)
