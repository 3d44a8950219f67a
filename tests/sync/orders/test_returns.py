"""What came back from TikTok's buyers: read from there, and put on the shelf by a person."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sync.errors import Conflict
from sync.model import SkuId
from sync.orders.order import Order
from sync.tiktok import wire
from sync.tiktok.errors import ScopeMissing
from tests.sync.orders.market import Market


class Returns:
    """TikTok's, as they are to be; `queries` are those that were asked."""

    def __init__(self) -> None:
        self.all: list[wire.Return] = []
        self.queries: list[wire.ReturnQuery] = []

    async def pages(
        self, shop: wire.ShopCipher, query: wire.ReturnQuery
    ) -> AsyncIterator[wire.Page[wire.Return]]:
        self.queries.append(query)
        found = [
            each
            for each in self.all
            if (query.order_ids is None or each.order_id in query.order_ids)
            and (each.update_time or 0) >= (query.update_time_ge or 0)
        ]
        yield wire.Page(tuple(found), None, len(found))

    def put(self, order: Order, status: str, at: float) -> None:
        refund = wire.Refund(currency="USD", refund_total="12.50")
        told = wire.Return(
            return_id="r1",
            order_id=order.remote_id,
            return_type=wire.ReturnType.RETURN_AND_REFUND,
            return_status=status,
            create_time=1,
            update_time=int(at),
            refund_amount=refund,
            return_line_items=(
                wire.ReturnedLine(order_line_item_id=order.lines[0].id, refund_amount=refund),
            ),
        )
        self.all = [told]


@pytest.fixture
def returns(market: Market, monkeypatch: pytest.MonkeyPatch) -> Returns:
    returns = Returns()
    monkeypatch.setattr(market.rig.tiktok, "return_pages", returns.pages)
    return returns


async def delivered(market: Market) -> Order:
    """Of two units."""
    await market.listed(units=10, level=5)
    remote_id = await market.bought(2)
    await market.control.ship(remote_id)
    await market.control.deliver(remote_id)
    await market.follow()
    return await market.order(remote_id)


async def test_a_return_restocks_nothing_by_itself_and_a_person_does(
    market: Market, returns: Returns
) -> None:
    order = await delivered(market)
    returns.put(order, wire.ReturnStatus.COMPLETE, market.rig.now())

    await market.taking.take([order.remote_id])

    back = await market.order(order.remote_id)
    assert [(line.returned, line.refunded) for line in back.lines] == [(1, 1250), (0, 0)]
    assert await market.units() == (8, 0, 3)
    after = await market.desk.restock(order.id, None, by="Ann")
    assert after.lines[0].restocked == 1
    assert await market.units() == (9, 0, 3)
    with pytest.raises(Conflict):
        await market.desk.restock(order.id, None, by="Ann")
    await market.taking.take([order.remote_id])
    assert (await market.order(order.remote_id)).lines[0].restocked == 1
    assert await market.units() == (9, 0, 3)
    history = await market.stores.stocks.history(SkuId("s_mug"))
    assert (history[0].by, history[0].reason) == ("Ann", "restocked")


async def test_a_return_is_found_though_its_webhook_is_lost(
    market: Market, returns: Returns
) -> None:
    order = await delivered(market)
    await market.taking.poll()
    await market.rig.wait(120)
    returns.put(order, wire.ReturnStatus.PENDING, market.rig.now())

    await market.taking.poll()
    pending = await market.order(order.remote_id)
    await market.rig.wait(120)
    returns.put(order, wire.ReturnStatus.COMPLETE, market.rig.now())
    await market.taking.poll()
    complete = await market.order(order.remote_id)

    assert [each.status for each in pending.returns] == [wire.ReturnStatus.PENDING]
    assert pending.lines[0].returned == 0
    assert complete.lines[0].returned == 1


async def test_returns_are_asked_for_only_where_something_was_sent(
    market: Market, returns: Returns
) -> None:
    await market.listed()
    await market.bought(1)
    await market.follow()
    assert returns.queries == []

    await market.listed("pot")
    sent = await market.bought(1, "pot")
    await market.control.ship(sent)
    await market.follow()
    assert [each.order_ids for each in returns.queries] == [(sent,)]


async def test_a_tiktok_that_does_not_tell_of_returns_tells_of_orders(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await delivered(market)

    async def silent(*_: Any) -> AsyncIterator[Any]:
        raise ScopeMissing("not granted")
        yield

    monkeypatch.setattr(market.rig.tiktok, "return_pages", silent)
    await market.control.complete(order.remote_id)
    await market.taking.poll()

    assert (await market.order(order.remote_id)).status == "COMPLETED"


async def test_many_short_looks_ask_for_returns_once_a_minute(
    market: Market, returns: Returns
) -> None:
    for _ in range(13):
        await market.taking.poll()
        await market.rig.wait(10)

    assert len(returns.queries) == 3
