"""Stock in a real Redis."""

import asyncio

import pytest

from sync.allocation import WANTED_S
from sync.connection import Connection
from sync.errors import Conflict, NotFound, Stale
from sync.model import TIKTOK, Product, SkuId, Stock
from sync.store.dirty import Dirty
from sync.store.keys import history_key, stock_key
from sync.store.products import Products
from sync.store.stock import StockChange, Stocks, StockSet
from tests.sync.now import Now
from tests.sync.things import product

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
