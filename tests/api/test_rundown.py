"""A show's rundown over HTTP, and how a change at its cause reaches everybody who watches."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from mediaserver.show.rundown import MAX_RUNDOWN
from sync.connection import Connection
from sync.images.files import ImageFiles
from sync.model import TIKTOK, CategoryRules, ProductId, SkuId
from sync.store.channel import channel_key
from tests.api.client import Client, EventStream
from tests.api.conftest import SMALL, Invited
from tests.api.test_store_away import Redis
from tests.peers.rtmp_record import RtmpRecord
from tests.sync.selling import CATEGORY, CERTIFIED
from tests.sync.shop import Shop

TIMEOUT_S = 20.0


@pytest.fixture
async def shop(store: Connection, data_dir: Path) -> Shop:
    shop = Shop(store, time.time, ImageFiles(data_dir / "images", reserve_bytes=0))
    await shop.open()
    return shop


@pytest.fixture
async def mugs(shop: Shop) -> list[ProductId]:
    """Three products on sale at TikTok."""
    products = await shop.stocked_many(["mug", "cup", "jug"])
    await shop.on_sale(*products)
    return products


@pytest.fixture
async def path(owner: Client) -> str:
    """Of a show that sells on TikTok."""
    body = {"title": "Autumn", "canvases": {"landscape": SMALL}, "channels": ["tiktok"]}
    show = await owner.post("/api/v1/shows", body, 201)
    return f"/api/v1/shows/{show['id']}"


def colours(rundown: Any) -> dict[str, str]:
    return {each["id"]: each["badges"]["tiktok"]["colour"] for each in rundown["products"]}


async def rundown_with(events: EventStream, product: str, **expected: Any) -> Any:
    """The next rundown in which `product` is as expected; a colour is that at TikTok."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            rundown = await events.until("rundown")
            (found,) = [each for each in rundown["products"] if each["id"] == product]
            shown = found | {"colour": found["badges"]["tiktok"]["colour"]}
            if all(shown[name] == value for name, value in expected.items()):
                return found


async def test_a_rundown_is_told_with_all_that_its_products_are_shown_by(
    owner: Client, path: str, mugs: list[ProductId]
) -> None:
    mug, cup, _ = mugs

    answer = await owner.put(f"{path}/rundown", {"products": [cup, mug]})

    assert [each["id"] for each in answer["products"]] == [cup, mug]
    badge = answer["products"][1]["badges"]["tiktok"]
    assert answer["products"][1] == {
        "id": mug,
        "title": "The mug",
        "price": 1250,
        "currency": "USD",
        "image": f"/api/v1/products/{mug}/images/0.jpg",
        "available": 5,
        "sold_out": False,
        "pinned": False,
        "badges": {"tiktok": badge},
        "canvases": {},
    }
    assert (badge["eligibility"], badge["colour"], badge["sold_out"]) == (
        "eligible",
        "green",
        False,
    )
    assert badge["reasons"] == [
        {
            "code": "on_sale",
            "text": "TikTok has approved it and sells it",
            "mend": "Nothing to do.",
        }
    ]
    assert badge["known_at"] < badge["stale_at"]
    assert (answer["pinned"], answer["durable"]) == (None, True)
    assert await owner.get(f"{path}/rundown") == answer
    shown = (await owner.get(path))["rundown"]
    assert shown == {"products": answer["products"], "pinned": None}


async def test_one_product_is_pinned_while_it_is_on_the_rundown(
    producer: Client, path: str, mugs: list[ProductId]
) -> None:
    mug, cup, jug = mugs
    await producer.put(f"{path}/rundown", {"products": [mug, cup]})

    pinned = await producer.put(f"{path}/rundown/pinned", {"product": cup})
    assert [each["pinned"] for each in pinned["products"]] == [False, True]
    assert pinned["pinned"] == cup

    other = await producer.call("PUT", f"{path}/rundown/pinned", {"product": jug})
    assert other.problem() == (422, "product: is not on the rundown: put it there first")

    assert (await producer.put(f"{path}/rundown", {"products": [jug, cup]}))["pinned"] == cup
    assert (await producer.put(f"{path}/rundown", {"products": [jug]}))["pinned"] is None
    await producer.put(f"{path}/rundown/pinned", {"product": jug})
    assert (await producer.put(f"{path}/rundown/pinned", {"product": None}))["pinned"] is None


