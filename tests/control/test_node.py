"""A node with many shows: one show's trouble is its own."""

import asyncio
import logging

import pytest
from redis.asyncio import Redis

from mediaserver import node
from mediaserver.errors import NotFound
from mediaserver.packet import ShowId
from mediaserver.redis_server import RedisServer
from mediaserver.show import Show
from mediaserver.store import SHOWS, key
from tests.control.servers import LANDSCAPE, SMALL, Running

TIMEOUT_S = 20.0


async def show_on_air(running: Running, title: str) -> Show:
    show = await running.node.create(title, {LANDSCAPE: SMALL}, starts_at=None, channels=())
    await running.node.start(show)
    return show


@pytest.mark.parametrize(
    "document",
    [
        b"not json",
        b'{"id":"bad","title":"x","canvases":{},"starts_at":-62135647200.0}',
        b'{"id":"bad","title":"x","canvases":{},"ended_at":1e300}',
    ],
)
async def test_a_stored_show_that_cannot_be_read_is_left_out_and_can_be_deleted(
    document: bytes, redis_server: RedisServer, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    good = await running.node.create("Autumn", {LANDSCAPE: SMALL}, starts_at=None, channels=())
    async with Redis.from_url(redis_server.url) as redis:
        await redis.hset(key(ShowId("bad"), "record"), "document", document)
        await redis.sadd(SHOWS, "bad")

    assert await running.node.shows() == [good]

    assert "show_failed show=bad doing=load" in caplog.text
    await running.node.delete(ShowId("bad"))
    with pytest.raises(NotFound):
        await running.node.show(ShowId("bad"))
    assert await running.store.show_ids() == [good.id]


async def test_a_show_whose_lease_cannot_be_kept_does_not_take_the_others_along(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing = await show_on_air(running, "Failing")
    hanging = await show_on_air(running, "Hanging")
    kept = await show_on_air(running, "Kept")
    renewed = asyncio.Event()

    async def fail() -> None:
        raise RuntimeError("a mistake of ours")

    async def hang() -> None:
        await asyncio.Event().wait()

    async def keep() -> None:
        await Show.keep(kept)
        renewed.set()

    monkeypatch.setattr(node, "ALONE_TIMEOUT_S", 0.1)
    monkeypatch.setattr(failing, "keep", fail)
    monkeypatch.setattr(hanging, "keep", hang)
    monkeypatch.setattr(kept, "keep", keep)

    async with asyncio.timeout(TIMEOUT_S):
        await running.node.keep()

    assert renewed.is_set()
    errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert sorted(errors) == sorted(
        [
            f"show_failed show={failing.id} doing=keep",
            f"show_hangs show={hanging.id} doing=keep",
        ]
    )
    assert "RuntimeError: a mistake of ours" in caplog.text
