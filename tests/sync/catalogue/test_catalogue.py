"""The catalogue over a real Redis: what people change, two at once, and with Redis away."""

import asyncio
from typing import Any

import msgspec
import pytest

from mediaserver.redis_server import RedisServer
from sync.catalogue.catalogue import Catalogue, Item
from sync.catalogue.product_draft import Ids, ProductDraft
from sync.catalogue.search import Search
from sync.connection import Connection
from sync.errors import Conflict, Invalid, NotFound, Stale, StoreUnavailable
from sync.model import ProductId, SkuId, Stock
from sync.store.products import Products
from sync.store.stock import Stocks
from tests.sync.now import Now

NOBODY = ProductId("p_none")


@pytest.fixture
def catalogue(products: Products, stocks: Stocks, now: Now) -> Catalogue:
    return Catalogue(products, stocks, Ids(now, lambda _bits: 0))


def draft(**said: Any) -> ProductDraft:
    return msgspec.convert(said, ProductDraft)


async def mug(catalogue: Catalogue, **said: Any) -> Item:
    whole = {"title": "Mug", "currency": "USD", "skus": [{"price": 1250, "on_hand": 5}], **said}
    return await catalogue.create(draft(**whole), by="owner")


async def test_a_product_is_made_with_its_stock(catalogue: Catalogue) -> None:
    item = await mug(catalogue)
    (sku,) = item.product.skus

    assert item.stocks == {sku.id: Stock(on_hand=5, revision=1)}
    assert await catalogue.get(item.product.id) == item
    assert [
        change.reason for change in await catalogue.stock_history(item.product.id, sku.id, 9)
    ] == ["new"]


async def test_products_of_one_title_get_handles_of_their_own(catalogue: Catalogue) -> None:
    handles = [(await mug(catalogue)).product.handle for _ in range(3)]

    assert handles == ["mug", "mug-2", "mug-3"]


async def test_products_of_one_title_that_are_made_at_once_get_handles_too(
    catalogue: Catalogue,
) -> None:
    items = await asyncio.gather(*(mug(catalogue) for _ in range(5)))

    handles = sorted(item.product.handle for item in items)
    assert handles == ["mug", "mug-2", "mug-3", "mug-4", "mug-5"]


async def test_when_the_numbers_of_a_title_are_used_up_the_person_is_asked(
    catalogue: Catalogue,
) -> None:
    for _ in range(19):
        await mug(catalogue)

    with pytest.raises(Conflict, match="many products are named 'mug'"):
        await mug(catalogue)


async def test_a_handle_that_is_asked_for_is_not_changed(catalogue: Catalogue) -> None:
    await mug(catalogue)

    with pytest.raises(Conflict, match="the handle 'mug' is that of"):
        await mug(catalogue, handle="mug")


async def test_two_changes_at_once_of_different_fields_are_both_made(catalogue: Catalogue) -> None:
    product = (await mug(catalogue)).product.id

    await asyncio.gather(
        catalogue.change(product, draft(title="Cup"), None, by="owner"),
        catalogue.change(product, draft(vendor="Acme"), None, by="producer"),
        catalogue.change(product, draft(type="Kitchen"), None, by="producer"),
    )

    changed = (await catalogue.get(product)).product
    assert (changed.title, changed.vendor, changed.type) == ("Cup", "Acme", "Kitchen")
    assert changed.revision == 4


async def test_a_change_of_another_revision_is_refused(catalogue: Catalogue) -> None:
    product = (await mug(catalogue)).product.id
    await catalogue.change(product, draft(title="Cup"), 1, by="owner")

    with pytest.raises(Stale, match="at revision 2 now"):
        await catalogue.change(product, draft(title="Jug"), 1, by="owner")
    with pytest.raises(Stale, match="at revision 2 now"):
        await catalogue.delete(product, 1)
    assert (await catalogue.get(product)).product.title == "Cup"


async def test_units_are_said_for_new_skus_only(catalogue: Catalogue) -> None:
    item = await mug(catalogue)
    (sku,) = item.product.skus
    product = item.product.id

    with pytest.raises(Invalid, match=rf"^skus\[0\]\.on_hand: is for new SKUs: .*{sku.id}/stock"):
        await catalogue.change(product, draft(skus=[{"on_hand": 9}]), None, by="owner")

    said = draft(
        options=["Size"],
        skus=[{"id": sku.id, "options": ["S"]}, {"price": 1, "options": ["M"], "on_hand": 9}],
    )
    changed = await catalogue.change(product, said, None, by="owner")
    assert [stock.on_hand for stock in changed.stocks.values()] == [5, 9]


