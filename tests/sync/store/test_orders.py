"""Orders in a real Redis."""

import msgspec
import pytest

from sync.allocation import WANTED_S
from sync.connection import Connection
from sync.errors import Conflict, InsufficientStock, NotFound, Shortage
from sync.model import TIKTOK, Notice, ProductId, SkuId, Stock
from sync.orders.order import OWN_SHOP, Held, LineId, Order, OrderId, OrderStatus
from sync.store.buyers import Buyers
from sync.store.dirty import Dirty
from sync.store.orders import (
    ALL,
    STATES,
    Buyer,
    Filters,
    Idempotency,
    OrderChanged,
    Orders,
    Page,
    Saved,
    orders_key,
)
from sync.store.products import Products
from sync.store.stock import StockChange, Stocks
from tests.sync.now import Now
from tests.sync.things import claim, order, product

MUG = SkuId("s_mug")
CUP = SkuId("s_cup")
ONE = LineId("1")


@pytest.fixture(autouse=True)
async def shelf(products: Products) -> None:
    """Five mugs and one cup."""
    await products.save(product(), None, {MUG: 5}, by="owner")
    await products.save(product("cup"), None, {CUP: 1}, by="owner")


async def test_an_order_takes_its_units_once(orders: Orders, stocks: Stocks, dirty: Dirty) -> None:
    placed = order(OWN_SHOP)

    saved = await orders.save(placed, [claim(2)], by="Pia")
    again = await orders.save(placed, [claim(2)], by="Pia")

    assert saved == Saved(placed, {ONE: Held(MUG, held=2)}, is_new=True, has_changed=True)
    assert again == Saved(placed, {ONE: Held(MUG, held=2)}, is_new=False, has_changed=False)
    assert await orders.get(placed.id) == placed
    assert await orders.held([placed.id]) == {placed.id: {ONE: Held(MUG, held=2)}}
    assert await stocks.get(MUG) == Stock(on_hand=5, committed=2, sold={OWN_SHOP: 2}, revision=2)
    assert (await dirty.all())[ProductId("p_mug")] == 2


async def test_units_are_sent_cancelled_and_put_on_the_shelf_again(
    orders: Orders, stocks: Stocks, now: Now
) -> None:
    placed = order(OWN_SHOP)
    await orders.save(placed, [claim(3)], by="Pia")
    sent = order(OWN_SHOP, status="IN_TRANSIT", updated_at=placed.updated_at + 1)
    await orders.save(sent, [claim(3, sent=2)], by="Quentin")
    less = order(OWN_SHOP, status="IN_TRANSIT", updated_at=placed.updated_at + 2)
    await orders.save(less, [claim(3, units=2, sent=2)], by="Quentin")
    back = order(OWN_SHOP, status="COMPLETED", updated_at=placed.updated_at + 3)
    saved = await orders.save(back, [claim(3, units=2, sent=2, restocked=1)], by="Rosa")

    assert saved.held == {ONE: Held(MUG, consumed=2, cancelled=1, restocked=1)}
    assert await stocks.get(MUG) == Stock(on_hand=4, sold={OWN_SHOP: 3}, revision=5)
    assert await stocks.history(MUG, limit=4) == [
        StockChange(now.at, "Rosa", "restocked", 1, 4, 5, 0, 0, OWN_SHOP, placed.id),
        StockChange(now.at, "Quentin", "cancelled", 0, 3, 4, -1, 0, OWN_SHOP, placed.id),
        StockChange(now.at, "Quentin", "sent", -2, 3, 3, -2, 0, OWN_SHOP, placed.id),
        StockChange(now.at, "Pia", "ordered", 0, 5, 2, 3, 0, OWN_SHOP, placed.id),
    ]


