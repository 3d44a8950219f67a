import asyncio
import hashlib
import io
import os
import signal
import sys
import tarfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from cryptography.fernet import Fernet
from redis.asyncio import Redis

from mediaserver import rdb
from mediaserver.archive import Archive, BadArchive, Writer
from mediaserver.backup import Refused, backup, restore
from mediaserver.errors import ConfigError
from mediaserver.redis_server import RedisServer, data_dir_lock
from mediaserver.settings import SecretSettings, Settings, StoreSettings
from sync.connection import Connection
from sync.model import TIKTOK, Listing, ProductId, SkuId
from sync.orders.order import OWN_SHOP, Claim, LineId, Order, OrderId, OrderLine
from sync.secret import Secret
from sync.store.keys import NOTICES, stock_key
from sync.store.lease import FENCE, Lease
from sync.store.listings import Listings
from sync.store.snapshot import RESTORED, SnapshotStore, StoreInUse
from sync.store.stores import Stores
from tests.control.test_process import client_of, serving
from tests.control.until import TIMEOUT_S, until

IMAGE = b"picture"
DIGEST = hashlib.sha256(IMAGE).hexdigest()
OFFERED = SkuId("s_1")


def at(data_dir: Path, **given: Secret) -> Settings:
    return Settings(store=StoreSettings(data_dir=data_dir, **given))


@asynccontextmanager
async def redis_in(data_dir: Path) -> AsyncIterator[Redis]:
    async with RedisServer(data_dir) as server, Redis.from_url(server.url) as redis:
        yield redis


async def fill(redis: Redis) -> None:
    """One key of each kind, long and short, and those that are not to come back."""
    await redis.set("shopcast:tokens", "x")
    await redis.set("shopcast:{shop}:number", 12345)
    await redis.set("shopcast:{shop}:ending", "soon", px=3_600_000)
    await redis.set("shopcast:{shop}:" + "a" * 200, "under a name that is compressed")
    await redis.set("shopcast:{shop}:long", "ab" * 50_000)
    await redis.hset("shopcast:{shop}:hash", mapping={str(n): n for n in range(20)})
    await redis.hset("shopcast:{shop}:large", mapping={f"{n:0100}": "z" * n for n in range(1000)})
    await redis.zadd("shopcast:{shop}:scores", {str(n): n / 7 for n in range(300)})
    await redis.sadd("shopcast:{shop}:numbers", *range(50))
    await redis.sadd("shopcast:{shop}:words", *(f"word {n}" for n in range(300)))
    await redis.rpush("shopcast:{shop}:list", *(f"item {n}" for n in range(500)))
    for n in range(250):
        await redis.xadd("shopcast:{shop}:stream", {"n": n, "by": "owner"}, maxlen=200)
    await redis.set("foreign", "of somebody else")
    await redis.set("shopcast:{shop}:lease:sync", "first", px=10_000)
    await redis.set("shopcast:{show:1}:lease", "first", px=10_000)
    await redis.set("shopcast:{shop}:lock:tiktok:tokens", "first", px=10_000)
    await redis.set("shopcast:{shop}:progress", "{}")
    await redis.set(FENCE, 7)


async def contents(redis: Any) -> dict[bytes, object]:
    """Byte for byte where Redis keeps an order of its own in no hash table."""
    found: dict[bytes, object] = {}
    for name in await redis.keys("shopcast:*"):
        match (await redis.type(name), await redis.object("encoding", name)):
            case b"hash", b"hashtable":
                found[name] = await redis.hgetall(name)
            case b"set", b"hashtable":
                found[name] = await redis.smembers(name)
            case _:
                found[name] = await redis.dump(name)
    return found


async def made(tmp_path: Path, *, with_keys: bool = True) -> Path:
    """A backup of a data dir with something of each kind in it."""
    source, path = tmp_path / "source", tmp_path / "shop.backup"
    async with redis_in(source) as redis:
        await fill(redis)
    (source / "images" / DIGEST[:2]).mkdir(parents=True)
    (source / "images" / DIGEST[:2] / DIGEST).write_bytes(IMAGE)
    (source / "recordings").mkdir()
    (source / "recordings" / "long.mp4").write_bytes(b"long")
    (source / "secret-keys").write_text(Fernet.generate_key().decode() + "\n")
    (source / "admin-token").write_text("sco_" + "t" * 43 + "\n")
    await backup(at(source), path, with_keys=with_keys)
    return path


