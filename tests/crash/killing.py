"""A shop that sells on two channels while its server, or the server's Redis, is killed at random.

The server is a process of its own, and so is its Redis; TikTok Shop is the sandbox, which lives on.
"""

import asyncio
import os
import random
import signal
import socket
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from sync.connection import Connection
from sync.errors import StoreUnavailable
from sync.images.files import ImageFiles
from sync.model import TIKTOK, ImageRecord, SkuId, Stock
from sync.orders.order import OWN_SHOP, Held, LineId, Order, OrderId
from sync.sandbox.errors import ShopperRefused
from sync.sandbox.server import Sandbox
from sync.store.images import Images
from sync.store.stores import Stores
from tests.api.client import Answer, Client
from tests.api.test_sync import CATEGORIES, MUG, MUGS, PICTURE
from tests.api.tiktok import connecting
from tests.control.test_process import END_TIMEOUT_S, ServerProcess, serving
from tests.control.until import until
from tests.files import image_file

ON_HAND = 50
POSTS, CALLERS = 24, 8
SHOPPERS = 30
KILLS = 3
TOGETHER_S = 60.0

_CALL = aiohttp.ClientTimeout(total=10)
_LOST = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass
class Books:
    """What is stored when all has come to rest."""

    orders: dict[OrderId, Order]
    held: dict[OrderId, dict[LineId, Held]]
    stock: Stock

    def of(self, channel: str) -> set[str]:
        return {each.remote_id for each in self.orders.values() if each.channel == channel}

    @property
    def own(self) -> set[OrderId]:
        return {key for key, each in self.orders.items() if each.channel == OWN_SHOP}


@dataclass
class Told:
    """What each side was told: orders of ours by their Idempotency-Key, TikTok's by its ids."""

    placed: dict[str, OrderId] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    bought: set[str] = field(default_factory=set)
    killed: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.placed) + len(self.bought)


class Shop:
    """One server after the other on the same port and data dir."""

    def __init__(self, data_dir: Path, sandbox: Sandbox, port: int, stack: AsyncExitStack) -> None:
        self._data_dir = data_dir
        self._environment = sandbox.environment() | {"SHOPCAST_PORT": str(port)}
        self._stack = stack
        self._server: ServerProcess | None = None
        self._ended: asyncio.Task[int] | None = None

    async def start(self) -> str:
        """Its address, once it answers."""
        server = await self._stack.enter_async_context(serving(self._data_dir, **self._environment))
        url = await server.until_logged("listening")
        self._server = server
        # Somebody has to read what it logs, or it would wait for that.
        self._ended = asyncio.create_task(server.ended(10 * TOGETHER_S))
        self._stack.push_async_callback(_end, server, self._ended)
        return url

    @property
    def token(self) -> str:
        assert self._server is not None
        return self._server.token

    async def kill(self, what: str) -> None:
        """The server, which is started again, or its Redis, which the server starts again."""
        assert self._server is not None
        assert self._ended is not None
        process = psutil.Process(self._server.process.pid)
        if what == "redis":
            for child in process.children():
                child.send_signal(signal.SIGKILL)
            return
        process.send_signal(signal.SIGKILL)
        async with asyncio.timeout(END_TIMEOUT_S):
            await self._ended
        await self.start()


async def _end(server: ServerProcess, ended: asyncio.Task[int]) -> None:
    if server.process.returncode is None:
        server.process.terminate()
    await ended


async def sell_and_kill(seed: int, data_dir: Path, sandbox: Sandbox) -> tuple[Told, Books]:
    chance, told = random.Random(seed), Told()
    async with AsyncExitStack() as stack:
        shop = Shop(data_dir, sandbox, _free_port(), stack)
        url = await shop.start()
        http = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=_CALL, cookie_jar=aiohttp.DummyCookieJar())
        )
        owner = Client(http, url, shop.token)
        connection = Connection(f"unix://{data_dir}/redis.sock")
        stack.push_async_callback(connection.close)
        sku, remote_sku = await _on_sale(owner, sandbox, data_dir, connection)
        async with asyncio.timeout(TOGETHER_S), asyncio.TaskGroup() as tasks:
            for caller in range(CALLERS):
                tasks.create_task(_order(owner, sku, range(caller, POSTS, CALLERS), told))
            tasks.create_task(_buy(sandbox, remote_sku, chance, told))
            tasks.create_task(_kill(shop, random.Random(seed + 1), told))
        watching = asyncio.create_task(connection.watch(_nothing))
        try:
            books = await _at_rest(connection, sku, told)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
    return told, books


