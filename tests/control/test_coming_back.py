"""A show that was on air when its server was killed, and the server that comes after it."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from mediaserver.errors import Conflict
from mediaserver.lease import Leases
from mediaserver.packet import ShowId, TargetId
from mediaserver.redis_server import RedisServer
from mediaserver.state import ShowRecord, TargetRecord
from mediaserver.store import Store, key
from sync.connection import Connection
from sync.secret import Secret, Vault
from tests.api.client import Client
from tests.control.hosting import hosted
from tests.control.servers import LANDSCAPE, SMALL, Running, node_on
from tests.control.test_process import (
    END_TIMEOUT_S,
    START_TIMEOUT_S,
    client_of,
    serving,
    show_on_air,
)
from tests.control.until import until
from tests.peers.rtmp_record import RtmpRecord
from tests.peers.rtmp_reject import rtmp_reject

BACK_WITHIN_S = 5.0
"""From the start of the process to every target live: a promise of docs/reliability.md."""

BEFORE, AGAIN, OTHER = "http://a (srv.1)", "http://a (srv.2)", "http://b (other.1)"
SHOW = ShowId("autumn")
TUBE, SPARE = TargetId("tube"), TargetId("spare")


@pytest.fixture
async def destination() -> AsyncIterator[RtmpRecord]:
    async with RtmpRecord() as record:
        yield record


async def left_on_air(
    redis_url: str, vault: Vault, url: str, *, by: str = BEFORE, at: float | None = None
) -> None:
    """What a killed server leaves in Redis when its lease has run out: a show with one target
    that is to be live, and one that is not."""
    store = Store(Connection(redis_url), writer=by)
    target = TargetRecord("Tube", "custom", LANDSCAPE, url, vault.seal(Secret("the-key")))
    wanted = msgspec.structs.replace(target, wanted=True)
    record = ShowRecord(SHOW, "Autumn", {LANDSCAPE: SMALL}, targets={TUBE: wanted, SPARE: target})
    await store.create(record)
    now = time.time() if at is None else at
    leases = Leases(store, holder=by, now=lambda: now)
    lease = await leases.acquire(SHOW)
    on_air = record.but(on_air=True, started_at=now)
    await store.save(on_air, base=record.revision, fence=lease.fence)
    await store.connection.close()


async def lapse(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        assert await redis.delete(key(SHOW, "lease")) == 1


@pytest.fixture
async def again(redis_server: RedisServer, vault: Vault) -> AsyncIterator[Running]:
    """The next run of the server that is BEFORE."""
    async with hosted(node_on(redis_server.url, vault, name=AGAIN)) as running:
        yield running


async def status_on(running: Running) -> str:
    return str((await running.node.show(SHOW)).view()["status"])


async def test_a_show_of_a_killed_server_goes_on_when_its_lease_has_run_out(
    redis_server: RedisServer, vault: Vault, again: Running, destination: RtmpRecord
) -> None:
    await left_on_air(redis_server.url, vault, destination.url)
    await again.node.shows()

    await again.node.resume()
    held = await status_on(again)
    await lapse(redis_server.url)
    await again.node.resume()

    show = await again.node.show(SHOW)
    await (await destination.recording()).until_messages(10)
    stored = await again.store.load(SHOW)
    assert held == "on_air_elsewhere"
    assert show.view()["status"] == "on_air"
    assert show.sending() == 1
    assert stored is not None
    assert (stored.holder, stored.record.started_at) == (AGAIN, show.record.started_at)


@pytest.mark.parametrize(
    ("by", "outage_s"), [(BEFORE, 601.0), (OTHER, 1.0)], ids=["too long ago", "another server's"]
)
async def test_an_interrupted_show_waits_until_a_person_resumes_it(
    by: str,
    outage_s: float,
    redis_server: RedisServer,
    vault: Vault,
    again: Running,
    destination: RtmpRecord,
) -> None:
    left_at = time.time() - outage_s
    await left_on_air(redis_server.url, vault, destination.url, by=by, at=left_at)
    await lapse(redis_server.url)
    await again.node.shows()

    await again.node.resume()
    show = await again.node.show(SHOW)
    before = show.view()
    await show.change(title="Winter")
    waiting = show.view()
    await again.node.start(show)

    assert (before["status"], waiting["status"]) == ("interrupted", "interrupted")
    assert [target["status"] for target in waiting["targets"]] == ["idle", "idle"]
    await (await destination.recording()).until_messages(10)
    assert show.view()["status"] == "on_air"
    assert show.target_status(SPARE) is None
    assert show.record.started_at == left_at


async def test_an_interrupted_show_can_be_ended(
    redis_server: RedisServer, vault: Vault, again: Running
) -> None:
    await left_on_air(redis_server.url, vault, "rtmp://127.0.0.1:9/live", at=0.0)
    await lapse(redis_server.url)
    show = await again.node.show(SHOW)

    assert await show.end() is True

    assert show.view()["status"] == "idle"
    stored = await again.store.load(SHOW)
    assert stored is not None
    assert not stored.record.interrupted
    assert stored.record.wanted() == []


async def test_no_recording_of_an_interrupted_show_begins(
    redis_server: RedisServer, vault: Vault, again: Running
) -> None:
    await left_on_air(redis_server.url, vault, "rtmp://127.0.0.1:9/live", at=0.0)
    await lapse(redis_server.url)
    show = await again.node.show(SHOW)

    with pytest.raises(Conflict, match="interrupted"):
        await show.start_recording(LANDSCAPE)

    assert not show.canvas(LANDSCAPE).recording


async def test_a_clock_that_was_set_back_is_no_outage(
    redis_server: RedisServer, vault: Vault, again: Running, destination: RtmpRecord
) -> None:
    await left_on_air(redis_server.url, vault, destination.url, at=time.time() + 86_400)
    await lapse(redis_server.url)
    await again.node.shows()

    await again.node.resume()

    await (await destination.recording()).until_messages(10)


async def test_what_another_server_has_taken_since_is_left_to_it(
    redis_server: RedisServer, vault: Vault, again: Running, destination: RtmpRecord
) -> None:
    await left_on_air(redis_server.url, vault, destination.url)
    await again.node.shows()
    await lapse(redis_server.url)
    async with hosted(node_on(redis_server.url, vault, name=OTHER)) as other:
        await other.node.start(await other.node.show(SHOW))

        await again.node.resume()

        assert await status_on(again) == "on_air_elsewhere"
        assert (await other.node.show(SHOW)).on_air


async def test_a_show_is_interrupted_for_others_when_its_server_is_gone(
    redis_server: RedisServer, vault: Vault
) -> None:
    async with hosted(node_on(redis_server.url, vault, name=OTHER)) as other:
        await left_on_air(redis_server.url, vault, "rtmp://127.0.0.1:9/live")
        held = await status_on(other)
        await lapse(redis_server.url)

        assert (held, await status_on(other)) == ("on_air_elsewhere", "interrupted")


async def test_a_platform_that_refuses_the_key_after_the_outage_is_tried_again(
    redis_server: RedisServer, vault: Vault, again: Running
) -> None:
    async with rtmp_reject("NetStream.Publish.BadName", "already publishing") as url:
        await left_on_air(redis_server.url, vault, url)
        await lapse(redis_server.url)
        await again.node.shows()
        await again.node.resume()
        show = await again.node.show(SHOW)

        await until(lambda: show.view()["targets"][0]["retries"] == 1)

        target = show.view()["targets"][0]
        assert target["status"] == "retrying"
        assert "already in use" in target["reason"]


async def until_recorded(owner: Client, path: str, *, files: int) -> None:
    async with asyncio.timeout(START_TIMEOUT_S):
        while len((await owner.get(f"{path}/recordings"))["recordings"]) < files:
            pass


async def test_targets_and_recordings_are_back_soon_after_the_start_of_a_server_that_was_killed(
    tmp_path: Path,
) -> None:
    """A machine that is busy with other things starts a process late: the best of three counts."""
    async with RtmpRecord() as destination:
        async with serving(tmp_path) as server, client_of(server) as owner:
            path = await show_on_air(owner, destination.url, destination.url)
            await owner.put(f"{path}/canvases/landscape/layout", {"preset": "grid"})
            await owner.post(f"{path}/canvases/landscape/recording/start")
            await until_recorded(owner, path, files=1)
            server.process.kill()
            await server.ended(END_TIMEOUT_S)
        back_s: list[float] = []
        enough = False
        while not enough:
            began_s = time.monotonic()
            async with serving(tmp_path) as again, client_of(again) as owner:
                await until_live(owner, path, targets=2)
                back_s.append(time.monotonic() - began_s)
                await until_recorded(owner, path, files=1 + len(back_s))
                show = await owner.get(path)
                enough = back_s[-1] <= BACK_WITHIN_S or len(back_s) == 3
                if not enough:
                    again.process.kill()
                    await again.ended(END_TIMEOUT_S)
        for index in (2, 3):
            await (await destination.recording(index)).until_messages(1)

    assert show["status"] == "on_air"
    assert show["canvases"]["landscape"]["layout"]["preset"] == "grid"
    assert min(back_s) <= BACK_WITHIN_S


async def until_live(owner: Client, path: str, *, targets: int) -> None:
    async with owner.events(f"{path}/events") as events:
        _, _, show = await events.next()
        live = {each["id"] for each in show["targets"] if each["status"] == "live"}
        while len(live) < targets:
            _, kind, data = await events.next()
            if kind == "target" and data["status"] == "live":
                live.add(data["id"])


async def test_a_show_whose_server_was_away_for_too_long_is_interrupted(tmp_path: Path) -> None:
    async with RtmpRecord() as destination:
        async with serving(tmp_path) as server, client_of(server) as owner:
            path = await show_on_air(owner, destination.url)
            await (await destination.recording()).until_messages(10)
            server.process.kill()
            await server.ended(END_TIMEOUT_S)
        within = {"SHOPCAST_RESUME_WITHIN_S": "0"}
        async with serving(tmp_path, **within) as again, client_of(again) as owner:
            show = await owner.get(path)
            await owner.post(f"{path}/start")
            await (await destination.recording(1)).until_messages(10)

    assert show["status"] == "interrupted"
