"""The sync of a whole shop: a server of ours in this process, with a show on air, beside TikTok's
sandbox in another one.

Products and their pictures are in the store before the clock runs: it is stopped when TikTok has
all of them. Then what a cycle with nothing changed costs, and how soon one change is there.
"""

import asyncio
import contextlib
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace as changed
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import psutil
from PIL import Image as Picture
from PIL.PngImagePlugin import PngInfo

from bench import j1
from bench.report import Figures, percentile
from mediaserver.app import Server, running
from mediaserver.demo.child import Child
from mediaserver.redis_server import socket_path
from mediaserver.settings import read_settings
from sync.connection import Connection
from sync.images.files import ImageFiles
from sync.model import Image, ImageRecord, Product, ProductId, Sku, SkuId
from sync.store.categories import Categories
from sync.store.images import Images
from sync.store.products import Products, Write
from sync.store.progress import ProgressStore
from sync.store.stock import Stocks

PER_S = 50.0
"""What the sandbox takes, of requests of all kinds together."""

NEEDED_PER_PRODUCT = 2
"""Its picture and itself."""

MUGS = "600154"
WITHIN_S = 1_200.0
POLL_S = 0.5
LAG_EVERY_S = 0.02
SETTLED_S = 150.0
"""Webhooks that were not taken at once come again after two minutes."""

IDLE_S = 60.0
CYCLES_IN_IDLE = 2
"""Searches without hints, each SEARCH_EVERY_S of sync.sidecar.session."""

CHANGES = 20
_BATCH = 100


class Shop:
    """The server, its store from outside, and the sandbox's control."""

    def __init__(self, server: Server, connection: Connection, sandbox: str) -> None:
        self.connection = connection
        self.products = Products(connection, time.time)
        self.stocks = Stocks(connection, time.time)
        self.progress = ProgressStore(connection)
        self._server = server
        self._sandbox = sandbox
        self._http = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {server.owner_token.reveal()}"},
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # an address without a name has cookies, too
        )

    async def close(self) -> None:
        await self._http.close()

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self._server.base_url}/api/v1{path}"
        async with self._http.request(method, url, json=body) as response:
            answer = await response.json()
            if response.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer}")
            return answer

    async def control(self, name: str, **arguments: Any) -> Any:
        async with self._http.post(f"{self._sandbox}/_control/{name}", json=arguments) as response:
            return await response.json()

    async def requests(self) -> dict[str, int]:
        """What TikTok did for us, by call."""
        return {
            name: codes["0"]
            for name, codes in (await self.control("requests")).items()
            if "0" in codes
        }

    async def connect(self) -> None:
        """By the consent page, as a seller does; nothing is sent yet."""
        answer = await self.call("POST", "/channels/tiktok/connect")
        [state] = parse_qs(urlsplit(answer["authorize_url"]).query)["state"]
        agreed = await self.control("consent", seller="cedar", state=state)
        query = urlsplit(agreed["redirect"]).query
        url = f"{self._server.base_url}/oauth/tiktok/callback?{query}"
        async with self._http.get(url) as response:
            if response.status >= 400:
                raise RuntimeError(await response.text())
        await self.call("PATCH", "/channels/tiktok", {"auto_sync": False, "tier": "pro"})
        await Categories(self.connection).save_mapping({"Mug": MUGS})

    async def go_on_air(self, url: str) -> None:
        """A show of one 720p30 canvas, encoded and sent to `url`."""
        show = await self.call("POST", "/shows", {"title": "bench", "channels": []})
        base, _, key = url.rpartition("/")
        target = {"name": "sink", "platform": "custom", "url": base, "stream_key": key}
        await self.call("POST", f"/shows/{show['id']}/targets", target)
        await self.call("POST", f"/shows/{show['id']}/start")

    async def fill(self, count: int, directory: Path) -> None:
        """Put `count` products with one picture each into the store, fetched."""
        files = ImageFiles(directory / "data" / "images", reserve_bytes=0)
        images = Images(self.connection)
        for begin in range(0, count, _BATCH):
            numbers = range(begin, min(count, begin + _BATCH))
            for number in numbers:
                data = await asyncio.to_thread(_picture, number)
                record = ImageRecord(
                    "fetched",
                    digest=await files.write(data),
                    content_type="image/png",
                    width=320,
                    height=320,
                    size=len(data),
                    at=time.time(),  # one of long ago that no product has yet is forgotten
                )
                await images.save(_url(number), record, None)
            await self.products.save_many(
                [Write(_product(n), None, {SkuId(f"s_{n}"): 5}, "bench") for n in numbers]
            )


