"""Cancellations and returns of one shop, as TikTok keeps them beside its orders."""

from typing import TypeVar

import msgspec

from sync.sandbox.ids import CancelId, OrderId, ReturnId
from sync.sandbox.orders import LineItem
from sync.sandbox.wire import CancelStatus, ReturnStatus


class Cancellation(msgspec.Struct):
    """Units of an order that are cancelled, or that its buyer wants to cancel: `cancel_type` is
    BUYER_CANCEL for what the seller has to grant. Times are unix seconds."""

    id: CancelId
    order_id: OrderId
    items: list[LineItem]
    cancel_type: str
    role: str
    reason: str
    create_time: int
    update_time: int
    status: str = CancelStatus.PENDING


class Return(msgspec.Struct):
    """Units of an order that its buyer wants to give back, or money back for. `tracking_number`
    is of the parcel that comes back."""

    id: ReturnId
    order_id: OrderId
    items: list[LineItem]
    return_type: str
    reason: str
    create_time: int
    update_time: int
    status: str = ReturnStatus.PENDING
    keeps_item: bool = False
    tracking_number: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the units cannot be asked back for again."""
        return self.status not in ReturnStatus.TURNED_DOWN


_Kept = TypeVar("_Kept", Cancellation, Return)


class Aftersales:
    """`answered` are the idempotency keys of answers that were taken, with what they were of."""

    def __init__(self) -> None:
        self.cancellations: dict[CancelId, Cancellation] = {}
        self.returns: dict[ReturnId, Return] = {}
        self.answered: dict[str, str] = {}

    def wish(self, order_id: OrderId) -> Cancellation | None:
        """The buyer's wish to cancel the order that waits for an answer."""
        for each in self.cancellations.values():
            if each.order_id == order_id and each.status == CancelStatus.PENDING:
                return each
        return None

    def returned(self, order_id: OrderId) -> set[str]:
        """The units of the order that are, or were, given back."""
        return {
            item.id
            for each in self.returns.values()
            if each.order_id == order_id and each.is_open
            for item in each.items
        }
