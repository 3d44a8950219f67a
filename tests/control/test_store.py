import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from mediaserver.lease import Lease, Leases, base_url_of, holder_name, server_of
from mediaserver.packet import AssetId, ShowId
from mediaserver.redis_server import RedisServer
from mediaserver.state import ShowRecord, UnreadableRecord
from mediaserver.store import (
    FENCE_KEPT_S,
    HeldElsewhere,
    MissingRecord,
    StaleRecord,
    Store,
    TokenRecord,
    key,
)
from sync.connection import ANSWER_TIMEOUT_S, Connection
from sync.errors import StoreUnavailable
from tests.control.servers import LANDSCAPE, SMALL

SHOW = ShowRecord(ShowId("s1"), "Autumn", {LANDSCAPE: SMALL})
TIMEOUT_S = 20.0


@pytest.fixture
async def second(redis_server: RedisServer) -> AsyncIterator[Store]:
    """Another server on the same Redis."""
    store = Store(Connection(redis_server.url), writer="second")
    yield store
    await store.connection.close()


async def kept(store: Store) -> tuple[ShowRecord, str | None]:
    """The show as it is stored, and who holds it."""
    stored = await store.load(SHOW.id)
    assert stored is not None
    return stored.record, stored.holder


async def test_a_show_that_is_created_is_listed_and_loaded(store: Store, second: Store) -> None:
    await store.create(SHOW)

    assert await second.show_ids() == ["s1"]
    assert await kept(second) == (SHOW, None)


async def test_an_unknown_show_is_none(store: Store) -> None:
    assert await store.load(ShowId("none")) is None


async def test_a_deleted_show_leaves_no_key(store: Store, redis_server: RedisServer) -> None:
    await store.create(SHOW)
    lease = await Leases(store, holder="first").acquire(SHOW.id)
    await Leases(store, holder="first").release(lease)

    await store.delete(SHOW.id)

    assert await store.show_ids() == []
    assert await store.load(SHOW.id) is None


async def test_all_keys_of_a_show_are_in_one_slot_of_a_cluster() -> None:
    assert key(ShowId("s1"), "record") == "shopcast:{show:s1}:record"


async def test_two_servers_do_not_overwrite_each_other(store: Store, second: Store) -> None:
    await store.create(SHOW)
    await second.save(SHOW.but(title="Winter"), base=1, fence=None)

    with pytest.raises(StaleRecord):
        await store.save(SHOW.but(title="Spring"), base=1, fence=None)

    stored = await store.load(SHOW.id)
    assert stored is not None
    assert stored.record.title == "Winter"


async def test_a_write_of_ours_that_nobody_confirmed_is_no_conflict(store: Store) -> None:
    await store.create(SHOW)
    await store.save(SHOW.but(title="Winter"), base=1, fence=None)

    await store.save(SHOW.but(title="Spring"), base=1, fence=None)

    stored = await store.load(SHOW.id)
    assert stored is not None
    assert stored.record.title == "Spring"


async def test_a_show_deleted_elsewhere_does_not_come_back(store: Store, second: Store) -> None:
    await store.create(SHOW)
    await second.delete(SHOW.id)

    with pytest.raises(MissingRecord):
        await store.save(SHOW.but(title="Winter"), base=1, fence=None)

    assert await store.load(SHOW.id) is None


async def test_one_server_alone_gets_the_lease(store: Store, second: Store) -> None:
    await store.create(SHOW)
    await Leases(store, holder="first").acquire(SHOW.id)

    with pytest.raises(HeldElsewhere) as caught:
        await Leases(second, holder="second").acquire(SHOW.id)

    assert caught.value.holder == "first"
    assert await kept(second) == (SHOW, "first")


async def test_of_many_that_ask_at_once_one_gets_the_lease(store: Store) -> None:
    async def ask(number: int) -> bool:
        try:
            await Leases(store, holder=f"server-{number}").acquire(SHOW.id)
        except HeldElsewhere:
            return False
        return True

    assert sum(await asyncio.gather(*map(ask, range(20)))) == 1


async def test_without_the_lease_a_show_on_air_is_neither_written_nor_deleted(
    store: Store, second: Store
) -> None:
    await store.create(SHOW)
    await Leases(store, holder="first").acquire(SHOW.id)

    with pytest.raises(HeldElsewhere):
        await second.save(SHOW.but(title="Winter"), base=1, fence=None)
    with pytest.raises(HeldElsewhere):
        await second.delete(SHOW.id)

    assert await kept(store) == (SHOW, "first")