async def measure(count: int, per_s: float = PER_S) -> Figures:
    """The figures with `count` products."""
    async with _shop(per_s) as (shop, directory):
        await shop.connect()
        await shop.fill(count, directory)
        async with asyncio.timeout(WITHIN_S):
            while (await shop.progress.get()).waiting < count:  # noqa: ASYNC110
                await asyncio.sleep(POLL_S)
        await shop.control("forget_requests")
        process, lags = psutil.Process(), Lags()
        before = most = process.memory_info().rss
        began = time.monotonic()
        await shop.call("PATCH", "/channels/tiktok", {"auto_sync": True})
        async with asyncio.timeout(WITHIN_S):
            while (await shop.progress.get()).done < count:
                most = max(most, process.memory_info().rss)
                await asyncio.sleep(POLL_S)
        took_s = time.monotonic() - began
        lag_ms = lags.stop()
        requests = await shop.requests()
        needed_s = NEEDED_PER_PRODUCT * count / per_s
        cold = {
            f"sync_{count}_s": took_s,
            f"sync_{count}_ratio": took_s / needed_s,
            "requests_per_product": sum(requests.values()) / count,
            "rss_added_mb": (most - before) / 1e6,
            "loop_lag_p99_ms": percentile(lag_ms, 99),
            "loop_lag_max_ms": max(lag_ms),
        }
        idle = await _idle_requests(shop)
        return cold | {"idle_cycle_requests": idle, "one_change_ms": await _change_ms(shop, count)}


async def _idle_requests(shop: Shop) -> float:
    """Of one cycle, once every verdict has been read."""
    await asyncio.sleep(SETTLED_S)
    await shop.control("forget_requests")
    await asyncio.sleep(IDLE_S)
    return sum((await shop.requests()).values()) / CYCLES_IN_IDLE


async def _change_ms(shop: Shop, count: int) -> float:
    """The slowest of some changes of stock: from the answer here until TikTok has it, which had
    another before and none in between."""
    slowest = 0.0
    for number in range(min(CHANGES, count)):
        sku = SkuId(f"s_{number}")
        stock = (await shop.stocks.many([sku]))[sku]
        before = (await shop.requests()).get("update_inventory", 0)
        await shop.stocks.set(sku, 7, stock.revision, by="bench")
        began = time.monotonic()
        while (await shop.requests()).get("update_inventory", 0) < before + 2:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        slowest = max(slowest, time.monotonic() - began)
    return 1000 * slowest


class Lags:
    """How late this loop is, asked every 20 ms, in ms; a call that is later than others would
    have been due stands for those too."""

    def __init__(self) -> None:
        self._lags_ms: list[float] = []
        self._loop = asyncio.get_running_loop()
        self._due_s = self._loop.time() + LAG_EVERY_S
        self._timer = self._loop.call_at(self._due_s, self._tick)

    def stop(self) -> list[float]:
        self._timer.cancel()
        return self._lags_ms

    def _tick(self) -> None:
        now_s = self._loop.time()
        while self._due_s <= now_s:
            self._lags_ms.append(1000 * (now_s - self._due_s))
            self._due_s += LAG_EVERY_S
        self._timer = self._loop.call_at(self._due_s, self._tick)


@contextlib.asynccontextmanager
async def _shop(per_s: float) -> AsyncIterator[tuple[Shop, Path]]:
    """A server on air and a sandbox for it."""
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shopcast-bench-")))
        sinks = await stack.enter_async_context(j1.sinks(directory))
        sandbox = await Child.start(
            "the sandbox",
            "sync.sandbox",
            "--port=0",
            f"--requests-per-second={per_s:g}",
            log=directory / "sandbox.log",
        )
        stack.push_async_callback(sandbox.stop)
        environment: dict[str, str] = {}
        url = ""
        while len(environment) < 6:
            line = (await sandbox.line(timeout_s=20)).decode()
            if found := re.search(r"sandbox at (http\S+?),", line):
                url = found[1]
            if found := re.search(r"export (\w+)=(\S+)", line):
                environment[found[1]] = found[2]
        settings = read_settings(None, environment)
        settings = changed(
            settings,
            http=changed(settings.http, port=0),
            rtmp=changed(settings.rtmp, port=None),
            store=changed(settings.store, data_dir=directory / "data", redis_url=None),
        )
        server = await stack.enter_async_context(running(settings))
        connection = Connection(f"unix://{socket_path(directory / 'data')}")
        stack.push_async_callback(connection.close)
        shop = Shop(server, connection, url)
        stack.push_async_callback(shop.close)
        await shop.go_on_air(sinks.url("count-sync"))
        yield shop, directory


def _product(number: int) -> Product:
    return Product(
        id=ProductId(f"p_{number:06}"),
        handle=f"mug-{number}",
        title=f"The mug number {number} of the benchmark",
        description=f"<p>It holds {number} drops.</p>" + 20 * "<p>And it is as blue as others.</p>",
        currency="USD",
        type="Mug",
        images=(Image(_url(number)),),
        skus=(Sku(SkuId(f"s_{number}"), price=1000 + number % 500, seller_sku=f"MUG-{number}"),),
    )


def _url(number: int) -> str:
    return f"https://pictures.example/{number}.png"


def _picture(number: int) -> bytes:
    """Each another one, some 50 kB."""
    text = PngInfo()
    text.add_text("number", f"{number} {os.urandom(24_000).hex()}")
    file = BytesIO()
    Picture.new("L", (320, 320), number % 256).save(file, "PNG", pnginfo=text)
    return file.getvalue()
