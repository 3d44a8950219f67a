"""What stock becomes: rules one by one, and a channel that sells, beside the shop, while its level
is set and read."""

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

from sync.allocation import (
    WANTED_S,
    Found,
    Reserved,
    Settled,
    allocation,
    counted,
    doubted,
    faults,
    released,
    reserved,
    settled,
    unbounded,
)
from sync.errors import Shortage
from sync.model import TIKTOK, SkuId, Stock
from sync.orders.order import OWN_SHOP, Claim, Held, LineId
from tests.sync.things import claim

MUG = SkuId("s_mug")
ONE = LineId("1")
AT = 1_800_000_000.0
LACKS_ONE: Any = {"wanted": 1, "wanted_until": AT + WANTED_S}


def taken(
    stock: Stock, claims: Claim, held: Held | None = None, channel: Any = TIKTOK
) -> tuple[Stock, Held]:
    """What one line of one order leads to."""
    found = allocation({MUG: stock}, {ONE: held} if held else {}, [claims], channel, at=AT)
    return found.stocks.get(MUG, stock), found.held[ONE]


def test_units_of_a_channel_come_from_its_quota() -> None:
    stock, held = taken(Stock(on_hand=5, quotas={TIKTOK: 3}), claim(2))

    assert held == Held(MUG, held=2)
    assert stock == Stock(on_hand=5, committed=2, quotas={TIKTOK: 1}, sold={TIKTOK: 2}, revision=1)


def test_what_a_channel_sells_beyond_its_quota_makes_it_unbound() -> None:
    stock, held = taken(Stock(on_hand=5, quotas={TIKTOK: 1}), claim(2))

    assert held == Held(MUG, held=2)
    assert stock.quotas == {TIKTOK: 0}
    assert stock.free == 3
    assert stock.unbound == (TIKTOK,)
    assert stock.doubts == {TIKTOK: 1}


def test_a_channel_without_a_quota_takes_what_is_free() -> None:
    stock, held = taken(Stock(on_hand=1), claim(2))

    assert held == Held(MUG, held=1, short=1)
    assert stock == Stock(on_hand=1, committed=1, sold={TIKTOK: 2}, revision=1, **LACKS_ONE)


def test_units_that_were_short_are_backed_by_what_is_free_alone() -> None:
    """A unit of the quota may be offered still: it was not set aside for this one."""
    short = Held(MUG, held=1, short=2)
    stock, held = taken(Stock(on_hand=4, committed=1, quotas={TIKTOK: 2}), claim(3), short)

    assert held == Held(MUG, held=2, short=1)
    assert stock == Stock(on_hand=4, committed=2, quotas={TIKTOK: 2}, revision=1, **LACKS_ONE)


def test_a_cancelled_unit_goes_back_to_the_quota_and_raises_a_doubt() -> None:
    stock, held = taken(
        Stock(on_hand=5, committed=2, quotas={TIKTOK: 1}), claim(2, units=1), Held(MUG, held=2)
    )

    assert held == Held(MUG, held=1, cancelled=1)
    assert (stock.quotas, stock.committed, stock.free) == ({TIKTOK: 2}, 1, 2)
    assert (stock.doubts, stock.unbound) == ({TIKTOK: 1}, ())


def test_a_cancelled_unit_of_the_shops_own_is_free() -> None:
    stock, _ = taken(
        Stock(on_hand=5, committed=2, quotas={TIKTOK: 1}),
        claim(2, units=0),
        Held(MUG, held=2),
        OWN_SHOP,
    )

    assert stock == Stock(on_hand=5, quotas={TIKTOK: 1}, revision=1)


def test_a_late_cancellation_puts_nothing_back_and_is_looked_into() -> None:
    stock, held = taken(
        Stock(on_hand=3, quotas={TIKTOK: 1}), claim(2, units=0, sent=2), Held(MUG, consumed=2)
    )

    assert held == Held(MUG, consumed=2, cancelled=2)
    assert (stock.on_hand, stock.committed, stock.quotas) == (3, 0, {TIKTOK: 1})
    assert stock.unbound == (TIKTOK,)  # the channel may offer them again by itself


