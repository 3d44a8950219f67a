"""TikTok's orders taken in, by hints and by looks, from a sandbox that plays TikTok."""

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from sync.errors import Conflict, StoreUnavailable
from sync.model import TIKTOK, SkuId
from sync.orders.order import Held, OrderId
from sync.orders.tiktok_order import order_id
from sync.store.lease import Fence, LeaseLost
from sync.tiktok.errors import Refused, TikTokUnavailable, Unreadable
from tests.sync.orders.market import Market


async def test_an_order_is_taken_in_by_a_webhook(market: Market) -> None:
    await market.listed(units=10, level=5)

    remote_id = await market.ordered(2)
    await market.follow()

    order = await market.order(remote_id)
    assert (order.status, order.channel, order.currency) == ("UNPAID", TIKTOK, "USD")
    assert [(line.sku, line.price, line.units) for line in order.lines] == [("s_mug", 1250, 1)] * 2
    assert await market.units() == (10, 2, 3)


async def test_an_order_goes_its_way(market: Market) -> None:
    await market.listed(units=10, level=5)
    remote_id = await market.ordered(2, paid=True)
    seen = []

    async def see() -> None:
        await market.follow()
        seen.append(((await market.order(remote_id)).status, await market.units()))

    await see()
    await market.rig.wait(3600)
    await see()
    await market.control.ship(remote_id)
    await see()
    await market.control.deliver(remote_id)
    await see()
    await market.control.complete(remote_id)
    await see()

    assert seen == [
        ("ON_HOLD", (10, 2, 3)),
        ("AWAITING_SHIPMENT", (10, 2, 3)),
        ("IN_TRANSIT", (8, 0, 3)),
        ("DELIVERED", (8, 0, 3)),
        ("COMPLETED", (8, 0, 3)),
    ]


async def test_webhooks_that_come_twice_have_one_effect(market: Market) -> None:
    await market.listed(units=10, level=5)
    await market.control.tamper(double=20)

    remote_id = await market.ordered(2, paid=True)
    await market.follow()
    await market.taking.take([remote_id, remote_id])
    await market.taking.poll()

    assert market.heard == 4
    assert await market.units() == (10, 2, 3)
    history = await market.stores.stocks.history(SkuId("s_mug"))
    assert [each.reason for each in history].count("ordered") == 1


async def test_webhooks_in_another_order_lead_to_the_same(market: Market) -> None:
    await market.listed(units=10, level=5)
    await market.control.tamper(reorder=20)

    remote_id = await market.bought(2)
    await market.control.ship(remote_id)
    await market.control.tamper()
    await market.follow()

    assert (await market.order(remote_id)).status == "IN_TRANSIT"
    assert await market.units() == (8, 0, 3)


async def test_a_look_finds_what_webhooks_lost(market: Market) -> None:
    await market.listed(units=10, level=5)
    await market.control.tamper(lose=1000)
    first = await market.bought(1)
    await market.taking.poll()
    second = await market.ordered(2)
    await market.control.ship(first)

    await market.taking.poll()

    assert market.heard == 0
    assert (await market.order(first)).status == "IN_TRANSIT"
    assert (await market.order(second)).status == "UNPAID"
    assert await market.units() == (9, 2, 2)


