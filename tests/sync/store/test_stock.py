"""Stock in a real Redis."""

import asyncio

import pytest

from sync.allocation import WANTED_S, Found
from sync.connection import Connection
from sync.errors import Conflict, NotFound, Stale
from sync.model import TIKTOK, Product, SkuId, Stock
from sync.orders.order import Held, LineId
from sync.store.dirty import Dirty
from sync.store.keys import escrowed_key, history_key, stock_key, unsettled_key
from sync.store.lease import Fence, LeaseLost
from sync.store.orders import Orders
from sync.store.products import Products, Write
from sync.store.stock import StockChange, Stocks, StockSet
from tests.sync.now import Now
from tests.sync.things import claim, order, product

MUG = SkuId("s_mug")


@pytest.fixture
async def mug(products: Products) -> Product:
    """A product with five units of its SKU."""
    return await products.save(product(), None, {MUG: 5}, by="owner")


@pytest.mark.usefixtures("mug")
async def test_stock_is_set_by_its_revision(stocks: Stocks) -> None:
    assert await stocks.get(MUG) == Stock(on_hand=5, revision=1)

    assert await stocks.set(MUG, 8, 1, by="owner") == Stock(on_hand=8, revision=2)
    with pytest.raises(Stale, match="revision 2 now"):
        await stocks.set(MUG, 9, 1, by="owner")
    assert await stocks.get(MUG) == Stock(on_hand=8, revision=2)


@pytest.mark.usefixtures("mug")
async def test_the_same_number_is_no_change(stocks: Stocks, dirty: Dirty) -> None:
    assert await stocks.set(MUG, 5, 1, by="owner") == Stock(on_hand=5, revision=1)
    assert await stocks.adjust(MUG, 0, by="owner", reason="counted") == Stock(on_hand=5, revision=1)
    assert await dirty.all() == {"p_mug": 1}


@pytest.mark.usefixtures("mug")
async def test_adjustments_of_many_writers_add_up(stocks: Stocks) -> None:
    await asyncio.gather(
        *(stocks.adjust(MUG, delta, by="owner", reason="found") for delta in [3, -2] * 20)
    )

    assert await stocks.get(MUG) == Stock(on_hand=25, revision=41)


@pytest.mark.usefixtures("mug")
async def test_of_two_writers_of_one_revision_one_sets(stocks: Stocks) -> None:
    outcomes = await asyncio.gather(
        *(stocks.set(MUG, units, 1, by="owner") for units in (10, 20, 30)), return_exceptions=True
    )

    (kept,) = [outcome for outcome in outcomes if isinstance(outcome, Stock)]
    assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 2
    assert await stocks.get(MUG) == kept


@pytest.mark.usefixtures("mug")
async def test_no_unit_is_taken_that_is_committed_or_set_aside(
    stocks: Stocks, connection: Connection, now: Now
) -> None:
    await connection.redis.hset(stock_key(MUG), mapping={"committed": "1", "q:tiktok": "2"})

    with pytest.raises(Conflict, match="would leave 2 units on hand, but 3 are committed"):
        await stocks.set(MUG, 2, 1, by="owner")
    with pytest.raises(Conflict, match="1 of those set aside are asked back, try again"):
        await stocks.adjust(MUG, -3, by="owner", reason="broken")
    with pytest.raises(Conflict, match=r"set aside for channels$"):
        await stocks.adjust(MUG, -5, by="owner", reason="broken")

    assert await stocks.get(MUG) == Stock(
        on_hand=5,
        committed=1,
        quotas={TIKTOK: 2},
        wanted=3,
        wanted_until=now.at + WANTED_S,
        revision=1,
    )
    assert await stocks.adjust(MUG, -2, by="owner", reason="broken") == Stock(
        on_hand=3,
        committed=1,
        quotas={TIKTOK: 2},
        wanted=1,
        wanted_until=now.at + WANTED_S,
        revision=2,
    )


@pytest.mark.usefixtures("mug")
async def test_stock_is_never_less_than_nothing(stocks: Stocks) -> None:
    with pytest.raises(Conflict, match=r"^that would leave -1 units on hand$"):
        await stocks.adjust(MUG, -6, by="owner", reason="broken")
    assert await stocks.adjust(MUG, -5, by="owner", reason="broken") == Stock(revision=2)


