"""Products in a real Redis."""

import asyncio

import pytest

from mediaserver.redis_server import RedisServer
from sync.catalogue.search import Search
from sync.connection import Connection
from sync.errors import Conflict, NotFound, Stale, StoreUnavailable
from sync.model import Product, ProductId, Sku, SkuId, Stock
from sync.store.dirty import Dirty
from sync.store.keys import stock_key
from sync.store.products import Products, Write
from sync.store.stock import Stocks
from tests.sync.now import Now
from tests.sync.things import product

RED, BLUE = Sku(SkuId("s_red"), 500), Sku(SkuId("s_blue"), 700)


async def made(products: Products, name: str = "mug", **changes: object) -> Product:
    return await products.save(product(name, **changes), None, by="owner")


async def test_a_product_that_is_saved_is_read_with_its_times_and_its_first_revision(
    products: Products, now: Now
) -> None:
    saved = await products.save(product(), None, {SkuId("s_mug"): 7}, by="owner")

    assert saved == product(created_at=now.at, updated_at=now.at, revision=1)
    assert await products.get(saved.id) == saved


async def test_each_change_makes_a_revision_and_keeps_the_time_of_making(
    products: Products, now: Now
) -> None:
    first = await made(products)
    made_at = now.at
    now.advance(60)

    second = await products.save(product(title="A cup"), first, by="owner")

    assert (second.title, second.revision) == ("A cup", 2)
    assert (second.created_at, second.updated_at) == (made_at, made_at + 60)
    assert await products.get(first.id) == second


async def test_what_changes_nothing_is_not_written(
    products: Products, dirty: Dirty, now: Now
) -> None:
    first = await made(products)
    now.advance(60)

    assert await products.save(product(), first, by="owner") == first
    assert await products.get(first.id) == first
    assert await dirty.all() == {first.id: 1}


async def test_of_two_writers_of_one_revision_one_is_told_it_is_stale(products: Products) -> None:
    base = await made(products)

    outcomes = await asyncio.gather(
        *(products.save(product(title=f"Title {n}"), base, by="owner") for n in range(8)),
        return_exceptions=True,
    )

    saved = [outcome for outcome in outcomes if isinstance(outcome, Product)]
    stale = [outcome for outcome in outcomes if isinstance(outcome, Stale)]
    assert (len(saved), len(stale)) == (1, 7)
    assert {error.current for error in stale} == {2}
    assert await products.get(base.id) == saved[0]


async def test_a_product_that_was_deleted_meanwhile_is_not_made_again(products: Products) -> None:
    base = await made(products)
    await products.delete(base)

    with pytest.raises(NotFound, match="p_mug"):
        await products.save(product(title="A cup"), base, by="owner")
    assert await products.ids() == []


async def test_a_handle_names_one_product(products: Products) -> None:
    await made(products)

    with pytest.raises(Conflict, match="'mug' is that of the product p_mug"):
        await made(products, "cup", handle="mug")
    assert await products.ids() == ["p_mug"]


async def test_a_handle_that_is_given_up_is_free(products: Products) -> None:
    base = await made(products)
    renamed = await products.save(product(handle="cup"), base, by="owner")
    other = await made(products, "new", handle="mug")

    assert await products.by_handle(["cup", "mug", "none"]) == {"cup": renamed, "mug": other}


async def test_stock_comes_with_new_skus_and_goes_with_removed_ones(
    products: Products, stocks: Stocks, connection: Connection
) -> None:
    base = await products.save(product(skus=(RED,)), None, {RED.id: 5}, by="owner")
    both = await products.save(product(skus=(RED, BLUE)), base, {RED.id: 9, BLUE.id: 3}, by="owner")

    assert await stocks.many([RED.id, BLUE.id]) == {
        RED.id: Stock(on_hand=5, revision=1),
        BLUE.id: Stock(on_hand=3, revision=1),
    }

    await products.save(product(skus=(BLUE,)), both, by="owner")
    assert list(await stocks.many([RED.id, BLUE.id])) == [BLUE.id]
    assert await connection.redis.keys("*s_red*") == []


