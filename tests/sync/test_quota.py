"""How many units TikTok is offered, and what is sent for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.model import TIKTOK, Stock, StockPolicy
from sync.orders.order import OWN_SHOP
from sync.quota import HALF_LIFE_S, LEAST_SHARE, MOST, Trend, due, followed, offered, share

NOW = 1_800_000_000.0
ESCROW = StockPolicy()
NEVER = Trend({}, {}, NOW)
EVEN = Trend({TIKTOK: 5, OWN_SHOP: 5}, {TIKTOK: 5.0, OWN_SHOP: 5.0}, NOW)

few = st.integers(0, 200)


@st.composite
def stocks(draw: st.DrawFn) -> Stock:
    """Some with a quota at TikTok, settled or not."""
    free, quota, committed = draw(few), draw(few), draw(few)
    has_quota, is_doubted, is_unbound = draw(st.tuples(*[st.booleans()] * 3))
    if not has_quota:
        return Stock(on_hand=free + committed, committed=committed)
    return Stock(
        on_hand=free + quota + committed,
        committed=committed,
        quotas={TIKTOK: quota},
        doubts={TIKTOK: 1} if is_doubted or is_unbound else {},
        unbound=(TIKTOK,) if is_unbound else (),
        wanted=draw(few),
        wanted_until=NOW + draw(st.sampled_from([-1.0, 1.0])),
    )


sold = st.dictionaries(st.sampled_from([TIKTOK, OWN_SHOP]), few)
trends = st.builds(lambda units: followed(None, units, NOW), sold)
policies = st.builds(
    StockPolicy,
    st.sampled_from(["escrow", "buffered"]),
    st.one_of(st.none(), st.integers(0, 100)),
    st.integers(0, 20),
)


def quota(units: int, free: int = 0) -> Stock:
    return Stock(on_hand=units + free, quotas={TIKTOK: units})


@given(stocks(), policies, trends)
def test_no_more_is_offered_than_can_be_sold(
    stock: Stock, policy: StockPolicy, trend: Trend
) -> None:
    assert 0 <= offered(stock, policy, trend, NOW) <= stock.available


@given(stocks(), policies, trends)
def test_what_was_offered_and_settled_is_offered_again(
    stock: Stock, policy: StockPolicy, trend: Trend
) -> None:
    """Or one cycle after the other would send another level."""
    level = offered(stock, StockPolicy("escrow", policy.share), trend, NOW)
    there = Stock(
        on_hand=stock.on_hand,
        committed=stock.committed,
        quotas={TIKTOK: level},
        wanted=stock.wanted,
        wanted_until=stock.wanted_until,
    )
    assert offered(there, StockPolicy("escrow", policy.share), trend, NOW) == level


def test_a_shop_that_never_sold_elsewhere_offers_all() -> None:
    assert offered(quota(0, free=7), ESCROW, NEVER, NOW) == 7
    only_there = followed(None, {TIKTOK: 9}, NOW)
    assert offered(quota(5, free=2), ESCROW, only_there, NOW) == 7


def test_tiktok_takes_no_more_than_the_most() -> None:
    assert offered(quota(0, free=MOST + 1), ESCROW, NEVER, NOW) == MOST


def test_two_channels_divide_by_what_they_sold() -> None:
    assert offered(quota(0, free=10), ESCROW, EVEN, NOW) == 5
    mostly = followed(None, {TIKTOK: 1, OWN_SHOP: 9}, NOW)
    assert offered(quota(0, free=20), ESCROW, mostly, NOW) == round(20 * LEAST_SHARE)


def test_of_two_units_each_side_has_one() -> None:
    mostly = followed(None, {TIKTOK: 99, OWN_SHOP: 1}, NOW)
    assert offered(quota(0, free=2), ESCROW, mostly, NOW) == 1


def test_a_share_that_was_set_is_kept_whatever_was_sold() -> None:
    assert offered(quota(0, free=10), StockPolicy("escrow", 30), EVEN, NOW) == 3
    assert offered(quota(0, free=10), StockPolicy("escrow", 0), NEVER, NOW) == 0


@pytest.mark.parametrize("there", [40, 50, 60])
def test_a_division_that_is_near_enough_stays(there: int) -> None:
    assert offered(quota(there, free=100 - there), ESCROW, EVEN, NOW) == there


@pytest.mark.parametrize("there", [0, 10, 90, 100])
def test_one_that_is_not_is_made_anew(there: int) -> None:
    assert offered(quota(there, free=100 - there), ESCROW, EVEN, NOW) == 50


def test_units_that_the_shop_wants_come_back_for_a_while() -> None:
    wanting = Stock(on_hand=5, quotas={TIKTOK: 5}, wanted=2, wanted_until=NOW + 1)
    assert offered(wanting, ESCROW, NEVER, NOW) == 3
    assert offered(wanting, ESCROW, NEVER, NOW + 1) == 5


def test_buffered_offers_all_but_the_buffer() -> None:
    policy = StockPolicy("buffered", buffer=3)
    assert offered(Stock(on_hand=10, committed=2), policy, EVEN, NOW) == 5
    assert offered(Stock(on_hand=2), policy, EVEN, NOW) == 0


def test_sales_of_late_count_more_than_those_of_before() -> None:
    trend = followed(EVEN, {TIKTOK: 15, OWN_SHOP: 5}, NOW + HALF_LIFE_S)
    assert trend.weights == {TIKTOK: 12.5, OWN_SHOP: 2.5}
    assert share(trend) == pytest.approx(12.5 / 15)


def test_time_alone_moves_nothing() -> None:
    assert followed(EVEN, EVEN.sold, NOW + 9 * HALF_LIFE_S) is EVEN


def test_a_level_that_is_there_is_not_sent_again() -> None:
    assert due(quota(5), 5, None) is None
    assert due(quota(4), 5, 5) == 5


def test_what_is_in_doubt_is_waited_for_but_sales_are_stopped_at_once() -> None:
    doubted = Stock(on_hand=5, quotas={TIKTOK: 5}, doubts={TIKTOK: 1})
    assert due(doubted, 3, None) is None
    assert due(doubted, 0, 5) == 0
    assert due(doubted, 0, 0) is None


def test_what_is_not_bounded_goes_through_zero() -> None:
    never = Stock(on_hand=5)
    unbound = Stock(on_hand=5, quotas={TIKTOK: 0}, doubts={TIKTOK: 1}, unbound=(TIKTOK,))
    assert due(never, 5, 5) == 0
    assert due(unbound, 5, None) == 0
    assert due(unbound, 5, 0) is None


def test_where_nothing_is_set_aside_the_last_level_says_what_is_there() -> None:
    assert due(None, 5, 5) is None
    assert due(None, 5, 4) == 5
    assert due(None, 0, None) == 0