def test_an_order_first_seen_partly_cancelled_raises_a_doubt() -> None:
    stock, held = taken(Stock(on_hand=5, quotas={TIKTOK: 3}), claim(3, units=1))

    assert held == Held(MUG, held=1, cancelled=2)
    assert (stock.quotas, stock.doubts, stock.unbound) == ({TIKTOK: 2}, {TIKTOK: 1}, ())


def test_a_line_that_is_found_to_be_ours_later_makes_the_channel_unbound() -> None:
    """What was settled before did not count it."""
    stock = Stock(on_hand=5, quotas={TIKTOK: 3})
    late = allocation({MUG: stock}, {}, [claim(1)], TIKTOK, at=AT, is_known=True).stocks[MUG]

    assert (late.quotas, late.unbound, late.doubts) == ({TIKTOK: 2}, (TIKTOK,), {TIKTOK: 1})


def test_what_has_left_never_comes_back_by_itself() -> None:
    stock, held = taken(Stock(on_hand=3), claim(2, sent=0), Held(MUG, consumed=2))

    assert held == Held(MUG, consumed=2)
    assert stock == Stock(on_hand=3)


def test_a_returned_unit_is_put_on_the_shelf_once() -> None:
    stock, held = taken(
        Stock(on_hand=3), claim(2, sent=2, restocked=1), Held(MUG, consumed=2), OWN_SHOP
    )
    again = taken(stock, claim(2, sent=2, restocked=1), held, OWN_SHOP)

    assert again == (stock, held)
    assert stock == Stock(on_hand=4, revision=1)
    assert held == Held(MUG, consumed=2, restocked=1)


def test_no_more_is_put_on_the_shelf_than_has_left() -> None:
    _, held = taken(Stock(on_hand=3), claim(2, sent=1, restocked=2), None, OWN_SHOP)

    assert held == Held(MUG, held=1, consumed=1, restocked=1)


def test_units_that_left_though_they_were_not_there_stay_short() -> None:
    stock, held = taken(Stock(on_hand=1), claim(2, sent=2))

    assert held == Held(MUG, consumed=1, short=1)
    assert stock == Stock(on_hand=0, sold={TIKTOK: 2}, revision=1, **LACKS_ONE)


def test_units_that_are_short_are_asked_for_until_they_are_had() -> None:
    stock, held = taken(Stock(on_hand=1), claim(2))

    assert taken(stock, claim(2), held) == (stock, held)  # it was asked a moment ago
    later = AT + WANTED_S / 2 + 1
    again = allocation({MUG: stock}, {ONE: held}, [claim(2)], TIKTOK, at=later).stocks[MUG]
    assert (again.wanted, again.wanted_until) == (1, later + WANTED_S)

    more = msgspec.structs.replace(again, on_hand=2)
    stock, held = taken(more, claim(2), held)
    assert (stock.wanted, stock.wanted_until, held.short) == (0, 0.0, 0)


def test_an_order_that_is_refused_asks_back_what_is_set_aside() -> None:
    stock = Stock(on_hand=5, quotas={TIKTOK: 4})
    found = allocation({MUG: stock}, {}, [claim(3)], OWN_SHOP, at=AT, is_strict=True)

    assert found.shortages == (Shortage(MUG, 3, 1, 4),)
    assert found.held == {}
    wanting = found.stocks[MUG]
    assert wanting == msgspec.structs.replace(stock, wanted=3, wanted_until=AT + WANTED_S)

    free = released(wanting, TIKTOK)
    again = allocation({MUG: free}, {}, [claim(3)], OWN_SHOP, at=AT, is_strict=True)
    assert again.shortages == ()
    assert again.stocks[MUG].wanted == 0