def names_in(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


async def test_all_comes_back_as_it_was_but_for_what_was_of_the_moment(tmp_path: Path) -> None:
    path = await made(tmp_path)
    target = tmp_path / "target"

    count = await restore(at(target), path, replace=False, without_keys=False)

    async with redis_in(tmp_path / "source") as before, redis_in(target) as after:
        was, found = await contents(before), await contents(after)
        ends = [await redis.pttl("shopcast:{shop}:ending") for redis in (before, after)]
        foreign = await after.get("foreign")
        assert await after.keys("shopcast-*") == []
    gone = {
        b"shopcast:{shop}:lease:sync",
        b"shopcast:{show:1}:lease",
        b"shopcast:{shop}:lock:tiktok:tokens",
        b"shopcast:{shop}:progress",
    }
    fence = FENCE.encode()
    assert {name: was[name] for name in was.keys() - gone - {fence}} == {
        name: found[name] for name in found.keys() - {fence}
    }
    assert count.keys == len(found)
    assert 3_500_000 < ends[1] <= ends[0] <= 3_600_000
    assert foreign is None
    assert (target / "images" / DIGEST[:2] / DIGEST).read_bytes() == IMAGE
    for name in ("secret-keys", "admin-token"):
        assert (target / name).read_text() == (tmp_path / "source" / name).read_text()
        assert (target / name).stat().st_mode & 0o777 == 0o600
    assert not (target / "recordings").exists()
    assert not (target / "server-id").exists()


async def test_the_file_is_for_its_owner_alone_and_nothing_is_written_over_it(
    tmp_path: Path,
) -> None:
    path = await made(tmp_path)
    before = path.read_bytes()

    with pytest.raises(Refused, match="exists already"):
        await backup(at(tmp_path / "source"), path, with_keys=True)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes() == before
    assert names_in(tmp_path) == ["shop.backup", "source"]


async def test_without_keys_there_is_no_secret_in_it_and_it_needs_them_to_come_back(
    tmp_path: Path,
) -> None:
    path = await made(tmp_path, with_keys=False)
    keys = (tmp_path / "source" / "secret-keys").read_text()
    target = tmp_path / "target"
    with tarfile.open(path) as tar:
        names = tar.getnames()

    with pytest.raises(Refused, match="the keys are not in the backup"):
        await restore(at(target), path, replace=False, without_keys=False)
    assert not (target / "redis").exists()
    (target / "secret-keys").write_text(keys)
    await restore(at(target), path, replace=False, without_keys=False)
    await restore(at(tmp_path / "lost"), path, replace=False, without_keys=True)

    assert not {"secret-keys", "admin-token"} & set(names)
    assert keys.strip().encode() not in path.read_bytes()
    assert (target / "secret-keys").read_text() == keys
    assert not (tmp_path / "lost" / "secret-keys").exists()


async def test_keys_that_are_there_stay_beside_those_of_the_backup(tmp_path: Path) -> None:
    path, target = await made(tmp_path), tmp_path / "target"
    target.mkdir()
    other = Fernet.generate_key().decode()
    (target / "secret-keys").write_text(other + "\n")
    (target / "admin-token").write_text("sco_mine\n")

    await restore(at(target), path, replace=False, without_keys=False)

    first = (tmp_path / "source" / "secret-keys").read_text()
    assert (target / "secret-keys").read_text() == f"{first}{other}\n"
    assert (target / "admin-token").read_text() == "sco_mine\n"


async def test_keys_of_the_settings_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = await made(tmp_path)
    wrong = SecretSettings(secret_keys=(Secret(Fernet.generate_key().decode()),))
    settings = Settings(store=StoreSettings(data_dir=tmp_path / "target"), secrets=wrong)

    with pytest.raises(Refused, match="SHOPCAST_SECRET_KEYS"):
        await restore(settings, path, replace=False, without_keys=False)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def without_end(data: bytes) -> bytes:
    return data[:-2048]


def flipped(data: bytes) -> bytes:
    place = data.index(b"under a name") + 3
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


def another(data: bytes) -> bytes:
    return b"PK\x03\x04" + data[4:]


def nothing(data: bytes) -> bytes:
    return b""


def newer(data: bytes) -> bytes:
    """Made well, by a version to come."""
    archive = Archive(io.BytesIO(data))
    file = io.BytesIO()
    writer = Writer(file, 0.0)
    manifest = archive.read("manifest.json") or b""
    writer.add("manifest.json", manifest.replace(b'"version":1', b'"version":2'))
    writer.add("store.rdb", archive.read("store.rdb") or b"")
    writer.close()
    return file.getvalue()


def unknown(data: bytes) -> bytes:
    """Well kept, but with a value that nobody knows."""
    archive = Archive(io.BytesIO(data))
    file = io.BytesIO()
    writer = Writer(file, 0.0)
    writer.add("manifest.json", archive.read("manifest.json") or b"")
    writer.add("store.rdb", rdb.header(9) + bytes((99, 1)) + b"a" + rdb.TRAILER)
    writer.add("secret-keys", archive.read("secret-keys") or b"")
    writer.close()
    return file.getvalue()


@pytest.mark.parametrize(
    "damage",
    [cut, without_end, flipped, another, nothing, newer, unknown],
    ids=lambda f: f.__name__,
)
async def test_a_file_that_is_not_good_changes_nothing(
    damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path, target = await made(tmp_path), tmp_path / "target"
    async with redis_in(target) as redis:
        await redis.set("shopcast:tokens", "as it was")
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(BadArchive):
        await restore(at(target), path, replace=True, without_keys=False)

    async with redis_in(target) as redis:
        assert await contents(redis) == {b"shopcast:tokens": await redis.dump("shopcast:tokens")}
    assert (
        sorted(each.name for each in target.iterdir()) == ["lock", "redis"][damage is not unknown :]
    )


async def test_a_shop_that_is_there_is_replaced_only_when_that_is_said(tmp_path: Path) -> None:
    path, target = await made(tmp_path), tmp_path / "target"
    async with redis_in(target) as redis:
        await redis.set("shopcast:{shop}:after", "the backup")
        await redis.set(FENCE, 40)

    with pytest.raises(Refused, match="--replace"):
        await restore(at(target), path, replace=False, without_keys=False)
    await restore(at(target), path, replace=True, without_keys=False)

    async with redis_in(target) as redis:
        assert await redis.get("shopcast:{shop}:after") is None
        assert await redis.get("shopcast:{shop}:number") == b"12345"
        assert int(await redis.get(FENCE) or 0) > 40


async def test_a_redis_older_than_that_of_the_backup_is_left_as_it_was(
    tmp_path: Path,
) -> None:
    """As 6.2 is to a snapshot of Redis 7."""
    path, target = await made(tmp_path), tmp_path / "target"
    archive = Archive(io.BytesIO(path.read_bytes()))
    store = archive.read("store.rdb") or b""
    with path.open("wb") as file:
        writer = Writer(file, 0.0)
        writer.add("manifest.json", archive.read("manifest.json") or b"")
        writer.add("store.rdb", rdb.header(99) + store[len(rdb.header(99)) :])
        writer.add("secret-keys", archive.read("secret-keys") or b"")
        writer.close()

    with pytest.raises(Refused, match="it must not be older"):
        await restore(at(target), path, replace=False, without_keys=False)

    async with redis_in(target) as redis:
        assert await redis.keys("*") == []


async def test_a_data_dir_in_use_is_left_alone(tmp_path: Path) -> None:
    path, target = await made(tmp_path), tmp_path / "target"

    with data_dir_lock(target), pytest.raises(ConfigError, match="in use by process"):
        await restore(at(target), path, replace=True, without_keys=False)


async def test_a_redis_that_a_server_listens_to_is_left_alone(tmp_path: Path) -> None:
    path = await made(tmp_path)
    async with RedisServer(tmp_path / "other") as server, Redis.from_url(server.url) as redis:
        await redis.set("shopcast:tokens", "as it was")
        settings = at(tmp_path / "target", redis_url=Secret(server.url))
        async with redis.pubsub() as listening:
            await listening.subscribe(NOTICES)
            await listening.get_message(timeout=TIMEOUT_S)

            with pytest.raises(StoreInUse):
                await restore(settings, path, replace=True, without_keys=False)

        assert await redis.get("shopcast:tokens") == b"as it was"
        assert await redis.keys("shopcast-*") == []


async def test_of_a_redis_that_others_use_too_only_ours_is_taken(tmp_path: Path) -> None:
    path, target = tmp_path / "shop.backup", tmp_path / "target"
    async with RedisServer(tmp_path / "other") as server:
        async with Redis.from_url(server.url) as redis:
            await redis.set("shopcast:tokens", "another database's")
        async with Redis.from_url(f"{server.url}?db=3") as redis:
            await fill(redis)
            was = await contents(redis)
        settings = at(tmp_path / "source", redis_url=Secret(f"{server.url}?db=3"))
        count = await backup(settings, path, with_keys=True)
        assert count.keys == len(was)

    await restore(at(target), path, replace=False, without_keys=False)

    async with redis_in(target) as redis:
        assert await redis.dump("shopcast:tokens") == was[b"shopcast:tokens"]


async def test_a_redis_that_gives_no_snapshot_is_named(tmp_path: Path) -> None:
    async with RedisServer(tmp_path / "other") as server:
        async with Redis.from_url(server.url) as redis:
            await redis.acl_setuser(
                "shop",
                enabled=True,
                passwords=["+secret"],
                keys=["*"],
                channels=["*"],
                categories=["+@all"],
                commands=["-sync"],
            )
        settings = at(
            tmp_path, redis_url=Secret(server.url.replace("unix://", "unix://shop:secret@"))
        )
        with pytest.raises(Exception, match="gives no snapshot") as caught:
            await backup(settings, tmp_path / "shop.backup", with_keys=True)

    assert "secret@" not in str(caught.value)
    assert not (tmp_path / "shop.backup").exists()


async def test_a_full_disk_leaves_no_backup_and_nothing_else(tmp_path: Path) -> None:
    await made(tmp_path)
    full = tmp_path / "full"
    full.mkdir()
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from mediaserver.__main__ import main; sys.exit(main())"
    )
    async with serving(tmp_path / "source") as server, client_of(server):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, "backup", str(full / "shop.backup")),
            env=os.environ | {"SHOPCAST_DATA_DIR": str(tmp_path / "source")},
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()

    assert process.returncode == 1
    assert f"{full / 'shop.backup'} cannot be written: File too large" in said.decode()
    assert names_in(full) == []