async def test_what_cannot_be_on_a_rundown_is_named(
    owner: Client, path: str, mugs: list[ProductId]
) -> None:
    before = await owner.put(f"{path}/rundown", {"products": mugs})

    for body, problem in (
        ({"products": ["p_none"]}, "products[0]: there is no product 'p_none'"),
        ({"products": [mugs[0], mugs[0]]}, "products[1]: 'p_mug' is on it twice"),
        ({"products": [1]}, "products[0]: Expected `str`, got `int`"),
        ({}, "Object missing required field `products`"),
    ):
        answer = await owner.call("PUT", f"{path}/rundown", body)
        assert answer.problem() == (422, problem)

    assert await owner.get(f"{path}/rundown") == before


async def test_tiktok_takes_a_hundred_products_and_more_are_refused_by_name(
    owner: Client, path: str, shop: Shop
) -> None:
    products = await shop.stocked_many([f"mug{number:03}" for number in range(101)])

    refused = await owner.call("PUT", f"{path}/rundown", {"products": products})
    assert refused.problem() == (
        422,
        "products: has 101 products, and TikTok takes 100 in a LIVE: leave some out, or take "
        "tiktok out of the show's channels",
    )
    full = await owner.put(f"{path}/rundown", {"products": products[:100]})
    assert len(full["products"]) == 100

    await owner.patch(path, {"channels": ["shop"]})
    long = await owner.put(f"{path}/rundown", {"products": products})
    assert {*long["products"][0]["badges"]} == {"shop"}
    again = await owner.call("PATCH", path, {"channels": ["shop", "tiktok"]})
    assert again.problem()[0] == 422
    assert (await owner.get(path))["channels"] == ["shop"]

    many = await owner.call("PUT", f"{path}/rundown", {"products": ["p"] * (MAX_RUNDOWN + 1)})
    assert many.problem()[0] == 422


async def test_a_change_of_channels_changes_the_badges(
    owner: Client, path: str, mugs: list[ProductId]
) -> None:
    await owner.put(f"{path}/rundown", {"products": mugs})

    show = await owner.patch(path, {"channels": ["shop", "tiktok"]})

    badges = show["rundown"]["products"][0]["badges"]
    assert {channel: badge["colour"] for channel, badge in badges.items()} == {
        "shop": "green",
        "tiktok": "green",
    }


async def test_every_change_at_its_cause_reaches_those_who_watch(
    owner: Client, path: str, shop: Shop, mugs: list[ProductId]
) -> None:
    mug, *_ = mugs
    await owner.put(f"{path}/rundown", {"products": mugs})
    async with owner.events(f"{path}/events") as events:
        _, kind, state = await events.next()
        assert kind == "state"
        assert set(colours(state["rundown"]).values()) == {"green"}

        await shop.judged(mug, status="FREEZE", reasons=("Counterfeit",))
        frozen = await rundown_with(events, mug, colour="red")
        assert frozen["badges"]["tiktok"]["reasons"][0]["text"] == (
            "TikTok has frozen it: Counterfeit"
        )

        await shop.on_sale(mug)
        await rundown_with(events, mug, colour="green")

        await shop.stores.stocks.adjust(SkuId("s_mug"), -5, by="test", reason="sold")
        assert (await rundown_with(events, mug, sold_out=True))["available"] == 0

        await owner.patch(f"/api/v1/products/{mug}", {"title": "The blue mug"})
        await rundown_with(events, mug, title="The blue mug")

        await shop.tell(tier="beginner", orders_day=_today(), orders_count=50)
        await rundown_with(events, mug, colour="amber")
        await shop.tell(tier="pro")
        await rundown_with(events, mug, colour="green")

        await shop.rules(CategoryRules(CATEGORY.id, CERTIFIED.certifications, time.time()))
        await rundown_with(events, mug, colour="red")

        await shop.stores.products.delete(await shop.stores.products.get(mug))
        gone = await rundown_with(events, mug, title=None)
        assert gone["badges"]["tiktok"]["reasons"][0]["code"] == "product_gone"


