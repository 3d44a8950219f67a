"""What the shop's own checkout does: orders placed, and those that wait for units at TikTok."""

import asyncio

import pytest

from sync.errors import Conflict, InsufficientStock, Shortage
from sync.model import TIKTOK, SkuId
from sync.orders.order import Order
from sync.orders.order_draft import LineDraft, OrderDraft
from sync.store.orders import Idempotency
from tests.sync.orders.market import Market

MUG = SkuId("s_mug")


def draft(units: int = 1, sku: SkuId = MUG) -> OrderDraft:
    return OrderDraft((LineDraft(sku, units),), paid=True)


async def placed(market: Market, units: int = 1, key: str = "k1") -> Order:
    saved = await market.desk.place(draft(units), Idempotency(key, f"{units}"), by="owner")
    return saved.order


async def test_an_order_takes_what_is_free_and_nothing_that_is_set_aside(market: Market) -> None:
    await market.listed(units=10, level=6)

    await placed(market, 4)

    assert await market.units() == (10, 4, 6)


async def test_an_order_waits_for_units_that_are_set_aside(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed(units=10, level=6)
    waits = []

    async def wait(seconds: float) -> None:
        """TikTok gives its units back while the order waits for the third time."""
        waits.append((await market.stock()).wanted)
        if len(waits) == 3:
            await market.stores.stocks.release_quotas(TIKTOK, market.fence)

    monkeypatch.setattr(market.desk, "_sleep", wait)

    order = await placed(market, 7)

    assert order.status == "AWAITING_SHIPMENT"
    assert waits == [7, 7, 7]
    assert await market.units() == (10, 7, 0)


async def test_an_order_waits_no_longer_than_five_seconds(market: Market) -> None:
    await market.listed(units=10, level=6)
    began_at = market.rig.now()

    with pytest.raises(InsufficientStock) as refused:
        await placed(market, 7)

    assert refused.value.shortages == (Shortage(MUG, wanted=7, free=4, set_aside=6),)
    assert "try again soon" in str(refused.value)
    assert market.rig.now() - began_at == 5.0
    assert await market.units() == (10, 0, 6)


async def test_an_order_does_not_wait_for_units_that_there_are_not(market: Market) -> None:
    await market.listed(units=10, level=6)
    began_at = market.rig.now()

    with pytest.raises(InsufficientStock):
        await placed(market, 11)

    assert market.rig.now() == began_at


async def test_no_unit_is_sold_to_two(market: Market) -> None:
    await market.listed(units=5, level=0)

    outcomes = await asyncio.gather(
        *(placed(market, 2, f"k{number}") for number in range(4)), return_exceptions=True
    )

    assert [isinstance(each, InsufficientStock) for each in outcomes].count(True) == 2
    assert await market.units() == (5, 4, 0)


async def test_a_key_is_known_though_the_product_is_gone(market: Market) -> None:
    product = await market.rig.add("mug")
    first = await placed(market)
    await market.desk.fulfil(first.id, None, None, by="owner")
    await market.stores.products.delete(product)

    again = await market.desk.place(draft(), Idempotency("k1", "1"), by="owner")

    assert (again.order.id, again.is_new) == (first.id, False)


async def test_a_key_that_came_with_another_body_is_refused(market: Market) -> None:
    await market.rig.add("mug")
    await placed(market, 1)

    with pytest.raises(Conflict, match="another body"):
        await placed(market, 2)


async def test_tiktoks_orders_are_not_moved_from_here(market: Market) -> None:
    await market.listed()
    remote_id = await market.bought(1)
    await market.follow()
    order = await market.order(remote_id)

    for move in (market.desk.pay, market.desk.complete):
        with pytest.raises(Conflict, match="goes on at tiktok"):
            await move(order.id, by="owner")
    with pytest.raises(Conflict, match="tracking_number and the carrier"):
        await market.desk.fulfil(order.id, None, None, by="owner")


async def test_two_who_move_an_order_at_once_both_come_through(market: Market) -> None:
    await market.rig.add("mug", units=5)
    order = await placed(market, 3)
    line = order.lines[0].id

    await asyncio.gather(
        market.desk.fulfil(order.id, {line: 1}, None, by="Ann"),
        market.desk.cancel(order.id, {line: 1}, None, "Broken", by="Bea"),
    )

    (after,) = (await market.orders.page()).orders
    assert (after.lines[0].sent, after.lines[0].cancelled) == (1, 1)
    assert await market.units() == (4, 1, 0)


async def test_what_did_not_come_back_is_not_restocked(market: Market) -> None:
    await market.listed(units=10, level=5)
    remote_id = await market.bought(2)
    await market.control.ship(remote_id)
    await market.follow()
    order = await market.order(remote_id)
    assert await market.units() == (8, 0, 3)

    with pytest.raises(Conflict, match="no units came back"):
        await market.desk.restock(order.id, None, by="Ann")