async def test_a_sku_with_units_in_orders_is_not_removed(
    products: Products, stocks: Stocks, connection: Connection
) -> None:
    base = await products.save(product(skus=(RED, BLUE)), None, {BLUE.id: 3}, by="owner")
    await connection.redis.hset(stock_key(BLUE.id), "committed", "1")

    with pytest.raises(Conflict, match="s_blue has units in orders"):
        await products.save(product(skus=(RED,)), base, by="owner")
    with pytest.raises(Conflict, match="s_blue has units in orders"):
        await products.delete(base)

    assert await products.get(base.id) == base
    assert await stocks.get(BLUE.id) == Stock(on_hand=3, committed=1, revision=1)


async def test_a_deleted_product_leaves_only_the_mark_for_the_sidecar(
    products: Products, connection: Connection, dirty: Dirty
) -> None:
    base = await made(products)
    await products.delete(base)

    assert await dirty.all() == {base.id: 2}
    assert await connection.redis.keys("*") == [b"shopcast:{shop}:dirty"]
    with pytest.raises(NotFound):
        await products.get(base.id)
    with pytest.raises(NotFound):
        await products.delete(base)


async def test_a_product_that_was_changed_meanwhile_is_not_deleted(products: Products) -> None:
    base = await made(products)
    changed = await products.save(product(title="A cup"), base, by="owner")

    with pytest.raises(Stale):
        await products.delete(base)
    assert await products.get(base.id) == changed


async def test_many_writes_go_together_and_each_stands_alone(products: Products) -> None:
    base = await made(products)
    await products.save(product(title="A cup"), base, by="owner")

    results = await products.save_many(
        [
            Write(product("pot"), None, {SkuId("s_pot"): 2}, "import"),
            Write(product(title="Late"), base, {}, "import"),
            Write(product("jug", handle="pot"), None, {}, "import"),
            Write(base, base, {}, "import"),
            Write(product("can"), None, {}, "import"),
        ]
    )

    assert [type(result) for result in results] == [Product, Stale, Conflict, Product, Product]
    assert await products.ids() == ["p_can", "p_mug", "p_pot"]


async def test_all_products_are_read_page_by_page_in_the_order_of_their_ids(
    products: Products,
) -> None:
    names = [f"n{number:04}" for number in range(1203)]
    await products.save_many([Write(product(name), None, {}, "import") for name in names])

    found: list[str] = []
    after = None
    while True:
        page = await products.page(after, 250)
        found += [each.handle for each in page.products]
        after = page.next
        if after is None:
            break

    assert found == names
    assert await products.ids() == [ProductId(f"p_{name}") for name in names]
    assert await products.count() == 1203
    assert [each.handle for each in (await products.page(ProductId("p_n1201"), 250)).products] == [
        "n1202"
    ]


async def test_a_search_finds_in_all_there_is_and_goes_on_where_it_ended(
    products: Products,
) -> None:
    names = [f"n{number:04}" for number in range(1203)]
    rare = {7, 601, 1202}
    await products.save_many(
        [
            Write(
                product(name, title="A Rare Éclair" if number in rare else "Common"),
                None,
                {},
                "import",
            )
            for number, name in enumerate(names)
        ]
    )
    search = Search(words=("rare", "éclair"))

    first = await products.page(None, 2, search)
    assert [each.handle for each in first.products] == ["n0007", "n0601"]
    second = await products.page(first.next, 2, search)
    assert [each.handle for each in second.products] == ["n1202"]
    assert second.next is None
    exact = await products.page(None, 3, search)
    assert (len(exact.products), exact.next) == (3, None)


async def test_a_changed_product_is_found_by_what_it_is_now(products: Products) -> None:
    base = await made(products, title="Teapot")
    await products.save(product(title="Jug"), base, by="owner")

    assert (await products.page(search=Search(words=("teapot",)))).products == []
    assert len((await products.page(search=Search(words=("jug",)))).products) == 1


async def test_with_redis_away_nothing_is_read_or_written(
    products: Products, redis_server: RedisServer
) -> None:
    base = await made(products)
    await redis_server.stop()

    with pytest.raises(StoreUnavailable):
        await products.save(product(title="A cup"), base, by="owner")
    with pytest.raises(StoreUnavailable):
        await products.get(base.id)
    with pytest.raises(StoreUnavailable):
        await products.page()
