"""What watchers of a rundown hear when time alone turns a badge, in simulated time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mediaserver.broadcast import Listener
from mediaserver.redis_server import RedisServer
from mediaserver.rundowns import Rundowns
from mediaserver.show import Show
from sync.connection import Connection
from sync.eligibility.tier import next_day, order_day
from sync.eligibility.verdict import SHOP_GOOD_FOR_S
from sync.model import ProductId
from sync.secret import Vault
from sync.store.notices import Notices
from tests.control.hosting import hosted
from tests.control.servers import LANDSCAPE, SMALL, node_on
from tests.control.until import until
from tests.sync.now import Now
from tests.sync.shop import Shop

TIMEOUT_S = 20.0


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
async def shop(redis_server: RedisServer, now: Now) -> AsyncIterator[Shop]:
    connection = Connection(redis_server.url)
    shop = Shop(connection, now)
    await shop.open()
    yield shop
    await connection.close()


@pytest.fixture
async def mug(shop: Shop) -> ProductId:
    mug = await shop.stocked("mug")
    await shop.on_sale(mug)
    return mug


@pytest.fixture
async def show(
    redis_server: RedisServer, vault: Vault, shop: Shop, now: Now, mug: ProductId
) -> AsyncIterator[Show]:
    """It has the mug on its rundown, and is told of what changes."""
    async with hosted(node_on(redis_server.url, vault, now=now)) as running:
        connection = running.store.connection
        rundowns = Rundowns(shop.badges, connection, lambda: running.node.known, now)

        async def hear() -> None:
            async with contextlib.aclosing(Notices(connection).listen()) as heard:
                async for notice in heard:
                    rundowns.note(notice)

        tasks = [asyncio.create_task(run) for run in (hear(), rundowns.run())]
        show = await running.node.create(
            "Autumn", {LANDSCAPE: SMALL}, starts_at=None, channels=("tiktok",)
        )
        await rundowns.put(show, [mug])
        yield show
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def told(listener: Listener, colour: str) -> Any:
    """The badge of the first product, once it has that colour."""
    async with asyncio.timeout(TIMEOUT_S):
        async for event in listener:
            if event.kind == "rundown":
                badge = event.data["products"][0]["badges"]["tiktok"]
                if badge["colour"] == colour:
                    return badge
    raise AssertionError


def colour_now(show: Show) -> str:
    return str(show.rundown_view()["products"][0]["badges"]["tiktok"]["colour"])


async def test_a_badge_that_goes_stale_is_told_grey_and_green_again_when_tiktok_has_spoken(
    show: Show, shop: Shop, now: Now, mug: ProductId
) -> None:
    listener = show.events.listen()
    assert colour_now(show) == "green"

    now.advance(SHOP_GOOD_FOR_S)
    assert colour_now(show) == "grey"  # whoever asks before it was looked at again
    grey = await told(listener, "grey")
    assert [reason["code"] for reason in grey["reasons"]] == ["verdict_stale", "shop_stale"]

    await shop.on_sale(mug)
    await shop.tell(prerequisites_at=now(), warehouses_at=now())
    await told(listener, "green")


async def test_with_a_new_day_the_orders_are_counted_anew(
    show: Show, shop: Shop, now: Now, mug: ProductId
) -> None:
    now.at = next_day(now()) - 60
    listener = show.events.listen()
    await shop.on_sale(mug)
    today = {"tier": "beginner", "orders_day": order_day(now()), "orders_count": 50}
    await shop.tell(prerequisites_at=now(), warehouses_at=now(), **today)
    amber = await told(listener, "amber")
    assert amber["reasons"][0]["text"] == "0 of 50 orders left today"

    now.advance(60)

    green = await told(listener, "green")
    assert green["reasons"][-1]["text"] == "50 of 50 orders left today"


async def test_of_a_show_that_nobody_watches_no_green_is_told_after_a_change(
    show: Show, shop: Shop, mug: ProductId
) -> None:
    assert colour_now(show) == "green"

    await shop.judged(mug, status="FREEZE")

    await until(lambda: colour_now(show) != "green")


async def test_the_rundown_and_what_is_pinned_are_kept_with_the_show(
    show: Show, redis_server: RedisServer, vault: Vault, mug: ProductId
) -> None:
    await show.pin(mug)

    async with hosted(node_on(redis_server.url, vault, name="second")) as other:
        record = (await other.node.show(show.id)).record

    assert (record.rundown, record.pinned) == ((mug,), mug)
