"""Stock in Redis: units of each SKU, changed by a known revision or by a difference, never blindly.

A SKU's stock comes and goes with its product (products.py).
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from secrets import token_hex
from typing import NamedTuple

import msgspec

from sync.allocation import WANTED_S, Found, Reserved, Settled
from sync.connection import Connection
from sync.errors import Conflict, NotFound, Stale, SyncError
from sync.model import ChannelId, ProductId, SkuId, Stock
from sync.orders.order import OrderId
from sync.store.keys import ROOT, escrowed_key, history_key, stock_key, unsettled_key
from sync.store.lease import Fence, LeaseLost

BY_SYNC = "sync"
"""Who sets units aside and gives them back, in the history."""

_SLICE = 500
"""Stocks read at once: between slices the event loop turns."""

_CHANGED_AT_ONCE = 100

_BULK_TIMEOUT_S = 5.0


class StockChange(msgspec.Struct, frozen=True):
    """One entry of a SKU's history: who changed the units at `at` (unix seconds), and why. `delta`
    is by how many those on hand changed, and of those, `committed_delta` what orders have and
    `quota_delta` what is set aside for `channel`, which the `order` is of; `on_hand` and `revision`
    are those after it."""

    at: float
    by: str
    reason: str
    delta: int
    on_hand: int
    revision: int
    committed_delta: int = 0
    quota_delta: int = 0
    channel: ChannelId | None = None
    order: OrderId | None = None


class StockSet(NamedTuple):
    """The units on hand that a SKU is to have, if its stock is still at `revision`."""

    sku: SkuId
    on_hand: int
    revision: int


class Stocks:
    """Each call raises StoreUnavailable when Redis is away. `now` gives unix seconds."""

    def __init__(self, connection: Connection, now: Callable[[], float]) -> None:
        self._connection = connection
        self._redis = connection.redis
        self._now = now

    async def get(self, sku: SkuId) -> Stock:
        """Raises NotFound."""
        found = await self.many([sku])
        if sku not in found:
            raise NotFound("SKU", sku)
        return found[sku]

    async def many(self, skus: Sequence[SkuId]) -> dict[SkuId, Stock]:
        """The stock of those of `skus` that exist, in their order."""
        stocks = {}
        for at in range(0, len(skus), _SLICE):
            some = skus[at : at + _SLICE]
            keys = [stock_key(sku) for sku in some]
            (answer,) = await self._connection.script("sync.store", "read_stocks", keys, [])
            found = msgspec.json.decode(answer, type=list[list[str] | None])
            for sku, parts in zip(some, found, strict=True):
                if parts is not None:
                    stocks[sku] = _stock(parts)
        return stocks

    async def set(
        self, sku: SkuId, on_hand: int, revision: int, *, by: str, reason: str = "set"
    ) -> Stock:
        """Let there be `on_hand` units; the stock then. The same number changes nothing.

        Raises NotFound, Stale unless the stock is at `revision`, Conflict for fewer units than are
        committed to orders and set aside for channels.
        """
        (answer,) = await self.set_many([StockSet(sku, on_hand, revision)], by=by, reason=reason)
        if isinstance(answer, SyncError):
            raise answer
        return answer

    async def set_many(
        self, changes: Sequence[StockSet], *, by: str, reason: str
    ) -> list[Stock | SyncError]:
        """What became of each of `changes`, as `set` would return or raise it; each is done alone,
        and all go to Redis together."""
        at = self._now()
        answers = await self._connection.scripts(
            "sync.store",
            "change_stock",
            [
                (
                    [ROOT],
                    [
                        change.sku,
                        "set",
                        change.on_hand,
                        change.revision,
                        str(at),
                        by,
                        reason,
                        str(at + WANTED_S),
                        "",
                    ],
                )
                for change in changes
            ],
            _BULK_TIMEOUT_S,
        )
        return [
            _outcome(change.sku, answer) for change, answer in zip(changes, answers, strict=True)
        ]

    async def adjust(
        self, sku: SkuId, delta: int, *, by: str, reason: str, revision: int | None = None
    ) -> Stock:
        """Let there be `delta` units more, or fewer, once, though the connection to Redis may ask
        twice; the stock then.

        Raises NotFound, Stale unless the stock is at `revision` where one is given, Conflict where
        fewer would be left than are committed to orders and set aside for channels.
        """
        at = self._now()
        answer = await self._connection.script(
            "sync.store",
            "change_stock",
            [ROOT],
            [
                sku,
                "adjust",
                delta,
                "" if revision is None else revision,
                str(at),
                by,
                reason,
                str(at + WANTED_S),
                token_hex(8),
            ],
        )
        outcome = _outcome(sku, answer)
        if isinstance(outcome, SyncError):
            raise outcome
        return outcome

    async def reserve(
        self, wanted: Mapping[SkuId, int], channel: ChannelId, fence: Fence
    ) -> dict[SkuId, Reserved]:
        """Before anything is sent that sets the level at `channel`: set the `wanted` units of each
        SKU aside, and what may be offered of it (sync.allocation.reserved). SKUs that are no more
        are missing. Raises LeaseLost."""
        outcomes: dict[SkuId, Reserved] = {}
        for some in _slices(wanted):
            levels = msgspec.json.encode({sku: wanted[sku] for sku in some})
            answer = await self._fenced("reserve_quota", channel, fence, levels)
            rows = msgspec.json.decode(answer, type=list[tuple[SkuId, int, bool, int, int]])
            outcomes |= {row[0]: Reserved(*row[1:]) for row in rows}
        return outcomes

    async def settle(
        self, found: Mapping[SkuId, Found], channel: ChannelId, fence: Fence
    ) -> dict[SkuId, Settled]:
        """Give back what is set aside beyond what `channel` was found to offer
        (sync.allocation.settled). SKUs that are no more are missing. Raises LeaseLost."""
        outcomes = {}
        for some in _slices(found):
            rows = msgspec.json.encode([(sku, *found[sku]) for sku in some])
            answer = await self._fenced("settle_quota", channel, fence, rows)
            for sku, parts, drift in msgspec.json.decode(
                answer, type=list[tuple[SkuId, list[str] | None, int]]
            ):
                outcomes[sku] = Settled(None if parts is None else _stock(parts), drift)
        return outcomes

    async def doubt(self, skus: Iterable[SkuId], channel: ChannelId) -> None:
        """It is not known any more what `channel` offers of those of `skus` that have a quota
        there."""
        for some in _slices(skus):
            await self._mark("doubt", some, channel, None)

    async def unbound(self, skus: Iterable[SkuId], channel: ChannelId) -> None:
        """What `channel` offers of `skus` may be more than is set aside for it, if anything is."""
        for some in _slices(skus):
            await self._mark("unbound", some, channel, None)

    async def unsettled(
        self, channel: ChannelId, *, but: Container[SkuId] = ()
    ) -> dict[SkuId, Stock]:
        """The stock of the SKUs in doubt at `channel`; those of `but` are passed over."""
        marked = unsettled_key(channel)
        members = await self._connection.asked(lambda: self._redis.smembers(marked))
        skus = [sku for member in members if (sku := SkuId(member.decode())) not in but]
        stocks = await self.many(skus)
        gone = [sku for sku in skus if sku not in stocks]
        if gone:
            await self._connection.asked(lambda: self._redis.srem(marked, *gone))
        return {sku: stock for sku, stock in stocks.items() if channel in stock.doubts}

    async def escrowed(self, channel: ChannelId) -> list[SkuId]:
        """The SKUs that have a quota at `channel`, be it 0."""
        kept = escrowed_key(channel)
        members = await self._connection.asked(lambda: self._redis.smembers(kept))
        return [SkuId(member.decode()) for member in sorted(members)]

    async def products(self, skus: Sequence[SkuId]) -> dict[SkuId, ProductId]:
        """Whose those of `skus` are that exist."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for sku in skus:
                pipeline.hget(stock_key(sku), "product")
            found = await self._connection.asked(pipeline.execute, _BULK_TIMEOUT_S)
        return {
            sku: ProductId(product.decode())
            for sku, product in zip(skus, found, strict=True)
            if product is not None
        }

    async def release_quotas(self, channel: ChannelId, fence: Fence | None) -> None:
        """Let all that is set aside for `channel` be free, whatever it still sells. Raises
        LeaseLost, when some may have been released."""
        for some in _slices(await self.escrowed(channel)):
            await self._mark("release", some, channel, fence)

    async def _fenced(self, name: str, channel: ChannelId, fence: Fence, rows: bytes) -> str:
        """What a script of quotas answers. Raises LeaseLost."""
        answer = await self._connection.script(
            "sync.store", name, [ROOT], [fence, channel, str(self._now()), BY_SYNC, rows]
        )
        if answer[0] == "lost":
            raise LeaseLost
        return answer[1]

    async def _mark(
        self, how: str, skus: Sequence[SkuId], channel: ChannelId, fence: Fence | None
    ) -> None:
        """Raises LeaseLost."""
        fenced = "" if fence is None else fence
        answer = await self._connection.script(
            "sync.store",
            "mark_quotas",
            [ROOT],
            [fenced, channel, str(self._now()), BY_SYNC, how, *skus],
        )
        if answer[0] == "lost":
            raise LeaseLost

    async def history(self, sku: SkuId, limit: int = 100) -> list[StockChange]:
        """The latest changes, the latest first."""
        entries = await self._connection.asked(
            lambda: self._redis.xrevrange(history_key(sku), count=limit)
        )
        return [
            msgspec.convert(
                {name.decode(): value.decode() for name, value in fields.items()},
                StockChange,
                strict=False,
            )
            for _, fields in entries
        ]


