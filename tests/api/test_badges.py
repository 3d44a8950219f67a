"""Badges as the catalogue's answers carry them."""

import time
from pathlib import Path

import pytest

from sync.connection import Connection
from sync.images.files import ImageFiles
from sync.model import SkuId
from tests.api.client import Client
from tests.sync.shop import Shop

PRODUCTS = "/api/v1/products"


@pytest.fixture
async def shop(store: Connection, data_dir: Path) -> Shop:
    shop = Shop(store, time.time, ImageFiles(data_dir / "images", reserve_bytes=0))
    await shop.open(tier="beginner")
    return shop


async def test_a_product_carries_its_badge_with_every_reason_and_what_to_do(
    owner: Client, shop: Shop
) -> None:
    mug = await shop.stocked("mug")
    await shop.judged(mug, status="FAILED", audit="FAILED", reasons=("Blurred picture",))

    badge = (await owner.get(f"{PRODUCTS}/{mug}"))["badges"]["tiktok"]

    assert (badge["eligibility"], badge["colour"], badge["sold_out"]) == (
        *("ineligible", "red", False),
    )
    assert badge["reasons"] == [
        {
            "code": "review_failed",
            "text": "TikTok has refused it: Blurred picture",
            "mend": "Mend what TikTok names; the change is sent by itself.",
        },
        {
            "code": "orders_left",
            "text": "50 of 50 orders left today",
            "mend": "Nothing to do.",
        },
    ]
    assert badge["known_at"].endswith("Z")


async def test_a_page_of_products_carries_the_badges_of_all(owner: Client, shop: Shop) -> None:
    mug, cup, jug = await shop.stocked_many(["mug", "cup", "jug"])
    await shop.on_sale(mug)
    await shop.judged(cup, status="PENDING")
    await shop.stores.stocks.adjust(SkuId("s_jug"), -5, by="test", reason="sold")

    page = await owner.get(PRODUCTS)

    badges = {each["id"]: each["badges"]["tiktok"] for each in page["products"]}
    assert {product: badge["colour"] for product, badge in badges.items()} == {
        mug: "green",
        cup: "amber",
        jug: "amber",
    }
    assert [product for product, badge in badges.items() if badge["sold_out"]] == [jug]


async def test_a_mended_product_loses_the_reason(owner: Client, shop: Shop) -> None:
    mug = await shop.stocked("mug")
    await shop.on_sale(mug)
    path = f"{PRODUCTS}/{mug}"

    red = await owner.patch(path, {"description": ""})
    green = await owner.patch(path, {"description": "Holds tea."})

    assert red["badges"]["tiktok"]["reasons"][0]["code"] == "description_missing"
    assert green["badges"]["tiktok"]["colour"] == "green"


async def test_with_the_mapping_gone_the_badge_says_that_a_category_is_to_be_chosen(
    owner: Client, shop: Shop
) -> None:
    mug = await shop.stocked("mug")
    await shop.on_sale(mug)
    async with owner.events("/api/v1/events") as events:
        await events.next()
        await shop.stores.categories.save_mapping({})
        await events.until("state")

        badge = (await owner.get(f"{PRODUCTS}/{mug}"))["badges"]["tiktok"]

    assert (badge["colour"], badge["reasons"][0]["code"]) == ("red", "category_unmapped")


def test_the_documentation_names_the_page_of_reasons() -> None:
    api = (Path(__file__).parents[2] / "docs" / "api.md").read_text()

    assert "[eligibility.md](eligibility.md)" in api
