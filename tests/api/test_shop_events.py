"""What happens in the shop, told to whoever listens to all of it."""

import time
from pathlib import Path

import pytest

from mediaserver.shop_news import MOST_TOLD
from sync.connection import Connection
from sync.images.files import ImageFiles
from sync.model import ProductId, SkuId
from sync.store.progress import Failed, Progress
from tests.api.client import Client
from tests.api.test_store_away import Redis
from tests.sync.shop import Shop

EVENTS = "/api/v1/events"
FAILED = Failed(ProductId("p_mug"), "12052048", "no", 2, 1_800_000_000.0)
CSV = "Handle,Title,Variant SKU,Variant Price\nmug,Mug,MUG,12.50\n"


@pytest.fixture
async def shop(store: Connection, data_dir: Path) -> Shop:
    shop = Shop(store, time.time, ImageFiles(data_dir / "images", reserve_bytes=0))
    await shop.open()
    return shop


async def test_the_state_of_channels_and_sync_comes_first(owner: Client, shop: Shop) -> None:
    async with owner.events(EVENTS) as events:
        _, kind, state = await events.next()

    assert kind == "state"
    assert state["channels"] == (await owner.get("/api/v1/channels"))["channels"]
    assert (state["progress"]["done"], state["progress"]["paused"]) == (0, None)


async def test_each_product_that_changes_is_told_as_it_is_then(producer: Client) -> None:
    async with producer.events(EVENTS) as events:
        await events.next()
        mug = {"title": "Mug", "currency": "USD", "skus": [{"price": 1250, "on_hand": 5}]}
        made = await producer.post("/api/v1/products", mug, 201)
        assert await events.until("product", id=made["id"], revision=1) == made

        path = f"/api/v1/products/{made['id']}"
        await producer.patch(path, {"title": "Blue mug"})
        changed = await events.until("product", title="Blue mug")
        assert changed["badges"]["tiktok"]["colour"] == "red"  # it has no picture

        sku = made["skus"][0]["id"]
        await producer.post(f"{path}/skus/{sku}/stock/adjust", {"delta": -5, "reason": "broken"})
        while (await events.until("product"))["skus"][0]["stock"]["on_hand"] != 0:
            pass

        await producer.call("DELETE", path)
        assert await events.until("product_removed") == {"id": made["id"]}


async def test_a_word_of_tiktok_is_told_as_a_badge(owner: Client, shop: Shop) -> None:
    mug = await shop.stocked("mug")
    async with owner.events(EVENTS) as events:
        await events.next()
        await shop.on_sale(mug)
        told = await events.until("badge", product=mug)

    assert told["badges"]["tiktok"]["colour"] == "green"
    assert told["badges"] == (await owner.get(f"/api/v1/products/{mug}"))["badges"]


async def test_the_channel_and_the_progress_of_the_sync_are_told(owner: Client, shop: Shop) -> None:
    async with owner.events(EVENTS) as events:
        await events.next()
        await owner.patch("/api/v1/channels/tiktok", {"tier": "beginner"})
        channel = await events.until("channel", tier="beginner")
        assert channel["limits"]["orders_left_today"] == 50

        await shop.progress(Progress(done=3, waiting=2, failed=1, per_s=4.5, failures=(FAILED,)))
        progress = await events.until("progress", done=3)

    assert progress["failures"] == [
        {
            "product": "p_mug",
            "code": "12052048",
            "message": "no",
            "tries": 2,
            "retry_at": "2027-01-15T08:00:00.000Z",
        }
    ]


async def test_events_name_the_first_failures_and_count_the_others(
    owner: Client, shop: Shop
) -> None:
    await shop.progress(Progress(done=1, failed=12, failures=(FAILED,) * 12))
    async with owner.events(EVENTS) as events:
        _, _, state = await events.next()
        await shop.progress(Progress(done=3, failed=12, failures=(FAILED,) * 12))
        progress = await events.until("progress", done=3)

    (channel,) = state["channels"]
    for told in (channel["sync"], state["progress"], progress):
        assert (len(told["failures"]), told["more_failures"]) == (10, 2)
    answer = (await owner.get("/api/v1/channels/tiktok"))["sync"]
    assert (len(answer["failures"]), answer["more_failures"]) == (12, 0)


async def test_an_import_is_told_until_it_is_done(owner: Client) -> None:
    async with owner.events(EVENTS) as events:
        await events.next()
        answer = await owner.call(
            "POST",
            "/api/v1/products/import?currency=USD",
            data=CSV.encode(),
            headers={"Content-Type": "text/csv"},
        )
        assert answer.status == 202, answer.body
        done = await events.until("import", id=answer.json["id"], state="done")

    assert done["products"]["created"] == 1


async def test_very_many_changes_at_once_are_told_as_the_state(owner: Client, shop: Shop) -> None:
    products = await shop.stocked_many([f"mug{number:02}" for number in range(MOST_TOLD + 1)])
    async with owner.events(EVENTS) as events:
        await events.next()
        await shop.on_sale(*products)
        while (event := await events.next())[1] == "badge":
            pass

    assert event[1] == "state"


async def test_a_sold_unit_is_told_with_the_product(owner: Client, shop: Shop) -> None:
    mug = await shop.stocked("mug")
    async with owner.events(EVENTS) as events:
        await events.next()
        await shop.stores.stocks.adjust(SkuId("s_mug"), -5, by="test", reason="sold")
        while not (told := await events.until("product", id=mug))["badges"]["tiktok"]["sold_out"]:
            pass

    assert told["skus"][0]["stock"]["on_hand"] == 0


async def test_after_an_outage_of_redis_the_state_is_told_anew(
    owner: Client, shop: Shop, data_dir: Path
) -> None:
    async with owner.events(EVENTS) as events:
        await events.next()
        redis = Redis(data_dir)
        redis.die()
        state = await events.until("state")
        assert state["channels"][0]["connected"] is True

        mug = await shop.stocked("mug")
        await events.until("product", id=mug)


async def test_without_redis_the_shops_events_say_when_to_come_again(
    owner: Client, shop: Shop, data_dir: Path
) -> None:
    redis = Redis(data_dir)
    redis.hang()
    try:
        answer = await owner.call("GET", EVENTS)
    finally:
        redis.go_on()

    assert answer.problem()[0] == 503
    assert answer.headers["Retry-After"] == "2"