async def test_what_is_sold_and_not_there_is_short_until_there_is_some(
    orders: Orders, stocks: Stocks, now: Now
) -> None:
    sold = order(TIKTOK)
    first = await orders.save(sold, [claim(7)], by="tiktok")
    assert first.held == {ONE: Held(MUG, held=5, short=2)}

    await stocks.adjust(MUG, 1, by="Pia", reason="found")
    second = await orders.save(sold, [claim(7)], by="tiktok")

    assert second == Saved(sold, {ONE: Held(MUG, held=6, short=1)}, False, True)
    assert await orders.short() == [sold.id]
    assert await stocks.get(MUG) == Stock(
        on_hand=6,
        committed=6,
        sold={TIKTOK: 7},
        wanted=1,
        wanted_until=now.at + WANTED_S,
        revision=4,
    )

    await stocks.adjust(MUG, 1, by="Pia", reason="found")
    await orders.save(sold, [claim(7)], by="tiktok")
    assert await orders.short() == []
    assert (await stocks.get(MUG)).wanted == 0


async def test_an_order_of_the_shop_takes_all_or_nothing(
    orders: Orders, stocks: Stocks, now: Now
) -> None:
    claims = [claim(1), claim(2, "s_cup", "2"), claim(1, None, "3"), claim(1, "s_gone", "4")]

    with pytest.raises(InsufficientStock) as refused:
        await orders.save(order(OWN_SHOP), claims, by="Pia", strict=True)

    assert refused.value.shortages == (
        Shortage(CUP, wanted=2, free=1, set_aside=0),
        Shortage(SkuId("s_gone"), wanted=1, free=0, set_aside=0),
    )
    assert await stocks.many([MUG, CUP]) == {
        MUG: Stock(on_hand=5, revision=1),
        CUP: Stock(on_hand=1, revision=1),
    }
    assert await orders.count() == 0


async def test_units_of_one_sku_on_two_lines_are_counted_together(
    orders: Orders, stocks: Stocks
) -> None:
    with pytest.raises(InsufficientStock, match="5 of SKU s_mug, not 6"):
        await orders.save(order(OWN_SHOP), [claim(3), claim(3, line="2")], by="Pia", strict=True)

    assert await stocks.get(MUG) == Stock(on_hand=5, revision=1)


async def test_an_update_that_comes_late_takes_nothing_back(orders: Orders, stocks: Stocks) -> None:
    before = order(TIKTOK)
    after = order(TIKTOK, status="CANCELLED", updated_at=before.updated_at + 0.5)
    await orders.save(after, [claim(2, units=0)], by="tiktok")

    late = await orders.save(before, [claim(2)], by="tiktok")

    assert late == Saved(after, {ONE: Held(MUG, cancelled=2)}, False, False)
    assert await orders.updated([before.id, OrderId("o_none")]) == {before.id: after.updated_at}
    assert (await stocks.get(MUG)).committed == 0


async def test_of_two_updates_of_the_same_time_the_one_that_comes_later_counts(
    orders: Orders,
) -> None:
    await orders.save(order(TIKTOK), [claim(2)], by="tiktok")
    other = order(TIKTOK, status="AWAITING_SHIPMENT")

    assert (await orders.save(other, [claim(2)], by="tiktok")).has_changed
    assert (await orders.get(other.id)).status == "AWAITING_SHIPMENT"


async def test_when_it_was_taken_in_is_no_change(orders: Orders) -> None:
    first = order(TIKTOK, taken_at=1.0)
    await orders.save(first, [claim(2)], by="tiktok")

    again = await orders.save(order(TIKTOK, taken_at=2.0), [claim(2)], by="tiktok")

    assert again == Saved(first, {ONE: Held(MUG, held=2)}, False, False)


async def test_an_order_that_was_changed_since_it_was_read_is_left_alone(orders: Orders) -> None:
    placed = order(OWN_SHOP)
    await orders.save(placed, [claim(2)], by="Pia")
    paid = order(OWN_SHOP, status="AWAITING_SHIPMENT", updated_at=placed.updated_at + 1)
    await orders.save(paid, [claim(2)], by="Pia", base=placed)

    gone = order(OWN_SHOP, status="CANCELLED", updated_at=placed.updated_at + 2)
    with pytest.raises(OrderChanged, match="'o_1' was changed meanwhile"):
        await orders.save(gone, [claim(2, units=0)], by="Quentin", base=placed)

    assert await orders.get(placed.id) == paid


