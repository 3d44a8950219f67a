"""Badges: how long a thousand take, and how soon a change at its cause is with those who watch."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import aiohttp

from bench.report import Figures, percentile
from mediaserver.app import Server, running
from mediaserver.redis_server import socket_path
from mediaserver.settings import HttpSettings, RtmpSettings, Settings, StoreSettings
from sync.connection import Connection
from sync.eligibility.badge import badge
from sync.eligibility.verdict import shop_verdict
from sync.images.files import ImageFiles
from sync.model import TIKTOK, ProductId, SkuId
from tests.api.client import Client, EventStream
from tests.sync.selling import CHANNEL, NOW, SUBJECT
from tests.sync.shop import Shop

PRODUCTS = 1000
RUNDOWN = 100
TIMES = 25
CAUSES = 300
WITHIN_S = 10.0


async def measure() -> Figures:
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(
            http=HttpSettings(port=0),
            rtmp=RtmpSettings(port=0),
            store=StoreSettings(data_dir=Path(directory)),
        )
        async with running(settings) as server, _shop(settings) as shop:
            products = await shop.stocked_many([f"mug{number:04}" for number in range(PRODUCTS)])
            await shop.on_sale(*products)
            waits_s = await _waits_s(server, shop, products[:RUNDOWN])
            return {
                "badges_1000_ms": 1000 * _computed_s(),
                "badges_1000_read_ms": 1000 * await _read_s(shop, products),
                "badge_event_p50_ms": 1000 * median(waits_s),
                "badge_event_p99_ms": 1000 * percentile(waits_s, 99),
            }


def _computed_s() -> float:
    """Of what was read already."""
    subjects = [SUBJECT] * PRODUCTS
    times_s = []
    for _ in range(TIMES):
        before_s = time.perf_counter()
        shop = shop_verdict(CHANNEL, NOW)
        for subject in subjects:
            badge(TIKTOK, subject, shop, NOW)
        times_s.append(time.perf_counter() - before_s)
    return median(times_s)


async def _read_s(shop: Shop, products: list[ProductId]) -> float:
    """With the reading from Redis."""
    times_s = []
    for _ in range(TIMES):
        before_s = time.perf_counter()
        await shop.badges.of(products, [TIKTOK])
        times_s.append(time.perf_counter() - before_s)
    return median(times_s)


async def _waits_s(server: Server, shop: Shop, rundown: list[ProductId]) -> list[float]:
    """From before a unit is sold, or comes in, until it was read from a show's events that there
    are none, or some again."""
    async with aiohttp.ClientSession() as http:
        owner = Client(http, server.base_url, server.owner_token.reveal())
        show = await owner.post("/api/v1/shows", {"title": "Mugs", "channels": ["tiktok"]}, 201)
        path = f"/api/v1/shows/{show['id']}"
        await owner.put(f"{path}/rundown", {"products": rundown})
        waits_s = []
        async with owner.events(f"{path}/events") as events:
            await events.next()
            for number in range(CAUSES):
                place = number // 2 % len(rundown)
                delta = -5 if number % 2 == 0 else 5
                sku = SkuId(f"s_{rundown[place].removeprefix('p_')}")
                before_s = time.perf_counter()
                await shop.stores.stocks.adjust(sku, delta, by="bench", reason="sold")
                await _told(events, place, sold_out=delta < 0)
                waits_s.append(time.perf_counter() - before_s)
        return waits_s


async def _told(events: EventStream, place: int, *, sold_out: bool) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            rundown = await events.until("rundown")
            if rundown["products"][place]["badges"]["tiktok"]["sold_out"] == sold_out:
                return


@asynccontextmanager
async def _shop(settings: Settings) -> AsyncIterator[Shop]:
    """The server's store, seen from outside."""
    connection = Connection(f"unix://{socket_path(settings.store.data_dir)}")
    try:
        images = ImageFiles(settings.store.data_dir / "images", reserve_bytes=0)
        shop = Shop(connection, time.time, images)
        await shop.open()
        yield shop
    finally:
        await connection.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure()), indent=1))