def test_nothing_is_asked_back_for_an_order_that_could_not_be_had_anyway() -> None:
    stocks = {MUG: Stock(on_hand=5, quotas={TIKTOK: 4}), SkuId("s_cup"): Stock(on_hand=1)}
    found = allocation(
        stocks, {}, [claim(3), claim(2, "s_cup", "2")], OWN_SHOP, at=AT, is_strict=True
    )

    assert found.stocks == {}
    assert len(found.shortages) == 2


def test_a_level_is_offered_with_old_and_new_set_aside() -> None:
    stock, first = reserved(Stock(on_hand=5), TIKTOK, 2)
    assert first == Reserved(2, exact=True, generation=1, sold=0)

    stock, second = reserved(stock, TIKTOK, 3)
    assert second == Reserved(3, exact=False, generation=2, sold=0)
    assert stock.quotas == {TIKTOK: 5}

    stock, third = reserved(stock, TIKTOK, 4)
    assert third == Reserved(0, exact=False, generation=3, sold=0)
    assert stock.quotas == {TIKTOK: 5}


def test_a_channel_that_is_unbound_is_told_zero() -> None:
    stock, answer = reserved(unbounded(Stock(on_hand=5), TIKTOK), TIKTOK, 2)

    assert answer == Reserved(0, exact=False, generation=2, sold=0)
    stock, outcome = settled(stock, TIKTOK, Found(0, 2, 0))
    assert outcome == Settled(stock)
    assert (stock.unbound, stock.doubts, stock.quotas) == ((), {}, {TIKTOK: 0})


def test_what_was_found_counts_unless_something_came_between() -> None:
    stock, answer = reserved(Stock(on_hand=5), TIKTOK, 5)
    later = doubted(stock, TIKTOK)

    assert settled(later, TIKTOK, Found(2, answer.generation, 0)) == (later, Settled(None))
    after, outcome = settled(stock, TIKTOK, Found(2, answer.generation, 0))
    assert outcome == Settled(after)
    assert (after.quotas, after.free, after.doubts) == ({TIKTOK: 2}, 3, {})


def test_units_sold_since_the_level_was_read_are_no_drift() -> None:
    stock, answer = reserved(Stock(on_hand=5), TIKTOK, 5)
    stock, _ = taken(stock, claim(2))

    after, outcome = settled(stock, TIKTOK, Found(5, answer.generation, answer.sold))

    assert outcome == Settled(after, drift=0)
    assert after.quotas == {TIKTOK: 3}


def test_a_level_that_nobody_set_aside_for_is_drift() -> None:
    stock, answer = reserved(Stock(on_hand=6), TIKTOK, 2)

    stock, outcome = settled(stock, TIKTOK, Found(9, answer.generation, answer.sold))

    assert outcome == Settled(stock, drift=7)
    assert (stock.quotas, stock.free, stock.unbound) == ({TIKTOK: 6}, 0, (TIKTOK,))
    again, outcome = settled(stock, TIKTOK, Found(9, answer.generation, answer.sold))
    assert (again, outcome) == (stock, Settled(stock, drift=0))  # told once


def test_a_level_that_was_read_before_another_was_set_counts_no_more() -> None:
    """Even where that one is settled by now, and nothing is in doubt again."""
    before = Found(0, generation=0, sold=0)
    stock, answer = reserved(Stock(on_hand=5), TIKTOK, 5)
    stock, _ = settled(stock, TIKTOK, Found(5, answer.generation, answer.sold))
    assert stock.doubts == {}

    assert settled(stock, TIKTOK, before) == (stock, Settled(None))


def test_a_level_that_is_not_in_doubt_is_compared_all_the_same() -> None:
    stock = Stock(on_hand=5, quotas={TIKTOK: 2})

    assert settled(stock, TIKTOK, Found(2, 0, 0)) == (stock, Settled(stock))
    drifted, outcome = settled(stock, TIKTOK, Found(3, 0, 0))
    assert outcome == Settled(drifted, drift=1)
    assert (drifted.doubts, drifted.unbound) == ({TIKTOK: 1}, (TIKTOK,))


