"""Orders of the shop's own, each saved and its units taken from the stock in one go: how many a
second over one pool of connections to a Redis that writes each change through, and how long one
takes at half the rate that is asked for."""

import asyncio
import gc
import itertools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.report import Figures, percentile
from mediaserver.redis_server import RedisServer
from sync.connection import Connection
from sync.model import Product, ProductId, Sku, SkuId
from sync.orders.order import (
    OWN_SHOP,
    Claim,
    LineId,
    Order,
    OrderId,
    OrderLine,
    OrderStatus,
)
from sync.store.orders import Idempotency, Orders
from sync.store.products import Products, Write
from sync.store.stock import Stocks

SKUS = 50
UNITS = 1_000_000
CALLERS = 100
SECONDS = 5.0
WARM_UP_S = 1.0
PACED_PER_S = 2_500
"""Half of the 5,000 a second that are asked for."""


async def measure() -> Figures:
    with tempfile.TemporaryDirectory() as directory:
        async with RedisServer(Path(directory)) as redis_server:
            connection = Connection(redis_server.url)
            orders = Orders(connection, time.time)
            products = Products(connection, time.time)
            await products.save_many(
                [Write(_product(each), None, {_sku(each): UNITS}, "bench") for each in range(SKUS)]
            )
            numbers = itertools.count()
            gc.collect()
            gc.freeze()  # as a server that is run does
            await _waits_s(orders, numbers, WARM_UP_S)
            waits_s = await _waits_s(orders, numbers, SECONDS)
            per_s = await _saved_per_s(orders, numbers, SECONDS)
            await _check(connection, next(numbers))
            await connection.close()
            return {
                "allocations_per_s": per_s,
                "allocation_p50_ms": 1000 * percentile(waits_s, 50),
                "allocation_p99_ms": 1000 * percentile(waits_s, 99),
            }


async def _saved_per_s(orders: Orders, numbers: Iterator[int], seconds: float) -> float:
    """With so many callers that each begin anew when they have their answer."""
    began_s = time.perf_counter()
    saved = 0

    async def call() -> None:
        nonlocal saved
        while time.perf_counter() - began_s < seconds:
            await _save(orders, next(numbers))
            saved += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(call())
    return saved / (time.perf_counter() - began_s)


async def _waits_s(orders: Orders, numbers: Iterator[int], seconds: float) -> list[float]:
    """From when each was due, whatever became of those before it."""
    waits_s: list[float] = []

    async def call(due_s: float) -> None:
        await _save(orders, next(numbers))
        waits_s.append(time.perf_counter() - due_s)

    began_s = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(round(seconds * PACED_PER_S)):
            due_s = began_s + number / PACED_PER_S
            if (early_s := due_s - time.perf_counter()) > 0:
                await asyncio.sleep(early_s)
            group.create_task(call(due_s))
    return waits_s


async def _check(connection: Connection, orders: int) -> None:
    """Each order has its unit, and no other."""
    stocks = await Stocks(connection, time.time).many([_sku(number) for number in range(SKUS)])
    assert sum(stock.committed for stock in stocks.values()) == orders
    assert all(stock.free == UNITS - stock.committed for stock in stocks.values())


async def _save(orders: Orders, number: int) -> None:
    sku, at = _sku(number % SKUS), time.time()
    line = OrderLine(LineId("1"), "An enamel mug", price=1250, sku=sku, seller_sku="MUG-R")
    name = f"o_{number:016}"
    order = Order(
        id=OrderId(name),
        channel=OWN_SHOP,
        remote_id=name,
        status=OrderStatus.UNPAID,
        currency="USD",
        lines=(line,),
        created_at=at,
        updated_at=at,
    )
    await orders.save(
        order,
        [Claim(line.id, sku, ordered=1, units=1, sent=0)],
        by="bench",
        strict=True,
        idempotency=Idempotency(name, "0123456789abcdef"),
    )


def _sku(number: int) -> SkuId:
    return SkuId(f"s_{number:016}")


def _product(number: int) -> Product:
    name = f"mug-{number}"
    return Product(
        id=ProductId(f"p_{number:016}"),
        handle=name,
        title=name,
        currency="USD",
        skus=(Sku(_sku(number), price=1250),),
    )
