"""Two servers on one Redis never publish the same show."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
from cryptography.fernet import Fernet
from redis.asyncio import Redis

from mediaserver.errors import Conflict, NotFound, Unauthorized
from mediaserver.packet import TargetId
from mediaserver.redis_server import RedisServer
from mediaserver.secret import token_hash
from mediaserver.show import Show
from mediaserver.store import HeldElsewhere, MissingRecord, StaleRecord, key
from sync.secret import Secret, Vault
from tests.control.hosting import hosted
from tests.control.servers import LANDSCAPE, SMALL, Running, node_on
from tests.control.until import until
from tests.peers.rtmp_record import RtmpRecord

TIMEOUT_S = 20.0


@pytest.fixture
async def second(redis_server: RedisServer, vault: Vault) -> AsyncIterator[Running]:
    async with hosted(node_on(redis_server.url, vault, name="second")) as running:
        yield running


@pytest.fixture
async def destination() -> AsyncIterator[RtmpRecord]:
    async with RtmpRecord() as record:
        yield record


async def show_with_target(running: Running, url: str) -> Show:
    show = await running.node.create("Autumn", {LANDSCAPE: SMALL}, starts_at=None, channels=())
    await show.add_target("Tube", "custom", None, url, Secret("the-key"))
    return show


async def test_the_second_may_not_start_what_the_first_has_on_air(
    running: Running, second: Running, destination: RtmpRecord
) -> None:
    show = await show_with_target(running, destination.url)
    await running.node.start(show)
    await (await destination.recording()).until_messages(10)
    there = await second.node.show(show.id)

    with pytest.raises(HeldElsewhere, match="on air on another server, first: steer it there"):
        await second.node.start(there)
    with pytest.raises(HeldElsewhere):
        await there.set_layout(LANDSCAPE, {"preset": "grid"})
    with pytest.raises(HeldElsewhere):
        await second.node.delete(show.id)

    assert there.view()["status"] == "on_air_elsewhere"
    assert there.view()["server"] == "first"
    assert not there.on_air
    assert len(destination.recordings) == 1
    assert show.on_air


async def test_the_second_may_start_what_the_first_has_ended(
    running: Running, second: Running, destination: RtmpRecord
) -> None:
    show = await show_with_target(running, destination.url)
    await running.node.start(show)
    await destination.recording()
    await show.set_layout(LANDSCAPE, {"preset": "grid"})
    await show.end()

    there = await second.node.show(show.id)
    await second.node.start(there)

    assert there.record.canvases[LANDSCAPE].layout["preset"] == "grid"
    assert (await destination.recording(1)).key == "the-key"


async def test_the_second_may_start_when_the_first_is_dead_and_its_lease_ran_out(
    redis_server: RedisServer, vault: Vault, second: Running, destination: RtmpRecord
) -> None:
    async with hosted(node_on(redis_server.url, vault, name="first", ttl_s=0.3)) as first:
        show = await show_with_target(first, destination.url)
        await first.node.start(show)
        recording = await destination.recording()
        there = await second.node.show(show.id)
        async with asyncio.timeout(TIMEOUT_S):
            while not there.on_air:  # the first renews nothing: it is as good as dead
                try:
                    await second.node.start(there)
                except HeldElsewhere:
                    await asyncio.sleep(0)
        await (await destination.recording(1)).until_messages(10)

        await first.node.keep()  # it was asleep only

        assert not show.on_air
        assert show.view()["status"] == "on_air_elsewhere"
        await recording.until_ended()
        with pytest.raises(HeldElsewhere):
            await first.node.start(show)
    assert there.on_air


async def test_a_server_that_slept_through_its_lease_writes_nothing(
    redis_server: RedisServer, vault: Vault, second: Running
) -> None:
    async with hosted(node_on(redis_server.url, vault, name="first", ttl_s=0.01)) as first:
        show = await show_with_target(first, "rtmp://127.0.0.1:9/live")
        await first.node.start(show)
        there = await second.node.show(show.id)
        async with asyncio.timeout(TIMEOUT_S):
            while not there.on_air:
                try:
                    await second.node.start(there)
                except HeldElsewhere:
                    await asyncio.sleep(0)

        with pytest.raises(HeldElsewhere):
            await show.change(title="Winter")

        assert not show.on_air
    stored = await second.store.load(show.id)
    assert stored is not None
    assert (stored.record.title, stored.holder) == ("Autumn", "second")


async def lapsed(redis_server: RedisServer, show: Show) -> None:
    """The lease of the show runs out, unnoticed by its holder."""
    async with Redis.from_url(redis_server.url) as redis:
        assert await redis.delete(key(show.id, "lease")) == 1


@pytest.mark.parametrize("notices_by", ["renewing", "saving"])
async def test_what_was_changed_while_a_lease_had_run_out_is_not_undone(
    notices_by: str,
    redis_server: RedisServer,
    running: Running,
    second: Running,
    destination: RtmpRecord,
) -> None:
    show = await show_with_target(running, destination.url)
    await running.node.start(show)
    recording = await destination.recording()
    await lapsed(redis_server, show)
    assert await (await second.node.show(show.id)).change(title="Winter")

    if notices_by == "renewing":
        await running.node.keep()
    else:
        with pytest.raises(StaleRecord):
            await show.set_layout(LANDSCAPE, {"preset": "grid"})

    assert not show.on_air
    await recording.until_ended()
    assert (await running.node.show(show.id)).record.title == "Winter"
    stored = await second.store.load(show.id)
    assert stored is not None
    assert (stored.record.title, stored.holder) == ("Winter", None)
    await running.node.start(show)
    assert (await destination.recording(1)).key == "the-key"


@pytest.mark.parametrize("notices_by", ["renewing", "saving"])
async def test_what_was_deleted_while_a_lease_had_run_out_does_not_come_back(
    notices_by: str,
    redis_server: RedisServer,
    running: Running,
    second: Running,
    destination: RtmpRecord,
) -> None:
    show = await show_with_target(running, destination.url)
    await running.node.start(show)
    recording = await destination.recording()
    await lapsed(redis_server, show)
    await second.node.show(show.id)
    await second.node.delete(show.id)

    if notices_by == "renewing":
        await running.node.keep()
    else:
        with pytest.raises(MissingRecord):
            await show.set_layout(LANDSCAPE, {"preset": "grid"})

    assert not show.on_air
    await recording.until_ended()
    with pytest.raises(MissingRecord):
        await show.change(title="Spring")
    with pytest.raises(NotFound):
        await running.node.show(show.id)
    assert await second.store.load(show.id) is None


async def test_a_show_on_air_outlives_a_redis_that_lost_its_data(
    redis_server: RedisServer, running: Running, second: Running, destination: RtmpRecord
) -> None:
    show = await show_with_target(running, destination.url)
    await running.node.start(show)
    recording = await destination.recording()
    async with Redis.from_url(redis_server.url) as redis:
        await redis.flushall()

    await running.node.keep()

    assert show.on_air
    await recording.until_messages(len(recording.media) + 10)
    (there,) = await second.node.shows()
    assert there.view()["server"] == "first"
    assert there.record.targets.keys() == show.record.targets.keys()


async def test_what_was_changed_elsewhere_counts_more_than_what_was_not_stored_here(
    running: Running,
    second: Running,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def not_yet() -> None:
        pass

    show = await show_with_target(running, "rtmp://127.0.0.1:9/live")
    monkeypatch.setattr(show, "keep", not_yet)
    assert redis_server.pid is not None
    os.kill(redis_server.pid, signal.SIGSTOP)
    assert await show.change(title="Spring") is False
    os.kill(redis_server.pid, signal.SIGCONT)
    await until(lambda: running.store.connection.available and second.store.connection.available)
    assert await (await second.node.show(show.id)).change(title="Winter") is True

    await running.node.start(show)

    assert show.record.title == "Winter"


async def test_what_one_server_changes_the_other_reads(running: Running, second: Running) -> None:
    show = await show_with_target(running, "rtmp://127.0.0.1:9/live")
    there = await second.node.show(show.id)
    feed_id, token, _ = await there.add_feed("Ann", admitted=True)

    await running.node.show(show.id)

    assert show.feed(feed_id).admitted
    assert running.node.publisher(show.id, token.reveal()) is show.feed(feed_id)
    await second.node.delete(show.id)
    with pytest.raises(NotFound):
        await running.node.show(show.id)
    assert await running.node.shows() == []


async def test_an_invitation_that_was_renewed_on_one_is_dead_on_the_other(
    running: Running, second: Running
) -> None:
    show = await show_with_target(running, "rtmp://127.0.0.1:9/live")
    feed_id, token, _ = await show.add_feed("Ann", admitted=True)
    assert (await second.node.identify(token_hash(token), show.id)).feed_id == feed_id

    renewed, _ = await show.reissue_token(feed_id)

    with pytest.raises(Unauthorized, match="no longer"):
        await second.node.identify(token_hash(token), show.id)
    assert (await second.node.identify(token_hash(renewed), show.id)).feed_id == feed_id


async def test_a_producers_token_is_good_on_both_until_it_is_revoked_on_one(
    running: Running, second: Running
) -> None:
    token_id, token = await running.node.mint("Pia")
    assert (await second.node.identify(token_hash(token))).role == "producer"

    await second.node.revoke(token_id)

    with pytest.raises(Unauthorized, match="no longer"):
        await running.node.identify(token_hash(token))


async def test_a_restarted_server_knows_its_shows_at_rest(
    redis_server: RedisServer, vault: Vault, destination: RtmpRecord
) -> None:
    async with hosted(node_on(redis_server.url, vault, name="first")) as first:
        show = await show_with_target(first, destination.url)
        await show.set_layout(LANDSCAPE, {"preset": "grid"})
        await first.node.start(show)
        await destination.recording()

    async with hosted(node_on(redis_server.url, vault, name="restarted")) as again:
        (found,) = await again.node.shows()

        assert found.view()["status"] == "idle"
        assert found.record.canvases[LANDSCAPE].layout["preset"] == "grid"
        assert found.record.targets[TargetId("tube")].name == "Tube"
        await again.node.start(found)
        assert (await destination.recording(1)).key == "the-key"


async def test_keys_sealed_by_other_keys_ask_to_be_entered_again(
    running: Running, redis_server: RedisServer, vault: Vault
) -> None:
    show = await show_with_target(running, "rtmp://127.0.0.1:9/live")
    other = Vault([Secret(Fernet.generate_key().decode())])
    async with hosted(node_on(redis_server.url, other, name="other keys")) as stranger:
        found = await stranger.node.show(show.id)
        for _ in range(2):
            with pytest.raises(Conflict, match="can no longer be read: enter it again"):
                await stranger.node.start_target(found, TargetId("tube"))
        assert not found.on_air
        await stranger.node.start(found)

        view = found.view()["targets"][0]
        assert (view["status"], view["reason"]) == (
            "idle",
            "the stored stream key can no longer be read: enter it again",
        )
