"""From the catalogue's API to TikTok and back to the badge: a whole server, with the sandbox."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mediaserver.settings import Settings
from sync.connection import Connection
from sync.images.files import ImageFiles
from sync.model import ImageRecord
from sync.sandbox.server import Sandbox
from sync.store.images import Images
from tests.api.client import Client, EventStream
from tests.api.tiktok import CHANNEL, Connecting, connecting, with_tiktok
from tests.files import image_file

CATEGORIES = f"{CHANNEL}/categories"
MUGS = "600154"
PICTURE = "https://pictures.example/mug.png"
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
async def picture(store: Connection, data_dir: Path) -> None:
    """MUG's picture, as if it had been fetched."""
    data = image_file("PNG", (320, 320))
    digest = await ImageFiles(data_dir / "images", reserve_bytes=0).write(data)
    record = ImageRecord("fetched", "", digest, "image/png", 320, 320, len(data))
    await Images(store).save(PICTURE, record, None)


@pytest.fixture
async def mug(owner: Client, seller: Connecting, picture: None) -> Any:
    """MUG in the catalogue, which TikTok has a category for."""
    await owner.put(f"{CATEGORIES}/mapping", {"mapping": {"mug": MUGS}})
    return await owner.post("/api/v1/products", MUG, 201)


async def until(look: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    """What `look` gives once it `holds`."""
    async with asyncio.timeout(30):
        while True:
            found = await look()
            if holds(found):
                return found
            await asyncio.sleep(0)  # the sandbox is in this process, and may answer at once


async def told(events: EventStream, code: str) -> Any:
    """The badge of the show's product, once its first reason is that."""
    while True:
        badge = (await events.until("rundown"))["products"][0]["badges"]["tiktok"]
        if badge["reasons"][0]["code"] == code:
            return badge


async def test_a_product_made_here_is_sold_at_tiktok_and_its_badge_turns_green(
    seller: Connecting, owner: Client, sandbox: Sandbox, mug: Any
) -> None:
    path = f"/api/v1/products/{mug['id']}"

    there = await until(sandbox.control.products, bool)
    assert [each["external_product_id"] for each in there] == [mug["id"]]
    product = await until(
        lambda: owner.get(path), lambda it: it["badges"]["tiktok"]["colour"] == "green"
    )
    assert product["badges"]["tiktok"]["eligibility"] == "eligible"
    channel = await seller.until(lambda it: it["sync"]["done"] == 1)
    assert (channel["sync"]["waiting"], channel["sync"]["paused"]) == (0, None)

    stock = f"{path}/skus/{mug['skus'][0]['id']}/stock/adjust"
    change = {"delta": -2, "reason": "broken"}
    refused = await owner.call("POST", stock, change)
    assert "asked back" in refused.json["detail"]
    await until(lambda: owner.call("POST", stock, change), lambda it: it.status == 200)
    await until(sandbox.control.products, lambda it: it[0]["skus"][0]["available"] == 3)


async def test_approval_freezing_holidays_and_the_end_of_a_connection_are_told(
    owner: Client, seller: Connecting, sandbox: Sandbox, mug: Any
) -> None:
    show = await owner.post("/api/v1/shows", {"title": "Mugs", "channels": ["tiktok"]}, 201)
    path = f"/api/v1/shows/{show['id']}"
    async with asyncio.timeout(30), owner.events(f"{path}/events") as events:
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


async def test_tiktoks_categories_are_there_once_the_shop_is_connected(
    seller: Connecting, owner: Client
) -> None:
    tree = await until(lambda: owner.get(CATEGORIES), lambda it: it["categories"] != [])
    mugs = {"id": MUGS, "parent": "600024", "name": "Mugs", "is_leaf": True}
    assert mugs | {"permission": "AVAILABLE"} in tree["categories"]


async def test_a_mapping_is_replaced_as_a_whole(owner: Client) -> None:
    for mapping in ({"Mug": MUGS, "Vase": "600339"}, {"Vase": "600339"}, {}):
        answer = await owner.put(f"{CATEGORIES}/mapping", {"mapping": mapping})
        assert answer == {"mapping": mapping}
        assert await owner.get(f"{CATEGORIES}/mapping") == answer


@pytest.mark.parametrize(
    ("mapping", "detail"),
    [
        ({"Mug": "1"}, "mapping.Mug: TikTok has no category '1'"),
        ({"Mug": "600024"}, "is a group of categories"),
        ({"Mug": MUGS, "MUG": MUGS}, "case does not count"),
    ],
)
async def test_a_mapping_to_what_takes_no_products_is_refused(
    seller: Connecting, owner: Client, mapping: dict[str, str], detail: str
) -> None:
    await until(lambda: owner.get(CATEGORIES), lambda it: it["categories"] != [])
    answer = await owner.call("PUT", f"{CATEGORIES}/mapping", {"mapping": mapping})
    status, told = answer.problem()
    assert status == 422
    assert detail in told