async def _on_sale(
    owner: Client, sandbox: Sandbox, data_dir: Path, connection: Connection
) -> tuple[SkuId, str]:
    """A product that both channels sell: our id of its SKU, and TikTok's."""
    await (await connecting(owner, sandbox)).connect()
    data = image_file("PNG", (320, 320))
    digest = await ImageFiles(data_dir / "images", reserve_bytes=0).write(data)
    record = ImageRecord("fetched", "", digest, "image/png", 320, 320, len(data))
    await Images(connection).save(PICTURE, record, None)
    await owner.put(f"{CATEGORIES}/mapping", {"mapping": {"mug": MUGS}})
    skus = [{"price": 1250, "seller_sku": "MUG", "on_hand": ON_HAND}]
    mug = await owner.post("/api/v1/products", MUG | {"skus": skus}, 201)
    async with asyncio.timeout(TOGETHER_S):
        while True:
            there = await sandbox.control.products()
            if there and there[0]["status"] == "ACTIVATE" and there[0]["skus"][0]["available"]:
                return SkuId(mug["skus"][0]["id"]), str(there[0]["skus"][0]["id"])
            await asyncio.sleep(0)


async def _order(owner: Client, sku: SkuId, numbers: range, told: Told) -> None:
    """Place each order until it is answered, however often: the key makes it one."""
    for number in numbers:
        key, body = f"key-{number}", {"lines": [{"sku": sku}]}
        while True:
            answer = await _called(owner, key, body)
            if answer is None or answer.status == 503:
                await asyncio.sleep(0)
                continue
            if answer.status == 409:
                told.refused.add(key)
                break
            assert answer.status in (200, 201), answer.body
            told.placed[key] = OrderId(answer.json["id"])
            break


async def _called(owner: Client, key: str, body: Any) -> Answer | None:
    try:
        return await owner.call("POST", "/api/v1/orders", body, headers={"Idempotency-Key": key})
    except _LOST:
        return None


async def _buy(sandbox: Sandbox, sku_id: str, chance: random.Random, told: Told) -> None:
    """Shoppers at TikTok, who come between two of our orders, until they have bought enough or
    ours have all been answered."""
    loop = asyncio.get_running_loop()
    while len(told.bought) < SHOPPERS and len(told.placed) + len(told.refused) < POSTS:
        try:
            order = await sandbox.control.buy(sku_id, paid=chance.random() < 0.5)
            told.bought.add(str(order["id"]))
        except ShopperRefused:
            pass
        due = loop.time() + chance.uniform(0.0, 0.15)
        await _passed(due)


async def _kill(shop: Shop, chance: random.Random, told: Told) -> None:
    """At random moments, counted in what is sold and in time."""
    loop = asyncio.get_running_loop()
    for _ in range(KILLS):
        await _sold(told, told.count + chance.randint(1, 8), loop.time() + 2.0)
        await _passed(loop.time() + chance.uniform(0.0, 0.05))
        what = chance.choice(("server", "redis"))
        await shop.kill(what)
        told.killed.append(what)


async def _sold(told: Told, count: int, given_up: float) -> None:
    loop = asyncio.get_running_loop()
    await until(lambda: told.count >= count or loop.time() >= given_up)


async def _passed(due: float) -> None:
    loop = asyncio.get_running_loop()
    reached = loop.create_future()
    loop.call_at(due, reached.set_result, None)
    await reached


async def _nothing() -> None:
    pass


async def _at_rest(connection: Connection, sku: SkuId, told: Told) -> Books:
    """The books once all that TikTok has sold is in them."""
    stores = Stores(connection, time.time)
    async with asyncio.timeout(TOGETHER_S):
        while True:
            try:
                orders = {
                    order.id: order async for some in stores.orders.slices() for order in some
                }
                held = await stores.orders.held(list(orders))
                books = Books(orders, held, await stores.stocks.get(sku))
            except StoreUnavailable:  # it is just being started again
                await asyncio.sleep(0)
                continue
            if told.bought <= books.of(TIKTOK):
                return books
            await asyncio.sleep(0)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def runs() -> int:
    """How many: `make fuzz` has more of them."""
    return int(os.environ.get("CRASHES", "5"))
