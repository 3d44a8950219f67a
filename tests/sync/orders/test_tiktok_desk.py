"""TikTok's orders sent and cancelled from here."""

from typing import Any

import pytest

from sync.errors import Conflict, Invalid
from sync.orders.order import LineId, Order
from sync.orders.tiktok_desk import Parcel
from sync.tiktok.errors import ScopeMissing, TikTokUnavailable
from tests.sync.orders.market import Market

PARCEL = Parcel("9400111899223100000000", "USPS")


async def bought(market: Market, units: int = 2) -> Order:
    await market.listed(units=10, level=5)
    remote_id = await market.bought(units)
    await market.follow()
    return await market.order(remote_id)


def lines(order: Order, *numbers: int) -> dict[LineId, int]:
    return {order.lines[number].id: 1 for number in numbers}


async def test_a_whole_order_is_sent(market: Market) -> None:
    order = await bought(market)

    after = await market.desk.fulfil(order.id, None, PARCEL, by="Ann")
    again = await market.desk.fulfil(order.id, None, PARCEL, by="Ann")

    assert after.status in ("AWAITING_COLLECTION", "IN_TRANSIT")
    assert again == after


async def test_part_of_an_order_is_sent(market: Market) -> None:
    order = await bought(market, 3)

    after = await market.desk.fulfil(order.id, lines(order, 1), PARCEL, by="Ann")

    assert after.status == "PARTIALLY_SHIPPING"


async def test_a_carrier_that_tiktok_does_not_know_is_refused_with_those_it_does(
    market: Market,
) -> None:
    order = await bought(market)

    with pytest.raises(Invalid, match="USPS") as refused:
        await market.desk.fulfil(order.id, None, Parcel("94", "Pigeon"), by="Ann")
    assert refused.value.path == "carrier"


async def test_an_order_that_may_be_cancelled_freely_is_not_sent(market: Market) -> None:
    await market.listed()
    remote_id = await market.ordered(1, paid=True)
    await market.follow()
    order = await market.order(remote_id)

    with pytest.raises(Conflict, match="TikTok refuses"):
        await market.desk.fulfil(order.id, None, PARCEL, by="Ann")


async def test_a_whole_order_is_cancelled_once(market: Market) -> None:
    order = await bought(market)

    after = await market.desk.cancel(order.id, None, "out_of_stock", "", by="Ann")
    again = await market.desk.cancel(order.id, None, "out_of_stock", "", by="Ann")

    assert (after.status, again.status) == ("CANCELLED", "CANCELLED")
    assert await market.units() == (10, 0, 5)


async def test_part_of_an_order_is_cancelled(market: Market) -> None:
    order = await bought(market, 3)

    after = await market.desk.cancel(order.id, lines(order, 0), "out_of_stock", "", by="Ann")

    assert [line.cancelled for line in after.lines] == [1, 0, 0]
    assert await market.units() == (10, 2, 3)


async def test_a_cancellation_needs_a_reason_that_tiktok_takes(market: Market) -> None:
    order = await bought(market)

    with pytest.raises(Invalid, match="out_of_stock") as refused:
        await market.desk.cancel(order.id, None, None, "", by="Ann")
    assert refused.value.path == "why"
    with pytest.raises(Invalid, match="unpaid"):
        await market.desk.cancel(order.id, None, "unpaid", "", by="Ann")


async def test_an_answer_that_was_lost_leaves_the_order_as_it_is_there(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await bought(market)
    cancel = market.rig.tiktok.cancel_order

    async def lost(*args: Any) -> None:
        await cancel(*args)
        raise TikTokUnavailable("the answer was lost")

    monkeypatch.setattr(market.rig.tiktok, "cancel_order", lost)
    with pytest.raises(TikTokUnavailable):
        await market.desk.cancel(order.id, None, "out_of_stock", "", by="Ann")

    assert (await market.order(order.remote_id)).status == "CANCELLED"


@pytest.mark.parametrize("units", [{}, {"x": 1}])
async def test_lines_that_there_are_not_are_refused(
    units: dict[LineId, int], market: Market
) -> None:
    order = await bought(market)

    with pytest.raises(Invalid):
        await market.desk.cancel(order.id, units, "out_of_stock", "", by="Ann")


async def test_what_the_app_was_not_granted_is_a_refusal_that_says_what_to_do(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(*_: Any, **__: Any) -> None:
        raise ScopeMissing("the scope seller.fulfillment.basic is not granted.")

    order = await bought(market)
    monkeypatch.setattr(market.rig.tiktok, "mark_shipped", refuses)
    monkeypatch.setattr(market.rig.tiktok, "cancel_order", refuses)

    with pytest.raises(Conflict, match="connect again"):
        await market.desk.fulfil(order.id, None, PARCEL, by="Ann")
    with pytest.raises(Conflict, match="connect again"):
        await market.desk.cancel(order.id, None, "out_of_stock", "", by="Ann")


async def test_nothing_is_told_to_a_shop_that_is_not_connected(market: Market) -> None:
    order = await bought(market)
    await market.rig.set_channel(authorization=None)

    with pytest.raises(Conflict, match="no TikTok Shop is connected"):
        await market.desk.cancel(order.id, None, "out_of_stock", "", by="Ann")