async def test_the_fence_lets_the_holder_write_and_nobody_before_it(
    store: Store, second: Store
) -> None:
    await store.create(SHOW)
    short = Leases(store, holder="first", ttl_s=0.001)
    lapsed = await short.acquire(SHOW.id)
    lease = await _acquired(Leases(second, holder="second"))

    with pytest.raises(HeldElsewhere):
        await store.save(SHOW.but(title="Winter"), base=1, fence=lapsed.fence)
    with pytest.raises(HeldElsewhere):
        await short.renew(lapsed)
    await second.save(SHOW.but(title="Spring"), base=1, fence=lease.fence)

    assert lease.fence == lapsed.fence + 1
    stored = await store.load(SHOW.id)
    assert stored is not None
    assert (stored.record.title, stored.holder) == ("Spring", "second")


async def test_a_lease_that_ran_out_goes_on_if_nobody_took_one(store: Store) -> None:
    await store.create(SHOW)
    short = Leases(store, holder="first", ttl_s=0.001)
    lease = await short.acquire(SHOW.id)
    await _until_free(store)
    await store.save(SHOW.but(title="Winter"), base=1, fence=lease.fence)

    await Leases(store, holder="first").renew(lease)

    assert await kept(store) == (SHOW.but(title="Winter"), "first")


async def test_a_change_off_air_is_above_the_token_of_a_lease_that_ran_out(
    store: Store, second: Store
) -> None:
    await store.create(SHOW)
    short = Leases(store, holder="first", ttl_s=0.001)
    lease = await short.acquire(SHOW.id)
    await _until_free(store)
    await second.save(SHOW.but(title="Winter"), base=1, fence=None)

    with pytest.raises(StaleRecord):
        await short.renew(lease)
    with pytest.raises(StaleRecord):
        await store.save(SHOW.but(title="Spring"), base=1, fence=lease.fence)

    assert await kept(store) == (SHOW.but(title="Winter"), None)


async def test_a_deletion_is_told_to_the_holder_of_a_lease_that_ran_out(
    store: Store, second: Store, redis_server: RedisServer
) -> None:
    await store.create(SHOW)
    short = Leases(store, holder="first", ttl_s=0.001)
    lease = await short.acquire(SHOW.id)
    await _until_free(store)
    await second.delete(SHOW.id)

    with pytest.raises(MissingRecord):
        await short.renew(lease)
    with pytest.raises(MissingRecord):
        await store.save(SHOW.but(title="Spring"), base=1, fence=lease.fence)

    assert await store.load(SHOW.id) is None
    async with Redis.from_url(redis_server.url) as redis:
        assert await redis.keys() == [key(SHOW.id, "fence").encode()]
        assert 0 < await redis.ttl(key(SHOW.id, "fence")) <= FENCE_KEPT_S


async def test_a_lease_taken_since_is_not_released_by_the_one_before(
    store: Store, second: Store
) -> None:
    await store.create(SHOW)
    short = Leases(store, holder="first", ttl_s=0.001)
    lapsed = await short.acquire(SHOW.id)
    await _acquired(Leases(second, holder="second"))

    await short.release(lapsed)

    assert await kept(store) == (SHOW, "second")


async def test_a_lease_survives_a_redis_that_lost_it(
    store: Store, redis_server: RedisServer
) -> None:
    leases = Leases(store, holder="first")
    await store.create(SHOW)
    lease = await leases.acquire(SHOW.id)
    await flushed(redis_server)

    assert await leases.renew(lease) is False
    await store.save(SHOW, base=1, fence=lease.fence)

    assert await leases.renew(lease) is True
    assert await kept(store) == (SHOW, "first")
    assert await store.show_ids() == [SHOW.id]


async def test_a_lease_that_is_freed_is_above_the_token_of_its_holder(
    store: Store, second: Store
) -> None:
    await store.create(SHOW)
    leases = Leases(store, holder="first")
    lease = await leases.acquire(SHOW.id)

    await Leases(second, holder="second").free()

    assert await kept(second) == (SHOW, None)
    with pytest.raises(StaleRecord):
        await leases.renew(lease)
    with pytest.raises(StaleRecord):
        await store.save(SHOW.but(title="Spring"), base=1, fence=lease.fence)


@pytest.mark.parametrize(
    ("holder", "base_url"),
    [
        (holder_name("https://live.shop.example/a", "0f0f0f"), "https://live.shop.example/a"),
        (holder_name("http://[::1]:8080", "0f0f0f"), "http://[::1]:8080"),
        ("first", None),
    ],
)
def test_a_holder_says_where_it_is(holder: str, base_url: str | None) -> None:
    assert base_url_of(holder) == base_url


async def test_tokens_are_kept_by_their_hashes(store: Store) -> None:
    token = TokenRecord("t1", "Ann", 12.5)
    await store.add_token("hash", token)
    assert await store.tokens() == {"hash": token}

    await store.remove_token("hash")
    assert await store.tokens() == {}


