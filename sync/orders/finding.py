"""Finds orders among all: by what they are, and by their number."""

from collections.abc import Collection
from typing import NamedTuple

from sync.orders.order import Held, LineId, Order, OrderId, RoomId
from sync.orders.tiktok_order import order_id
from sync.store.orders import Filters, Orders

MOST_LOOKED_AT = 2000
"""Orders read for one page, of what no index finds."""

_SLICE = 100


class Sought(NamedTuple):
    """Orders that `filters` means, of them those of a `show`, to which the LIVE `rooms` belong,
    and of those the ones with that `number`."""

    filters: Filters = Filters()
    show: str | None = None
    rooms: Collection[RoomId] = ()
    number: str = ""

    def fits(self, order: Order) -> bool:
        """Whether it is one of those, as far as `filters` does not tell."""
        if self.number and self.number not in (order.id, order.remote_id):
            return False
        if self.show is None or order.show == self.show:
            return True
        return any(line.room in self.rooms for line in order.lines if line.room is not None)


class Found(NamedTuple):
    """Orders, the newest first, what each has of the stock, and where the search goes on, None
    where it has come to its end. There may be fewer than asked for though it goes on."""

    orders: list[Order]
    held: dict[OrderId, dict[LineId, Held]]
    next: OrderId | None


async def find(orders: Orders, sought: Sought, after: OrderId | None, limit: int) -> Found:
    """At most `limit` orders. Raises StoreUnavailable, and NotFound where there is no `after`."""
    if sought.number and after is None:
        named = await orders.many([OrderId(sought.number), order_id(sought.number)])
        found = [each for each in named.values() if _is_meant(sought, each)]
        if found:
            return await _told(orders, found, None)
    found, looked_at, is_plain = [], 0, sought == Sought(sought.filters)
    while True:
        size = limit if is_plain else _SLICE
        page = await orders.page(sought.filters, after, size)
        looked_at += size
        for order in page.orders:
            if sought.fits(order):
                found.append(order)
                if len(found) == limit:
                    is_last = page.next is None and order is page.orders[-1]
                    return await _told(orders, found, None if is_last else order.id)
        after = page.next
        if after is None or looked_at >= MOST_LOOKED_AT:
            return await _told(orders, found, after)


def _is_meant(sought: Sought, order: Order) -> bool:
    channel, status = sought.filters
    return (
        channel in (None, order.channel) and status in (None, order.status) and sought.fits(order)
    )


async def _told(orders: Orders, found: list[Order], after: OrderId | None) -> Found:
    return Found(found, await orders.held([each.id for each in found]), after)
