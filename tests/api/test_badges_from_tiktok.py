"""What TikTok says of a product, and of the shop, reaches those who watch a show: a whole server,
with the sandbox."""

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture

from mediaserver.settings import Settings
from sync.connection import Connection
from sync.images.files import ImageFiles
from sync.model import ImageRecord
from sync.sandbox.server import Sandbox
from sync.store.images import Images
from tests.api.client import Client, EventStream
from tests.api.tiktok import CHANNEL, Connecting, connecting, with_tiktok
from tests.sync.selling import PICTURE

TIMEOUT_S = 30.0
MUGS = "600154"
"""The sandbox's category."""

MUG = {
    "title": "A mug for the morning and the evening",
    "description": "<p>It holds tea.</p>",
    "type": "Mug",
    "currency": "USD",
    "images": [{"url": PICTURE}],
    "skus": [{"price": 1250, "seller_sku": "MUG", "on_hand": 5}],
}


@pytest.fixture
def settings(settings: Settings, sandbox: Sandbox) -> Settings:
    return with_tiktok(settings, sandbox)


@pytest.fixture
async def seller(owner: Client, sandbox: Sandbox) -> Connecting:
    seller = await connecting(owner, sandbox)
    await seller.connect()
    return seller


@pytest.fixture
async def mug(owner: Client, seller: Connecting, store: Connection, data_dir: Path) -> Any:
    """A product whose picture is as if it had been fetched."""
    file = BytesIO()
    Picture.new("L", (320, 320)).save(file, "PNG")
    digest = await ImageFiles(data_dir / "images", reserve_bytes=0).write(file.getvalue())
    record = ImageRecord("fetched", "", digest, "image/png", 320, 320, len(file.getvalue()))
    await Images(store).save(PICTURE, record, None)
    await owner.put(f"{CHANNEL}/categories/mapping", {"mapping": {"mug": MUGS}})
    return await owner.post("/api/v1/products", MUG, 201)


async def told(events: EventStream, code: str) -> Any:
    """The badge of the show's product, once its first reason is that."""
    while True:
        badge = (await events.until("rundown"))["products"][0]["badges"]["tiktok"]
        if badge["reasons"][0]["code"] == code:
            return badge


async def test_approval_freezing_holidays_and_the_end_of_a_connection_are_told(
    owner: Client, seller: Connecting, sandbox: Sandbox, mug: Any
) -> None:
    show = await owner.post("/api/v1/shows", {"title": "Mugs", "channels": ["tiktok"]}, 201)
    path = f"/api/v1/shows/{show['id']}"
    async with asyncio.timeout(TIMEOUT_S), owner.events(f"{path}/events") as events:
        await owner.put(f"{path}/rundown", {"products": [mug["id"]]})
        assert (await told(events, "on_sale"))["colour"] == "green"

        await sandbox.control.shop(holiday=True)
        await owner.post(f"{CHANNEL}/check")
        assert (await told(events, "warehouse_restricted"))["colour"] == "amber"
        await sandbox.control.shop(holiday=False)
        await owner.post(f"{CHANNEL}/check")
        assert (await told(events, "on_sale"))["colour"] == "green"

        (there,) = await sandbox.control.products()
        await sandbox.control.product(there["id"], "FREEZE", "counterfeit")
        assert (await told(events, "frozen"))["colour"] == "red"

        await owner.call("DELETE", CHANNEL)
        while "not_connected" not in {
            reason["code"] for reason in (await told(events, "frozen"))["reasons"]
        }:
            pass
