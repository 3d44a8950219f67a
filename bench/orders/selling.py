"""Selling at TikTok while a show is on air: a server of ours in a process, TikTok's sandbox in
another one, shoppers and TikTok's webhooks from here.

Every webhook is posted from here when it is due, whatever became of those before it, and one in ten
comes twice. Afterwards the books of both sides are compared.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import msgspec

from bench import j1
from bench.report import Figures, percentile
from mediaserver.demo import shop
from mediaserver.demo.api import Api
from mediaserver.demo.server import free_port, running_server
from sync.sandbox.signing import webhook_signature
from tests.api.client import Client

KEYS = ("one", "two", "three")
PER_S = 200
PRODUCTS = 20
UNITS = 5_000
ONE_BY_ONE = 200
TWICE = 10
"""Every so many webhooks comes twice."""

LISTED_WITHIN_S = 60.0
TAKEN_WITHIN_S = 60.0
TOLD_WITHIN_S = 30.0
PAUSE_S = 0.1
_ALL = 1_000_000


class Listed(NamedTuple):
    """A product of one SKU, ours and TikTok's."""

    product: str
    sku: str
    remote_sku: str


class TikTok:
    """The sandbox from a shopper's side, and its webhooks, sent from here."""

    def __init__(self, sandbox: shop.Sandbox, server: str, http: aiohttp.ClientSession) -> None:
        self._url = f"{sandbox.url}/_control"
        self._webhooks = f"{server}/webhooks/tiktok"
        self._key = sandbox.settings["SHOPCAST_TIKTOK_APP_KEY"]
        self._secret = sandbox.settings["SHOPCAST_TIKTOK_APP_SECRET"]
        self._http = http

    async def control(self, name: str, **arguments: Any) -> Any:
        async with self._http.post(f"{self._url}/{name}", json=arguments) as response:
            answer = await response.json()
            if response.status >= 400:
                raise RuntimeError(f"{name}: {answer}")
            return answer

    async def tell(self, number: int, shop_id: str, order: dict[str, Any]) -> None:
        """The webhook of an order that was placed, by the `number` of its notification."""
        data = {
            "order_id": order["id"],
            "order_status": order["status"],
            "is_on_hold_order": False,
            "update_time": order["update_time"],
        }
        body = msgspec.json.encode(
            {
                "type": 1,
                "tts_notification_id": str(number),
                "shop_id": shop_id,
                "timestamp": order["update_time"],
                "data": data,
            }
        )
        headers = {
            "Authorization": webhook_signature(self._key, self._secret, body),
            "Content-Type": "application/json",
        }
        async with self._http.post(self._webhooks, data=body, headers=headers) as response:
            if response.status != 200:
                raise RuntimeError(f"a webhook was answered with {response.status}")


async def measure(seconds: float) -> Figures:
    async with (
        j1.scratch() as directory,
        j1.sinks(directory) as sinks,
        _open_shop(directory) as (server, tiktok, shop_id),
        j1.on_air(server, sinks, KEYS, directory, channels=["tiktok"]) as show,
    ):
        listed = await _listed(server.api, tiktok)
        rundown = {"products": [each.product for each in listed]}
        await server.api.request("PUT", f"{show.broadcast.path}/rundown", rundown)
        before = await show.late_ticks()
        told = await _told_ms(server.api, tiktok, show.broadcast.path, listed)
        await tiktok.control("tamper", lose=_ALL)
        answers_ms = await _burst(tiktok, shop_id, listed, seconds)
        lost, doubled = await _compared(server.api, tiktok)
        return {
            "webhook_p50_ms": percentile(answers_ms, 50),
            "webhook_p99_ms": percentile(answers_ms, 99),
            "webhooks": float(len(answers_ms)),
            "orders_lost": float(lost),
            "orders_doubled": float(doubled),
            "order_to_badge_p50_ms": percentile(told, 50),
            "order_to_badge_p99_ms": percentile(told, 99),
            "late_ticks": float(await show.late_ticks() - before),
        }


