"""When targets on TikTok were live, as it is written down."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from mediaserver.airings import AirLog
from mediaserver.packet import ShowId, TargetId
from mediaserver.redis_server import RedisServer
from sync.connection import Connection
from sync.errors import StoreUnavailable
from sync.model import Notice
from sync.orders.order import RoomId
from sync.sales.rooms import LOST_S, Airing, Said
from sync.store.airings import Airings
from sync.store.keys import NOTICES
from sync.store.notices import EVERYTHING, Notices, encoded
from sync.store.rooms import Rooms
from sync.store.stores import Stores
from tests.api.client import Client
from tests.control.test_process import client_of, serving, show_on_air
from tests.peers.rtmp_record import RtmpRecord
from tests.sync.now import Now
from tests.sync.sales.things import line, order

TIMEOUT_S = 30.0

AUTUMN, WINTER = ShowId("autumn"), ShowId("winter")
TOK, TUBE = TargetId("tok"), TargetId("tube")


@pytest.fixture
async def connection(redis_server: RedisServer) -> AsyncIterator[Connection]:
    connection = Connection(redis_server.url)
    yield connection
    await connection.close()


@pytest.fixture
def airings(connection: Connection) -> Airings:
    return Airings(connection)


@pytest.fixture
def now() -> Now:
    return Now(1000.0)


@pytest.fixture
def log(airings: Airings, now: Now) -> AirLog:
    return AirLog(airings, now)


def spans(found: list[Airing]) -> list[tuple[str, float, float, float | None]]:
    return sorted((each.show, each.began_at, each.seen_at, each.ended_at) for each in found)


async def test_an_airing_lasts_from_the_first_moment_live_until_the_target_is_stopped(
    log: AirLog, airings: Airings, now: Now
) -> None:
    for status in ("connecting", "live", "retrying", "live"):
        log.note(AUTUMN, TOK, "tiktok", status)
        await log.write()
        now.advance(10)
    assert spans(await airings.all()) == [("autumn", 1010.0, 1030.0, None)]

    log.note(AUTUMN, TOK, None, "stopped")  # the target was removed
    await log.write()

    assert spans(await airings.all()) == [("autumn", 1010.0, 1040.0, 1040.0)]


async def test_only_targets_on_tiktok_count_and_each_show_and_start_for_itself(
    log: AirLog, airings: Airings, now: Now
) -> None:
    log.note(AUTUMN, TUBE, "youtube", "live")
    log.note(AUTUMN, TOK, "tiktok", "live")
    log.note(WINTER, TOK, "tiktok", "live")
    now.advance(10)
    log.note(AUTUMN, TOK, "tiktok", "rejected")
    now.advance(10)
    log.note(AUTUMN, TOK, "tiktok", "live")
    await log.write()

    assert spans(await airings.all()) == [
        ("autumn", 1000.0, 1010.0, 1010.0),
        ("autumn", 1020.0, 1020.0, None),
        ("winter", 1000.0, 1020.0, None),
    ]


async def test_a_target_that_is_retrying_counts_as_live_for_ten_minutes(
    log: AirLog, airings: Airings, now: Now
) -> None:
    log.note(AUTUMN, TOK, "tiktok", "live")
    now.advance(100)
    log.note(AUTUMN, TOK, "tiktok", "retrying")
    now.advance(LOST_S - 1)
    await log.write()
    assert spans(await airings.all()) == [("autumn", 1000.0, 1100.0, None)]
    log.note(AUTUMN, TOK, "tiktok", "live")
    now.advance(1)
    log.note(AUTUMN, TOK, "tiktok", "retrying")
    now.advance(LOST_S)
    log.note(AUTUMN, TOK, "tiktok", "retrying")
    now.advance(100)
    log.note(AUTUMN, TOK, "tiktok", "live")
    await log.write()

    again = 1100.0 + 2 * LOST_S + 100
    ended = 1100.0 + 2 * LOST_S
    assert spans(await airings.all()) == [
        ("autumn", 1000.0, ended, ended),
        ("autumn", again, again, None),
    ]


async def test_a_target_that_is_stopped_while_it_is_away_ended_then_or_after_ten_minutes(
    log: AirLog, airings: Airings, now: Now
) -> None:
    for show, away_s in ((AUTUMN, 60.0), (WINTER, 2 * LOST_S)):
        now.at = 1000.0
        log.note(show, TOK, "tiktok", "live")
        now.advance(100)
        log.note(show, TOK, "tiktok", "retrying")
        now.advance(away_s)
        log.note(show, TOK, "tiktok", "stopped")
    await log.write()

    assert [(each[0], each[3]) for each in spans(await airings.all())] == [
        ("autumn", 1160.0),
        ("winter", 1100.0 + LOST_S),
    ]


async def test_a_target_that_never_was_live_leaves_nothing(log: AirLog, airings: Airings) -> None:
    log.note(AUTUMN, TOK, "tiktok", "connecting")
    log.note(AUTUMN, TOK, "tiktok", "rejected")
    await log.write()

    assert await airings.all() == []


async def test_it_is_written_down_again_and_again_that_a_target_is_live(
    log: AirLog, airings: Airings, now: Now
) -> None:
    log.note(AUTUMN, TOK, "tiktok", "live")
    for _ in range(3):
        now.advance(30)
        await log.write()

    assert spans(await airings.all()) == [("autumn", 1000.0, 1090.0, None)]


async def test_what_happened_while_redis_was_away_is_written_when_it_is_back(
    log: AirLog, airings: Airings, now: Now, connection: Connection, redis_server: RedisServer
) -> None:
    back = asyncio.Event()

    async def on_back() -> None:
        back.set()

    tasks = [asyncio.create_task(each) for each in (connection.watch(on_back), log.run())]
    await redis_server.stop()
    log.note(AUTUMN, TOK, "tiktok", "live")
    with pytest.raises(StoreUnavailable):
        await log.write()
    now.advance(60)
    log.note(AUTUMN, TOK, "tiktok", "stopped")
    log.note(WINTER, TOK, "tiktok", "live")
    with pytest.raises(StoreUnavailable):
        await log.write()

    await redis_server.start()
    async with asyncio.timeout(TIMEOUT_S):
        await back.wait()
        while len(found := await airings.all()) < 2:
            pass
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert spans(found) == [("autumn", 1000.0, 1060.0, 1060.0), ("winter", 1060.0, 1060.0, None)]


async def test_a_server_that_ends_writes_what_it_has(
    log: AirLog, airings: Airings, redis_server: RedisServer
) -> None:
    log.note(AUTUMN, TOK, "tiktok", "live")
    log.note(AUTUMN, TOK, "tiktok", "stopped")
    await log.close()
    assert len(await airings.all()) == 1

    log.note(WINTER, TOK, "tiktok", "live")
    await redis_server.stop()
    await log.close()  # and does not fail for it


async def test_whose_rooms_are_whose_is_asked_again_when_an_airing_begins_or_ends(
    log: AirLog, connection: Connection, now: Now
) -> None:
    async with contextlib.aclosing(Notices(connection).listen()) as heard:
        assert await anext(heard) == EVERYTHING
        log.note(AUTUMN, TOK, "tiktok", "live")
        await log.write()
        assert await anext(heard) == Notice("sales")
        now.advance(30)
        await log.write()  # is no news
        await Rooms(connection).say(RoomId("7"), Said("autumn"))
        log.note(AUTUMN, TOK, "tiktok", "stopped")
        await log.write()
        assert [await anext(heard), await anext(heard)] == [Notice("sales")] * 2
        await connection.redis.publish(NOTICES, encoded("order", "1"))
        assert await anext(heard) == Notice("order", ("1",))


async def on_tiktok(owner: Client, url: str) -> str:
    """A show whose target on TikTok is live."""
    path = await show_on_air(owner)
    target = {"platform": "tiktok", "url": url, "stream_key": "k"}
    target_id = (await owner.post(f"{path}/targets", target, 201))["id"]
    async with owner.events(f"{path}/events") as events:
        await owner.post(f"{path}/targets/{target_id}/start")
        await events.until("target", status="live")
    return path


async def test_a_killed_server_leaves_an_open_end_and_the_show_has_the_lives_of_then(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        destination = await stack.enter_async_context(RtmpRecord())
        server = await stack.enter_async_context(serving(tmp_path))
        owner = await stack.enter_async_context(client_of(server))
        path = await on_tiktok(owner, destination.url)
        connection = Connection(f"unix://{tmp_path}/redis.sock")
        stack.push_async_callback(connection.close)
        stores = Stores(connection, time.time)
        async with asyncio.timeout(TIMEOUT_S):
            while not (found := await stores.airings.all()):
                pass
        assert found[0].ended_at is None
        fell_at = time.time()
        server.process.kill()
        await server.process.wait()

        again = await stack.enter_async_context(serving(tmp_path, SHOPCAST_RESUME_WITHIN_S="0"))
        owner = await stack.enter_async_context(client_of(again))
        connection = Connection(f"unix://{tmp_path}/redis.sock")
        stack.push_async_callback(connection.close)
        late = order("1", line(room=RoomId("7")), created_at=fell_at)
        await Stores(connection, time.time).orders.save(late, [], by="test")
        async with asyncio.timeout(TIMEOUT_S):
            while not (told := (await owner.get("/api/v1/reports/lives"))["lives"]):
                pass

    assert path.endswith(told[0]["show"])


async def test_a_server_that_is_ended_writes_when_its_shows_went_off_air(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        destination = await stack.enter_async_context(RtmpRecord())
        server = await stack.enter_async_context(serving(tmp_path))
        owner = await stack.enter_async_context(client_of(server))
        await on_tiktok(owner, destination.url)
        server.process.terminate()
        await server.ended(TIMEOUT_S)

    async with RedisServer(tmp_path) as redis:
        connection = Connection(redis.url)
        (found,) = await Airings(connection).all()
        await connection.close()
    assert found.ended_at is not None
    assert found.began_at <= found.ended_at
