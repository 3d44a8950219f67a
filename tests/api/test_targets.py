"""Targets over HTTP: what they are advised against, what they may be sent, who joins late."""

import asyncio
from typing import Any

import pytest

from mediaserver.app import Server
from mediaserver.packet import CanvasId, ShowId
from tests.api.client import Client
from tests.api.conftest import SMALL, Invited
from tests.peers.rtmp_record import TIMEOUT_S, RtmpRecord


async def added(owner: Client, invited: Invited, **body: Any) -> Any:
    body = {"platform": "custom", "stream_key": "k", **body}
    return await owner.post(f"{invited.path}/targets", body, 201)


def codes(target: Any) -> list[str]:
    return [warning["code"] for warning in target["warnings"]]


async def test_a_target_tells_what_its_platform_advises_against(
    owner: Client, invited: Invited
) -> None:
    target = await added(owner, invited, platform="tiktok")

    assert target["warnings"] == [
        {
            "code": "orientation",
            "detail": "TikTok shows upright pictures, 9:16; this canvas is 320×180",
        }
    ]
    moved = await owner.patch(f"{invited.path}/targets/{target['id']}", {"platform": "custom"})
    assert moved["warnings"] == []


async def test_warnings_follow_the_canvas(owner: Client, invited: Invited) -> None:
    target = await added(owner, invited, platform="tiktok")
    upright = {**SMALL, "width": 180, "height": 320, "video_bitrate": 4_000_000}
    async with owner.events(f"{invited.path}/events") as events:
        await owner.patch(invited.path, {"canvases": {"landscape": upright}})
        async with asyncio.timeout(TIMEOUT_S):
            told = await events.until("target", id=target["id"])

    assert codes(told) == ["video_bitrate"]


async def test_a_canvas_over_the_targets_cap_is_an_error_before_the_show(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    target = await added(
        owner, invited, name="Shop", url=destination.url, max_video_bitrate=150_000
    )
    path = f"{invited.path}/targets/{target['id']}"
    words = (
        "it is to get 150 kbit/s of video at most, and its canvas has 200 kbit/s: lower the "
        "canvas's video_bitrate, send another canvas, or raise max_video_bitrate"
    )

    assert (target["max_video_bitrate"], target["status"], target["reason"]) == (
        150_000,
        "idle",
        words,
    )
    answer = await owner.call("POST", f"{path}/start")
    assert answer.problem() == (409, f"the target cannot start: {words}")
    answer = await owner.call("POST", f"{invited.path}/start")
    assert answer.problem() == (409, f"Shop cannot start: {words}")
    assert (await owner.get(invited.path))["status"] == "idle"

    assert (await owner.patch(path, {"max_video_bitrate": 200_000}))["reason"] is None
    await owner.post(f"{invited.path}/start")
    await destination.recording()


async def test_a_cap_that_keeps_no_target_from_its_start_keeps_no_show(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    await added(owner, invited, url=destination.url)
    await added(owner, invited, stream_key=None, url=destination.url, max_video_bitrate=150_000)

    await owner.post(f"{invited.path}/start")
    await destination.recording()


@pytest.mark.parametrize("cap", ["much", 1, 1e9])
async def test_a_cap_that_is_none_is_refused(owner: Client, invited: Invited, cap: object) -> None:
    body = {"platform": "custom", "max_video_bitrate": cap}
    status, detail = (await owner.call("POST", f"{invited.path}/targets", body)).problem()

    assert status == 422
    assert detail.startswith("max_video_bitrate: ")


async def test_a_target_added_in_mid_show_begins_at_a_keyframe_of_the_same_encoder(
    owner: Client, server: Server, invited: Invited, destination: RtmpRecord
) -> None:
    show = await server.node.show(ShowId(invited.show))
    await added(owner, invited, url=destination.url)
    await owner.post(f"{invited.path}/start")
    first = await destination.recording()
    await first.until_messages(50)
    program = show.program(CanvasId("landscape"))

    late = await added(owner, invited, url=destination.url)
    await owner.post(f"{invited.path}/targets/{late['id']}/start")
    second = await destination.recording(1)
    await second.until_messages(60)
    targets = (await owner.get(invited.path))["targets"]
    assert show.program(CanvasId("landscape")) is program
    await owner.post(f"{invited.path}/end")
    for recording in (first, second):
        await recording.until_ended()

    assert [media.kind for media in second.media[:3]] == ["data", "video", "audio"]
    assert second.media[1].payload == first.media[1].payload
    assert (second.pictures[0].payload[0] >> 4, second.pictures[0].timestamp_ms) == (1, 0)
    # What the second one got, the first one got too, and no keyframe was made for anybody.
    sent = [picture.payload for picture in first.pictures]
    begin = sent.index(second.pictures[0].payload)
    assert [picture.payload for picture in second.pictures] == sent[begin:]
    assert [target["frames_dropped"] for target in targets] == [0, 0]
    keyframes = [index for index, payload in enumerate(sent) if payload[0] >> 4 == 1]
    assert keyframes == list(range(0, len(sent), 15))
