"""Feeds by RTMP: FFmpeg's command publishes to a whole server, over real sockets."""

import asyncio
import io
import logging
import signal
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import av
import numpy as np
import pytest

from mediaserver import flv
from mediaserver.app import Server, running
from mediaserver.errors import TargetRejected
from mediaserver.packet import FeedId, ShowId
from mediaserver.redis_server import RedisServer
from mediaserver.rtmp.publisher import Publisher, publish
from mediaserver.rtmp.url import parse_target_url
from mediaserver.settings import CapacitySettings, RtmpSettings, Settings, StoreSettings
from sync.secret import Secret
from tests.api.client import Client
from tests.api.conftest import SMALL
from tests.control.hosting import hosted
from tests.peers.ffmpeg_rtmp import B_FRAMES, PICTURE, SOUND, ffmpeg, inputs
from tests.peers.rtmp_record import TIMEOUT_S, Recording, RtmpRecord

TAG_TYPES = {
    "video": flv.TagType.VIDEO,
    "audio": flv.TagType.AUDIO,
    "data": flv.TagType.SCRIPT,
}


class Studio:
    """A show with one admitted feed that an encoder publishes."""

    def __init__(self, owner: Client, show: str, invitation: dict[str, Any]) -> None:
        self.owner = owner
        self.path = f"/api/v1/shows/{show}"
        self.feed_path = f"{self.path}/feeds/{invitation['id']}"
        self.url: str = invitation["rtmp_url"]
        self.server_url, self.key = self.url.rsplit("/", 1)

    async def feed(self) -> dict[str, Any]:
        (feed,) = (await self.owner.get(self.path))["feeds"]
        assert isinstance(feed, dict)
        return feed

    async def until(self, **expected: Any) -> dict[str, Any]:
        """Wait until the feed's view has what is expected."""
        async with asyncio.timeout(TIMEOUT_S), self.owner.events(self.path + "/events") as events:
            (feed,) = (await events.until("state"))["feeds"]
            while any(feed[name] != value for name, value in expected.items()):
                feed = await events.until("feed")
        return dict(feed)

    async def thumbnail(self) -> bytes:
        """Ask until there is one."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                answer = await self.owner.call("GET", f"{self.feed_path}/thumbnail.jpg")
                if answer.status == 200:
                    return answer.body

    async def on_air(self, destination: RtmpRecord) -> Recording:
        target = {"platform": "custom", "url": destination.url, "stream_key": "k"}
        await self.owner.post(f"{self.path}/targets", target, 201)
        await self.owner.post(f"{self.path}/start")
        return await destination.recording()

    async def publish(self, key: str | None = None) -> Publisher:
        return await publish(parse_target_url(self.server_url), key or self.key)


@pytest.fixture
async def studio(owner: Client) -> Studio:
    return await studio_at(owner)


async def studio_at(owner: Client) -> Studio:
    show = await owner.post("/api/v1/shows", {"title": "S", "canvases": {"wide": SMALL}}, 201)
    path = f"/api/v1/shows/{show['id']}"
    await owner.put(f"{path}/canvases/wide/layout", {"preset": "solo"})
    invitation = await owner.post(f"{path}/feeds", {"name": "OBS", "admitted": True}, 201)
    return Studio(owner, show["id"], invitation)


def decoded(recording: Recording) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """What came: (seconds, mean luma) of each picture, (seconds, mean level) of each 5 ms of
    sound."""
    file = io.BytesIO(
        flv.file_header()
        + b"".join(flv.tag(TAG_TYPES[m.kind], m.timestamp_ms, m.payload) for m in recording.media)
    )
    pictures: list[tuple[float, float]] = []
    levels: list[tuple[float, float]] = []
    with av.open(file, "r", format="flv") as container:
        for frame in container.decode():
            assert frame.time is not None
            if isinstance(frame, av.VideoFrame):
                pictures.append((frame.time, float(frame.to_ndarray(format="gray").mean())))
            else:
                assert isinstance(frame, av.AudioFrame)
                samples = frame.to_ndarray()[0]
                step = frame.sample_rate // 200
                levels += [
                    (frame.time + start / frame.sample_rate, float(np.abs(part).mean()))
                    for start in range(0, len(samples) - step + 1, step)
                    for part in [samples[start : start + step]]
                ]
    return pictures, levels


def rises(signal: Sequence[tuple[float, float]], threshold: float) -> list[float]:
    """When `signal` comes to lie above `threshold`."""
    pairs = pairwise(signal)
    return [after[0] for before, after in pairs if before[1] < threshold <= after[1]]


@pytest.mark.parametrize(
    ("picture", "rate", "layout"), [(PICTURE, 48_000, "stereo"), (B_FRAMES, 44_100, "mono")]
)
async def test_an_encoder_is_seen_and_heard_in_step(
    studio: Studio, destination: RtmpRecord, picture: Sequence[str], rate: int, layout: str
) -> None:
    async with ffmpeg(studio.url, [*inputs(rate=rate, layout=layout), *picture, *SOUND]):
        await studio.until(state="on")
        recording = await studio.on_air(destination)
        async with asyncio.timeout(TIMEOUT_S):
            await recording.until_messages(320)
        feed = await studio.feed()
        await studio.owner.post(f"{studio.path}/end")
    pictures, levels = decoded(recording)
    flashes, beeps = rises(pictures, 128), rises(levels, 0.1)
    # What comes at the very end fades out with the show.
    whole = [flash for flash in flashes[1:] if flash < pictures[-1][0] - 0.5]
    skews = [min((flash - beep for beep in beeps), key=abs) for flash in whole]

    print("skew_ms", [round(1000 * skew) for skew in skews])
    assert (feed["state"], feed["connected"]) == ("on", True)
    assert (feed["width"], feed["height"]) == (320, 180)
    assert len(skews) >= 2
    assert all(abs(skew) <= 0.040 for skew in skews)
    # Within a beep sound is there all the time: nothing is left out between two frames of AAC.
    assert min(level for time, level in levels if beeps[1] + 0.02 < time < beeps[1] + 0.15) > 0.28


async def test_an_encoder_may_send_sound_alone(studio: Studio, destination: RtmpRecord) -> None:
    async with ffmpeg(studio.url, [*inputs(), "-map", "1", *SOUND]):
        await studio.until(connected=True)
        recording = await studio.on_air(destination)
        async with asyncio.timeout(TIMEOUT_S):
            await recording.until_messages(110)
        await studio.owner.post(f"{studio.path}/end")

    assert rises(decoded(recording)[1], 0.1) != []


async def test_an_encoder_may_send_pictures_alone(studio: Studio, destination: RtmpRecord) -> None:
    async with ffmpeg(studio.url, [*inputs(), "-map", "0", *PICTURE]):
        await studio.until(state="on")
        recording = await studio.on_air(destination)
        async with asyncio.timeout(TIMEOUT_S):
            await recording.until_messages(110)
        await studio.owner.post(f"{studio.path}/end")

    assert rises(decoded(recording)[0], 128) != []


async def test_an_encoder_waits_in_the_green_room_to_be_admitted(studio: Studio) -> None:
    await studio.owner.patch(studio.feed_path, {"admitted": False})
    async with ffmpeg(studio.url, [*inputs(), *PICTURE, *SOUND]):
        await studio.until(connected=True, state="waiting")
        thumbnail = await studio.thumbnail()
        await studio.owner.patch(studio.feed_path, {"admitted": True})
        await studio.until(connected=True, state="on")

    with av.open(io.BytesIO(thumbnail)) as picture:
        assert (picture.streams.video[0].width, picture.streams.video[0].height) == (320, 180)


async def test_a_killed_encoder_comes_back_into_its_place_and_leaves_it_by_its_goodbye(
    studio: Studio,
) -> None:
    async with ffmpeg(studio.url, [*inputs(), *PICTURE, *SOUND]) as killed:
        await studio.until(connected=True, state="on")
        killed.process.kill()
        await studio.until(connected=False)
        async with ffmpeg(studio.url, [*inputs(), *PICTURE, *SOUND]) as back:
            await studio.until(connected=True)
            await studio.thumbnail()
            back.process.send_signal(signal.SIGINT)
            assert await back.said() == ""
            assert (await studio.until(connected=False))["state"] == "gone"


async def test_the_same_encoder_again_takes_its_place_at_once(studio: Studio) -> None:
    first = await studio.publish()
    async with ffmpeg(studio.url, [*inputs(), *PICTURE, *SOUND]):
        async with asyncio.timeout(TIMEOUT_S):
            assert (await first.failure()).reason == "the server closed the connection"
        await studio.until(connected=True, state="on")
    await first.close()


class Phone:
    """Brings a feed, with a secret of its own."""

    untagged_matrix = 6

    def __init__(self) -> None:
        self.is_closed = False

    def request_keyframe(self) -> None:
        pass

    async def close(self) -> None:
        self.is_closed = True


async def test_an_encoder_at_the_feed_of_a_phone_waits_until_it_is_admitted(
    server: Server, studio: Studio
) -> None:
    show = await server.node.show(ShowId(studio.path.rpartition("/")[2]))
    feed, phone = show.feed(FeedId("obs")), Phone()
    feed.join(phone, "the phone's")

    publisher = await studio.publish()

    assert (await studio.feed())["contender"] is True
    assert feed.source is phone
    taken = await studio.owner.patch(studio.feed_path, {"admitted": True})
    assert (taken["contender"], taken["connected"]) == (False, True)
    assert phone.is_closed
    await publisher.close()
    await studio.until(connected=False)


async def test_a_wrong_stream_key_is_refused_in_words_and_kept_out_of_logs(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with ffmpeg(studio.url + "x", [*inputs(), *PICTURE, *SOUND]) as encoder:
        said = await encoder.said()

    assert "no feed has this stream key: copy it from the invitation again" in said
    assert "rtmp_refused address=127.0.0.1 reason='no feed has this stream key" in caplog.text
    assert studio.key not in caplog.text
    assert (await studio.feed())["connected"] is False


async def test_a_new_invitation_ends_what_the_old_one_published(studio: Studio) -> None:
    publisher = await studio.publish()
    await studio.owner.post(f"{studio.feed_path}/token", status=201)
    async with asyncio.timeout(TIMEOUT_S):
        assert (await publisher.failure()).reason == "the server closed the connection"
    await publisher.close()

    with pytest.raises(TargetRejected, match="no feed has this stream key"):
        await studio.publish()


async def test_who_guesses_stream_keys_is_told_to_wait(studio: Studio) -> None:
    async def refused() -> str:
        with pytest.raises(TargetRejected) as rejected:
            await studio.publish("sch_guessed")
        return rejected.value.reason

    reasons = [await refused() for _ in range(21)]

    assert "no feed has this stream key" in reasons[0]
    assert "too many requests; try again in 1 s" in reasons[-1]


async def test_what_this_server_does_not_take_is_refused_in_words(studio: Studio) -> None:
    publisher = await studio.publish()
    publisher.send(("video", 0, b"\x90hvc1" + bytes(100)))
    async with asyncio.timeout(TIMEOUT_S):
        error = await publisher.failure()
    await publisher.close()

    assert isinstance(error, TargetRejected)
    assert error.code == "NetStream.Publish.Rejected"
    assert "takes H.264, and the encoder sends HEVC: choose H.264 in its settings" in error.reason
    assert (await studio.until(connected=False))["connected"] is False


async def test_a_stream_key_may_carry_a_query(studio: Studio) -> None:
    publisher = await studio.publish(f"{studio.key}?bwtest=1")
    assert (await studio.feed())["connected"] is True
    await publisher.close()
    assert (await studio.until(connected=False))["state"] == "gone"


async def test_an_encoder_is_told_which_server_has_the_show_and_of_a_key_made_anew_there(
    settings: Settings, redis_server: RedisServer, tmp_path: Path, destination: RtmpRecord
) -> None:
    stores = [StoreSettings(tmp_path / name, Secret(redis_server.url)) for name in ("a", "b")]
    async with (
        hosted(running(replace(settings, store=stores[0]))) as here,
        hosted(running(replace(settings, store=stores[1]))) as there,
        aiohttp.ClientSession() as http,
    ):
        at_here = Client(http, here.base_url, here.owner_token.reveal())
        at_there = Client(http, there.base_url, there.owner_token.reveal())
        studio = await studio_at(at_here)
        await at_there.get(studio.path)
        elsewhere = await at_there.post(f"{studio.feed_path}/token", status=201)

        with pytest.raises(TargetRejected, match="this stream key is no longer good"):
            await studio.publish()

        again = Studio(at_there, studio.path.rpartition("/")[2], elsewhere)
        await again.on_air(destination)
        await at_here.get(studio.path)
        with pytest.raises(TargetRejected, match=f"publish there, {there.base_url}"):
            await studio.publish(again.key)
        await (await again.publish()).close()


class TestFullServer:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(
            http=settings.http,
            rtmp=settings.rtmp,
            store=settings.store,
            capacity=CapacitySettings(feeds=1),
        )

    async def test_a_full_server_refuses_another_encoder_but_not_the_same(
        self, studio: Studio
    ) -> None:
        other = await studio.owner.post(f"{studio.path}/feeds", {"name": "vMix"}, 201)
        first = await studio.publish()

        with pytest.raises(TargetRejected, match="carries as many feeds as it may"):
            await studio.publish(other["token"])
        again = await studio.publish()
        await first.close()
        await again.close()


class TestWithoutRtmp:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(http=settings.http, rtmp=RtmpSettings(port=None), store=settings.store)

    async def test_invitations_have_no_rtmp_url(self, owner: Client, server: Server) -> None:
        show = await owner.post("/api/v1/shows", {"title": "S"}, 201)
        path = f"/api/v1/shows/{show['id']}/feeds"
        assert (await owner.post(path, {"name": "Ann"}, 201))["rtmp_url"] is None
