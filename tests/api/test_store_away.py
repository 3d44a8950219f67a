"""With Redis away a running show goes on and can be steered; what changed is stored after."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediaserver.app import Server
from mediaserver.packet import FeedId, ShowId
from mediaserver.store import Store
from sync.connection import Connection
from tests.api.client import Client
from tests.api.conftest import Invited
from tests.files import image_file
from tests.peers.rtmp_record import RtmpRecord


class Redis:
    """The server's own Redis, as a process."""

    def __init__(self, data_dir: Path) -> None:
        self._pidfile = data_dir / "redis" / "redis.pid"

    def hang(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def die(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        os.kill(int(self._pidfile.read_text()), number)


@pytest.fixture
def redis(server: Server, data_dir: Path) -> Iterator[Redis]:
    redis = Redis(data_dir)
    yield redis
    redis.go_on()


async def on_air(owner: Client, invited: Invited, destination: RtmpRecord) -> None:
    body = {"platform": "custom", "url": destination.url, "stream_key": "k"}
    await owner.post(f"{invited.path}/targets", body, 201)
    await owner.post(f"{invited.path}/start")
    await (await destination.recording()).until_messages(10)


async def test_a_show_on_air_is_steered_without_the_store_and_stored_when_it_is_back(
    owner: Client,
    invited: Invited,
    destination: RtmpRecord,
    redis: Redis,
    server: Server,
    data_dir: Path,
) -> None:
    await on_air(owner, invited, destination)
    async with owner.events(f"{invited.path}/events") as events:
        redis.hang()

        layout = await owner.put(f"{invited.path}/canvases/landscape/layout", {"preset": "grid"})
        muted = await owner.patch(invited.feed_path, {"muted": True})
        added = await owner.post(f"{invited.path}/targets", {"platform": "tiktok"}, 201)
        stopped = await owner.post(f"{invited.path}/targets/custom/stop")
        started = await owner.post(f"{invited.path}/targets/custom/start")
        assert [a["durable"] for a in (layout, muted, added, stopped, started)] == [False] * 5
        assert stopped["status"] == "stopped"
        await (await destination.recording(1)).until_messages(10)
        assert (await owner.get(invited.path))["durable"] is False

        redis.go_on()
        await events.until("show", durable=True)

    show = await server.node.show(ShowId(invited.show))
    store = Store(Connection(f"unix://{data_dir}/redis.sock"), writer="test")
    stored = await store.load(show.id)
    await store.connection.close()
    assert stored is not None
    assert stored.record == show.record
    assert stored.record.feeds[FeedId("ann")].muted


async def test_a_show_ends_at_once_without_the_store(
    owner: Client, invited: Invited, destination: RtmpRecord, redis: Redis
) -> None:
    await on_air(owner, invited, destination)
    async with owner.events(f"{invited.path}/events") as events:
        redis.hang()

        ended = await owner.post(f"{invited.path}/end")
        assert (ended["status"], ended["durable"]) == ("idle", False)
        await (await destination.recording()).until_ended()

        redis.go_on()
        await events.until("show", durable=True)
    assert (await owner.post(f"{invited.path}/start"))["status"] == "on_air"


async def test_what_needs_the_store_answers_503_without_it(
    owner: Client, invited: Invited, redis: Redis
) -> None:
    redis.hang()

    words = "the server's store (Redis) does not answer"
    for method, path, body in [
        ("POST", "/api/v1/shows", {"title": "New"}),
        ("POST", f"{invited.path}/start", None),
        ("DELETE", invited.path, None),
        ("POST", "/api/v1/tokens", {"name": "Pia"}),
        ("GET", "/readyz", None),
    ]:
        answer = await owner.call(method, path, body)
        assert answer.problem() == (503, words)
        assert answer.headers["Retry-After"] == "2"
    assert (await owner.call("GET", "/healthz")).status == 200
    assert len((await owner.get("/api/v1/shows"))["shows"]) == 1


async def test_a_producer_signed_in_before_is_known_without_the_store(
    producer: Client, invited: Invited, redis: Redis
) -> None:
    redis.hang()

    assert (await producer.call("GET", invited.path)).status == 200


async def test_a_redis_that_dies_is_back_soon_with_the_lease_still_held(
    owner: Client, invited: Invited, destination: RtmpRecord, redis: Redis
) -> None:
    await on_air(owner, invited, destination)
    recording = await destination.recording()
    async with owner.events(f"{invited.path}/events") as events:
        redis.die()
        answer = await owner.put(f"{invited.path}/canvases/landscape/layout", {"preset": "solo"})
        if not answer["durable"]:
            await events.until("show", durable=True)
    await recording.until_messages(len(recording.media) + 10)

    assert (await owner.get(invited.path))["status"] == "on_air"
    assert recording.is_clean is None


async def test_a_redis_that_is_killed_makes_no_tick_late(
    owner: Client, invited: Invited, destination: RtmpRecord, redis: Redis
) -> None:
    """A machine that is busy can make one late, so the best of three counts."""
    await on_air(owner, invited, destination)
    path = f"{invited.path}/canvases/landscape/layout"

    async def late_in_a_kill() -> int:
        before = await late_ticks(owner, invited)
        async with owner.events(f"{invited.path}/events") as events:
            redis.die()
            for preset in ("solo", "grid", "stack"):
                durable = (await owner.put(path, {"preset": preset}))["durable"]
            if not durable:
                await events.until("show", durable=True)
        return await late_ticks(owner, invited) - before

    late = [await late_in_a_kill()]
    while late[-1] and len(late) < 3:
        late.append(await late_in_a_kill())

    assert min(late) == 0


async def late_ticks(owner: Client, invited: Invited) -> int:
    show = await owner.get(invited.path)
    return int(show["canvases"]["landscape"]["program"]["late_ticks"])


async def test_overlays_change_without_the_store_but_files_are_not_taken(
    owner: Client, invited: Invited, destination: RtmpRecord, redis: Redis
) -> None:
    octets = {"Content-Type": "application/octet-stream"}
    path = f"{invited.path}/assets"
    asset = (await owner.call("POST", path, data=image_file(), headers=octets)).json["id"]
    await on_air(owner, invited, destination)
    redis.hang()

    image = {"kind": "image", "rect": [0, 0, 1, 1], "image": asset}
    put = await owner.put(f"{invited.path}/canvases/landscape/overlays", [image])
    refused = await owner.call("POST", path, data=image_file(colour="#00ff00"), headers=octets)
    preview = await owner.call("POST", f"{invited.path}/canvases/landscape/preview", {})

    assert (put["durable"], len(put["overlays"])) == (False, 1)
    assert refused.problem()[0] == 503
    assert preview.status == 200
