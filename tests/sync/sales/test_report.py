"""Reports over the book, against a plain count over the same orders."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sync.model import TIKTOK, ProductId
from sync.orders.order import OWN_SHOP, Order, OrderLine, OrderStatus, RoomId
from sync.sales.book import Book
from sync.sales.gmv import figures, is_sale
from sync.sales.report import By, Report, Row, Wanted, of_shows, report, rooms
from tests.sync.sales.things import PLACED_AT, line, order

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
ROOMS = {RoomId("r1"): "autumn", RoomId("r2"): None}
STATES = [value for name, value in vars(OrderStatus).items() if name.isupper()]
EVERY: tuple[By, ...] = ("channel", "show", "product", "hour")

products = st.sampled_from([None, ProductId("p_mug"), ProductId("p_vase")])
lines = st.builds(
    line,
    price=st.integers(0, 10**12),
    units=st.integers(1, 20),
    cancelled=st.integers(0, 3),
    status=st.sampled_from(STATES),
    product=products,
    returned=st.integers(0, 3),
    refunded=st.integers(0, 10**9),
    room=st.sampled_from([None, RoomId("r1"), RoomId("r2"), RoomId("r3")]),
)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Some order of few names, so that the same one comes again with other lines."""
    found: list[OrderLine] = draw(st.lists(lines, min_size=1, max_size=4))
    return order(
        str(draw(st.integers(0, 9))),
        *found,
        channel=draw(st.sampled_from([TIKTOK, OWN_SHOP])),
        status=draw(st.sampled_from([*STATES, "QUARANTINED"])),
        currency=draw(st.sampled_from(["USD", "EUR"])),
        created_at=PLACED_AT + draw(st.integers(0, 40)) * 600.0,
        paid_at=draw(st.sampled_from([None, PLACED_AT])),
        show=draw(st.sampled_from([None, "autumn", "winter"])),
        is_sample=draw(st.integers(0, 9)) == 0,
    )


def book_of(*found: Order, zone: ZoneInfo = UTC) -> Book:
    book = Book(zone)
    book.put(found)
    book.attribute(ROOMS)
    return book