async def test_what_tiktok_has_is_doubted_and_every_price_told_again(tmp_path: Path) -> None:
    source, target, path = tmp_path / "source", tmp_path / "target", tmp_path / "shop.backup"
    async with RedisServer(source) as server:
        connection = Connection(server.url)
        await filled_shop(connection, on_hand=10)
        fence = await Lease(connection, holder="first").acquire()
        assert fence is not None
        await Stores(connection, time.time).stocks.reserve({OFFERED: 5}, TIKTOK, fence)
        await Listings(connection).save(
            [Listing(ProductId("p_1"), "c", remote_id="1", prices={OFFERED: 1000})], fence
        )
        await connection.close()
    await backup(at(source), path, with_keys=True)

    await restore(at(target), path, replace=False, without_keys=False)

    async with RedisServer(target) as server:
        connection = Connection(server.url)
        stores = Stores(connection, time.time)
        stock = await stores.stocks.get(OFFERED)
        listing = await stores.listings.get(ProductId("p_1"))
        assert await stores.stocks.unsettled(TIKTOK) == {OFFERED: stock}
        assert not await SnapshotStore(connection).is_half_restored()
        await connection.close()
    assert (stock.on_hand, stock.quotas[TIKTOK]) == (10, 5)
    assert stock.unbound == (TIKTOK,)
    assert listing == Listing(ProductId("p_1"), "c", remote_id="1")


