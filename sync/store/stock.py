"""Stock in Redis: units of each SKU, changed by a known revision or by a difference, never blindly.

A SKU's stock comes and goes with its product (products.py).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from secrets import token_hex
from typing import NamedTuple

import msgspec

from sync.allocation import Found, Reserved, Settled
from sync.connection import Connection
from sync.errors import Conflict, NotFound, Stale, SyncError
from sync.model import ChannelId, SkuId, Stock
from sync.store.keys import DIRTY, NOTICES, history_key, stock_key
from sync.store.lease import Fence

_QUOTA = "q:"

_SLICE = 500
"""Stocks read or written at once: between slices the event loop turns."""

_BULK_TIMEOUT_S = 5.0


class StockChange(msgspec.Struct, frozen=True):
    """One entry of a SKU's history: who changed the units on hand at `at` (unix seconds), by how
    many, and why; `on_hand` and `revision` are those after it."""

    at: float
    by: str
    reason: str
    delta: int
    on_hand: int
    revision: int


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
                    _keys(change.sku),
                    ["set", change.on_hand, change.revision, str(at), by, reason, NOTICES, ""],
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
        expected = "" if revision is None else revision
        answer = await self._connection.script(
            "sync.store",
            "change_stock",
            _keys(sku),
            ["adjust", delta, expected, str(self._now()), by, reason, NOTICES, token_hex(8)],
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
        raise NotImplementedError

    async def settle(
        self, found: Mapping[SkuId, Found], channel: ChannelId, fence: Fence
    ) -> dict[SkuId, Settled]:
        """Give back what is set aside beyond what `channel` was found to offer
        (sync.allocation.settled). SKUs that are no more are missing. Raises LeaseLost."""
        raise NotImplementedError

    async def doubt(self, skus: Iterable[SkuId], channel: ChannelId) -> None:
        """It is not known any more what `channel` offers of those of `skus` that have a quota
        there."""
        raise NotImplementedError

    async def unbound(self, skus: Iterable[SkuId], channel: ChannelId) -> None:
        """What `channel` offers of `skus` may be more than is set aside for it, if anything is."""
        raise NotImplementedError

    async def unsettled(self, channel: ChannelId) -> dict[SkuId, Stock]:
        """The stock of the SKUs in doubt at `channel`."""
        raise NotImplementedError

    async def release_quotas(self, channel: ChannelId, fence: Fence | None) -> None:
        """Let all that is set aside for `channel` be free, whatever it still sells. Raises
        LeaseLost, when some may have been released."""
        raise NotImplementedError

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


def _keys(sku: SkuId) -> list[str]:
    return [stock_key(sku), history_key(sku), DIRTY]


def _outcome(sku: SkuId, answer: Sequence[str]) -> Stock | SyncError:
    match answer:
        case ["ok", *parts]:
            return _stock(parts)
        case ["stale", revision]:
            return Stale("stock of", sku, int(revision))
        case ["short", left, needed]:
            promised = f", but {needed} are committed to orders or set aside for channels"
            return Conflict(
                f"that would leave {left} units on hand{promised if needed != '0' else ''}"
            )
    return NotFound("SKU", sku)


def _stock(parts: Sequence[str]) -> Stock:
    """From the hash's fields and values, one after the other."""
    fields = dict(zip(parts[::2], parts[1::2], strict=True))
    return Stock(
        on_hand=int(fields["on_hand"]),
        committed=int(fields["committed"]),
        quotas={
            ChannelId(name.removeprefix(_QUOTA)): int(units)
            for name, units in fields.items()
            if name.startswith(_QUOTA)
        },
        revision=int(fields["revision"]),
    )
