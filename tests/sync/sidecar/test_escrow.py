"""What is set aside for TikTok bounds what it sells, whoever buys when, and whatever fails."""

from typing import Any

import pytest

from sync.errors import InsufficientStock
from sync.model import TIKTOK, Product, SkuId, Stock, StockPolicy
from sync.orders.order import OWN_SHOP, Claim, LineId, Order, OrderId, OrderLine
from sync.sandbox.faults import LATE_S
from sync.sidecar.escrow import QUIET_S
from sync.sidecar.session import RECONCILE_S
from sync.sidecar.sidecar import Sidecar
from sync.tiktok.errors import Refused
from tests.sync.sidecar.crashing import Crashed, crashing
from tests.sync.sidecar.rig import Rig

MUG = SkuId("s_mug")


async def selling(rig: Rig, units: int = 5, **policy: Any) -> Sidecar:
    """TikTok sells mugs, and no request is counted yet."""
    if policy:
        await rig.set_channel(stock=StockPolicy(**policy))
    await rig.add("mug", units=units)
    sidecar = rig.sidecar()
    await rig.cycles(sidecar)
    await rig.control.forget_requests()
    return sidecar


async def offered(rig: Rig) -> int:
    [there] = await rig.there()
    units: int = there["skus"][0]["available"]
    return units


async def remote_sku(rig: Rig) -> str:
    [there] = await rig.there()
    sku: str = there["skus"][0]["id"]
    return sku


async def stock(rig: Rig) -> Stock:
    return await rig.stores.stocks.get(MUG)


async def sell(rig: Rig, number: int, units: int = 1) -> bool:
    """An order of the shop's own; whether it was taken."""
    line = OrderLine(LineId("1"), "The mug", 1250, units=units, sku=MUG)
    order = Order(
        OrderId(f"o_{number}"),
        OWN_SHOP,
        str(number),
        "UNPAID",
        "USD",
        (line,),
        created_at=rig.now(),
        updated_at=rig.now(),
    )
    claim = Claim(LineId("1"), MUG, ordered=units, units=units, sent=0)
    try:
        await rig.stores.orders.save(order, [claim], by="test", strict=True)
    except InsufficientStock:
        return False
    return True


async def sets(rig: Rig) -> int:
    counted = await rig.control.requests()
    return sum(counted.get("update_inventory", {}).values())


async def test_all_units_are_set_aside_for_the_only_channel_that_sells(rig: Rig) -> None:
    await selling(rig)
    assert await offered(rig) == 5
    assert (await stock(rig)).quotas == {TIKTOK: 5}
    assert (await stock(rig)).doubts == {}


async def test_what_tiktok_sells_is_taken_in_without_another_level(rig: Rig) -> None:
    sidecar = await selling(rig)
    await rig.control.buy(await remote_sku(rig), 2)
    await rig.wait(10.0)
    await sidecar.cycle()
    assert ((await stock(rig)).committed, (await stock(rig)).quotas) == (2, {TIKTOK: 3})
    assert (await offered(rig), await sets(rig)) == (3, 0)


async def test_units_that_the_shop_sells_come_back_from_tiktok(rig: Rig) -> None:
    sidecar = await selling(rig)
    assert not await sell(rig, 1, 2)
    await sidecar.cycle()
    assert (await stock(rig)).free >= 2
    assert await sell(rig, 1, 2)
    await sidecar.cycle()
    left = await stock(rig)
    assert (left.committed, left.quotas[TIKTOK]) == (2, await offered(rig))


async def test_more_is_offered_at_once_while_old_and_new_are_free(rig: Rig) -> None:
    sidecar = await selling(rig, 40, share=20)
    assert await offered(rig) == 8
    await rig.set_channel(stock=StockPolicy(share=50))
    await sidecar.cycle()
    assert (await offered(rig), await sets(rig)) == (20, 1)
    assert (await stock(rig)).quotas == {TIKTOK: 20}


async def test_else_it_goes_through_zero(rig: Rig) -> None:
    sidecar = await selling(rig, 40)
    await rig.set_channel(stock=StockPolicy(share=50))
    await sidecar.cycle()
    assert (await offered(rig), await sets(rig)) == (20, 2)
    assert (await stock(rig)).free == 20


async def test_the_moment_of_zero_is_not_sold_out(rig: Rig) -> None:
    sidecar = await selling(rig, 40)
    await rig.control.fail("error_503", "search_inventory", 99)
    await rig.set_channel(stock=StockPolicy(share=50))
    await sidecar.cycle()
    assert await offered(rig) == 0
    assert (await stock(rig)).available == 40


