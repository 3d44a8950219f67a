"""How an order of the shop's own goes on."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import Conflict, Invalid
from sync.orders import moves
from sync.orders.claims import claims
from sync.orders.moves import ALLOWED, GivenBack
from sync.orders.order import LineId, Order, OrderStatus
from tests.sync.orders.things import AT, line, order

ONE = LineId("1")
STATES = [
    OrderStatus.UNPAID,
    OrderStatus.AWAITING_SHIPMENT,
    OrderStatus.PARTIALLY_SHIPPING,
    OrderStatus.IN_TRANSIT,
    OrderStatus.COMPLETED,
    OrderStatus.CANCELLED,
]


def paid(units: int = 3, *more: int) -> Order:
    lines = [line(number, units=each) for number, each in enumerate((units, *more), 1)]
    return moves.paid(order(*lines), AT + 1)


def in_state(status: str) -> Order:
    """An order of 3 units."""
    match status:
        case OrderStatus.UNPAID:
            return order(line(units=3))
        case OrderStatus.PARTIALLY_SHIPPING:
            return moves.fulfilled(paid(), {ONE: 1}, AT + 2)
        case OrderStatus.IN_TRANSIT:
            return moves.fulfilled(paid(), None, AT + 2)
        case OrderStatus.COMPLETED:
            return moves.completed(moves.fulfilled(paid(), None, AT + 2), AT + 3)
        case OrderStatus.CANCELLED:
            return moves.cancelled(paid(), None, "", AT + 2)
    return paid()


MOVES: dict[moves.Move, Callable[[Order], Order]] = {
    "pay": lambda each: moves.paid(each, AT + 9),
    "fulfil": lambda each: moves.fulfilled(each, {ONE: 1}, AT + 9),
    "cancel": lambda each: moves.cancelled(each, {ONE: 1}, "", AT + 9),
    "complete": lambda each: moves.completed(each, AT + 9),
    "return": lambda each: moves.returned(each, [GivenBack(ONE, 1)], "", AT + 9),
}
MADE_BEFORE = {"pay": set(STATES) - {"UNPAID", "CANCELLED"}, "complete": {"COMPLETED"}}


@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("move", list(MOVES))
def test_each_move_is_made_from_the_states_that_allow_it(move: moves.Move, status: str) -> None:
    before = in_state(status)
    assert before.status == status

    if status in ALLOWED[move]:
        assert MOVES[move](before) != before
        return
    if status in MADE_BEFORE.get(move, ()):
        assert MOVES[move](before) == before
        return
    with pytest.raises(Conflict, match=f"the order o_1 is {status}: "):
        MOVES[move](before)


def test_a_whole_order_is_sent_and_done() -> None:
    sent = moves.fulfilled(paid(3, 2), None, AT + 2)
    done = moves.completed(sent, AT + 3)

    assert (sent.status, [each.sent for each in sent.lines]) == ("IN_TRANSIT", [3, 2])
    assert [each.status for each in sent.lines] == ["IN_TRANSIT"] * 2
    assert (done.status, done.lines[0].status, done.updated_at) == (
        "COMPLETED",
        "COMPLETED",
        AT + 3,
    )


def test_an_order_is_sent_in_parts() -> None:
    first = moves.fulfilled(paid(3, 2), {ONE: 2}, AT + 2)
    last = moves.fulfilled(first, None, AT + 3)

    assert first.status == "PARTIALLY_SHIPPING"
    assert [each.status for each in first.lines] == ["PARTIALLY_SHIPPING", "AWAITING_SHIPMENT"]
    assert [(each.units, each.sent) for each in claims(first)] == [(3, 2), (2, 0)]
    assert (last.status, [each.sent for each in last.lines]) == ("IN_TRANSIT", [3, 2])


def test_what_is_left_of_an_order_that_is_cancelled_in_parts_is_sent() -> None:
    first = moves.cancelled(paid(3, 2), {ONE: 3}, "Broken", AT + 2)
    sent = moves.fulfilled(first, None, AT + 3)

    assert first.status == "AWAITING_SHIPMENT"
    assert [each.status for each in first.lines] == ["CANCELLED", "AWAITING_SHIPMENT"]
    assert [each.cancel_reason for each in first.lines] == ["Broken", ""]
    assert [each.units for each in claims(first)] == [0, 2]
    assert (sent.status, [each.sent for each in sent.lines]) == ("IN_TRANSIT", [0, 2])


def test_an_order_is_on_its_way_once_the_rest_is_cancelled() -> None:
    sent = moves.fulfilled(paid(3), {ONE: 2}, AT + 2)

    after = moves.cancelled(sent, None, "", AT + 3)

    assert (after.status, after.cancelled_at) == ("IN_TRANSIT", None)
    assert (after.lines[0].sent, after.lines[0].cancelled) == (2, 1)


def test_a_cancelled_order_says_when_and_why() -> None:
    after = moves.cancelled(order(), None, "Changed my mind", AT + 2)

    assert (after.status, after.cancelled_at, after.cancel_reason) == (
        "CANCELLED",
        AT + 2,
        "Changed my mind",
    )


@pytest.mark.parametrize("move", ["pay", "fulfil", "cancel", "complete"])
def test_a_move_of_all_can_be_asked_for_twice(move: str) -> None:
    again: dict[str, Callable[[Order], Order]] = {
        "pay": lambda each: moves.paid(each, AT + 5),
        "fulfil": lambda each: moves.fulfilled(each, None, AT + 5),
        "cancel": lambda each: moves.cancelled(each, None, "", AT + 5),
        "complete": lambda each: moves.completed(each, AT + 5),
    }
    before = in_state(OrderStatus.IN_TRANSIT) if move == "complete" else paid()

    after = again[move](before)

    assert again[move](after) == after


@pytest.mark.parametrize(
    ("units", "error"),
    [({}, Invalid), ({LineId("9"): 1}, Invalid), ({ONE: 0}, Invalid), ({ONE: 4}, Conflict)],
)
def test_units_that_there_are_not_are_neither_sent_nor_cancelled(
    units: dict[LineId, int], error: type[Exception]
) -> None:
    with pytest.raises(error):
        moves.fulfilled(paid(3), units, AT)
    with pytest.raises(error):
        moves.cancelled(paid(3), units, "", AT)


def test_what_came_back_is_for_a_person_to_restock() -> None:
    back = moves.returned(in_state("IN_TRANSIT"), [GivenBack(ONE, 2)], "Too small", AT + 5)
    some = moves.restocked(back, {ONE: 1})

    assert (back.lines[0].returned, back.lines[0].refunded) == (2, 2500)
    assert back.returns[0].lines == (ONE,)
    assert claims(back)[0].restocked == 0
    assert claims(some)[0].restocked == 1
    assert moves.restocked(some, None).lines[0].restocked == 2
    with pytest.raises(Conflict):
        moves.restocked(some, {ONE: 2})
    with pytest.raises(Conflict):
        moves.restocked(moves.restocked(some, None), None)


def test_no_more_comes_back_than_was_sent() -> None:
    part = in_state("PARTIALLY_SHIPPING")

    with pytest.raises(Conflict):
        moves.returned(part, [GivenBack(ONE, 2)], "", AT)
    with pytest.raises(Invalid, match="twice"):
        moves.returned(part, [GivenBack(ONE, 1), GivenBack(ONE, 1)], "", AT)


@pytest.mark.parametrize("refund", [-1, 3751])
def test_no_more_is_paid_back_than_was_paid(refund: int) -> None:
    with pytest.raises(Invalid, match="from 0 to 3750"):
        moves.returned(in_state("IN_TRANSIT"), [GivenBack(ONE, 1, refund)], "", AT)


def test_what_is_none_of_ours_is_not_restocked() -> None:
    foreign = order(line(sku=None, sent=1, returned=1), status="COMPLETED")

    with pytest.raises(Conflict):
        moves.restocked(foreign, None)


def test_an_older_order_is_not_restocked() -> None:
    with pytest.raises(Conflict, match="set the stock by hand"):
        moves.restocked(order(line(sent=1, returned=1), predates=True), None)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.lists(
        st.tuples(st.sampled_from(list(MOVES)), st.integers(1, 3), st.integers(1, 4)), max_size=12
    ),
)
def test_whatever_is_done_units_are_neither_lost_nor_made(
    units: list[int], steps: list[tuple[moves.Move, int, int]]
) -> None:
    now = order(*[line(number, units=each) for number, each in enumerate(units, 1)])
    for at, (move, number, count) in enumerate(steps, int(AT)):
        some = {LineId(str(number)): count}
        before = now
        try:
            match move:
                case "pay":
                    now = moves.paid(now, at)
                case "fulfil":
                    now = moves.fulfilled(now, some, at)
                case "cancel":
                    now = moves.cancelled(now, some, "", at)
                case "complete":
                    now = moves.completed(now, at)
                case "return":
                    back = [GivenBack(each, 1) for each in some]
                    now = moves.restocked(moves.returned(now, back, "", at), dict.fromkeys(some, 1))
        except (Conflict, Invalid):
            assert now == before
        assert now.updated_at >= before.updated_at
        for each in now.lines:
            assert 0 <= each.cancelled + each.sent <= each.units
            assert 0 <= each.restocked <= each.returned <= each.sent
        left = sum(each.units - each.cancelled - each.sent for each in now.lines)
        sent = sum(each.sent for each in now.lines)
        assert (now.status == "CANCELLED") == (left == 0 and sent == 0)
        assert (now.status in ("IN_TRANSIT", "COMPLETED")) == (left == 0 and sent > 0)
        assert (now.status == "PARTIALLY_SHIPPING") == (left > 0 and sent > 0)
