"""The scripts of stock and orders do what sync.allocation does: anything in any order, in a real
Redis."""

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from mediaserver.redis_server import RedisServer
from sync.allocation import (
    Found,
    allocation,
    counted,
    doubted,
    faults,
    released,
    reserved,
    settled,
    unbounded,
)
from sync.connection import Connection
from sync.errors import Conflict, InsufficientStock, Stale
from sync.model import TIKTOK, ChannelId, SkuId, Stock
from sync.orders.order import OWN_SHOP, Claim, Held, LineId, Order, OrderId
from sync.store.dirty import Dirty
from sync.store.lease import Fence, Lease, LeaseLost
from sync.store.orders import EVERY, Filters, Orders, Saved
from sync.store.products import Products
from sync.store.stock import Stocks
from tests.sync.now import Now
from tests.sync.things import order, product

NAMES = ("mug", "cup", "jug")
SKUS = tuple(SkuId(f"s_{name}") for name in NAMES)
UNKNOWN = SkuId("s_unknown")

sku = st.sampled_from(SKUS)
channel = st.sampled_from([TIKTOK, OWN_SHOP])
levels = st.dictionaries(st.sampled_from([*SKUS, UNKNOWN]), st.integers(0, 8), max_size=3)
statuses = st.sampled_from(["UNPAID", "AWAITING_SHIPMENT", "CANCELLED"])


@st.composite
def claims_of_lines(draw: st.DrawFn) -> list[Claim]:
    """Of lines 1 to 3, each with a SKU of its own mostly."""
    found = []
    for line in draw(st.lists(st.sampled_from("123"), max_size=3, unique=True)):
        ordered = draw(st.integers(1, 6))
        units = draw(st.integers(0, ordered))
        sent = draw(st.integers(0, ordered)) if draw(st.booleans()) else 0
        of = draw(st.sampled_from([SKUS[int(line) - 1], *SKUS, UNKNOWN, None]))
        restocked = draw(st.integers(0, sent))
        found.append(Claim(LineId(line), of, ordered, units, sent, restocked))
    return found


class Kept(msgspec.Struct):
    """An order as it should be stored."""

    order: Order
    held: dict[LineId, Held]