@pytest.mark.parametrize("share", [20, 50, 80])
@pytest.mark.parametrize("bought", [1, 2, 5, 9])
async def test_who_buys_between_our_read_and_our_write_has_what_was_set_aside(
    rig: Rig, share: int, bought: int
) -> None:
    sidecar = await selling(rig, 10, share=50)
    sku = await remote_sku(rig)
    for nth in (1, 2):
        await rig.control.before_inventory_update(sku, bought, nth)
    await rig.set_channel(stock=StockPolicy(share=share))
    taken = 0
    for number in range(12):
        taken += await sell(rig, number)
        await sidecar.cycle()
        await rig.wait(11.0)
    await rig.cycles(sidecar, 2, 11.0)
    after = await stock(rig)
    orders = rig.sandbox.world.market(None).orders.by_id.values()
    at_tiktok = sum(len(order.line_items) for order in orders)
    assert at_tiktok + taken <= 10
    assert after.committed == at_tiktok + taken
    assert after.quotas[TIKTOK] == await offered(rig)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_crash_at_any_step_oversells_nothing_and_is_made_good(
    rig: Rig, after: bool
) -> None:
    sidecar = await selling(rig, 40)
    sku = await remote_sku(rig)
    crashes = 0
    for at in range(1, 41):
        await rig.set_channel(stock=StockPolicy(share=50 if at % 2 else 90))
        try:
            async with crashing(rig, at, after=after):
                await sidecar.cycle()
        except Crashed:
            crashes += 1
            sidecar = rig.sidecar()
        assert await offered(rig) <= (await stock(rig)).quotas[TIKTOK]
        if at % 4 == 0 and await offered(rig):
            await rig.control.buy(sku, 1)
        await rig.cycles(sidecar, 2, 2 * QUIET_S)
        now = await stock(rig)
        assert (now.doubts, now.quotas[TIKTOK]) == ({}, await offered(rig))
    assert crashes > 20
    market = rig.sandbox.world.market(None)
    assert (await stock(rig)).committed == len(market.orders)


async def test_a_set_that_was_done_and_never_answered_is_found_out(rig: Rig) -> None:
    sidecar = await selling(rig, 40)
    await rig.control.fail("close_after", "update_inventory", 20)
    await rig.set_channel(stock=StockPolicy(share=50))
    await sidecar.cycle()
    await rig.control.clear_faults()
    await rig.cycles(sidecar, 4, 20.0)
    assert (await offered(rig), (await stock(rig)).quotas) == (20, {TIKTOK: 20})


@pytest.mark.parametrize("lost", ["close_after", "done_late"])
async def test_what_was_sold_of_a_level_whose_answer_was_lost_is_not_offered_again(
    rig: Rig, lost: Any
) -> None:
    sidecar = await selling(rig, 3)
    remote = await remote_sku(rig)
    sold = 0

    async def buys() -> None:
        nonlocal sold
        if not sold and await offered(rig) == 8:
            await rig.control.buy(sku_id=remote)
            sold = 1

    rig.control.after("update_inventory", buys)
    await rig.control.fail(lost, "update_inventory", skip=1)  # the first says 0
    assert await rig.stock(MUG, 8)
    await rig.cycles(sidecar, 4, QUIET_S)

    assert (await stock(rig)).quotas == {TIKTOK: 8 - sold}
    assert await offered(rig) == 8 - sold


async def test_a_level_that_is_set_at_once_does_not_hide_an_earlier_that_comes_late(
    rig: Rig,
) -> None:
    sidecar = await selling(rig, 3)
    await rig.control.fail("done_late", "update_inventory", skip=1)  # the first says 0
    assert await rig.stock(MUG, 8)
    await sidecar.cycle()
    assert not await rig.stock(MUG, 0)  # so all are asked back
    await sidecar.cycle()
    assert await offered(rig) == 0

    await rig.wait(LATE_S)
    assert await offered(rig) == (await stock(rig)).quotas[TIKTOK] == 8
    await rig.cycles(sidecar, 2, QUIET_S)
    assert await offered(rig) == 0
    assert await rig.stock(MUG, 0)