def test_fewer_units_than_are_promised_cannot_be_counted() -> None:
    stock = Stock(on_hand=5, committed=1, quotas={TIKTOK: 2})

    assert counted(stock, 3, AT) == (
        msgspec.structs.replace(stock, on_hand=3, revision=1),
        True,
    )
    wanting = msgspec.structs.replace(stock, wanted=4, wanted_until=AT + WANTED_S)
    assert counted(stock, 1, AT) == (wanting, False)
    assert counted(stock, 0, AT) == (stock, False)


@pytest.mark.parametrize(
    ("stock", "fault"),
    [
        (Stock(on_hand=1, committed=2), "free is -1"),
        (Stock(on_hand=1, quotas={TIKTOK: -1}), "tiktok is -1"),
        (Stock(unbound=(TIKTOK,)), "tiktok is marked, and has no quota"),
        (
            Stock(quotas={TIKTOK: 0}, doubts={TIKTOK: 1}, generations={TIKTOK: 2}),
            "the doubt of tiktok is not its latest generation",
        ),
    ],
)
def test_what_cannot_be_is_named(stock: Stock, fault: str) -> None:
    assert faults(stock) == [fault]


class Sold(msgspec.Struct):
    """An order of the channel as it is there, what was taken in of it, and what it has here."""

    ordered: int
    units: int
    sent: int = 0
    known: int = 0
    held: dict[LineId, Held] = {}

    def claims(self) -> list[Claim]:
        return [Claim(ONE, MUG, self.ordered, self.units, self.sent)]


