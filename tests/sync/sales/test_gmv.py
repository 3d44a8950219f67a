"""The definition of GMV in docs/sales.md, line by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.orders.order import OrderStatus
from sync.sales.gmv import NOTHING, PAID, Figures, figures, is_sale
from tests.sync.sales.things import PLACED_AT, line, order

STATES = [value for name, value in vars(OrderStatus).items() if name.isupper()]


@pytest.mark.parametrize("status", sorted(PAID))
def test_a_paid_state_counts_though_nobody_says_when_it_was_paid(status: str) -> None:
    assert is_sale(order(status=status, paid_at=None))


def test_every_state_is_paid_but_unpaid_and_cancelled() -> None:
    assert set(STATES) - PAID == {OrderStatus.UNPAID, OrderStatus.CANCELLED}


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, "QUARANTINED"])
def test_cancelled_and_unknown_states_count_where_it_is_known_when_it_was_paid(status: str) -> None:
    assert is_sale(order(status=status))
    assert not is_sale(order(status=status, paid_at=None))


def test_unpaid_orders_and_samples_never_count() -> None:
    assert not is_sale(order(status=OrderStatus.UNPAID))
    assert not is_sale(order(is_sample=True))
    sample = order("1", line(), is_sample=True)
    assert figures(sample, sample.lines[0]) == NOTHING


def test_a_line_is_worth_its_price_for_each_unit() -> None:
    paid = order("1", line(price=999, units=3))

    assert figures(paid, paid.lines[0]) == Figures(gross=2997, cancelled=0, units=3)
    assert figures(paid, paid.lines[0]).gmv == 2997


def test_cancelled_units_are_taken_back() -> None:
    paid = order("1", line(price=999, units=3, cancelled=2))

    assert figures(paid, paid.lines[0]) == Figures(gross=2997, cancelled=1998, units=1)


@pytest.mark.parametrize("of_line", [OrderStatus.CANCELLED, OrderStatus.AWAITING_SHIPMENT])
@pytest.mark.parametrize("of_order", [OrderStatus.CANCELLED, OrderStatus.AWAITING_SHIPMENT])
@pytest.mark.parametrize("units", [0, 1, 2])
def test_a_unit_is_taken_back_once_whoever_says_that_it_was_cancelled(
    of_line: str, of_order: str, units: int
) -> None:
    cancelled = order("1", line(units=2, status=of_line, cancelled=units), status=of_order)
    is_all = OrderStatus.CANCELLED in (of_line, of_order)

    found = figures(cancelled, cancelled.lines[0])

    assert (found.gross, found.cancelled) == (2500, 2500 if is_all else 1250 * units)
    assert found.units == (0 if is_all else 2 - units)


def test_returned_units_stand_beside_and_are_not_taken_off() -> None:
    came_back = order("1", line(units=2, sent=2, returned=1, refunded=1250))

    assert figures(came_back, came_back.lines[0]) == Figures(
        gross=2500, cancelled=0, units=2, returned=1, refunded=1250
    )


@given(
    price=st.integers(0, 10**12),
    units=st.integers(1, 1000),
    cancelled=st.integers(0, 2000),
    status=st.sampled_from([*STATES, "QUARANTINED"]),
    of_line=st.sampled_from([*STATES, "QUARANTINED"]),
    paid_at=st.sampled_from([None, PLACED_AT]),
)
def test_no_line_earns_less_than_nothing_or_more_than_it_sold(
    price: int, units: int, cancelled: int, status: str, of_line: str, paid_at: float | None
) -> None:
    some = order(
        "1",
        line(price=price, units=units, cancelled=cancelled, status=of_line),
        status=status,
        paid_at=paid_at,
    )

    found = figures(some, some.lines[0])

    assert 0 <= found.gmv <= found.gross <= price * units
    assert found.gmv == price * found.units
