import asyncio
import io
import logging
import threading
from typing import Any

import aiohttp
import pytest
from PIL import Image

from mediaserver.app import Server, running
from mediaserver.packet import CanvasId, ShowId
from mediaserver.settings import CapacitySettings, Settings
from tests.api.client import Client
from tests.api.conftest import SMALL, Invited
from tests.control.hosting import hosted
from tests.control.until import until
from tests.peers.rtmp_record import RtmpRecord
from tests.peers.rtmp_reject import rtmp_reject


async def target(owner: Client, invited: Invited, url: str | None, **more: Any) -> str:
    body = {"name": "Tube", "platform": "custom", "url": url, "stream_key": "key-1"} | more
    return str((await owner.post(f"{invited.path}/targets", body, 201))["id"])


async def test_start_sends_the_show_to_every_target_and_end_says_goodbye(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    await target(owner, invited, destination.url)
    await target(owner, invited, destination.url, stream_key="key-2")

    async with owner.events(f"{invited.path}/events") as events:
        show = await owner.post(f"{invited.path}/start")
        await events.until("target", id="tube", status="live")
    first, second = await destination.recording(0), await destination.recording(1)
    await first.until_messages(60)
    await second.until_messages(60)
    on_air = await owner.get(invited.path)
    ended = await owner.post(f"{invited.path}/end")
    await first.until_ended()
    await second.until_ended()

    assert show["status"] == "on_air"
    assert {first.key, second.key} == {"key-1", "key-2"}
    assert first.app == "live"
    assert (first.is_clean, second.is_clean) == (True, True)
    assert on_air["canvases"]["landscape"]["program"]["frames"] > 0
    assert [t["status"] for t in on_air["targets"]] == ["live", "live"]
    assert on_air["targets"][0]["bytes_sent"] > 0
    assert ended["status"] == "idle"
    assert ended["canvases"]["landscape"]["program"] is None
    assert [(t["status"], t["retries"]) for t in ended["targets"]] == [("stopped", 0)] * 2
    assert ended["targets"][0]["bytes_sent"] > 0
    assert ended["started_at"] <= ended["ended_at"]


async def test_one_target_stops_and_starts_while_the_other_goes_on(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    first_id = await target(owner, invited, destination.url)
    await target(owner, invited, destination.url)
    await owner.post(f"{invited.path}/start")
    recordings = [await destination.recording(index) for index in (0, 1)]
    for recording in recordings:
        await recording.until_messages(10)

    stopped = await owner.post(f"{invited.path}/targets/{first_id}/stop")
    await asyncio.wait(
        [asyncio.create_task(recording.until_ended()) for recording in recordings],
        return_when=asyncio.FIRST_COMPLETED,
    )
    (still,) = [recording for recording in recordings if recording.is_clean is None]
    await still.until_messages(len(still.media) + 30)
    await owner.post(f"{invited.path}/targets/{first_id}/start")
    again = await destination.recording(2)
    await again.until_messages(10)

    assert stopped["status"] == "stopped"
    assert still.is_clean is None


async def test_a_single_target_takes_a_show_at_rest_on_air(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    one = await target(owner, invited, destination.url)
    other = await target(owner, invited, destination.url)

    async with owner.events(f"{invited.path}/events") as events:
        await owner.post(f"{invited.path}/targets/{one}/start")
        await (await destination.recording()).until_messages(10)
        await events.until("target", id=one, status="live")
    show = await owner.get(invited.path)

    assert show["status"] == "on_air"
    statuses = {t["id"]: t["status"] for t in show["targets"]}
    assert statuses == {one: "live", other: "idle"}


async def test_a_program_runs_only_while_a_target_wants_it(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    await owner.patch(invited.path, {"canvases": {"portrait": SMALL}})
    one = await target(owner, invited, destination.url, canvas="portrait")
    await owner.post(f"{invited.path}/start")
    await (await destination.recording()).until_messages(10)
    sending = await owner.get(invited.path)

    await owner.post(f"{invited.path}/targets/{one}/stop")
    stopped = await owner.get(invited.path)

    assert sending["canvases"]["landscape"]["program"] is None
    assert sending["canvases"]["portrait"]["program"]["frames"] > 0
    assert stopped["canvases"]["portrait"]["program"] is None
    assert stopped["status"] == "on_air"


async def test_a_refused_key_is_rejected_with_words_and_ends_the_program(
    owner: Client, invited: Invited
) -> None:
    async with rtmp_reject("NetStream.Publish.BadName", "no such key") as url:
        await target(owner, invited, url)
        async with owner.events(f"{invited.path}/events") as events:
            await owner.post(f"{invited.path}/start")
            refused = await events.until("target", id="tube", status="rejected")

            assert refused["reason"] == (
                "the stream key is wrong or already in use (it says: no such key)"
            )
            while (await events.until("stats"))["canvases"]:
                pass
    answer = await owner.patch(f"{invited.path}/targets/tube", {"stream_key": "another"})
    assert (answer["status"], answer["reason"]) == ("idle", None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"stream_key": None}, "stream key missing"), ({"url": " "}, "server URL missing")],
)
async def test_a_target_without_its_key_or_address_waits_for_it(
    changes: dict[str, Any],
    reason: str,
    owner: Client,
    invited: Invited,
    destination: RtmpRecord,
) -> None:
    path = f"{invited.path}/targets/tube"
    await target(owner, invited, **({"url": destination.url} | changes))
    await target(owner, invited, destination.url, name="Other")

    show = await owner.post(f"{invited.path}/start")
    alone = await owner.call("POST", f"{path}/start")

    assert (show["targets"][0]["status"], show["targets"][0]["reason"]) == ("idle", reason)
    assert alone.problem() == (409, f"the target cannot start: {reason}")
    await owner.patch(path, {"url": destination.url, "stream_key": " late-key\n"})
    await owner.post(f"{path}/start")
    assert (await destination.recording(1)).key == "late-key"


async def test_where_a_live_target_sends_is_not_changed_but_its_name_is(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    await target(owner, invited, destination.url)
    await owner.post(f"{invited.path}/start")
    await destination.recording()

    answer = await owner.call("PATCH", f"{invited.path}/targets/tube", {"stream_key": "x"})
    renamed = await owner.patch(f"{invited.path}/targets/tube", {"name": "Main"})

    assert answer.problem() == (
        409,
        "the target is sending: stop it before changing where it sends",
    )
    assert renamed["name"] == "Main"


async def test_a_removed_target_is_closed_first(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    await target(owner, invited, destination.url)
    await owner.post(f"{invited.path}/start")
    recording = await destination.recording()
    await recording.until_messages(10)

    assert (await owner.call("DELETE", f"{invited.path}/targets/tube")).json == {"durable": True}
    await recording.until_ended()

    assert recording.is_clean is True
    assert (await owner.get(invited.path))["targets"] == []


async def test_a_show_on_air_is_not_deleted(owner: Client, invited: Invited) -> None:
    await owner.post(f"{invited.path}/start")

    deleted = await owner.call("DELETE", invited.path)

    assert deleted.problem() == (409, "the show is on air: end it before deleting it")


async def test_a_canvas_that_is_on_air_keeps_its_size_while_others_come_and_go(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    await target(owner, invited, destination.url)
    await owner.post(f"{invited.path}/start")
    await (await destination.recording()).until_messages(10)

    larger = await owner.call(
        "PATCH", invited.path, {"canvases": {"landscape": SMALL | {"width": 640}}}
    )
    upright = {"width": 180, "height": 320, "fps": 25, "video_bitrate": 200_000}
    await owner.patch(invited.path, {"canvases": {"landscape": SMALL, "portrait": upright}})
    portrait = await target(owner, invited, destination.url, canvas="portrait")
    await owner.post(f"{invited.path}/targets/{portrait}/start")
    await (await destination.recording(1)).until_messages(10)
    both = await owner.get(invited.path)
    await owner.post(f"{invited.path}/targets/{portrait}/stop")
    await owner.call("DELETE", f"{invited.path}/targets/{portrait}")
    one = await owner.patch(invited.path, {"canvases": {"portrait": None}})

    assert larger.problem() == (409, "canvas 'landscape' is on air: stop its targets first")
    assert [canvas["program"]["frames"] > 0 for canvas in both["canvases"].values()] == [True] * 2
    assert list(one["canvases"]) == ["landscape"]
    assert one["canvases"]["landscape"]["program"]["frames"] > 0


async def test_a_snapshot_is_what_the_canvas_shows(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    await target(owner, invited, destination.url)
    await owner.post(f"{invited.path}/start")

    answer = await owner.call("GET", f"{invited.path}/canvases/landscape/snapshot.jpg")

    assert answer.headers["Content-Type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.body)).size == (320, 180)
    assert (
        await owner.call("GET", f"{invited.path}/canvases/landscape/snapshot.jpg")
    ).body == answer.body


async def test_a_snapshot_of_a_canvas_that_stops_meanwhile_is_refused_in_words(
    owner: Client,
    server: Server,
    invited: Invited,
    destination: RtmpRecord,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = await target(owner, invited, destination.url)
    await owner.post(f"{invited.path}/start")
    await (await destination.recording()).until_messages(10)
    program = (await server.node.show(ShowId(invited.show))).program(CanvasId("landscape"))
    held, release = threading.Event(), threading.Event()

    def hold(*_scene_and_times: object) -> None:
        held.set()
        release.wait(20)
        raise RuntimeError("no picture any more")

    monkeypatch.setattr(program._stage, "compose", hold)
    await until(held.is_set)
    path = f"{invited.path}/canvases/landscape/snapshot.jpg"
    async with asyncio.TaskGroup() as tasks:
        snapshot = tasks.create_task(owner.call("GET", path))
        await until(lambda: bool(program._snapshot_waiters))
        tasks.create_task(owner.post(f"{invited.path}/targets/{one}/stop"))
        await until(program._stopping.is_set)
        release.set()

    status, detail = snapshot.result().problem()
    assert status == 409
    assert detail in ("the canvas has just stopped", "the canvas gives no picture now: try again")


async def test_media_that_fail_are_logged_and_built_up_again(
    owner: Client,
    server: Server,
    invited: Invited,
    destination: RtmpRecord,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await target(owner, invited, destination.url)
    await owner.post(f"{invited.path}/start")
    await (await destination.recording()).until_messages(10)
    show = await server.node.show(ShowId(invited.show))

    def broken(*_: object) -> None:
        raise RuntimeError("the encoder is gone")

    monkeypatch.setattr(show.program(CanvasId("landscape"))._encoder, "encode", broken)
    again = await destination.recording(1)
    await again.until_messages(10)

    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.getMessage() == f"show_failed show={invited.show}"
    assert "RuntimeError: the encoder is gone" in caplog.text
    assert (await owner.get(invited.path))["status"] == "on_air"


class TestFullServer:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(
            http=settings.http,
            rtmp=settings.rtmp,
            store=settings.store,
            encoder=settings.encoder,
            capacity=CapacitySettings(shows=1, targets=1),
        )

    async def test_a_full_server_answers_503_and_goes_on_with_what_it_has(
        self, owner: Client, invited: Invited, destination: RtmpRecord
    ) -> None:
        await target(owner, invited, destination.url)
        await owner.post(f"{invited.path}/start")
        other = await owner.post("/api/v1/shows", {"title": "Other"}, 201)

        second_show = await owner.call("POST", f"/api/v1/shows/{other['id']}/start")
        extra = await target(owner, invited, destination.url)
        second_target = await owner.call("POST", f"{invited.path}/targets/{extra}/start")

        assert second_show.problem() == (
            503,
            "this server carries as many shows on air as it may; try again later",
        )
        assert second_show.headers["Retry-After"] == "10"
        assert second_target.problem() == (
            503,
            "this server carries as many targets as it may; try again later",
        )
        assert (await owner.get(invited.path))["status"] == "on_air"


async def test_after_the_end_of_the_server_no_thread_of_a_show_is_left(
    settings: Settings, destination: RtmpRecord
) -> None:
    def threads() -> list[str]:
        names = [thread.name for thread in threading.enumerate()]
        return [name for name in names if name.startswith(("canvas-", "audio-", "decode-"))]

    async with hosted(running(settings)) as server, aiohttp.ClientSession() as http:
        owner = Client(http, server.base_url, server.owner_token.reveal())
        show = await owner.post(
            "/api/v1/shows", {"title": "x", "canvases": {"landscape": SMALL}}, 201
        )
        path = f"/api/v1/shows/{show['id']}"
        await owner.post(f"{path}/feeds", {"name": "Ann", "admitted": True}, 201)
        body = {"platform": "custom", "url": destination.url, "stream_key": "k"}
        await owner.post(f"{path}/targets", body, 201)
        await owner.post(f"{path}/start")
        await (await destination.recording()).until_messages(10)
        assert sorted(name.partition("-")[0] for name in threads()) == ["audio", "canvas", "decode"]

    assert threads() == []
    assert (await destination.recording()).is_clean is True
