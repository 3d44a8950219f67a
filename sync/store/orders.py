"""Orders in Redis, of every channel, each with what it has of the stock: a write is one script.

| key | is |
|---|---|
| orders | hash: order → JSON |
| orders:state | hash: order → JSON of updated_at, digest, status, and what each line has |
| orders:by:CHANNEL:STATUS | sorted set, scores created_at: orders; either may be left empty |
| order_keys | hash: Idempotency-Key → digest of the body it came with, blank, order |
| buyers:CHANNEL | hash: order → what of its buyer is kept, sealed |
| buyers:CHANNEL:until | sorted set, scores unix seconds: orders, by when that is to be erased |
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from sync.connection import Connection
from sync.errors import Conflict
from sync.model import ChannelId
from sync.orders.order import Claim, Held, LineId, Order, OrderId


class OrderChanged(Conflict):
    """The order was changed since it was read."""

    def __init__(self, order: OrderId) -> None:
        super().__init__(f"the order {order!r} was changed meanwhile: read it and try again")


class Idempotency(NamedTuple):
    """The key that a request came with, and a digest of its body."""

    key: str
    digest: str


class Buyer(NamedTuple):
    """What is kept of an order's buyer, sealed by the vault, until then (unix seconds)."""

    sealed: bytes
    until: float


class Saved(NamedTuple):
    """An order as it is stored, and what it has of the stock for each of its lines."""

    order: Order
    held: dict[LineId, Held]
    is_new: bool
    has_changed: bool


class Filters(NamedTuple):
    """Which orders are meant: all, those of a channel, in a status, or both."""

    channel: ChannelId | None = None
    status: str | None = None


class Page(NamedTuple):
    """Orders, the newest first, and where the next page begins, None for the last."""

    orders: list[Order]
    next: OrderId | None


class Orders:
    """Each call raises StoreUnavailable when Redis is away. `now` gives unix seconds."""

    def __init__(self, connection: Connection, now: Callable[[], float]) -> None:
        self._connection = connection
        self._now = now

    async def save(
        self,
        order: Order,
        claims: Sequence[Claim],
        *,
        by: str,
        base: Order | None = None,
        strict: bool = False,
        buyer: Buyer | None = None,
        idempotency: Idempotency | None = None,
    ) -> Saved:
        """Write `order` and back its `claims` (sync.allocation), as far as there is stock.

        What is stored stays, and is answered, where it was updated later than `order`, or where
        `idempotency` is known. With `base` it is written only while that is stored. `strict`
        writes all or nothing. `buyer` is kept with an order that changes, or has none yet.

        Raises OrderChanged when it was changed since `base` was read, InsufficientStock when
        `strict` and there is not enough, Conflict when the idempotency key came before with
        another body.
        """
        raise NotImplementedError

    async def get(self, order: OrderId) -> Order:
        """Raises NotFound."""
        raise NotImplementedError

    async def many(self, orders: Sequence[OrderId]) -> dict[OrderId, Order]:
        """Those of `orders` that exist, in their order."""
        raise NotImplementedError

    async def held(self, orders: Sequence[OrderId]) -> dict[OrderId, dict[LineId, Held]]:
        """What those of `orders` that exist have of the stock."""
        raise NotImplementedError

    async def updated(self, orders: Sequence[OrderId]) -> dict[OrderId, float]:
        """When those of `orders` that exist were last updated, by their channel's clock."""
        raise NotImplementedError

    async def page(
        self, filters: Filters | None = None, before: OrderId | None = None, limit: int = 50
    ) -> Page:
        """At most `limit` orders that `filters` means, from after `before` on."""
        raise NotImplementedError

    async def count(self, filters: Filters | None = None) -> int:
        raise NotImplementedError

    def slices(self) -> AsyncIterator[list[Order]]:
        """All orders, some at a time. What is written meanwhile may be among them or not."""
        raise NotImplementedError