@pytest.mark.usefixtures("mug")
async def test_an_adjustment_may_ask_for_a_revision(stocks: Stocks) -> None:
    with pytest.raises(Stale):
        await stocks.adjust(MUG, 1, by="owner", reason="found", revision=7)
    assert (await stocks.adjust(MUG, 1, by="owner", reason="found", revision=1)).on_hand == 6


async def test_a_sku_that_no_product_has_has_no_stock(stocks: Stocks) -> None:
    with pytest.raises(NotFound, match="SKU 's_mug'"):
        await stocks.get(MUG)
    with pytest.raises(NotFound):
        await stocks.set(MUG, 1, 0, by="owner")
    with pytest.raises(NotFound):
        await stocks.adjust(MUG, 1, by="owner", reason="found")
    assert await stocks.many([MUG]) == {}


@pytest.mark.usefixtures("mug")
async def test_the_history_tells_who_changed_what_and_why(stocks: Stocks, now: Now) -> None:
    began = now.at
    now.advance(60)
    await stocks.set(MUG, 8, 1, by="owner", reason="counted")
    now.advance(60)
    await stocks.adjust(MUG, -3, by="Pia", reason="broken")

    assert await stocks.history(MUG) == [
        StockChange(began + 120, "Pia", "broken", delta=-3, on_hand=5, revision=3),
        StockChange(began + 60, "owner", "counted", delta=3, on_hand=8, revision=2),
        StockChange(began, "owner", "new", delta=5, on_hand=5, revision=1),
    ]
    assert [change.revision for change in await stocks.history(MUG, limit=1)] == [3]


@pytest.mark.usefixtures("mug")
async def test_the_history_does_not_grow_for_ever(stocks: Stocks, connection: Connection) -> None:
    for _ in range(11):
        pipeline = connection.redis.pipeline(transaction=False)
        for _ in range(1_000):
            pipeline.xadd(history_key(MUG), {"delta": 1})
        await pipeline.execute()

    await stocks.adjust(MUG, 1, by="owner", reason="found")

    assert 10_000 <= await connection.redis.xlen(history_key(MUG)) < 10_500


@pytest.mark.usefixtures("mug")
async def test_many_are_set_together_and_each_stands_alone(stocks: Stocks, dirty: Dirty) -> None:
    outcomes = await stocks.set_many(
        [StockSet(MUG, 9, 4), StockSet(SkuId("s_none"), 9, 1), StockSet(MUG, 6, 1)],
        by="import",
        reason="import",
    )

    assert [type(outcome) for outcome in outcomes] == [Stale, NotFound, Stock]
    assert await stocks.get(MUG) == Stock(on_hand=6, revision=2)
    assert await dirty.all() == {"p_mug": 2}


@pytest.mark.usefixtures("mug")
async def test_stock_counts_in_the_billions_exactly(stocks: Stocks) -> None:
    assert (await stocks.set(MUG, 9_000_000_001, 1, by="owner")).on_hand == 9_000_000_001
    assert (await stocks.history(MUG))[0].delta == 8_999_999_996


@pytest.mark.usefixtures("mug")
async def test_what_is_set_aside_is_told_in_the_history(
    stocks: Stocks, fence: Fence, now: Now
) -> None:
    answer = (await stocks.reserve({MUG: 4}, TIKTOK, fence))[MUG]
    await stocks.settle({MUG: Found(3, answer.generation, answer.sold)}, TIKTOK, fence)
    await stocks.unbound([MUG], TIKTOK)
    await stocks.release_quotas(TIKTOK, fence)

    assert await stocks.history(MUG, limit=3) == [
        StockChange(now.at, "sync", "released", 0, 5, 4, 0, -3, TIKTOK),
        StockChange(now.at, "sync", "settled", 0, 5, 3, 0, -1, TIKTOK),
        StockChange(now.at, "sync", "set aside", 0, 5, 2, 0, 4, TIKTOK),
    ]


