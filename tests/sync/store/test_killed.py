"""Redis is killed while products are written: what was acknowledged is there, nothing is half."""

import asyncio
import contextlib
import os
import signal

import msgspec
import pytest

from mediaserver.redis_server import RedisServer
from sync.connection import Connection
from sync.errors import StoreUnavailable
from sync.model import Product, ProductId, SkuId, Stock
from sync.orders.order import OWN_SHOP, Order, OrderId
from sync.store.dirty import Dirty
from sync.store.keys import HANDLES, PRODUCTS, REVISIONS, SEARCH
from sync.store.orders import ORDERS, Orders
from sync.store.products import Products, Write
from sync.store.stock import Stocks
from tests.sync.now import Now
from tests.sync.things import claim, order, product

TIMEOUT_S = 20.0


async def write_until_away(products: Products, name: str) -> list[Product]:
    """Make products by threes, and change each once, until Redis is gone: what was acknowledged."""
    acknowledged: dict[ProductId, Product] = {}
    try:
        for number in range(1_000_000):
            names = [f"{name}{number:06}{each}" for each in "abc"]
            some = [product(each) for each in names]
            made = await products.save_many(
                [Write(each, None, {SkuId(f"s_{each.handle}"): 7}, "import") for each in some]
            )
            acknowledged |= {each.id: each for each in made if isinstance(each, Product)}
            base = acknowledged[some[0].id]
            renamed = product(base.handle, handle=f"{base.handle}-new")
            acknowledged[base.id] = await products.save(renamed, base, by="owner")
    except StoreUnavailable:
        pass
    return list(acknowledged.values())


@pytest.mark.parametrize("writes", [1, 20, 100])
async def test_what_was_acknowledged_is_there_and_nothing_is_half_written(
    writes: int, redis_server: RedisServer, products: Products, connection: Connection
) -> None:
    writers = [asyncio.create_task(write_until_away(products, name)) for name in ("x", "y")]
    async with asyncio.timeout(TIMEOUT_S):
        while await connection.redis.hlen(PRODUCTS) < writes:
            pass
    assert redis_server.pid is not None
    os.kill(redis_server.pid, signal.SIGKILL)
    acknowledged = [each for writer in writers for each in await writer]
    await redis_server.stop()
    await redis_server.start()

    again = Connection(redis_server.url)
    kept, stocks = Products(again, Now()), Stocks(again, Now())
    ids = await kept.ids()
    found = await kept.many(ids)
    assert len(found) == len(ids) >= len(acknowledged) >= writes - 6
    for each in acknowledged:  # a write that was not acknowledged may have come after it
        assert found[each.id].revision >= each.revision
    for hash_name in (PRODUCTS, REVISIONS, SEARCH):
        assert sorted(await again.redis.hkeys(hash_name)) == sorted(map(str.encode, ids))
    assert await again.redis.hgetall(HANDLES) == {
        each.handle.encode(): each.id.encode() for each in found.values()
    }
    units = await stocks.many([each.skus[0].id for each in found.values()])
    assert list(units.values()) == [Stock(on_hand=7, revision=1)] * len(ids)
    changes = await Dirty(again).all()
    assert changes == {each.id: each.revision for each in found.values()}
    await again.close()


async def sell_until_away(orders: Orders, name: str) -> list[Order]:
    """Place orders and send each, until Redis is gone: what was acknowledged."""
    acknowledged: dict[OrderId, Order] = {}
    claims = [claim(1, "s_mug"), claim(2, "s_cup", "2")]
    with contextlib.suppress(StoreUnavailable):
        for number in range(1_000_000):
            placed = order(OWN_SHOP, f"{name}{number:06}")
            saved = await orders.save(placed, claims, by="Pia", strict=True)
            acknowledged[placed.id] = saved.order
            sent = order(OWN_SHOP, placed.id, status="IN_TRANSIT")
            gone = [msgspec.structs.replace(each, sent=each.units) for each in claims]
            saved = await orders.save(sent, gone, by="Pia", base=placed)
            acknowledged[placed.id] = saved.order
    return list(acknowledged.values())


@pytest.mark.parametrize("placed", [1, 20, 200])
async def test_an_order_that_was_acknowledged_has_its_units(
    placed: int,
    redis_server: RedisServer,
    products: Products,
    orders: Orders,
    connection: Connection,
) -> None:
    for name in ("mug", "cup"):
        await products.save(product(name), None, {SkuId(f"s_{name}"): 100_000}, by="owner")
    sellers = [asyncio.create_task(sell_until_away(orders, name)) for name in "xyz"]
    async with asyncio.timeout(TIMEOUT_S):
        while await connection.redis.hlen(ORDERS) < placed:
            pass
    assert redis_server.pid is not None
    os.kill(redis_server.pid, signal.SIGKILL)
    acknowledged = [each for seller in sellers for each in await seller]
    await redis_server.stop()
    await redis_server.start()

    again = Connection(redis_server.url)
    kept, stocks = Orders(again, Now()), Stocks(again, Now())
    found = {each.id: each async for some in kept.slices() for each in some}
    for each in acknowledged:  # a write that was not acknowledged may have come after it
        assert found[each.id] == each or each.status == "UNPAID"
    held = await kept.held(list(found))
    assert held.keys() == found.keys()
    for sku, units in (SkuId("s_mug"), 1), (SkuId("s_cup"), 2):
        sent = units * sum(each.status == "IN_TRANSIT" for each in found.values())
        stock = await stocks.get(sku)
        assert stock.on_hand == 100_000 - sent
        assert stock.committed == units * len(found) - sent
        assert stock.free == 100_000 - units * len(found)
        changes = await stocks.history(sku, 10_000)
        assert [each.revision for each in changes] == list(range(stock.revision, 0, -1))
    await again.close()
