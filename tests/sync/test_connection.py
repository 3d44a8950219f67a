"""Calls that go out together, each with its own answer or error, to a real Redis."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from mediaserver.redis_server import RedisServer
from sync.connection import Connection
from sync.errors import StoreUnavailable
from sync.store.keys import key

LOCK = key("lock:test")


async def lock(connection: Connection, owner: str, milliseconds: str = "60000") -> list[str]:
    return await connection.script("sync.store", "lock", [LOCK], [owner, milliseconds])


async def test_each_call_of_one_turn_has_its_own_answer(connection: Connection) -> None:
    answers = await asyncio.gather(*(lock(connection, f"owner {number}") for number in range(450)))

    assert sorted(answers) == [["locked"]] * 449 + [["ok"]]
    clients = await connection.redis.info("clients")
    assert clients["connected_clients"] <= 4  # not a connection for each


async def test_a_call_that_is_refused_leaves_the_others_alone(connection: Connection) -> None:
    answers = await asyncio.gather(
        lock(connection, "one", "no number"),
        lock(connection, "two", "no number"),
        lock(connection, "three"),
        return_exceptions=True,
    )

    assert answers[2] == ["ok"]
    for refused in answers[:2]:
        assert isinstance(refused, StoreUnavailable)
        assert "refuses" in str(refused)
    assert answers[0] is not answers[1]
    assert connection.available


async def test_scripts_that_redis_has_forgotten_are_sent_again(connection: Connection) -> None:
    await lock(connection, "one")
    await connection.redis.script_flush()

    unlocking = connection.script("sync.store", "unlock", [LOCK], ["one"])
    answers = await asyncio.gather(lock(connection, "two"), unlocking, lock(connection, "three"))

    assert list(answers) == [["locked"], ["ok"], ["ok"]]


async def test_a_caller_that_gives_up_leaves_the_others_alone(connection: Connection) -> None:
    gives_up = asyncio.create_task(lock(connection, "one"))
    stays = asyncio.create_task(lock(connection, "two"))
    await asyncio.sleep(0)
    gives_up.cancel()

    assert await stays == ["locked"]
    with pytest.raises(asyncio.CancelledError):
        await gives_up


async def test_all_that_wait_are_told_that_redis_is_away(
    redis_server: RedisServer, connection: Connection
) -> None:
    await lock(connection, "one")
    assert redis_server.pid is not None
    os.kill(redis_server.pid, signal.SIGKILL)

    answers = await asyncio.gather(
        *(lock(connection, "two") for _ in range(3)), return_exceptions=True
    )

    assert [str(each) for each in answers] == ["the server's store (Redis) does not answer"] * 3
    assert len({id(each) for each in answers}) == 3
    with pytest.raises(StoreUnavailable):
        await lock(connection, "two")


async def test_who_waits_when_it_is_closed_is_let_go(tmp_path: Path) -> None:
    async with RedisServer(tmp_path / "data") as server:
        connection = Connection(server.url)
        await lock(connection, "one")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
        waiting = asyncio.create_task(lock(connection, "two"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        await connection.close()

        with pytest.raises(asyncio.CancelledError):
            await waiting
        os.kill(server.pid, signal.SIGCONT)