@pytest.mark.usefixtures("mug")
async def test_a_server_that_lost_its_lease_sets_nothing_aside(
    stocks: Stocks, fence: Fence
) -> None:
    old = Fence(fence - 1)
    before = await stocks.get(MUG)

    with pytest.raises(LeaseLost):
        await stocks.reserve({MUG: 4}, TIKTOK, old)
    answer = (await stocks.reserve({MUG: 4}, TIKTOK, fence))[MUG]
    with pytest.raises(LeaseLost):
        await stocks.settle({MUG: Found(3, answer.generation, answer.sold)}, TIKTOK, old)
    with pytest.raises(LeaseLost):
        await stocks.release_quotas(TIKTOK, old)

    assert (await stocks.get(MUG)).quotas == {TIKTOK: 4}
    assert before.quotas == {}


@pytest.mark.usefixtures("mug")
async def test_a_change_of_what_is_set_aside_is_told_of(
    stocks: Stocks, dirty: Dirty, fence: Fence
) -> None:
    await stocks.doubt([MUG], TIKTOK)  # it has no quota there: nothing to doubt
    assert await dirty.all() == {"p_mug": 1}

    answer = (await stocks.reserve({MUG: 4}, TIKTOK, fence))[MUG]
    await stocks.settle({MUG: Found(4, answer.generation, answer.sold)}, TIKTOK, fence)
    assert await dirty.all() == {"p_mug": 3}

    await stocks.doubt([MUG], TIKTOK)
    assert await dirty.all() == {"p_mug": 4}


@pytest.mark.usefixtures("mug")
@pytest.mark.parametrize("is_unbound", [False, True])
async def test_units_sold_while_a_level_is_read_are_no_drift(
    is_unbound: bool, stocks: Stocks, orders: Orders, fence: Fence
) -> None:
    """Of a channel that is bounded: of another one nothing is known by that."""
    await stocks.reserve({MUG: 3}, TIKTOK, fence)
    if is_unbound:
        await stocks.unbound([MUG], TIKTOK)
    before = await stocks.get(MUG)
    await orders.save(order(), [claim(2)], by="tiktok")

    found = Found(3, before.doubts[TIKTOK], before.sold.get(TIKTOK, 0))
    outcome = (await stocks.settle({MUG: found}, TIKTOK, fence))[MUG]

    assert outcome.drift == 0
    assert outcome.stock == await stocks.get(MUG)
    assert outcome.stock.quotas == {TIKTOK: 3 if is_unbound else 1}
    assert outcome.stock.unbound == ((TIKTOK,) if is_unbound else ())


async def test_quotas_of_many_are_changed_in_slices(
    stocks: Stocks, products: Products, connection: Connection, fence: Fence
) -> None:
    names = [f"n{number}" for number in range(250)]
    await products.save_many(
        [Write(product(name), None, {SkuId(f"s_{name}"): 2}, "owner") for name in names]
    )
    skus = [SkuId(f"s_{name}") for name in names]

    answers = await stocks.reserve(dict.fromkeys(skus, 2), TIKTOK, fence)
    assert {each.level for each in answers.values()} == {2}
    assert (await stocks.unsettled(TIKTOK)).keys() == set(skus)
    found = {sku: Found(1, each.generation, each.sold) for sku, each in answers.items()}
    outcomes = await stocks.settle(found, TIKTOK, fence)
    assert {each.stock.free for each in outcomes.values() if each.stock} == {1}
    assert await stocks.unsettled(TIKTOK) == {}
    assert await connection.redis.exists(unsettled_key(TIKTOK)) == 0
    await stocks.release_quotas(TIKTOK, fence)
    assert await connection.redis.exists(escrowed_key(TIKTOK)) == 0
    assert {stock.free for stock in (await stocks.many(skus)).values()} == {2}


async def test_a_product_that_is_gone_has_nothing_set_aside(
    stocks: Stocks, products: Products, orders: Orders, mug: Product, fence: Fence
) -> None:
    await stocks.reserve({MUG: 4}, TIKTOK, fence)

    await products.delete(mug)

    assert await stocks.unsettled(TIKTOK) == {}
    assert await stocks.reserve({MUG: 4}, TIKTOK, fence) == {}
    await stocks.release_quotas(TIKTOK, fence)
    saved = await orders.save(order(), [claim(2)], by="tiktok")
    assert saved.held == {LineId("1"): Held(MUG, short=2)}
    assert await stocks.many([MUG]) == {}
