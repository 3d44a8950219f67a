"""Reports of sales over 100,000 orders: how long they take over HTTP, how long the orders take to
be read, how late the event loop is meanwhile, and how soon an order is in a show's events."""

import argparse
import asyncio
import gc
import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import aiohttp
import msgspec
import psutil

from bench.report import Figures, Report, percentile, report
from mediaserver.app import running
from mediaserver.loop_lag import LoopLag
from mediaserver.redis_server import socket_path
from mediaserver.settings import HttpSettings, RtmpSettings, Settings, StoreSettings
from sync.connection import Connection
from sync.model import TIKTOK, ProductId
from sync.orders.order import OWN_SHOP, LineId, Order, OrderId, OrderLine, OrderStatus, RoomId
from sync.store.keys import NOTICES
from sync.store.notices import encoded
from sync.store.orders import ORDERS, Filters, orders_key
from sync.store.stores import Stores
from tests.api.client import Client

ORDERS_OF_A_YEAR = 100_000
PRODUCTS = 2_000
ROOMS = 100
YEAR_S = 365 * 24 * 3600.0
TIMES = 9
TOLD = 200
WITHIN_S = 60.0
_AT_ONCE = 1_000


async def measure() -> Figures:
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(
            http=HttpSettings(port=0),
            rtmp=RtmpSettings(port=0),
            store=StoreSettings(data_dir=Path(directory)),
        )
        async with (
            running(settings) as server,
            aiohttp.ClientSession() as http,
            _store(settings) as connection,
        ):
            owner = Client(http, server.base_url, server.owner_token.reveal())
            await owner.get("/api/v1/reports/gmv")
            gc.collect()
            gc.freeze()  # as a server that is run does
            process = psutil.Process()
            before = process.memory_info().rss
            await _fill(connection)
            lag = LoopLag()
            load_s = await _load_s(owner, connection)
            p99_s, most_s = lag.quantiles(0.99, 1.0)
            lag.stop()
            figures = {
                "load_100000_orders_s": load_s,
                "load_loop_lag_p99_ms": 1000 * p99_s,
                "load_loop_lag_max_ms": 1000 * most_s,
                "rss_added_mib": (process.memory_info().rss - before) / (1 << 20),
            }
            lag = LoopLag()
            for by in ("channel", "show", "product", "hour"):
                figures[f"report_by_{by}_ms"] = await _answer_ms(owner, f"gmv?by={by}")
            figures["report_by_hour_csv_ms"] = await _answer_ms(owner, "gmv?by=hour&format=csv")
            figures["report_of_lives_ms"] = await _answer_ms(owner, "lives")
            (figures["report_loop_lag_max_ms"],) = (1000 * each for each in lag.quantiles(1.0))
            lag.stop()
            waits_s = await _waits_s(owner, connection)
            figures["sales_event_p50_ms"] = 1000 * median(waits_s)
            figures["sales_event_p99_ms"] = 1000 * percentile(waits_s, 99)
            return figures


def _orders() -> Iterator[Order]:
    """A year's, the same in every run: two thirds from TikTok, most of those from LIVEs."""
    chance, begin = random.Random(6), time.time() - YEAR_S
    for number in range(ORDERS_OF_A_YEAR):
        is_tiktok = chance.random() < 2 / 3
        room = RoomId(f"73000{chance.randrange(ROOMS)}") if chance.random() < 0.7 else None
        status = OrderStatus.CANCELLED if chance.random() < 0.05 else OrderStatus.COMPLETED
        at = begin + chance.random() * YEAR_S
        yield Order(
            id=OrderId(f"o{number}"),
            channel=TIKTOK if is_tiktok else OWN_SHOP,
            remote_id=str(number),
            status=status,
            currency="USD" if is_tiktok else chance.choice(("USD", "EUR")),
            lines=tuple(
                OrderLine(
                    id=LineId(str(line)),
                    title="A mug",
                    price=chance.randrange(500, 10_000),
                    status=status,
                    product=ProductId(f"p_{chance.randrange(PRODUCTS)}"),
                    room=room if is_tiktok else None,
                )
                for line in range(chance.choice((1, 1, 2, 3)))
            ),
            created_at=at,
            updated_at=at,
            paid_at=at,
        )


async def _fill(connection: Connection) -> None:
    """As the store's own scripts leave them, but for the stock, which reports do not read."""
    batch: list[Order] = []
    for order in _orders():
        batch.append(order)
        if len(batch) == _AT_ONCE:
            documents = [part for each in batch for part in (each.id, msgspec.json.encode(each))]
            await connection.redis.hset(ORDERS, items=documents)
            scores: dict[str, float] = {each.id: each.created_at for each in batch}
            await connection.redis.zadd(orders_key(Filters()), scores)
            batch.clear()


async def _load_s(owner: Client, connection: Connection) -> float:
    """From when everything is to be read anew until a report has it all."""
    began_s = time.perf_counter()
    await connection.redis.publish(NOTICES, encoded("all"))
    async with asyncio.timeout(WITHIN_S):
        while not (await owner.get("/api/v1/reports/gmv"))["totals"]:
            pass
    return time.perf_counter() - began_s


async def _answer_ms(owner: Client, what: str) -> float:
    times_s = []
    for _ in range(TIMES):
        before_s = time.perf_counter()
        answer = await owner.call("GET", f"/api/v1/reports/{what}")
        times_s.append(time.perf_counter() - before_s)
        assert answer.status == 200, answer.body
    return 1000 * median(times_s)


async def _waits_s(owner: Client, connection: Connection) -> list[float]:
    """From before an order is stored until the show's events have told of it."""
    orders = Stores(connection, time.time).orders
    show = (await owner.post("/api/v1/shows", {"title": "Mugs"}, 201))["id"]
    waits_s = []
    async with owner.events(f"/api/v1/shows/{show}/events") as events:
        await events.next()
        for number in range(TOLD):
            at = time.time()
            order = Order(
                id=OrderId(f"now{number}"),
                channel=OWN_SHOP,
                remote_id=f"now{number}",
                status=OrderStatus.AWAITING_SHIPMENT,
                currency="USD",
                lines=(OrderLine(LineId("1"), "A mug", 1250),),
                created_at=at,
                updated_at=at,
                paid_at=at,
                show=show,
            )
            before_s = time.perf_counter()
            await orders.save(order, [], by="bench")
            async with asyncio.timeout(WITHIN_S):
                while (await events.until("sales"))["totals"][0]["orders"] <= number:
                    pass
            waits_s.append(time.perf_counter() - before_s)
    return waits_s


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Connection]:
    """The server's store, seen from outside."""
    connection = Connection(f"unix://{socket_path(settings.store.data_dir)}")
    yield connection
    await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    measured = asyncio.run(_measured(arguments.runs))
    print(measured.json() if arguments.json else measured.text())


async def _measured(runs: int) -> Report:
    return report("orders.reports", [await measure() for _ in range(runs)], {}, {})


if __name__ == "__main__":
    main()
