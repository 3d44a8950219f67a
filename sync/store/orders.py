"""Orders in Redis, of every channel, each with what it has of the stock: a write is one script.

| key | is |
|---|---|
| orders | hash: order → JSON |
| orders:state | hash: order → JSON of updated_at, digest, status, and what each line has |
| orders:by:CHANNEL:STATUS | sorted set, scores created_at: orders; either may be left empty |
| orders:short | set: orders of which units were sold that are not there |
| order_keys | hash: Idempotency-Key → digest of the body it came with, blank, order |
| buyers:CHANNEL | hash: order → what of its buyer is kept, sealed |
| buyers:CHANNEL:until | sorted set, scores unix seconds: orders, by when that is to be erased |
"""

from collections.abc import AsyncIterator, Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from sync.allocation import WANTED_S
from sync.connection import Connection
from sync.errors import Conflict, InsufficientStock, NotFound, Shortage
from sync.model import ChannelId, SkuId
from sync.orders.order import Claim, Held, LineId, Order, OrderId
from sync.store.keys import ROOT, key

ORDERS = key("orders")
STATES = key("orders:state")
ALL = key("orders:by::")
SHORT = key("orders:short")
KEYS = key("order_keys")

_REUSED = "the Idempotency-Key came before with another body"

_SLICE = 500
"""Orders read at once: between slices the event loop turns."""

_Line = tuple[LineId, SkuId, int, int, int, int, int]
_Row = tuple[SkuId, int, int, int]


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

    sealed: str
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


EVERY = Filters()


class Page(NamedTuple):
    """Orders, the newest first, and where the next page begins, None for the last."""

    orders: list[Order]
    next: OrderId | None


class Orders:
    """Each call raises StoreUnavailable when Redis is away. `now` gives unix seconds."""

    def __init__(self, connection: Connection, now: Callable[[], float]) -> None:
        self._connection = connection
        self._redis = connection.redis
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
        sealed, until = buyer or ("", 0.0)

        async def asked(expected: str) -> list[str]:
            at = self._now()
            request = (
                str(order.updated_at),
                _digest(order),
                order.status,
                str(order.created_at),
                str(at),
                str(at + WANTED_S),
                by,
                strict,
                expected,
                *(idempotency or ("", "")),
                [
                    (each.line, each.sku or "", each.ordered, each.units, each.sent, each.restocked)
                    for each in claims
                ],
            )
            return await self._connection.script(
                "sync.store",
                "save_order",
                [ROOT],
                [
                    order.id,
                    order.channel,
                    msgspec.json.encode(order),
                    msgspec.json.encode(request),
                    sealed,
                    str(until),
                ],
            )

        answer = await asked("" if base is None else _digest(base))
        match answer:
            case ["moved", document, digest] if document and _decoded(document) == base:
                answer = await asked(digest)  # made by a version that knew other fields
        match answer:
            case ["new" | "changed" as how, held]:
                return Saved(order, _held(_lines(held)), is_new=how == "new", has_changed=True)
            case ["same" | "known", document, held]:
                return Saved(_decoded(document), _held(_lines(held)), False, False)
            case ["short", shortages]:
                raise InsufficientStock(
                    [Shortage(*row) for row in msgspec.json.decode(shortages, type=list[_Row])]
                )
            case ["reused"]:
                raise Conflict(_REUSED)
        raise OrderChanged(order.id)

    async def known(self, idempotency: Idempotency) -> OrderId | None:
        """The order that came with that key before. Raises Conflict when it came with another
        body."""
        found = await self._connection.asked(lambda: self._redis.hget(KEYS, idempotency.key))
        if found is None:
            return None
        digest, _, order = found.decode().partition(" ")
        if digest != idempotency.digest:
            raise Conflict(_REUSED)
        return OrderId(order)

    async def get(self, order: OrderId) -> Order:
        """Raises NotFound."""
        found = await self.many([order])
        if order not in found:
            raise NotFound("order", order)
        return found[order]

    async def many(self, orders: Sequence[OrderId]) -> dict[OrderId, Order]:
        """Those of `orders` that exist, in their order."""
        found = await self._connection.fields(ORDERS, orders)
        return {order: _decoded(document) for order, document in found.items()}

    async def held(self, orders: Sequence[OrderId]) -> dict[OrderId, dict[LineId, Held]]:
        """What those of `orders` that exist have of the stock."""
        found = await self._connection.fields(STATES, orders)
        return {order: _held(_state(state).lines) for order, state in found.items()}

    async def updated(self, orders: Sequence[OrderId]) -> dict[OrderId, float]:
        """When those of `orders` that exist were last updated, by their channel's clock."""
        found = await self._connection.fields(STATES, orders)
        return {order: float(_state(state).updated_at) for order, state in found.items()}

    async def page(
        self, filters: Filters = EVERY, before: OrderId | None = None, limit: int = 50
    ) -> Page:
        """At most `limit` orders that `filters` means, from after `before` on. Raises NotFound
        when there is no such order."""
        answer = await self._connection.script(
            "sync.store",
            "page_orders",
            [orders_key(filters), ALL],
            ["" if before is None else before, limit + 1],
        )
        if before is not None and answer[0] == "gone":
            raise NotFound("order", before)
        ids = [OrderId(order) for order in answer[1:]]
        orders = await self.many(ids[:limit])
        return Page(list(orders.values()), ids[limit - 1] if len(ids) > limit else None)

    async def short(self) -> list[OrderId]:
        """Those of which units were sold that are not there: to save one again backs it, as far as
        there is stock by now."""
        members = await self._connection.asked(lambda: self._redis.smembers(SHORT))
        return sorted(OrderId(member.decode()) for member in members)

    async def count(self, filters: Filters = EVERY) -> int:
        count: int = await self._connection.asked(lambda: self._redis.zcard(orders_key(filters)))
        return count

    async def slices(self) -> AsyncIterator[list[Order]]:
        """All orders, some at a time, the oldest first. When orders come meanwhile, some may be
        there twice, and those that came may be missing."""
        begin = 0
        while True:
            (answer,) = await self._connection.script(
                "sync.store", "read_orders", [ORDERS, ALL], [begin, begin + _SLICE - 1]
            )
            orders = msgspec.json.decode(answer, type=list[Order])
            if orders:
                yield orders
            if len(orders) < _SLICE:
                return
            begin += _SLICE


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What scripts know of an order; `lines` are the line, and the fields of its Held."""

    updated_at: str
    digest: str
    status: str
    lines: list[_Line]


def orders_key(filters: Filters) -> str:
    return key(f"orders:by:{filters.channel or ''}:{filters.status or ''}")


def _decoded(document: bytes | str) -> Order:
    return msgspec.json.decode(document, type=Order)


def _state(document: bytes) -> _State:
    return msgspec.json.decode(document, type=_State)


def _lines(document: str) -> list[_Line]:
    return msgspec.json.decode(document, type=list[_Line])


def _held(lines: Sequence[_Line]) -> dict[LineId, Held]:
    return {line: Held(sku, *units) for line, sku, *units in lines}


def _digest(order: Order) -> str:
    """Of all but when we came to know it."""
    content = msgspec.json.encode(msgspec.structs.replace(order, taken_at=0.0))
    return blake2b(content, digest_size=12).hexdigest()