def _slices(skus: Iterable[SkuId]) -> Iterator[list[SkuId]]:
    """Some at a time, so that Redis does other work in between."""
    left = iter(skus)
    while some := list(islice(left, _CHANGED_AT_ONCE)):
        yield some


def _outcome(sku: SkuId, answer: Sequence[str]) -> Stock | SyncError:
    match answer:
        case ["ok", *parts]:
            return _stock(parts)
        case ["stale", revision]:
            return Stale("stock of", sku, int(revision))
        case ["short", left, needed, wanted]:
            promised = f", but {needed} are committed to orders or set aside for channels"
            again = f": {wanted} of those set aside are asked back, try again in a moment"
            return Conflict(
                f"that would leave {left} units on hand{promised if needed != '0' else ''}"
                f"{again if wanted != '0' else ''}"
            )
    return NotFound("SKU", sku)


def _stock(parts: Sequence[str]) -> Stock:
    """From the hash's fields and values, one after the other."""
    fields: dict[str, str] = {}
    channels: dict[str, dict[ChannelId, int]] = {kind: {} for kind in "qdgxn"}
    for name, value in zip(parts[::2], parts[1::2], strict=True):
        if name[1:2] == ":":
            channels[name[0]][ChannelId(name[2:])] = int(value)
        else:
            fields[name] = value
    return Stock(
        on_hand=int(fields["on_hand"]),
        committed=int(fields["committed"]),
        quotas=channels["q"],
        doubts=channels["d"],
        generations=channels["g"],
        unbound=tuple(sorted(channels["x"])),
        sold=channels["n"],
        wanted=int(fields.get("wanted", 0)),
        wanted_until=float(fields.get("wanted_until", 0.0)),
        revision=int(fields["revision"]),
    )
