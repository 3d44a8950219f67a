"""The book in step with the orders in a real Redis."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest

from mediaserver.redis_server import RedisServer
from sync.connection import Connection
from sync.errors import StoreUnavailable
from sync.model import Notice
from sync.orders.order import Order, OrderId, RoomId
from sync.sales import bookkeeper
from sync.sales.bookkeeper import Bookkeeper
from sync.sales.report import report
from sync.sales.rooms import Airing, Said
from sync.store.notices import EVERYTHING, Notices
from sync.store.stores import Stores
from tests.sync.now import Now
from tests.sync.sales.things import PLACED_AT, line, order

TIMEOUT_S = 30.0
ROOM = RoomId("7")
AIRING = Airing("a", "autumn", "tok", PLACED_AT - 10, PLACED_AT + 10, PLACED_AT + 10)


@pytest.fixture
def stores(connection: Connection, now: Now) -> Stores:
    return Stores(connection, now)


@pytest.fixture
def keeper(connection: Connection, stores: Stores) -> Bookkeeper:
    return Bookkeeper(connection, stores, ZoneInfo("UTC"))


async def keep(stores: Stores, *orders: Order) -> None:
    for each in orders:
        await stores.orders.save(each, [], by="test")


async def shows(keeper: Bookkeeper) -> dict[str | int | None, int]:
    """What each show earned, with every change that was heard of."""
    async with keeper.reading() as (book, _):
        return {row.key: row.gmv for row in report(book, "show").rows}


async def test_whoever_asks_before_anything_was_heard_waits_until_all_is_read(
    keeper: Bookkeeper, stores: Stores
) -> None:
    await keep(stores, order("1", show="autumn"))
    assert keeper.book is None

    assert await shows(keeper) == {"autumn": 1250}


async def test_all_orders_are_read_and_then_those_that_changed(
    keeper: Bookkeeper, stores: Stores
) -> None:
    await keep(stores, *(order(str(n), show="autumn") for n in range(1200)))
    keeper.note(EVERYTHING)
    assert await shows(keeper) == {"autumn": 1200 * 1250}

    await keep(stores, order("1200", show="winter"))
    assert await shows(keeper) == {"autumn": 1200 * 1250}  # nobody has told yet
    keeper.note(Notice("order", ("1200", "none")))
    keeper.note(Notice("stock", ("p_mug",)))
    assert await shows(keeper) == {"autumn": 1200 * 1250, "winter": 1250}


async def test_what_was_missed_is_found_when_everything_is_read_again(
    keeper: Bookkeeper, stores: Stores, connection: Connection
) -> None:
    await keep(stores, order("1", show="autumn"))
    keeper.note(EVERYTHING)
    await shows(keeper)

    await connection.redis.flushall()
    await keep(stores, order("2", show="winter"))
    keeper.note(EVERYTHING)

    assert await shows(keeper) == {"winter": 1250}


async def test_rooms_follow_what_is_known_of_airings_and_what_people_say(
    keeper: Bookkeeper, stores: Stores
) -> None:
    await keep(stores, order("1", line(room=ROOM)))
    keeper.note(EVERYTHING)
    assert await shows(keeper) == {None: 1250}

    await stores.airings.save([AIRING], is_news=True)
    keeper.note(Notice("sales"))
    assert await shows(keeper) == {"autumn": 1250}

    await keeper.say(ROOM, Said("winter", "producer Pia", PLACED_AT))
    assert await shows(keeper) == {"winter": 1250}
    async with keeper.reading() as (_, lives):
        pass
    assert (lives[ROOM].confirmed, lives[ROOM].candidates) == (True, ("autumn",))


async def test_a_room_that_nobody_has_seen_yet_is_looked_up(
    keeper: Bookkeeper, stores: Stores
) -> None:
    keeper.note(EVERYTHING)
    await shows(keeper)
    await stores.airings.save([AIRING], is_news=False)

    await keep(stores, order("1", line(room=ROOM)))
    keeper.note(Notice("order", ("1",)))

    assert await shows(keeper) == {"autumn": 1250}


async def test_an_earlier_first_order_that_comes_later_counts(
    keeper: Bookkeeper, stores: Stores
) -> None:
    await stores.airings.save([AIRING], is_news=False)
    await keep(stores, order("1", line(room=ROOM), created_at=PLACED_AT + 60))
    keeper.note(EVERYTHING)
    assert await shows(keeper) == {None: 1250}

    await keep(stores, order("2", line(room=ROOM), created_at=PLACED_AT))
    keeper.note(Notice("order", ("2",)))

    assert await shows(keeper) == {"autumn": 2500}


async def test_those_who_tell_hear_which_shows_may_have_other_figures(
    keeper: Bookkeeper, stores: Stores
) -> None:
    heard: list[set[str] | None] = []
    keeper.on_change = heard.append
    keeper.note(EVERYTHING)
    await shows(keeper)
    await keep(stores, order("1", show="autumn"), order("2"))
    keeper.note(Notice("order", ("1", "2")))
    await shows(keeper)
    await shows(keeper)

    assert heard == [None, {"autumn"}]


async def test_nothing_is_forgotten_when_redis_goes_away_while_it_is_read(
    keeper: Bookkeeper, stores: Stores, connection: Connection, redis_server: RedisServer
) -> None:
    keeper.note(EVERYTHING)
    await shows(keeper)
    await stores.airings.save([AIRING], is_news=True)
    await keep(stores, order("1", line(room=ROOM)))
    keeper.note(Notice("order", ("1",)))
    keeper.note(Notice("sales"))
    back = asyncio.Event()

    async def on_back() -> None:
        back.set()

    await redis_server.stop()
    with pytest.raises(StoreUnavailable):
        await shows(keeper)
    await redis_server.start()
    watching = asyncio.create_task(connection.watch(on_back))
    async with asyncio.timeout(TIMEOUT_S):
        await back.wait()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)

    assert await shows(keeper) == {"autumn": 1250}


@pytest.fixture
async def running(
    keeper: Bookkeeper, notices: Notices, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bookkeeper]:
    """One that hears what the store tells, without pauses."""
    monkeypatch.setattr(bookkeeper, "PAUSE_S", 0.0)

    async def hear() -> None:
        async with contextlib.aclosing(notices.listen()) as heard:
            async for notice in heard:
                keeper.note(notice)

    tasks = [asyncio.create_task(each) for each in (hear(), keeper.run())]
    yield keeper
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_orders_that_are_taken_in_while_everything_is_read_are_counted_once(
    running: Bookkeeper, stores: Stores
) -> None:
    for number in range(300):
        await keep(stores, order(str(number), show="autumn"))
        if number % 50 == 0:
            running.note(EVERYTHING)

    async with asyncio.timeout(TIMEOUT_S):
        while running.book is None or running.book.orders < 300:
            await stores.orders.get(OrderId("0"))

    assert await shows(running) == {"autumn": 300 * 1250}
