"""The demo's shop: products from a CSV file, connected to a TikTok Shop that is only a sandbox."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import aiohttp
from aiohttp import web
from PIL import Image, ImageDraw
from yarl import URL

from mediaserver.demo.api import Api, ApiError
from mediaserver.demo.child import Child

SANDBOX_READY_WITHIN_S = 20.0
IMPORTED_WITHIN_S = 20.0
CONSENT_WITHIN_S = 10.0
POLL_S = 0.1
AUDIT_S = 2.0

CATEGORIES = {
    "Mugs": "600154",
    "T-shirts": "601302",
    "Candles": "600338",
    "Vases": "600339",
    "Serums": "601583",
    "Tables": "600339",
}
"""The sandbox's categories for the products' types."""

SELLER = "cedar"
"""The sandbox's seller with one shop."""

SETTINGS = {"SHOPCAST_ALLOW_PRIVATE_IMAGES": "yes"}
"""What lets the server fetch pictures from this machine."""

PICTURE_SIDE = 600


@dataclass(frozen=True, slots=True)
class Sandbox:
    """TikTok Shop as a child process; `settings` make a server use it."""

    url: str
    settings: dict[str, str]


@asynccontextmanager
async def sandbox(directory: Path, server: str) -> AsyncIterator[Sandbox]:
    """A sandbox that sends sellers back to the `server` at that address.

    Raises ChildFailed if it does not come up.
    """
    child = await Child.start(
        "the TikTok Shop sandbox",
        "sync.sandbox",
        *("--port", "0", "--audit-seconds", f"{AUDIT_S:g}"),
        *("--redirect-url", f"{server}/oauth/tiktok/callback"),
        log=directory / "sandbox.log",
    )
    try:
        settings: dict[str, str] = {}
        while "SHOPCAST_TIKTOK_AUTHORIZE_URL" not in settings:
            words = (await child.line(SANDBOX_READY_WITHIN_S)).decode().split()
            if words[0] == "export":
                name, _, value = words[1].partition("=")
                settings[name] = value
        yield Sandbox(settings["SHOPCAST_TIKTOK_API_URL"], settings)
    finally:
        await child.stop(by_signal=True)


@asynccontextmanager
async def pictures() -> AsyncIterator[str]:
    """The address of a web server with a picture for any name."""
    app = web.Application()
    app.add_routes([web.get(r"/{name:[a-z-]+}.png", _picture)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _picture(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    hue = sum(name.encode()) * 37 % 360
    picture = Image.new("RGB", (PICTURE_SIDE, PICTURE_SIDE), f"hsl({hue}, 45%, 88%)")
    ImageDraw.Draw(picture).ellipse((120, 120, 480, 480), fill=f"hsl({hue}, 55%, 55%)")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return web.Response(body=file.getvalue(), content_type="image/png")


async def fill(api: Api, pictures_url: str) -> list[str]:
    """Import the catalogue; the products' ids in the order of the file. Raises ApiError."""
    text = resources.files("mediaserver.demo").joinpath("products.csv").read_text()
    body = text.replace("{pictures}", pictures_url).encode()
    job = await api.upload("/products/import?currency=USD", body, "text/csv")
    async with asyncio.timeout(IMPORTED_WITHIN_S):
        while job["ended_at"] is None:
            await asyncio.sleep(POLL_S)
            job = await api.request("GET", f"/products/imports/{job['id']}")
    if job["state"] != "done" or job["faults"]:
        raise ApiError(f"the demo's products were not imported: {job}")
    handles = list(dict.fromkeys(line.partition(",")[0] for line in text.splitlines()[1:]))
    found = (await api.request("GET", "/products?limit=100"))["products"]
    ids = {product["handle"]: product["id"] for product in found}
    return [ids[handle] for handle in handles]


async def connect(api: Api) -> None:
    """Connect TikTok as its seller would, who allows it on the consent page. Raises ApiError."""
    await api.request("PUT", "/channels/tiktok/categories/mapping", {"mapping": CATEGORIES})
    consent = await api.request("POST", "/channels/tiktok/connect")
    await _allow(api, consent["authorize_url"])
    await api.request("PATCH", "/channels/tiktok", {"account_attested": True, "tier": "standard"})


async def _allow(api: Api, authorize_url: str) -> None:
    url = URL(authorize_url)
    form = {**url.query, "seller": SELLER, "answer": "allow"}
    timeout = aiohttp.ClientTimeout(total=CONSENT_WITHIN_S)
    async with (
        aiohttp.ClientSession(timeout=timeout, cookie_jar=api.cookies) as browser,
        browser.post(url.with_query(None), data=form) as answer,
    ):
        if answer.status != 200:
            raise ApiError(f"the consent page did not lead back: {await answer.text()}")