def key_of(found: Order, of: OrderLine, by: By) -> str | int | None:
    match by:
        case "channel":
            return found.channel
        case "product":
            return of.product
        case "show":
            return found.show if of.room is None else ROOMS.get(of.room)
        case "hour":
            return int(found.created_at // 3600) * 3600


def counted(found: Iterable[Order], by: By) -> dict[tuple[str | int | None, str], Row]:
    """The rows as they come of adding one line after the other."""
    sums: dict[tuple[str | int | None, str], list[int]] = defaultdict(lambda: [0] * 5)
    left = defaultdict(set)
    for each in found:
        for of in each.lines if is_sale(each) else ():
            at = key_of(each, of, by), each.currency
            sums[at] = [a + b for a, b in zip(sums[at], figures(each, of), strict=True)]
            if figures(each, of).units:
                left[at].add(each.id)
    return {
        at: Row(*at, *of, orders=len(left[at]))  # type: ignore[misc]
        for at, of in sums.items()
    }


def rows_of(found: Report) -> dict[tuple[str | int | None, str], Row]:
    return {(row.key, row.currency): row for row in found.rows}


@pytest.mark.parametrize("by", EVERY)
@given(found=st.lists(orders(), max_size=30), data=st.data())
def test_a_report_is_what_adding_up_line_by_line_gives(
    by: By, found: list[Order], data: st.DataObject
) -> None:
    latest = {each.id: each for each in found}
    book = Book(UTC)
    for each in found:
        book.put([each])
        if data.draw(st.booleans()):
            book.attribute(ROOMS)
    book.attribute(ROOMS)

    assert rows_of(report(book, by)) == counted(latest.values(), by)


@given(found=st.lists(orders(), max_size=30))
def test_every_report_adds_up_to_the_same_total(found: list[Order]) -> None:
    book = book_of(*found)
    totals = report(book, "channel").totals

    for by in EVERY:
        told = report(book, by)
        assert told.totals == totals
        for total in totals:
            of = [row for row in told.rows if row.currency == total.currency]
            assert sum(row.gmv for row in of) == total.gmv == total.gross - total.cancelled
            assert sum(row.units for row in of) == total.units
            assert sum(row.refunded for row in of) == total.refunded
            if by in ("channel", "hour"):
                assert sum(row.orders for row in of) == total.orders


@given(found=st.lists(orders(), max_size=10))
def test_every_line_counts_in_exactly_one_channel_and_at_most_one_live(found: list[Order]) -> None:
    latest = list({each.id: each for each in found}.values())
    alone: dict[By, Counter[tuple[str | int | None, str]]] = {by: Counter() for by in EVERY}
    for each in latest:
        for of in each.lines if is_sale(each) else ():
            book = book_of(replace(each, lines=(of,)))
            for by, gmv in alone.items():
                (row,) = report(book, by).rows
                gmv[row.key, row.currency] += row.gmv
            assert next(iter(rooms(book)), of.room) == of.room

    together = book_of(*latest)
    for by, gmv in alone.items():
        assert {at: row.gmv for at, row in rows_of(report(together, by)).items()} == gmv


@given(found=st.lists(orders(), max_size=20), seed=st.integers())
def test_orders_that_come_again_in_any_order_change_nothing(found: list[Order], seed: int) -> None:
    latest = list({each.id: each for each in found}.values())
    book = book_of(*latest)
    before = [report(book, by) for by in EVERY]
    again = latest * 2
    random.Random(seed).shuffle(again)
    book.put(again)

    assert [report(book, by) for by in EVERY] == before
    assert book.orders == len(latest)


def test_a_cancellation_is_taken_back_once_and_in_the_hour_of_the_order() -> None:
    book = book_of(order("1"), order("2"))
    late = order(
        "1",
        line(status=OrderStatus.CANCELLED, cancelled=1),
        status=OrderStatus.CANCELLED,
        updated_at=PLACED_AT + 7200,
        cancelled_at=PLACED_AT + 7200,
    )
    for _ in range(3):
        book.put([late])

    (row,) = report(book, "hour").rows
    assert row == Row(int(PLACED_AT), "USD", gross=2500, cancelled=1250, units=1, orders=1)


def test_currencies_are_never_added_up() -> None:
    book = book_of(order("1"), order("2", currency="EUR", channel=OWN_SHOP))

    told = report(book, "channel")

    assert [(row.key, row.currency, row.gmv) for row in told.rows] == [
        ("shop", "EUR", 1250),
        ("tiktok", "USD", 1250),
    ]
    assert [(total.currency, total.gmv) for total in told.totals] == [("EUR", 1250), ("USD", 1250)]
    assert told.tiktok_share == {"EUR": 0.0, "USD": 1.0}


def test_tiktoks_share_is_of_all_channels_also_in_a_report_of_one() -> None:
    book = book_of(order("1"), order("2", line(price=3750), channel=OWN_SHOP))

    told = report(book, "show", Wanted(channel="shop"))

    assert told.tiktok_share == {"USD": 0.25}
    assert [total.gmv for total in told.totals] == [3750]


def test_there_is_no_share_of_nothing() -> None:
    book = book_of(order("1", line(status=OrderStatus.CANCELLED)))

    assert report(book, "channel").tiktok_share == {"USD": None}
    assert report(Book(UTC), "channel") == Report((), (), {})


def test_orders_are_those_placed_from_the_first_moment_to_before_the_last() -> None:
    book = book_of(*(order(str(n), created_at=PLACED_AT + n) for n in range(4)))

    told = report(book, "channel", Wanted(since=PLACED_AT + 1, until=PLACED_AT + 3))

    assert [row.orders for row in told.rows] == [2]


def test_a_show_or_a_channel_that_nobody_knows_sold_nothing() -> None:
    book = book_of(order("1"))

    assert report(book, "hour", Wanted(show="summer")).rows == ()
    assert report(book, "hour", Wanted(channel="market")).rows == ()


def test_hours_are_those_of_the_shops_clock() -> None:
    india = ZoneInfo("Asia/Kolkata")
    book = book_of(order("1"), zone=india)  # 13:30 there

    (row,) = report(book, "hour").rows

    assert isinstance(row.key, int)
    assert datetime.fromtimestamp(row.key, india).isoformat() == "2027-01-15T13:00:00+05:30"


def test_the_hour_that_comes_twice_in_autumn_is_two_rows() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=0).timestamp()
    book = book_of(order("1", created_at=first), order("2", created_at=first + 3600), zone=BERLIN)

    hours = [row.key for row in report(book, "hour").rows]

    assert hours == [first - 1800, first + 1800]


