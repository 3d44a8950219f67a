"""Orders: bought by shoppers of the sandbox, one line item for each unit."""

from bisect import bisect_left, insort

import msgspec

from sync.sandbox.ids import LineItemId, OrderId, ProductId, RoomId, SkuId, WarehouseId
from sync.sandbox.products import Price
from sync.sandbox.wire import OrderStatus

CANCELLABLE = frozenset(
    {
        OrderStatus.UNPAID,
        OrderStatus.ON_HOLD,
        OrderStatus.AWAITING_SHIPMENT,
        OrderStatus.PARTIALLY_SHIPPING,
        OrderStatus.AWAITING_COLLECTION,
    }
)
"""The statuses in which a cancellation gives committed stock free."""


class LineItem(msgspec.Struct):
    """One unit, in a package since it was marked as shipped, and `sent` since the post has it.
    Discounts are in minor units."""

    id: LineItemId
    product_id: ProductId
    product_name: str
    sku_id: SkuId
    sku_name: str
    seller_sku: str
    image: str
    price: Price
    warehouse_id: WarehouseId
    room_id: RoomId | None = None
    status: str = OrderStatus.UNPAID
    sent: bool = False
    cancel_reason: str = ""
    cancel_role: str = ""
    package_id: str = ""
    tracking_number: str = ""
    provider_id: str = ""
    seller_discount: int = 0
    platform_discount: int = 0

    @property
    def sale_cents(self) -> int:
        """What the buyer pays for it, without taxes."""
        return self.price.cents - self.seller_discount - self.platform_discount


class Order(msgspec.Struct):
    """Times are unix seconds, None until it happened. `shipping` and `tax` are in minor units."""

    id: OrderId
    line_items: list[LineItem]
    buyer: str
    create_time: int
    update_time: int
    status: str = OrderStatus.UNPAID
    is_on_hold: bool = False
    paid_time: int | None = None
    sent_time: int | None = None
    delivered_time: int | None = None
    cancel_time: int | None = None
    cancel_reason: str = ""
    cancel_role: str = ""
    asked_to_cancel: int | None = None
    message: str = ""
    shipping: int = 0
    tax: int = 0

    @property
    def package_ids(self) -> list[str]:
        return list(dict.fromkeys(item.package_id for item in self.line_items if item.package_id))

    def open_items(self) -> list[LineItem]:
        """The units that were not cancelled."""
        return [item for item in self.line_items if item.status != OrderStatus.CANCELLED]


class OrderBook:
    """The orders of one shop."""

    def __init__(self) -> None:
        self.by_id: dict[OrderId, Order] = {}
        self._created: list[tuple[int, OrderId]] = []
        self._updated: list[tuple[int, OrderId]] = []

    def __len__(self) -> int:
        return len(self.by_id)

    def add(self, order: Order) -> None:
        self.by_id[order.id] = order
        insort(self._created, (order.create_time, order.id))
        insort(self._updated, (order.update_time, order.id))

    def touch(self, order: Order, now: int) -> None:
        if now <= order.update_time:
            return
        del self._updated[bisect_left(self._updated, (order.update_time, order.id))]
        order.update_time = now
        insort(self._updated, (now, order.id))

    def between(
        self,
        created: tuple[int | None, int | None] = (None, None),
        updated: tuple[int | None, int | None] = (None, None),
    ) -> list[Order]:
        """The orders made and updated from the first time of each pair to before the second."""
        by_update = updated != (None, None)
        index, (first, end) = (self._updated, updated) if by_update else (self._created, created)
        low = 0 if first is None else bisect_left(index, (first, OrderId("")))
        high = len(index) if end is None else bisect_left(index, (end, OrderId("")))
        found = [self.by_id[order_id] for _, order_id in index[low:high]]
        if not by_update:
            return found
        since, until = created
        return [
            order
            for order in found
            if (since is None or order.create_time >= since)
            and (until is None or order.create_time < until)
        ]

    def created_since(self, moment: int) -> int:
        """How many orders were made at `moment` (unix seconds) or later."""
        return len(self._created) - bisect_left(self._created, (moment, OrderId("")))
