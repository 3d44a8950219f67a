import pytest

from mediaserver.redis_server import RedisServer
from mediaserver.settings import Settings, StoreSettings
from sync.secret import Secret
from tests.api.client import Client
from tests.api.conftest import Invited
from tests.peers.rtmp_record import RtmpRecord


async def test_a_server_that_runs_is_alive_and_ready(owner: Client) -> None:
    nobody = owner.as_(None)

    assert await nobody.get("/healthz") == {"status": "ok"}
    assert await nobody.get("/readyz") == {"status": "ready", "warnings": []}


async def test_metrics_count_what_is_on_air(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    body = {"platform": "custom", "url": destination.url, "stream_key": "k"}
    await owner.post(f"{invited.path}/targets", body, 201)
    async with owner.events(f"{invited.path}/events") as events:
        await owner.post(f"{invited.path}/start")
        await (await destination.recording()).until_messages(10)
        await events.until("target", status="live")

    answer = await owner.as_(None).call("GET", "/metrics")

    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    samples = dict(
        line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if line[0] != "#"
    )
    assert samples["shopcast_shows"] == "1.0"
    assert samples["shopcast_shows_on_air"] == "1.0"
    assert samples["shopcast_store_available"] == "1.0"
    assert samples['shopcast_feeds{state="gone"}'] == "1.0"
    of_target = f'{{show="{invited.show}",target="custom"}}'
    assert samples[f"shopcast_target_live{of_target}"] == "1.0"
    assert float(samples[f"shopcast_target_sent_frames_total{of_target}"]) > 0
    of_canvas = f'{{canvas="landscape",show="{invited.show}"}}'
    assert float(samples[f"shopcast_program_frames_total{of_canvas}"]) > 0


class TestForeignRedis:
    @pytest.fixture
    async def settings(self, settings: Settings, redis_server: RedisServer) -> Settings:
        store = StoreSettings(settings.store.data_dir, Secret(redis_server.url))
        return Settings(http=settings.http, rtmp=settings.rtmp, store=store)

    async def test_a_foreign_redis_that_keeps_everything_gives_no_warning(
        self, owner: Client
    ) -> None:
        assert await owner.get("/readyz") == {"status": "ready", "warnings": []}

    async def test_a_foreign_redis_is_used_for_all_and_left_running(
        self, owner: Client, invited: Invited, redis_server: RedisServer
    ) -> None:
        assert (await owner.get(invited.path))["durable"] is True
        assert redis_server.pid is not None