async def test_hosts_see_the_rundown_change_too(
    owner: Client, invited: Invited, shop: Shop, mugs: list[ProductId]
) -> None:
    mug, *_ = mugs
    await owner.patch(invited.path, {"channels": ["tiktok"]})
    await owner.put(f"{invited.path}/rundown", {"products": mugs})
    host = owner.as_(invited.token)
    async with host.events(f"{invited.feed_path}/events") as events:
        _, _, state = await events.next()
        assert [each["id"] for each in state["rundown"]["products"]] == mugs

        await owner.put(f"{invited.path}/rundown/pinned", {"product": mug})
        await rundown_with(events, mug, pinned=True)
        await shop.judged(mug, status="FREEZE")
        await rundown_with(events, mug, colour="red")


async def test_a_rundown_that_nobody_watches_is_right_when_somebody_asks(
    owner: Client, path: str, shop: Shop, mugs: list[ProductId]
) -> None:
    await owner.put(f"{path}/rundown", {"products": mugs})
    await shop.judged(*mugs, status="FREEZE")

    assert set(colours(await owner.get(f"{path}/rundown")).values()) == {"red"}
    assert set(colours((await owner.get(path))["rundown"]).values()) == {"red"}


async def test_whoever_changes_a_product_reads_it_so_at_once(
    owner: Client, path: str, mugs: list[ProductId]
) -> None:
    mug, *_ = mugs
    await owner.put(f"{path}/rundown", {"products": mugs})
    async with owner.events(f"{path}/events"):
        for title in ("The red mug", "The blue mug", "The last mug"):
            await owner.patch(f"/api/v1/products/{mug}", {"title": title})
            assert (await owner.get(f"{path}/rundown"))["products"][0]["title"] == title
            assert (await owner.get(path))["rundown"]["products"][0]["title"] == title


async def test_a_channel_that_cannot_be_read_leaves_the_show_to_be_steered_with_grey_badges(
    owner: Client, path: str, store: Connection, shop: Shop, mugs: list[ProductId]
) -> None:
    await owner.put(f"{path}/rundown", {"products": mugs})
    async with owner.events(f"{path}/events") as events:
        await events.next()
        await store.redis.hset(channel_key(TIKTOK), "document", "{")
        await shop.stores.stocks.adjust(SkuId("s_mug"), -5, by="test", reason="sold")
        grey = await rundown_with(events, mugs[0], colour="grey")
        assert grey["badges"]["tiktok"]["reasons"][0]["code"] == "not_looked"

        show = await owner.patch(path, {"title": "Winter"})
        assert set(colours(show["rundown"]).values()) == {"grey"}


async def test_with_redis_away_badges_are_grey_and_the_rundown_of_a_show_on_air_can_be_changed(
    owner: Client,
    path: str,
    mugs: list[ProductId],
    shop: Shop,
    destination: RtmpRecord,
    data_dir: Path,
) -> None:
    mug, _, jug = mugs
    spare = await shop.stocked("spare")
    await owner.put(f"{path}/rundown", {"products": mugs})
    body = {"platform": "custom", "url": destination.url, "stream_key": "key"}
    await owner.post(f"{path}/targets", body, 201)
    await owner.post(f"{path}/start")
    async with owner.events(f"{path}/events") as events:
        _, _, state = await events.next()
        assert set(colours(state["rundown"]).values()) == {"green"}
        redis = Redis(data_dir)
        redis.hang()
        try:
            grey = await rundown_with(events, mug, colour="grey")
            assert grey["badges"]["tiktok"]["reasons"][0]["code"] == "store_away"
            assert (grey["title"], grey["price"], grey["available"]) == ("The mug", 1250, 5)

            answer = await owner.put(f"{path}/rundown", {"products": [jug, mug]})
            assert [each["title"] for each in answer["products"]] == ["The jug", "The mug"]
            assert answer["durable"] is False
            assert (await owner.put(f"{path}/rundown/pinned", {"product": mug}))["pinned"] == mug
            refused = await owner.call("PUT", f"{path}/rundown", {"products": [spare]})
            assert refused.problem()[0] == 503
        finally:
            redis.go_on()
        await rundown_with(events, mug, colour="green", pinned=True)

    await owner.post(f"{path}/end")
    kept = await owner.get(f"{path}/rundown")
    assert [each["id"] for each in kept["products"]] == [jug, mug]
    assert (kept["pinned"], kept["durable"]) == (mug, True)


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())