async def test_an_older_answer_takes_nothing_back(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed(units=10, level=5)
    remote_id = await market.bought(1)
    old = await market.rig.tiktok.orders(market.shop, [remote_id])
    await market.rig.wait(5)
    await market.control.ship(remote_id)
    await market.taking.take([remote_id])

    async def late(*_: object) -> Any:
        return old

    with monkeypatch.context() as patch:
        patch.setattr(market.rig.tiktok, "orders", late)
        await market.taking.take([remote_id])

    assert (await market.order(remote_id)).status == "IN_TRANSIT"
    assert await market.units() == (9, 0, 4)


async def test_a_change_in_the_second_of_the_last_one_is_found(market: Market) -> None:
    await market.listed(units=10, level=5)
    await market.control.tamper(lose=1000)
    remote_id = await market.ordered(1)
    await market.taking.poll()
    before = await market.order(remote_id)

    await market.control.pay(remote_id)  # the clock stands still
    await market.taking.poll()

    after = await market.order(remote_id)
    assert after.updated_at == before.updated_at
    assert after.status == "ON_HOLD"


async def test_more_orders_than_a_page_has_in_one_second_are_all_found(market: Market) -> None:
    await market.listed(units=300, level=250)
    await market.control.tamper(lose=10_000)
    remote_ids = [await market.ordered(1) for _ in range(230)]

    await market.taking.poll()

    found = await market.orders.many([order_id(each) for each in remote_ids])
    assert len(found) == 230
    assert len({each.updated_at for each in found.values()}) == 1
    assert await market.units() == (300, 230, 20)


async def test_orders_that_change_while_pages_are_read_make_it_read_again(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed(units=300, level=250)
    await market.control.tamper(lose=10_000)
    for _ in range(150):
        await market.ordered(1)
    search = market.rig.tiktok.search_orders
    skipped: list[str] = []

    async def moving(*args: Any, **said: Any) -> Any:
        """The pages of a TikTok that counts places: one order moves up to a page that was read."""
        page = await search(*args, **said)
        if said.get("token") and not skipped:
            skipped.append(page.items[0].id)
            return msgspec.structs.replace(page, items=page.items[1:])
        return page

    monkeypatch.setattr(market.rig.tiktok, "search_orders", moving)
    await market.taking.poll()

    assert len(skipped) == 1
    assert await market.orders.count() == 150


async def test_a_number_of_orders_that_is_too_high_holds_nothing_up(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed()
    await market.ordered(1)
    search = market.rig.tiktok.search_orders

    async def boasting(*args: Any, **said: Any) -> Any:
        return msgspec.structs.replace(await search(*args, **said), total=7)

    monkeypatch.setattr(market.rig.tiktok, "search_orders", boasting)
    await market.taking.poll()

    assert await market.stores.watermarks.get() is not None


async def test_a_look_at_orders_that_never_stop_to_change_is_none(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed(level=9)
    search = market.rig.tiktok.search_orders

    async def changing(*args: Any, **said: Any) -> Any:
        await market.ordered(1)
        page = await search(*args, **said)
        return msgspec.structs.replace(page, total=100)

    monkeypatch.setattr(market.rig.tiktok, "search_orders", changing)

    with pytest.raises(TikTokUnavailable, match="change faster"):
        await market.taking.poll()
    assert await market.stores.watermarks.get() is None


async def test_a_look_asks_only_for_what_has_changed(market: Market) -> None:
    await market.listed()
    await market.ordered(1)
    await market.taking.poll()
    asked = await market.requests("get_orders")

    await market.taking.poll()
    await market.new_taking().poll()

    assert asked == 1
    assert await market.requests("get_orders") == 1


async def test_looks_go_on_where_the_last_server_has_stopped(market: Market) -> None:
    await market.taking.poll()
    first = await market.stores.watermarks.get()
    await market.rig.wait(7200)

    await market.new_taking().poll()

    second = await market.stores.watermarks.get()
    assert first is not None
    assert second is not None
    assert second.upto - first.upto == 7200
    assert second.since == first.since


async def test_what_becomes_visible_late_is_found_by_a_deep_look(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed()
    await market.control.tamper(lose=1000)
    remote_id = await market.ordered(1)
    search = market.rig.tiktok.search_orders

    async def hiding(*args: Any, **said: Any) -> Any:
        return msgspec.structs.replace(await search(*args, **said), items=(), total=0)

    with monkeypatch.context() as patch:
        patch.setattr(market.rig.tiktok, "search_orders", hiding)
        await market.taking.poll()
        await market.rig.wait(300)
        await market.taking.poll()
    assert await market.orders.count() == 0

    await market.rig.wait(400)
    await market.taking.poll()

    assert (await market.order(remote_id)).status == "UNPAID"


async def test_who_asks_while_a_look_is_under_way_shares_the_next(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, begun, may_end = market.rig.tiktok.search_orders, asyncio.Event(), asyncio.Event()
    looks = 0

    async def slow(*args: Any, **said: Any) -> Any:
        nonlocal looks
        looks += 1
        page = await search(*args, **said)
        begun.set()
        await may_end.wait()
        return page

    monkeypatch.setattr(market.rig.tiktok, "search_orders", slow)
    first = asyncio.create_task(market.taking.poll())
    await begun.wait()
    others = [asyncio.create_task(market.taking.poll()) for _ in range(5)]
    await asyncio.sleep(0)
    may_end.set()

    await asyncio.gather(first, *others)

    assert looks == 2


async def test_a_look_that_fails_is_nobodys_look(market: Market) -> None:
    await market.control.fail("internal", "search_orders", times=20)

    with pytest.raises(TikTokUnavailable):
        await market.taking.poll()
    await market.control.clear_faults()
    await market.taking.poll()

    assert await market.stores.watermarks.get() is not None


async def test_orders_are_taken_in_while_tiktok_does_not_tell_of_returns(market: Market) -> None:
    await market.listed(units=10, level=5)
    remote_id = await market.bought(1)
    await market.control.fail("internal", "search_returns", times=20)

    await market.taking.poll()

    assert (await market.order(remote_id)).status == "AWAITING_SHIPMENT"


async def test_a_server_that_has_lost_the_lease_moves_no_watermark(market: Market) -> None:
    market.fence = Fence(market.fence - 1)

    with pytest.raises(LeaseLost):
        await market.new_taking().poll()


async def test_part_of_an_order_is_cancelled(market: Market) -> None:
    await market.listed(units=10, level=5)
    remote_id = await market.bought(3)
    await market.follow()
    lines = (await market.order(remote_id)).lines

    await market.control.cancel(remote_id, [lines[0].id])
    await market.follow()

    order = await market.order(remote_id)
    assert order.status == "AWAITING_SHIPMENT"
    assert [line.cancelled for line in order.lines] == [1, 0, 0]
    assert order.lines[0].cancel_reason == "No longer needed"
    assert await market.units() == (10, 2, 3)
    assert TIKTOK in (await market.stock()).doubts


async def test_part_of_an_order_is_sent(market: Market) -> None:
    await market.listed(units=10, level=5)
    remote_id = await market.bought(3)
    await market.follow()
    lines = (await market.order(remote_id)).lines

    await market.control.ship(remote_id, [lines[1].id])
    await market.taking.poll()  # webhooks do not tell of that state

    order = await market.order(remote_id)
    assert order.status == "PARTIALLY_SHIPPING"
    assert [line.sent for line in order.lines] == [0, 1, 0]
    assert await market.units() == (9, 2, 2)


async def test_a_late_cancel_puts_nothing_back_on_the_shelf(market: Market) -> None:
    await market.listed(units=10, level=5)
    remote_id = await market.bought(2)
    await market.control.ship(remote_id)
    await market.follow()

    await market.control.cancel(remote_id)
    await market.follow()

    order = await market.order(remote_id)
    assert order.status == "CANCELLED"
    assert [(line.sent, line.cancelled) for line in order.lines] == [(1, 1), (1, 1)]
    assert await market.units() == (8, 0, 3)


async def test_a_state_that_nobody_knows_is_kept_and_holds(market: Market) -> None:
    await market.listed(units=10, level=5)
    remote_id = await market.bought(2)

    await market.control.order(remote_id, "AWAITING_THE_MOON")
    await market.follow()

    order = await market.order(remote_id)
    assert order.status == "AWAITING_THE_MOON"
    assert [line.status for line in order.lines] == ["AWAITING_THE_MOON"] * 2
    assert await market.units() == (10, 2, 3)
    page = await market.orders.page()
    assert [each.id for each in page.orders] == [order.id]


async def test_an_order_of_what_is_none_of_ours_is_kept_without_stock(market: Market) -> None:
    saved = await market.created("vase", 5)
    await market.stores.listings.note_foreign([saved.product_id], market.fence)

    remote_id = await market.ordered(1, "vase")
    await market.follow()

    order = await market.order(remote_id)
    assert [(line.sku, line.product, line.title) for line in order.lines] == [
        (None, None, "The vase")
    ]
    assert await market.held(remote_id) == {}
    assert await market.stores.remote_skus.unplaced() == {}


async def test_an_order_that_comes_before_its_listing_is_placed_later(market: Market) -> None:
    await market.rig.add("vase", units=8)
    saved = await market.created("vase", 5)
    remote_id = await market.ordered(2, "vase")
    await market.follow()
    assert [line.sku for line in (await market.order(remote_id)).lines] == [None, None]

    await market.claim("vase", saved)
    await market.taking.poll()

    assert [line.sku for line in (await market.order(remote_id)).lines] == ["s_vase"] * 2
    assert (await market.stock("vase")).committed == 2
    assert await market.stores.remote_skus.unplaced() == {}


async def test_a_crash_while_an_order_is_placed_leaves_it_to_be_placed(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.rig.add("vase", units=8)
    saved = await market.created("vase", 5)
    remote_id = await market.ordered(2, "vase")
    await market.follow()
    await market.claim("vase", saved)

    async def crash(*_: object, **__: object) -> None:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(market.orders, "save", crash)
        with pytest.raises(StoreUnavailable):
            await market.taking.poll()
    await market.new_taking().poll()

    assert [line.sku for line in (await market.order(remote_id)).lines] == ["s_vase"] * 2


async def test_one_order_of_two_products_claims_both(market: Market) -> None:
    await market.listed("mug", 10, 5)
    await market.listed("pot", 4, 2)

    order = await market.control.buy(basket={market.remote["mug"]: 2, market.remote["pot"]: 1})
    await market.follow()

    held = await market.held(order["id"])
    assert sorted(held.values(), key=lambda each: each.sku) == [
        Held(SkuId("s_mug"), held=1),
        Held(SkuId("s_mug"), held=1),
        Held(SkuId("s_pot"), held=1),
    ]


async def test_an_order_from_before_the_connection_is_shown_and_asks_for_no_stock(
    market: Market,
) -> None:
    await market.listed(units=10, level=5)
    remote_id = await market.bought(2)
    await market.rig.set_channel(connected_at=market.rig.now() + 600)

    await market.taking.poll()
    await market.control.ship(remote_id)
    await market.taking.poll()

    order = await market.order(remote_id)
    assert (order.predates, order.status) == (True, "IN_TRANSIT")
    assert await market.units() == (10, 0, 5)


async def test_units_that_were_sold_and_not_there_are_taken_when_they_are(market: Market) -> None:
    await market.rig.add("vase", units=1)
    await market.claim("vase", await market.created("vase", 5))
    remote_id = await market.ordered(3, "vase")
    await market.follow()
    assert sorted(each.short for each in (await market.held(remote_id)).values()) == [0, 1, 1]

    await market.rig.stock(SkuId("s_vase"), 2)
    await market.taking.poll()
    assert sorted(each.short for each in (await market.held(remote_id)).values()) == [0, 0, 1]
    assert await market.orders.short() == [order_id(remote_id)]

    await market.rig.stock(SkuId("s_vase"), 9)
    await market.taking.poll()
    assert await market.orders.short() == []
    assert await market.units("vase") == (9, 3, 0)


async def test_an_order_without_lines_is_no_order_that_was_taken_in(market: Market) -> None:
    await market.listed()
    remote_id = await market.ordered(1)
    await market.control.schema("get_orders", rename={"line_items": "items"})

    with pytest.raises(Unreadable):
        await market.taking.poll()
    assert await market.stores.watermarks.get() is None

    await market.control.clear_faults()
    await market.taking.poll()
    assert (await market.order(remote_id)).status == "UNPAID"


async def test_an_order_that_cannot_be_read_keeps_no_other_back(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed(units=100, level=80)
    bad, *others = [await market.ordered(1) for _ in range(60)]
    fetch = market.rig.tiktok.orders

    async def without_lines(shop: Any, ids: Any) -> Any:
        return tuple(
            replace(each, line_items=()) if each.id == bad else each
            for each in await fetch(shop, ids)
        )

    with monkeypatch.context() as patch:
        patch.setattr(market.rig.tiktok, "orders", without_lines)
        with pytest.raises(Unreadable, match=bad):
            await market.taking.poll()
        assert await market.stores.watermarks.get() is None
        assert await market.orders.count() == len(others)
        assert (await market.stock()).sold == {TIKTOK: len(others)}

        late = await market.ordered(1)
        with pytest.raises(Unreadable, match=bad):
            await market.taking.take([bad, late])
        assert (await market.order(late)).status == "UNPAID"

    await market.taking.poll()
    assert (await market.order(bad)).status == "UNPAID"


async def test_an_order_that_is_found_and_not_told_is_taken_as_it_was_found(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed(units=10, level=5)
    remote_id = await market.ordered(2)

    async def silent(*_: object) -> tuple[()]:
        return ()

    monkeypatch.setattr(market.rig.tiktok, "orders", silent)
    await market.taking.poll()

    assert (await market.order(remote_id)).status == "UNPAID"
    assert await market.units() == (10, 2, 3)


async def test_an_order_that_tiktok_refuses_to_tell_keeps_no_other_back(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed(units=10, level=5)
    first, second = await market.ordered(1), await market.ordered(1)
    fetch = market.rig.tiktok.orders

    async def picky(shop: Any, ids: Any) -> Any:
        if first in ids:
            raise Refused("no")
        return await fetch(shop, ids)

    monkeypatch.setattr(market.rig.tiktok, "orders", picky)
    await market.taking.take([first, second])
    assert [each.remote_id for each in (await market.orders.page()).orders] == [second]

    await market.taking.poll()
    assert await market.orders.count() == 2


async def test_an_order_that_somebody_else_changes_meanwhile_is_fetched_again(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed(units=10, level=5)
    remote_id = await market.bought(2)
    await market.taking.poll()
    fetch, other = market.rig.tiktok.orders, market.new_taking()
    await market.control.order(remote_id, "A_WORD")

    async def overtaken(shop: Any, ids: Any) -> Any:
        """Another server is quicker with newer news."""
        monkeypatch.setattr(market.rig.tiktok, "orders", fetch)
        answer = await fetch(shop, ids)
        await market.control.order(remote_id, "ANOTHER_WORD")
        await other.take([remote_id])
        return answer

    monkeypatch.setattr(market.rig.tiktok, "orders", overtaken)
    await market.taking.take([remote_id])

    assert (await market.order(remote_id)).status == "ANOTHER_WORD"


async def test_an_order_that_tiktok_does_not_have_is_passed_over(market: Market) -> None:
    await market.taking.take(["577"])

    assert await market.orders.count() == 0


async def test_nothing_is_taken_in_while_no_shop_is_connected(market: Market) -> None:
    await market.rig.set_channel(authorization=None)

    with pytest.raises(Conflict, match="no TikTok Shop is connected"):
        await market.taking.poll()
    with pytest.raises(Conflict, match="no TikTok Shop is connected"):
        await market.taking.take(["577"])


async def test_two_takers_of_the_same_orders_take_them_once(market: Market) -> None:
    await market.listed(units=100, level=80)
    remote_ids = [await market.ordered(1) for _ in range(60)]

    await asyncio.gather(
        market.taking.poll(),
        market.new_taking().poll(),
        market.taking.take(remote_ids),
        market.new_taking().take(remote_ids[::-1]),
    )

    assert await market.units() == (100, 60, 20)
    assert (await market.stock()).sold == {TIKTOK: 60}


async def test_a_crash_between_orders_and_watermark_changes_nothing(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed(units=10, level=5)
    await market.ordered(2)

    async def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(market.stores.watermarks, "save", crash)
        with pytest.raises(KeyboardInterrupt):
            await market.taking.poll()
    await market.new_taking().poll()

    assert await market.units() == (10, 2, 3)
    assert await market.orders.count() == 1


async def test_a_crash_before_a_hint_is_struck_off_changes_nothing(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed(units=10, level=5)
    remote_id = await market.ordered(2)

    async def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(market.stores.hints, "seen", crash)
        with pytest.raises(KeyboardInterrupt):
            await market.follow()
    before = await market.stock()
    assert await market.units() == (10, 2, 3)

    market.taking = market.new_taking()
    await market.follow()

    assert await market.stock() == before
    assert await market.stores.hints.all() == {}
    assert (await market.order(remote_id)).status == "UNPAID"


async def test_the_id_of_an_order_is_made_of_tiktoks(market: Market) -> None:
    await market.listed()
    remote_id = await market.ordered(1)
    await market.taking.poll()

    assert (await market.order(remote_id)).id == OrderId(f"tiktok-{remote_id}")