class LedgerRules(RuleBasedStateMachine):
    """`stocks` and `orders` are what should be stored."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
        self._runner = self._stack.enter_context(asyncio.Runner())
        self._connection = Connection(self.url)
        self.now = Now()
        self._stocks = Stocks(self._connection, self.now)
        self._orders = Orders(self._connection, self.now)
        self._dirty = Dirty(self._connection)
        self.stocks: dict[SkuId, Stock] = {}
        self.orders: dict[OrderId, Kept] = {}
        self.notes: list[tuple[SkuId, int, int]] = []
        self.counter = 0
        self.run(self._connection.redis.flushall())

    def run(self, doing: Any) -> Any:
        return self._runner.run(doing)

    @initialize(units=st.lists(st.integers(0, 12), min_size=3, max_size=3))
    def begin(self, units: list[int]) -> None:
        products = Products(self._connection, self.now)
        for name, of, on_hand in zip(NAMES, SKUS, units, strict=True):
            self.run(products.save(product(name), None, {of: on_hand}, by="owner"))
            self.stocks[of] = Stock(on_hand=on_hand, revision=1)
        fence = self.run(Lease(self._connection, holder="me").acquire())
        assert fence is not None
        self.fence: Fence = fence

    @rule(
        number=st.integers(1, 4),
        claims=claims_of_lines(),
        status=statuses,
        later=st.integers(-1, 2),
        is_strict=st.booleans(),
    )
    def save(
        self, number: int, claims: list[Claim], status: str, later: int, is_strict: bool
    ) -> None:
        """Orders with an even number are the shop's own."""
        of = TIKTOK if number % 2 else OWN_SHOP
        name = OrderId(f"o_{number}")
        kept = self.orders.get(name)
        at = 1_800_000_000.0 if kept is None else kept.order.updated_at + later
        is_strict = is_strict and kept is None and of == OWN_SHOP
        placed = order(of, name, status=status, updated_at=at)
        saving = self._orders.save(placed, claims, by="Pia", strict=is_strict)
        if kept is not None and later < 0:
            assert self.run(saving) == Saved(kept.order, kept.held, False, False)
            return
        held = {} if kept is None else kept.held
        expected = allocation(
            self.stocks,
            held,
            claims,
            of,
            at=self.now(),
            is_strict=is_strict,
            is_known=kept is not None,
        )
        self.stocks |= expected.stocks
        if expected.shortages:
            with pytest.raises(InsufficientStock) as refused:
                self.run(saving)
            assert refused.value.shortages == expected.shortages
            return
        has_changed = kept is None or kept.order != placed or kept.held != expected.held
        assert self.run(saving) == Saved(placed, expected.held, kept is None, has_changed)
        self.orders[name] = Kept(placed, expected.held)
        self._save_again(self.orders[name], claims)

    def _save_again(self, kept: Kept, claims: list[Claim]) -> None:
        """It changes nothing, unless units were short that have come back with it."""
        before = kept.held
        again = allocation(self.stocks, before, claims, kept.order.channel, at=self.now())
        assert again == ({}, before, ()) or any(held.short for held in before.values())
        self.stocks |= again.stocks
        kept.held = again.held
        saved = self.run(self._orders.save(kept.order, claims, by="Pia"))
        assert saved == Saved(kept.order, kept.held, False, kept.held != before)

    @rule(wanted=levels)
    def reserve(self, wanted: Mapping[SkuId, int]) -> None:
        answers = self.run(self._stocks.reserve(wanted, TIKTOK, self.fence))
        known = {each: level for each, level in wanted.items() if each in self.stocks}
        assert answers.keys() == known.keys()
        for each, level in known.items():
            self.stocks[each], expected = reserved(self.stocks[each], TIKTOK, level)
            assert answers[each] == expected

    @rule(of=sku)
    def note(self, of: SkuId) -> None:
        """What is known before the channel's level is read."""
        stock = self.stocks[of]
        generation = stock.generations.get(TIKTOK, 0)
        self.notes.append((of, generation, stock.sold.get(TIKTOK, 0)))

    @precondition(lambda self: self.notes)
    @rule(units=st.integers(0, 12), data=st.data())
    def settle(self, units: int, data: st.DataObject) -> None:
        note = data.draw(st.sampled_from(self.notes))
        self.notes.remove(note)
        of, generation, sold = note
        found = Found(units, generation, sold)
        answers = self.run(self._stocks.settle({of: found, UNKNOWN: found}, TIKTOK, self.fence))
        self.stocks[of], expected = settled(self.stocks[of], TIKTOK, found)
        assert answers == {of: expected}

    @rule(of=st.lists(st.sampled_from([*SKUS, UNKNOWN]), unique=True))
    def doubt(self, of: list[SkuId]) -> None:
        self.run(self._stocks.doubt(of, TIKTOK))
        self.stocks |= {each: doubted(self.stocks[each], TIKTOK) for each in of if each in SKUS}

    @rule(of=sku)
    def unbound(self, of: SkuId) -> None:
        self.run(self._stocks.unbound([of], TIKTOK))
        self.stocks[of] = unbounded(self.stocks[of], TIKTOK)

    @rule()
    def release(self) -> None:
        self.run(self._stocks.release_quotas(TIKTOK, self.fence))
        self.stocks = {each: released(stock, TIKTOK) for each, stock in self.stocks.items()}

    @rule(of=sku, units=st.integers(0, 12), behind=st.integers(0, 1))
    def count(self, of: SkuId, units: int, behind: int) -> None:
        setting = self._stocks.set(of, units, self.stocks[of].revision - behind, by="owner")
        if behind:
            with pytest.raises(Stale):
                self.run(setting)
            return
        self._counted(of, units, setting)

    @rule(of=sku, delta=st.integers(-5, 5))
    def adjust(self, of: SkuId, delta: int) -> None:
        adjusting = self._stocks.adjust(of, delta, by="owner", reason="counted")
        self._counted(of, self.stocks[of].on_hand + delta, adjusting)

    def _counted(self, of: SkuId, units: int, counting: Any) -> None:
        before = self.stocks[of]
        if units == before.on_hand:
            assert self.run(counting) == before
            return
        self.stocks[of], is_done = counted(before, units, self.now())
        if is_done:
            assert self.run(counting) == self.stocks[of]
        else:
            with pytest.raises(Conflict):
                self.run(counting)

    @rule(seconds=st.sampled_from([1, 20, 40]))
    def wait(self, seconds: int) -> None:
        self.now.advance(seconds)

    @rule(of=sku)
    def another_server_takes_over(self, of: SkuId) -> None:
        fence = Fence(self.fence - 1)
        with pytest.raises(LeaseLost):
            self.run(self._stocks.reserve({of: 1}, TIKTOK, fence))
        with pytest.raises(LeaseLost):
            self.run(self._stocks.settle({of: Found(0, 1, 0)}, TIKTOK, fence))

    @invariant()
    def the_store_has_what_should_be_there(self) -> None:
        assert self.run(self._stocks.many(SKUS)) == self.stocks
        ids = [OrderId(f"o_{number}") for number in range(1, 5)]
        assert self.run(self._orders.many(ids)) == {
            name: self.orders[name].order for name in ids if name in self.orders
        }
        assert self.run(self._orders.held(ids)) == {
            name: self.orders[name].held for name in ids if name in self.orders
        }

    @invariant()
    def all_units_are_somewhere(self) -> None:
        """Of each SKU: what was there and came, less what left."""
        committed = dict.fromkeys(SKUS, 0)
        for kept in self.orders.values():
            for held in kept.held.values():
                if held.sku in committed:
                    committed[held.sku] += held.held
        for of, stock in self.stocks.items():
            assert faults(stock) == []
            assert stock.committed == committed[of]

    @invariant()
    def the_history_leads_to_what_is_there(self) -> None:
        for of, stock in self.stocks.items():
            changes = self.run(self._stocks.history(of, 1000))[::-1]
            assert [each.revision for each in changes] == list(range(1, stock.revision + 1))
            on_hand = committed = quota = 0
            for each in changes:
                on_hand += each.delta
                committed += each.committed_delta
                quota += each.quota_delta
                assert each.on_hand == on_hand
                assert each.by
                assert each.reason
                assert not each.committed_delta or each.order in self.orders
            assert (on_hand, committed) == (stock.on_hand, stock.committed)
            assert quota == stock.quotas.get(TIKTOK, 0)

    @invariant()
    def what_is_in_doubt_is_known_at_once(self) -> None:
        doubted_skus = {of: stock for of, stock in self.stocks.items() if TIKTOK in stock.doubts}
        assert self.run(self._stocks.unsettled(TIKTOK)) == doubted_skus

    @invariant()
    def indexes_have_each_order_once(self) -> None:
        assert self.run(self._orders.count()) == len(self.orders)
        for of in (TIKTOK, OWN_SHOP, None):
            for status in ("UNPAID", "AWAITING_SHIPMENT", "CANCELLED", None):
                expected = {
                    name
                    for name, kept in self.orders.items()
                    if of in (None, kept.order.channel) and status in (None, kept.order.status)
                }
                assert self._ids(of, status) == expected
        assert self._ids(None, None) == set(self.orders)

    def _ids(self, of: ChannelId | None, status: str | None) -> set[OrderId]:
        filters = Filters(of, status) if of or status else EVERY
        return {each.id for each in self.run(self._orders.page(filters)).orders}

    def teardown(self) -> None:
        self.run(self._connection.close())
        self._stack.close()


@pytest.fixture(autouse=True, scope="module")
def redis_url() -> Iterator[None]:
    """One Redis for all runs: each begins with an empty one."""
    with tempfile.TemporaryDirectory() as directory, asyncio.Runner() as runner:
        server = RedisServer(Path(directory))
        runner.run(server.start())
        LedgerRules.url = server.url
        yield
        runner.run(server.stop())


TestLedgerRules = LedgerRules.TestCase
TestLedgerRules.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