async def test_a_change_that_cannot_be_leaves_all_as_it_was(catalogue: Catalogue) -> None:
    item = await mug(catalogue)

    with pytest.raises(Invalid, match=r"^title: must not be empty"):
        await catalogue.change(item.product.id, draft(title=" ", vendor="A"), None, by="owner")
    with pytest.raises(Invalid, match=r"^skus: must have one"):
        await catalogue.change(item.product.id, draft(skus=[]), None, by="owner")

    assert await catalogue.get(item.product.id) == item


async def test_stock_is_that_of_a_sku_of_the_product(catalogue: Catalogue) -> None:
    item, other = await mug(catalogue), await mug(catalogue)
    product, theirs = item.product.id, other.product.skus[0].id

    for asked in (
        catalogue.stock(product, theirs),
        catalogue.set_stock(product, theirs, 1, 1, by="owner", reason="set"),
        catalogue.adjust_stock(product, theirs, 1, None, by="owner", reason="found"),
        catalogue.stock_history(product, theirs, 9),
    ):
        with pytest.raises(NotFound, match="SKU"):
            await asked
    assert await catalogue.get(other.product.id) == other


async def test_stock_is_set_and_adjusted(catalogue: Catalogue) -> None:
    item = await mug(catalogue)
    product, sku = item.product.id, item.product.skus[0].id

    await catalogue.set_stock(product, sku, 8, 1, by="owner", reason="counted")
    await catalogue.adjust_stock(product, sku, -3, None, by="producer", reason="broken")

    assert await catalogue.stock(product, sku) == Stock(on_hand=5, revision=3)
    history = await catalogue.stock_history(product, sku, 9)
    assert [(change.by, change.reason, change.delta) for change in history] == [
        ("producer", "broken", -3),
        ("owner", "counted", 3),
        ("owner", "new", 5),
    ]


@pytest.mark.parametrize("units", [-1, 10**9 + 1])
async def test_numbers_that_no_shelf_holds_are_refused(catalogue: Catalogue, units: int) -> None:
    item = await mug(catalogue)
    product, sku = item.product.id, item.product.skus[0].id

    with pytest.raises(Invalid, match=r"^on_hand: must be from 0 to 1,000,000,000 units"):
        await catalogue.set_stock(product, sku, units, 1, by="owner", reason="set")
    with pytest.raises(Invalid, match=r"^delta: must be from -1,000,000,000 to"):
        await catalogue.adjust_stock(product, sku, 10**9 + 1, None, by="owner", reason="found")


async def test_the_catalogue_is_listed_with_stock(catalogue: Catalogue) -> None:
    items = [await mug(catalogue, title=title) for title in ("Mug", "Pot", "Can")]

    first = await catalogue.page(None, 2, None)
    assert (first.items, first.total) == (items[:2], 3)
    second = await catalogue.page(first.next, 2, None)
    assert (second.items, second.next, second.total) == (items[2:], None, 3)
    assert (await catalogue.page(None, 2, Search(("can",)))).items == items[2:]
    asked = [items[2].product.id, NOBODY, items[0].product.id]
    assert await catalogue.many(asked) == [items[2], items[0]]


async def test_nobody_is_found_changed_or_removed_that_is_not_there(catalogue: Catalogue) -> None:
    for asked in (
        catalogue.get(NOBODY),
        catalogue.change(NOBODY, draft(title="Cup"), None, by="owner"),
        catalogue.delete(NOBODY, None),
        catalogue.stock(NOBODY, SkuId("s_none")),
    ):
        with pytest.raises(NotFound, match="product 'p_none'"):
            await asked


async def test_with_redis_away_nothing_is_half_done(
    catalogue: Catalogue, redis_server: RedisServer, connection: Connection
) -> None:
    item = await mug(catalogue)
    product, sku = item.product.id, item.product.skus[0].id
    await redis_server.stop()

    for asked in (
        mug(catalogue),
        catalogue.change(product, draft(skus=[{"price": 1, "seller_sku": "N"}]), None, by="owner"),
        catalogue.delete(product, None),
        catalogue.set_stock(product, sku, 9, 1, by="owner", reason="set"),
        catalogue.page(None, 9, None),
    ):
        with pytest.raises(StoreUnavailable):
            await asked

    await redis_server.start()
    again = Connection(redis_server.url)
    now = Now()
    fresh = Catalogue(Products(again, now), Stocks(again, now), Ids(now, lambda _bits: 0))
    assert (await fresh.page(None, 9, None)).items == [item]
    await again.close()