async def test_a_restore_that_was_cut_short_after_all_was_there_is_ended_by_the_next_sync(
    tmp_path: Path,
) -> None:
    async with RedisServer(tmp_path) as server:
        connection = Connection(server.url)
        await filled_shop(connection, on_hand=10)
        await connection.redis.set(RESTORED, 1.0)
        store = SnapshotStore(connection)

        assert await store.doubt_everything(time.time)
        assert not await store.doubt_everything(time.time)

        stock = await Stores(connection, time.time).stocks.get(OFFERED)
        await connection.close()
    assert stock.unbound == (TIKTOK,)


async def filled_shop(connection: Connection, *, on_hand: int) -> None:
    await connection.redis.hset(
        stock_key(OFFERED),
        mapping={"product": "p_1", "on_hand": on_hand, "committed": 0, "revision": 1},
    )


async def orders_without_end(connection: Connection, saved: list[OrderId]) -> None:
    stores = Stores(connection, time.time)
    for number in range(100_000):
        line = OrderLine(LineId("1"), "Mug", 1000, sku=OFFERED)
        order = Order(
            OrderId(f"o_{number}"), OWN_SHOP, str(number), "UNPAID", "USD", (line,), 1.0, 1.0
        )
        await stores.orders.save(order, [Claim(LineId("1"), OFFERED, 1, 1, 0)], by="x")
        saved.append(order.id)