@asynccontextmanager
async def _open_shop(directory: Path) -> AsyncIterator[tuple[Any, TikTok, str]]:
    """A server, connected, with products whose audit is under way; its sandbox; the shop's id."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    async with (
        shop.sandbox(directory, address) as sandbox,
        shop.pictures() as pictures_url,
        running_server(directory, port, **sandbox.settings, **shop.SETTINGS) as server,
        aiohttp.ClientSession() as http,
    ):
        tiktok = TikTok(sandbox, address, http)
        await tiktok.control("shop", no_limits=True)
        for number in range(PRODUCTS):
            await server.api.request(
                "POST",
                "/products",
                {
                    "title": f"An enamel mug, number {number}",
                    "handle": f"mug-{number}",
                    "currency": "USD",
                    "type": "Mugs",
                    "description": "<p>It holds coffee.</p>",
                    "images": [{"url": f"{pictures_url}/mug-{'x' * (number + 1)}.png"}],
                    "skus": [{"price": 1250, "seller_sku": f"MUG-{number}", "on_hand": UNITS}],
                },
            )
        await shop.connect(server.api)
        await server.api.request("PATCH", "/channels/tiktok", {"tier": "pro"})
        channel = await server.api.request("GET", "/channels/tiktok")
        yield server, tiktok, channel["shop"]["id"]


async def _listed(api: Api, tiktok: TikTok) -> list[Listed]:
    """Once all of them are for sale with their stock."""
    async with asyncio.timeout(LISTED_WITHIN_S):
        while True:
            ours = (await api.request("GET", f"/products?limit={PRODUCTS}"))["products"]
            theirs = {
                sku["seller_sku"]: (product["status"], sku)
                for product in await tiktok.control("products")
                for sku in product["skus"]
            }
            found = []
            for product in ours:
                (sku,) = product["skus"]
                status, remote = theirs.get(sku["seller_sku"], ("", {}))
                is_green = product["badges"]["tiktok"]["colour"] == "green"
                if status == "ACTIVATE" and is_green and sku["stock"]["quotas"].get("tiktok"):
                    found.append(Listed(product["id"], sku["id"], remote["id"]))
            if len(found) == PRODUCTS:
                return found
            await asyncio.sleep(PAUSE_S)


async def _told_ms(api: Api, tiktok: TikTok, show: str, listed: Sequence[Listed]) -> list[float]:
    """From when a shopper's order is placed until the show's events tell of one unit fewer, and the
    shop's events of the product's quota and badge."""
    token = (await api.request("POST", "/tokens", {"name": "bench"}))["token"]
    waits_ms = []
    async with aiohttp.ClientSession() as http:
        crew = Client(http, api.address, token)
        async with (
            crew.events(f"/api/v1{show}/events") as of_show,
            crew.events("/api/v1/events") as of_shop,
        ):
            for number in range(ONE_BY_ONE):
                each = listed[number % PRODUCTS]
                left = UNITS - number // PRODUCTS - 1
                began_s = time.perf_counter()
                await tiktok.control("buy", sku_id=each.remote_sku)
                async with asyncio.timeout(TOLD_WITHIN_S):
                    await asyncio.gather(
                        _until_left(of_show, each, left), _until_taken(of_shop, each, left)
                    )
                waits_ms.append(1000 * (time.perf_counter() - began_s))
                await asyncio.sleep(PAUSE_S)
    return waits_ms


async def _until_left(events: Any, each: Listed, left: int) -> None:
    while True:
        rundown = await events.until("rundown")
        for product in rundown["products"]:
            if product["id"] == each.product and product["available"] == left:
                return


async def _until_taken(events: Any, each: Listed, left: int) -> None:
    while True:
        product = await events.until("product", id=each.product)
        stock = product["skus"][0]["stock"]
        if stock["available"] == left and sum(stock["quotas"].values()) <= left:
            return


async def _burst(
    tiktok: TikTok, shop_id: str, listed: Sequence[Listed], seconds: float
) -> list[float]:
    """How long each webhook waited for its answer."""
    waits_ms: list[float] = []

    async def tell(number: int, order: dict[str, Any]) -> None:
        began_s = time.perf_counter()
        await tiktok.tell(number, shop_id, order)
        waits_ms.append(1000 * (time.perf_counter() - began_s))

    async def sell(number: int) -> None:
        order = await tiktok.control("buy", sku_id=listed[number % PRODUCTS].remote_sku)
        await tell(number, order)
        if number % TWICE == 0:
            await tell(number, order)

    began_s = time.perf_counter()
    count = round(PER_S * seconds * TWICE / (TWICE + 1))
    async with asyncio.TaskGroup() as sales:
        for number in range(count):
            due_s = began_s + number * seconds / count
            if (early_s := due_s - time.perf_counter()) > 0:
                await asyncio.sleep(early_s)
            sales.create_task(sell(number))
    return waits_ms


async def _compared(api: Api, tiktok: TikTok) -> tuple[int, int]:
    """How many of TikTok's orders are not here, and by how many units ours are too many."""
    theirs = await tiktok.control("orders")
    sold = sum(len(order["line_items"]) for order in theirs)
    async with asyncio.timeout(TAKEN_WITHIN_S):
        while True:
            numbers, units = set(), 0
            async for order in _orders(api):
                numbers.add(order["number"])
                units += sum(line["units"] for line in order["lines"])
            lost = sum(order["id"] not in numbers for order in theirs)
            if not lost:
                break
            await asyncio.sleep(PAUSE_S)
    stocks = [
        sku["stock"]
        for product in (await api.request("GET", f"/products?limit={PRODUCTS}"))["products"]
        for sku in product["skus"]
    ]
    committed = sum(stock["committed"] for stock in stocks)
    return lost, max(units, committed) - sold


async def _orders(api: Api) -> AsyncIterator[dict[str, Any]]:
    after = ""
    while True:
        page = await api.request("GET", f"/orders?limit=100{after}")
        for order in page["orders"]:
            yield order
        if page["next"] is None:
            return
        after = f"&after={page['next']}"