async def test_an_order_that_an_earlier_version_wrote_can_be_changed(
    orders: Orders, connection: Connection
) -> None:
    """It was made a digest of without the fields that there are now."""
    placed = order(OWN_SHOP, taken_at=7.0)
    await orders.save(placed, [claim(2)], by="Pia")
    state = await connection.redis.hget(STATES, placed.id)
    assert state is not None
    parts = msgspec.json.decode(state)
    parts[1] = "of an earlier version"
    await connection.redis.hset(STATES, placed.id, msgspec.json.encode(parts))

    paid = order(OWN_SHOP, status="AWAITING_SHIPMENT", taken_at=7.0)
    saved = await orders.save(paid, [claim(2)], by="Pia", base=placed)

    assert saved == Saved(paid, {ONE: Held(MUG, held=2)}, False, True)
    with pytest.raises(OrderChanged):
        await orders.save(order(OWN_SHOP, status="CANCELLED"), [], by="Pia", base=placed)
    with pytest.raises(OrderChanged):
        await orders.save(order(OWN_SHOP, "o_2"), [], by="Pia", base=placed)


async def test_an_idempotency_key_makes_one_order(orders: Orders, stocks: Stocks) -> None:
    key = Idempotency("k", "digest")
    first = await orders.save(order(OWN_SHOP), [claim(2)], by="Pia", strict=True, idempotency=key)

    again = await orders.save(
        order(OWN_SHOP, "o_2"), [claim(2)], by="Pia", strict=True, idempotency=key
    )
    with pytest.raises(Conflict, match="Idempotency-Key"):
        await orders.save(
            order(OWN_SHOP, "o_3"), [claim(1)], by="Pia", idempotency=Idempotency("k", "other")
        )

    assert again == Saved(first.order, first.held, is_new=False, has_changed=False)
    assert await orders.count() == 1
    assert (await stocks.get(MUG)).committed == 2


async def test_a_key_whose_order_was_refused_may_come_again(orders: Orders, stocks: Stocks) -> None:
    key = Idempotency("k", "digest")
    with pytest.raises(InsufficientStock):
        await orders.save(order(OWN_SHOP), [claim(6)], by="Pia", strict=True, idempotency=key)
    await stocks.adjust(MUG, 1, by="Pia", reason="found")

    saved = await orders.save(order(OWN_SHOP), [claim(6)], by="Pia", strict=True, idempotency=key)

    assert saved.is_new


async def test_units_that_are_set_aside_are_asked_back_for_who_wants_them(
    orders: Orders, stocks: Stocks, connection: Connection, now: Now
) -> None:
    await connection.redis.hset(f"shopcast:{{shop}}:stock:{MUG}", "q:tiktok", 4)
    with pytest.raises(InsufficientStock) as refused:
        await orders.save(order(OWN_SHOP), [claim(3)], by="Pia", strict=True)

    assert refused.value.shortages == (Shortage(MUG, wanted=3, free=1, set_aside=4),)
    wanting = await stocks.get(MUG)
    assert (wanting.wanted, wanting.wanted_until, wanting.revision) == (3, now.at + WANTED_S, 1)

    await stocks.release_quotas(TIKTOK, None)  # nobody has told the store that it is escrowed
    await connection.redis.hset(f"shopcast:{{shop}}:stock:{MUG}", "q:tiktok", 2)
    await orders.save(order(OWN_SHOP), [claim(3)], by="Pia", strict=True)

    assert (await stocks.get(MUG)).wanted == 0


async def test_a_buyer_is_kept_with_a_change_or_where_there_is_none(
    orders: Orders, connection: Connection, now: Now
) -> None:
    buyers = Buyers(connection, now)
    sold = order(TIKTOK)
    await orders.save(sold, [], by="tiktok")
    await orders.save(sold, [], by="tiktok", buyer=Buyer("sealed", now.at + 60))
    await orders.save(sold, [], by="tiktok", buyer=Buyer("the same again", now.at + 90))
    assert await buyers.get(sold) == "sealed"

    paid = order(TIKTOK, status="AWAITING_SHIPMENT")
    await orders.save(paid, [], by="tiktok", buyer=Buyer("another", now.at + 60))
    assert await buyers.get(sold) == "another"


