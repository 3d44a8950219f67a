"""Orders found among all."""

from typing import Any

import pytest

from sync.model import TIKTOK, ChannelId
from sync.orders.claims import claims
from sync.orders.finding import MOST_LOOKED_AT, Sought, find
from sync.orders.order import OrderId, RoomId
from sync.store.orders import Filters
from tests.sync.orders.market import Market
from tests.sync.orders.things import AT, line, order


async def kept(market: Market, number: int, **changes: Any) -> OrderId:
    each = order(
        line(room=changes.pop("room", None)),
        id=OrderId(f"o_{number:04}"),
        remote_id=f"#{number}",
        created_at=AT + number,
        **changes,
    )
    await market.orders.save(each, claims(each), by="test")
    return each.id


async def found(market: Market, sought: Sought, limit: int = 50) -> list[OrderId]:
    """All that is found, page by page."""
    ids: list[OrderId] = []
    after = None
    while True:
        page = await find(market.orders, sought, after, limit)
        assert len(page.orders) <= limit
        ids += [each.id for each in page.orders]
        if page.next is None:
            return ids
        after = page.next


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_every_order_of_a_show_is_found_once_whatever_the_page(
    limit: int, market: Market
) -> None:
    ids = [
        await kept(market, number, show="autumn" if number % 3 == 0 else None)
        for number in range(10)
    ]

    assert await found(market, Sought(show="autumn"), limit) == ids[::-3]
    assert await found(market, Sought(), limit) == ids[::-1]


async def test_the_orders_of_a_shows_lives_are_its_orders(market: Market) -> None:
    in_live = await kept(market, 1, room=RoomId("77"), channel=TIKTOK)
    await kept(market, 2, room=RoomId("78"), channel=TIKTOK)
    named = await kept(market, 3, show="autumn")
    sought = Sought(show="autumn", rooms={RoomId("77")})

    assert await found(market, sought) == [named, in_live]
    assert await found(market, sought._replace(filters=Filters(TIKTOK, None))) == [in_live]
    assert await found(market, sought._replace(filters=Filters(ChannelId("ebay"), None))) == []


async def test_an_order_is_found_by_its_number(market: Market) -> None:
    one, other = await kept(market, 1), await kept(market, 2)

    assert await found(market, Sought(number="#1")) == [one]
    assert await found(market, Sought(number=other)) == [other]
    assert await found(market, Sought(number="#")) == []


async def test_tiktoks_number_finds_its_order_at_once(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed()
    remote_id = await market.bought(1)
    await market.follow()
    monkeypatch.delattr(type(market.orders), "page")

    page = await find(market.orders, Sought(number=remote_id), None, 50)

    assert [each.remote_id for each in page.orders] == [remote_id]
    assert page.held[page.orders[0].id]
    assert page.next is None


async def test_a_search_in_very_many_orders_goes_on_with_the_next_page(market: Market) -> None:
    orders = [
        order(id=OrderId(f"o_{number:04}"), remote_id=f"#{number}", created_at=AT + number)
        for number in range(MOST_LOOKED_AT + 50)
    ]
    for each in orders:
        await market.orders.save(each, (), by="test")

    first = await find(market.orders, Sought(number="#3"), None, 50)
    assert first.orders == []
    assert first.next is not None
    second = await find(market.orders, Sought(number="#3"), first.next, 50)

    assert [each.remote_id for each in second.orders] == ["#3"]
    assert second.next is None