def test_a_room_that_turns_out_to_be_anothers_takes_its_sales_along() -> None:
    book = book_of(order("1", line(room=RoomId("r1"))), order("2", show="winter"))
    assert {row.key: row.gmv for row in report(book, "show").rows} == {
        "autumn": 1250,
        "winter": 1250,
    }

    assert book.attribute({RoomId("r1"): "winter"}) == {"autumn", "winter"}

    assert {row.key: row.gmv for row in report(book, "show").rows} == {"winter": 2500}
    assert book.attribute({RoomId("r1"): "winter"}) == set()
    assert book.attribute({}) == {"winter"}
    assert {row.key: row.gmv for row in report(book, "show").rows} == {None: 1250, "winter": 1250}


def test_putting_orders_in_tells_which_shows_may_have_other_figures_now() -> None:
    book = book_of(order("1", line(room=RoomId("r1"))))

    assert book.put([order("2", line(room=RoomId("r1")))]) == {"autumn"}
    assert book.put([order("2", line())]) == {"autumn"}
    assert book.put([order("3")]) == set()
    assert book.put([order("4", show="winter")]) == {"winter"}


def test_the_first_order_of_a_room_is_the_earliest_whenever_it_comes_paid_or_not() -> None:
    room = RoomId("r9")
    book = book_of(order("1", line(room=room)))
    assert book.first_orders() == {room: PLACED_AT}

    unpaid = {"status": OrderStatus.UNPAID, "paid_at": None}
    book.put([order("2", line(room=room), created_at=PLACED_AT - 60, **unpaid)])
    assert book.first_orders() == {room: PLACED_AT - 60}

    book.put([order("2", line(), line("2"), created_at=PLACED_AT - 60, **unpaid)])
    assert book.first_orders() == {room: PLACED_AT}


@given(found=st.lists(orders(), max_size=30))
def test_what_shows_sold_is_what_a_report_of_each_tells(found: list[Order]) -> None:
    book = book_of(*found)
    shows = {"autumn", "winter", "summer"}

    each = {show: report(book, "channel", Wanted(show=show)) for show in shows}

    assert of_shows(book, shows) == {show: told for show, told in each.items() if told.rows}
    assert of_shows(book, {"winter"}).keys() <= {"winter"}


def test_what_rooms_sold_is_told_for_each_of_them() -> None:
    book = book_of(
        order("1", line(room=RoomId("r1")), line("2", room=RoomId("r2"))),
        order("2", line(room=RoomId("r1"), price=100)),
        order("3"),
    )

    found = rooms(book)

    assert {room: [(row.gmv, row.orders) for row in rows] for room, rows in found.items()} == {
        "r1": [(1350, 2)],
        "r2": [(1250, 1)],
    }


def test_a_product_is_called_as_its_latest_order_does() -> None:
    book = book_of(order("1"), order("2", line(title="Blue mug")))
    book.put([replace(order("3"), lines=(line(product=None, title="A gift"),))])

    assert book.titles == {"p_mug": "Blue mug"}


def test_a_book_grows_with_what_comes_in() -> None:
    many = [order(str(n), line(), line("2")) for n in range(3000)]
    book = book_of(*many)

    (row,) = report(book, "product").rows
    assert (row.orders, row.units, row.gmv) == (3000, 6000, 6000 * 1250)