async def test_a_store_that_hangs_is_away_at_once_for_all_that_follow(
    store: Store, redis_server: RedisServer
) -> None:
    assert redis_server.pid is not None
    os.kill(redis_server.pid, signal.SIGSTOP)
    with pytest.raises(StoreUnavailable):
        await store.ping()

    async with asyncio.timeout(ANSWER_TIMEOUT_S / 2):  # it is not asked again
        with pytest.raises(StoreUnavailable):
            await store.show_ids()

    assert not store.connection.available
    os.kill(redis_server.pid, signal.SIGCONT)


async def test_a_store_that_is_back_is_found(store: Store, redis_server: RedisServer) -> None:
    assert redis_server.pid is not None
    os.kill(redis_server.pid, signal.SIGSTOP)
    with pytest.raises(StoreUnavailable):
        await store.ping()
    back = asyncio.Event()

    async def note() -> None:
        back.set()

    watch = asyncio.create_task(store.connection.watch(note))
    os.kill(redis_server.pid, signal.SIGCONT)
    async with asyncio.timeout(TIMEOUT_S):
        await back.wait()

    await store.ping()
    assert store.connection.available
    watch.cancel()
    await asyncio.wait([watch])


async def test_what_this_server_cannot_read_is_an_error(store: Store) -> None:
    await store.show_script("save", SHOW.id, "not json", "1", "0", "x", "")

    with pytest.raises(UnreadableRecord):
        await store.load(SHOW.id)


async def test_a_redis_that_keeps_less_than_promised_is_described(tmp_path: Path) -> None:
    port_socket = tmp_path / "r.sock"
    process = await asyncio.create_subprocess_exec(
        "redis-server",
        "--port",
        "0",
        "--unixsocket",
        str(port_socket),
        "--save",
        "",
        "--maxmemory-policy",
        "allkeys-lru",
        "--dir",
        str(tmp_path),
        stdout=asyncio.subprocess.DEVNULL,
    )
    store = Store(Connection(f"unix://{port_socket}"), writer="x")
    watch = asyncio.create_task(store.connection.watch(lambda: asyncio.sleep(0)))
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                try:
                    await store.ping()
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0)

        assert await store.faults() == [
            "Redis has appendonly no instead of yes: changes are lost when it restarts",
            "Redis has appendfsync everysec instead of always: "
            "the last second of changes can be lost",
            "Redis has maxmemory-policy allkeys-lru instead of noeviction: "
            "it may drop shows when memory is short",
        ]
    finally:
        watch.cancel()
        await asyncio.wait([watch])
        await store.connection.close()
        process.terminate()
        await process.wait()


async def flushed(redis_server: RedisServer) -> None:
    """Redis loses all that it has."""
    async with Redis.from_url(redis_server.url) as redis:
        await redis.flushall()


async def _acquired(leases: Leases) -> Lease:
    """The lease, once the one before has run out."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                return await leases.acquire(SHOW.id)
            except HeldElsewhere:
                await asyncio.sleep(0)


async def _until_free(store: Store) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while (stored := await store.load(SHOW.id)) and stored.holder:
            pass


async def test_a_shows_files_are_kept_as_they_are_and_go_with_it(
    store: Store, second: Store
) -> None:
    data, asset = bytes(range(256)) * 4096, AssetId("logo")
    await store.create(SHOW)
    await store.add_asset(SHOW.id, asset, data)

    assert await second.asset(SHOW.id, asset) == data
    await store.remove_asset(SHOW.id, asset)
    assert await second.asset(SHOW.id, asset) is None
    await store.add_asset(SHOW.id, asset, data)
    await store.delete(SHOW.id)
    assert await second.asset(SHOW.id, asset) is None


async def test_a_lease_says_when_its_holder_was_last_alive(store: Store) -> None:
    times = iter((1000.0, 1003.5))
    leases = Leases(store, holder="first", now=lambda: next(times))
    await store.create(SHOW)

    lease = await leases.acquire(SHOW.id)
    taken = await store.load(SHOW.id)
    await leases.renew(lease)
    renewed = await store.load(SHOW.id)
    await leases.release(lease)
    released = await store.load(SHOW.id)

    stored = [taken, renewed, released]
    assert [each.alive_at if each else None for each in stored] == [1000.0, 1003.5, 1003.5]


@pytest.mark.parametrize(
    ("holder", "server"),
    [
        (holder_name("https://live.shop.example", "5e1f.0f0f0f"), "5e1f"),
        (holder_name("https://live.shop.example", "5e1f.ffffff"), "5e1f"),
        ("first", "first"),
    ],
)
def test_the_runs_of_a_server_have_its_name(holder: str, server: str) -> None:
    assert server_of(holder) == server
