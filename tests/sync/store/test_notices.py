"""Notices over a real Redis."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from mediaserver.redis_server import RedisServer
from sync.connection import Connection
from sync.model import Notice, SkuId
from sync.store.keys import NOTICES
from sync.store.notices import EVERYTHING, Notices, encoded
from sync.store.products import Products
from sync.store.stock import Stocks
from tests.sync.things import product

TIMEOUT_S = 20.0


@pytest.fixture
async def heard(notices: Notices) -> AsyncIterator[AsyncGenerator[Notice, None]]:
    """What a listener hears, once it is sure that it hears all."""
    async with contextlib.aclosing(notices.listen()) as heard:
        assert await heard.__anext__() == EVERYTHING
        yield heard


async def following(heard: AsyncGenerator[Notice, None]) -> Notice:
    async with asyncio.timeout(TIMEOUT_S):
        return await heard.__anext__()


async def test_every_change_of_a_product_and_its_stock_is_told(
    heard: AsyncGenerator[Notice, None], products: Products, stocks: Stocks
) -> None:
    saved = await products.save(product(), None, by="owner")
    assert await following(heard) == Notice("product", ("p_mug",))

    await stocks.adjust(SkuId("s_mug"), 3, by="owner", reason="found")
    assert await following(heard) == Notice("stock", ("p_mug",))

    await products.delete(saved)
    assert await following(heard) == Notice("product", ("p_mug",))


async def test_what_changes_nothing_is_not_told(
    heard: AsyncGenerator[Notice, None], products: Products, stocks: Stocks
) -> None:
    saved = await products.save(product(), None, {SkuId("s_mug"): 3}, by="owner")
    await following(heard)

    await products.save(product(), saved, by="owner")
    await stocks.set(SkuId("s_mug"), 3, 1, by="owner")
    await products.save(product("pot"), None, by="owner")

    assert await following(heard) == Notice("product", ("p_pot",))


async def test_a_listener_that_was_cut_off_is_told_that_anything_may_have_changed(
    heard: AsyncGenerator[Notice, None], connection: Connection
) -> None:
    await connection.redis.client_kill_filter(_type="pubsub")

    assert await following(heard) == EVERYTHING
    await connection.redis.publish(NOTICES, encoded("channel"))
    assert await following(heard) == Notice("channel")


async def test_a_listener_outlives_redis(
    heard: AsyncGenerator[Notice, None], redis_server: RedisServer, connection: Connection
) -> None:
    await redis_server.stop()
    waiting = asyncio.create_task(following(heard))
    await asyncio.wait([waiting], timeout=0)
    await redis_server.start()

    assert await waiting == EVERYTHING
    await connection.redis.publish(NOTICES, encoded("channel"))
    assert await following(heard) == Notice("channel")


async def test_a_notice_of_a_kind_from_later_is_heard_as_everything(
    heard: AsyncGenerator[Notice, None], connection: Connection
) -> None:
    await connection.redis.publish(NOTICES, b'{"kind": "refund", "ids": ["o_1"]}')

    assert await following(heard) == EVERYTHING


async def test_a_listener_that_waits_for_a_dead_redis_can_be_cancelled(
    redis_server: RedisServer, notices: Notices
) -> None:
    assert redis_server.pid is not None
    os.kill(redis_server.pid, signal.SIGSTOP)
    async with contextlib.aclosing(notices.listen()) as heard:
        waiting = asyncio.create_task(heard.__anext__())
        await asyncio.wait([waiting], timeout=0)
        waiting.cancel()
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.wait([waiting])

    assert waiting.cancelled()
    os.kill(redis_server.pid, signal.SIGCONT)