class Selling(RuleBasedStateMachine):
    """One SKU, sold by the shop and at a channel, whose `level` only we set: what is accepted is
    there, whatever comes between a read and a write."""

    def __init__(self) -> None:
        super().__init__()
        self.level = 0
        self.sold: list[Sold] = []
        self.own: list[dict[LineId, Held]] = []
        self.noted: tuple[int, int] | None = None
        self.read: int | None = None
        self.is_polled = False
        self.is_foreign = False
        """Somebody else has set the level: only from then on may anything be short."""

    @initialize(units=st.integers(0, 12))
    def begin(self, units: int) -> None:
        self.stock = Stock(on_hand=units)

    # -- the shop

    @rule(units=st.integers(1, 6))
    def order(self, units: int) -> None:
        found = allocation({MUG: self.stock}, {}, [claim(units)], OWN_SHOP, at=AT, is_strict=True)
        assert bool(found.shortages) == (units > self.stock.free)
        self.stock = found.stocks.get(MUG, self.stock)
        if not found.shortages:
            self.own.append(found.held)

    @precondition(lambda self: self.own)
    @rule(data=st.data())
    def cancel_or_send(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.own))
        units = held[ONE].held + held[ONE].consumed + held[ONE].cancelled
        kept = data.draw(st.integers(0, units - held[ONE].cancelled))
        sent = data.draw(st.integers(0, kept))
        found = allocation(
            {MUG: self.stock}, held, [claim(units, units=kept, sent=sent)], OWN_SHOP, at=AT
        )
        self.stock = found.stocks.get(MUG, self.stock)
        self.own[self.own.index(held)] = found.held

    @rule(delta=st.integers(-4, 4))
    def count(self, delta: int) -> None:
        if self.stock.on_hand + delta >= 0:
            self.stock, _ = counted(self.stock, self.stock.on_hand + delta, AT)

    # -- shoppers at the channel

    @rule(units=st.integers(1, 6))
    def buy(self, units: int) -> None:
        if units <= self.level:
            self.level -= units
            self.sold.append(Sold(units, units))

    @precondition(lambda self: self.sold)
    @rule(data=st.data(), comes_back=st.booleans())
    def give_up(self, data: st.DataObject, comes_back: bool) -> None:
        sold = data.draw(st.sampled_from(self.sold))
        units = data.draw(st.integers(0, sold.units - sold.sent))
        sold.units -= units
        if comes_back:
            self.level += units

    @precondition(lambda self: self.sold)
    @rule(data=st.data())
    def ship(self, data: st.DataObject) -> None:
        sold = data.draw(st.sampled_from(self.sold))
        sold.sent = data.draw(st.integers(sold.sent, sold.units))

    # -- the sidecar

    @precondition(lambda self: self.sold)
    @rule(data=st.data())
    def take(self, data: st.DataObject) -> None:
        self._take(data.draw(st.sampled_from(self.sold)))

    @rule(level=st.integers(0, 8), is_lost=st.booleans(), is_told=st.booleans())
    def write(self, level: int, is_lost: bool, is_told: bool) -> None:
        self.stock, answer = reserved(self.stock, TIKTOK, level)
        if is_lost:
            return
        self.level = answer.level
        if is_told and answer.exact:
            found = Found(answer.level, answer.generation, answer.sold)
            self.stock, outcome = settled(self.stock, TIKTOK, found)
            assert outcome.stock is not None

    @rule()
    def doubt(self) -> None:
        self.stock = doubted(self.stock, TIKTOK)

    @rule()
    def note(self) -> None:
        self.noted = (self.stock.generations.get(TIKTOK, 0), self.stock.sold.get(TIKTOK, 0))
        self.read, self.is_polled = None, False

    @precondition(lambda self: self.noted)
    @rule()
    def look(self) -> None:
        self.read, self.is_polled = self.level, False

    @precondition(lambda self: self.read is not None)
    @rule()
    def poll(self) -> None:
        for sold in self.sold:
            self._take(sold)
        self.is_polled = True

    @precondition(lambda self: self.is_polled)
    @rule()
    def settle(self) -> None:
        assert self.noted is not None
        assert self.read is not None
        before = self.stock
        self.stock, outcome = settled(before, TIKTOK, Found(self.read, *self.noted))
        assert self.is_foreign or outcome.drift == 0
        if outcome.stock is not None and TIKTOK not in outcome.stock.doubts:
            assert self.stock.quotas[TIKTOK] == min(before.quotas[TIKTOK], self.read)
        self.noted, self.read, self.is_polled = None, None, False

    def _take(self, sold: Sold) -> None:
        was_short = sold.held[ONE].short if sold.held else 0
        found = allocation({MUG: self.stock}, sold.held, sold.claims(), TIKTOK, at=AT)
        self.stock, sold.held, sold.known = (
            found.stocks.get(MUG, self.stock),
            found.held,
            max(sold.units, sold.sent),
        )
        assert self.is_foreign or sold.held[ONE].short <= was_short

    @invariant()
    def the_books_are_right(self) -> None:
        assert faults(self.stock) == []
        orders = [each[ONE] for each in self.own] + [
            each.held[ONE] for each in self.sold if each.held
        ]
        assert self.stock.committed == sum(each.held for each in orders)

    @invariant()
    def the_channel_is_bounded_by_what_is_set_aside(self) -> None:
        """And so all that is accepted is there: what was taken in is committed."""
        if not self.is_foreign and TIKTOK not in self.stock.unbound:
            coming = sum(each.units - each.known for each in self.sold)
            assert self.level + coming <= self.stock.quotas.get(TIKTOK, 0)


class SellingBesideOthers(Selling):
    """Somebody else sets the level too. Once it was taken through zero, the channel is bounded."""

    @rule(level=st.integers(0, 20))
    def set_by_others(self, level: int) -> None:
        self.level = level
        self.is_foreign = True

    @precondition(lambda self: self.is_foreign)
    @rule()
    def go_through_zero(self) -> None:
        self.stock, answer = reserved(unbounded(self.stock, TIKTOK), TIKTOK, 3)
        assert answer.level == 0
        self.level = 0
        self.poll()
        self.stock, outcome = settled(
            self.stock, TIKTOK, Found(0, self.stock.doubts[TIKTOK], self.stock.sold.get(TIKTOK, 0))
        )
        assert outcome.stock is not None
        self.is_foreign = False
        self.noted, self.read, self.is_polled = None, None, False


TestSelling = Selling.TestCase
TestSelling.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestSellingBesideOthers = SellingBesideOthers.TestCase
TestSellingBesideOthers.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