async def test_of_a_server_at_work_a_backup_has_one_moment(tmp_path: Path) -> None:
    source, target, path = tmp_path / "source", tmp_path / "target", tmp_path / "shop.backup"
    saved: list[OrderId] = []
    async with serving(source) as server, client_of(server):
        connection = Connection(f"unix://{source / 'redis.sock'}")
        await filled_shop(connection, on_hand=200_000)
        writing = asyncio.create_task(orders_without_end(connection, saved))
        await until(lambda: len(saved) >= 100)
        before = len(saved)
        await backup(at(source), path, with_keys=True)
        after = len(saved)
        writing.cancel()
        await asyncio.wait([writing])
        await connection.close()

    await restore(at(target), path, replace=False, without_keys=False)

    async with RedisServer(target) as redis:
        connection = Connection(redis.url)
        stores = Stores(connection, time.time)
        ids = [order.id async for some in stores.orders.slices() for order in some]
        held = await stores.orders.held(ids)
        stock = await stores.stocks.get(OFFERED)
        await connection.close()
    assert before <= len(ids) <= after + 1
    assert after > before
    assert set(ids) == set([*saved, OrderId(f"o_{len(saved)}")][: len(ids)])
    assert stock.committed == len(ids) == sum(each[LineId("1")].held for each in held.values())
    assert stock.on_hand == stock.free + stock.committed + sum(stock.quotas.values())


async def test_a_restore_that_is_killed_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    path, target = await made(tmp_path), tmp_path / "target"
    async with redis_in(target) as redis:
        await redis.set("shopcast:{shop}:old", "it")
        old = await contents(redis)
    seen: set[str] = set()
    for delay_s in (0.3, 0.5, 0.6, 0.7, 0.8, 1.0, 30.0):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mediaserver", "restore", "--replace", str(path)),
            env=os.environ | {"SHOPCAST_DATA_DIR": str(target)},
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(delay_s):
                await process.wait()
        except TimeoutError:
            children = psutil.Process(process.pid).children()
            process.send_signal(signal.SIGKILL)
            for child in children:
                child.kill()
            await process.wait()

        async with redis_in(target) as redis:
            found = await contents(redis)
            seen.add("old" if found == old else "new")
            if found != old:
                assert await redis.get("shopcast:{shop}:number") == b"12345"
                assert b"shopcast:{shop}:old" not in found
    assert seen == {"old", "new"}
    async with redis_in(target) as redis:
        assert await redis.keys("shopcast-*") == []