async def test_orders_are_paged_the_newest_first(orders: Orders) -> None:
    for number in range(7):  # the last five within the same second
        placed = order(
            TIKTOK if number % 2 else OWN_SHOP,
            f"o_{number}",
            created_at=1_800_000_000.0 + min(number, 2),
            status="UNPAID" if number < 4 else "AWAITING_SHIPMENT",
        )
        await orders.save(placed, [], by="tiktok")

    assert await pages(orders, Filters(), 3) == ["654", "321", "0"]
    assert await pages(orders, Filters(TIKTOK), 2) == ["53", "1"]
    assert await pages(orders, Filters(status="UNPAID"), 2) == ["32", "10"]
    assert await pages(orders, Filters(OWN_SHOP, "AWAITING_SHIPMENT"), 2) == ["64"]
    assert await pages(orders, Filters(status="DELIVERED"), 2) == [""]
    assert await orders.count() == 7
    assert await orders.count(Filters(TIKTOK, "UNPAID")) == 2
    with pytest.raises(NotFound, match="order 'o_none'"):
        await orders.page(before=OrderId("o_none"))


async def pages(orders: Orders, filters: Filters, limit: int) -> list[str]:
    """The numbers of the orders of each page."""
    found, page = [], await orders.page(filters, limit=limit)
    while True:
        found.append("".join(each.id.removeprefix("o_") for each in page.orders))
        if page.next is None:
            return found
        page = await orders.page(filters, page.next, limit)


async def test_a_page_goes_on_after_an_order_that_has_another_status_by_now(
    orders: Orders, connection: Connection
) -> None:
    for number in range(4):
        await orders.save(order(name=f"o_{number}"), [], by="tiktok")
    first = await orders.page(Filters(status="UNPAID"), limit=2)
    assert [each.id for each in first.orders] == ["o_3", "o_2"]

    await orders.save(order(name="o_2", status="CANCELLED"), [], by="tiktok")
    second = await orders.page(Filters(status="UNPAID"), first.next, limit=2)

    assert [each.id for each in second.orders] == ["o_1", "o_0"]
    assert await connection.redis.zcard(orders_key(Filters(status="UNPAID"))) == 3


async def test_all_orders_are_streamed_the_oldest_first(orders: Orders) -> None:
    assert [some async for some in orders.slices()] == []
    placed = [order(name=f"o_{number:04}") for number in range(1_001)]
    for each in placed:
        await orders.save(each, [], by="tiktok")

    found = [some async for some in orders.slices()]

    assert [len(some) for some in found] == [500, 500, 1]
    assert [each for some in found for each in some] == placed


async def test_a_line_that_is_none_of_ours_claims_nothing_until_it_is(
    orders: Orders, stocks: Stocks
) -> None:
    assert (await orders.save(order(), [claim(2, None)], by="tiktok")).held == {}

    known = await orders.save(order(), [claim(2)], by="tiktok")

    assert known == Saved(order(), {ONE: Held(MUG, held=2)}, False, True)


async def test_an_order_that_there_is_not_is_not_found(orders: Orders) -> None:
    with pytest.raises(NotFound, match="order 'o_1'"):
        await orders.get(OrderId("o_1"))
    assert await orders.many([OrderId("o_1")]) == {}
    assert await orders.page() == Page([], None)


async def test_an_order_is_told_of(orders: Orders, connection: Connection) -> None:
    async with connection.redis.pubsub() as channel:
        await channel.subscribe("shopcast:{shop}:notices")
        await orders.save(order(), [claim(1), claim(1, "s_cup", "2")], by="tiktok")
        await orders.save(order(), [claim(1), claim(1, "s_cup", "2")], by="tiktok")
        await orders.save(order(name="o_2"), [], by="tiktok")
        heard: list[Notice] = []
        while len(heard) < 3:
            message = await channel.get_message(ignore_subscribe_messages=True, timeout=5.0)
            if message is not None:
                heard.append(msgspec.json.decode(message["data"], type=Notice))

    assert heard == [
        Notice("stock", ("p_mug", "p_cup")),
        Notice("order", ("o_1",)),
        Notice("order", ("o_2",)),
    ]


async def test_unknown_words_are_kept(orders: Orders) -> None:
    strange: Order = order(status="TELEPORTED")
    await orders.save(strange, [], by="tiktok")
    assert (await orders.page(Filters(status="TELEPORTED"))).orders == [strange]
    assert strange.status != OrderStatus.UNPAID
    assert orders_key(Filters()) == ALL