async def test_a_tiktok_that_does_not_tell_its_levels_is_asked_once_a_second(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidecar = await selling(rig)
    await rig.stores.stocks.doubt([MUG], TIKTOK)
    asked: list[float] = []

    async def refusing(*_: object, **__: object) -> None:
        asked.append(rig.now())
        raise Refused("not now")

    began_at = rig.now()
    with monkeypatch.context() as patch:
        patch.setattr(rig.tiktok, "read_stock", refusing)
        await rig.cycles(sidecar, 3, pause_s=0.0)
        await rig.wait(1.0)
        await rig.cycles(sidecar, 3, pause_s=0.0)
    assert asked == [began_at, began_at + 1.0]

    await rig.wait(1.0)
    await sidecar.cycle()
    assert (await stock(rig)).doubts == {}


@pytest.mark.parametrize("is_in_doubt", [False, True])
async def test_a_clock_that_is_put_back_holds_nothing_up(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, is_in_doubt: bool
) -> None:
    right, ahead_s = rig.now, 25.0
    monkeypatch.setattr(rig, "now", lambda: right() + ahead_s)
    sidecar = await selling(rig)
    if is_in_doubt:
        await rig.control.fail("done_late", "update_inventory")
        await rig.set_channel(stock=StockPolicy(share=50))
    await sidecar.cycle()
    assert bool((await stock(rig)).doubts) == is_in_doubt

    ahead_s = -3600.0
    await rig.control.tamper(lose=10)
    await rig.control.buy(await remote_sku(rig), 1)
    await sidecar.cycle()

    assert await rig.stores.orders.count() == 1
    assert (await stock(rig)).doubts == {}


async def test_a_listing_of_before_escrow_goes_through_zero(rig: Rig) -> None:
    sidecar = await selling(rig, 5, mode="buffered")
    assert (await stock(rig)).quotas == {}
    await rig.control.buy(await remote_sku(rig), 1)
    await rig.set_channel(stock=StockPolicy())
    await rig.cycles(sidecar, 2, 11.0)
    after = await stock(rig)
    assert (after.committed, after.quotas, after.unbound) == (1, {TIKTOK: 4}, ())
    assert (await offered(rig), await sets(rig)) == (4, 2)


async def test_without_escrow_nothing_stays_set_aside(rig: Rig) -> None:
    sidecar = await selling(rig, 5)
    await rig.set_channel(stock=StockPolicy("buffered", buffer=2))
    await sidecar.cycle()
    assert ((await stock(rig)).quotas, await offered(rig)) == ({}, 3)


async def test_what_a_seller_sets_at_tiktok_is_reported_and_undone_once(rig: Rig) -> None:
    sidecar = await selling(rig, 5)
    sku = await remote_sku(rig)
    [remote] = await rig.there()
    market = rig.sandbox.world.market(None)
    places = market.catalogue.by_id[remote["id"]].stock[sku]  # type: ignore[index]
    next(iter(places.values())).available = 9
    await rig.wait(RECONCILE_S)
    await sidecar.cycle()
    [drift] = (await rig.progress()).drifts
    assert (drift.sku, drift.units) == (MUG, 4)
    await rig.cycles(sidecar, 2, 20.0)
    assert (await offered(rig), (await stock(rig)).quotas) == (5, {TIKTOK: 5})
    before = await stock(rig)
    await rig.control.forget_requests()
    await rig.wait(RECONCILE_S)
    await sidecar.cycle()
    assert (await sets(rig), (await rig.progress()).drifts) == (0, ())
    assert await stock(rig) == before


async def test_a_server_without_the_lease_sets_nothing_aside(rig: Rig) -> None:
    first = await selling(rig, 40)
    redis = rig.connection.redis
    await rig.connection.asked(lambda: redis.delete("shopcast:{shop}:lease:sync"))
    assert await rig.sidecar("second").cycle()
    before = await stock(rig)
    await rig.set_channel(stock=StockPolicy(share=50))
    with pytest.raises(Exception, match="taken over"):
        await first.cycle()
    assert (await stock(rig), await sets(rig)) == (before, 0)


async def test_a_product_of_ours_that_tiktok_has_is_adopted_and_goes_through_zero(
    rig: Rig,
) -> None:
    await selling(rig, 5)
    await rig.connection.asked(rig.connection.redis.flushall)
    await rig.connect(auto_sync=False)
    product: Product = await rig.add("mug", units=3)
    sidecar = rig.sidecar()
    await rig.cycles(sidecar, 3)
    await rig.set_channel(auto_sync=True)
    await rig.cycles(sidecar, 3)
    assert (await rig.listing(product.id)).remote_id is not None
    assert (await offered(rig), (await stock(rig)).quotas) == (3, {TIKTOK: 3})


async def test_what_tiktok_refuses_to_list_keeps_no_units(rig: Rig) -> None:
    await rig.control.shop(failing={"PICKUP_WAREHOUSE": ["There is none."]})
    await rig.add("mug")
    sidecar = rig.sidecar()
    await rig.cycles(sidecar, 1, 5.0)
    assert ((await stock(rig)).free, (await stock(rig)).doubts) == (5, {})


async def test_what_was_set_aside_for_another_shop_bounds_nothing_of_this_one(rig: Rig) -> None:
    await selling(rig)
    [british] = [each for each in rig.sandbox.world.markets.values() if each.shop.region == "GB"]
    await rig.connect("harbour", british.shop.id)
    await rig.wait(11.0)
    await rig.sidecar("second").cycle()
    assert (await stock(rig)).free == 5
