"""What the crew hears of how loud a show is, with real sound on air."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import av
import numpy as np

from mediaserver.app import Server
from mediaserver.audio_buffer import Samples
from mediaserver.feed import Feed
from mediaserver.packet import FeedId, ShowId
from tests.api.client import Client, EventStream
from tests.api.conftest import Invited
from tests.media import opus_units, tone
from tests.peers.rtmp_record import Recording, RtmpRecord

LEVEL_DB = -6.0
FEEDS_AND_MORE = {"feeds", "master", "loudness"}


async def levels(events: EventStream, found: Callable[[Any], bool]) -> Any:
    """The next levels of which `found` is true."""
    while True:
        data = await events.until("levels")
        if found(data):
            return data


def is_heard(feed_id: str) -> Callable[[Any], bool]:
    return lambda data: (data["feeds"][feed_id]["peak_dbfs"] or -99.0) > LEVEL_DB - 1


def speak(feed: Feed, at_s: float) -> None:
    """Let `feed` bring 150 ms of a tone of LEVEL_DB, `at_s` on its sender's clock."""
    for unit in opus_units(tone(0.15, 1000, 10 ** (LEVEL_DB / 20))):
        timestamp = unit.timestamp + round(at_s * 48_000)
        feed.push(replace(unit, timestamp=timestamp, arrived_s=time.monotonic()))


async def test_levels_of_each_feed_of_the_mix_and_loudness_come_over_the_events(
    owner: Client, server: Server, invited: Invited, destination: RtmpRecord
) -> None:
    bo = await owner.post(f"{invited.path}/feeds", {"name": "Bo", "admitted": True}, 201)
    await owner.patch(invited.feed_path, {"admitted": True})
    target = {"platform": "custom", "url": destination.url, "stream_key": "key"}
    await owner.post(f"{invited.path}/targets", target, 201)
    show = await server.node.show(ShowId(invited.show))
    ann = show.feed(FeedId(invited.feed))

    async with owner.events(f"{invited.path}/events") as events:
        await owner.post(f"{invited.path}/start")
        silent = await levels(events, lambda data: len(data["feeds"]) == 2)
        begin_s = time.monotonic()
        speak(ann, 0.0)
        heard = await levels(events, is_heard("ann"))
        await owner.patch(f"{invited.path}/feeds/{bo['id']}", {"solo": True})
        await levels(events, lambda data: data["feeds"]["ann"]["peak_dbfs"] is None)
        speak(ann, time.monotonic() - begin_s)
        while_bo_is_solo = await levels(events, is_heard("ann"))

    nothing = {"peak_dbfs": None, "rms_dbfs": None}
    assert silent.keys() == FEEDS_AND_MORE
    assert (silent["feeds"], silent["master"]) == ({"ann": nothing, "bo": nothing}, nothing)
    assert silent["loudness"].keys() == {"momentary_lufs", "short_term_lufs", "integrated_lufs"}
    assert heard["master"] == heard["feeds"]["ann"]
    assert abs(heard["master"]["peak_dbfs"] - LEVEL_DB) < 1.0
    assert heard["feeds"]["bo"] == nothing
    assert while_bo_is_solo["master"] == nothing


def talk(feed: Feed, seconds: float) -> None:
    """Let `feed` bring a tone of LEVEL_DB from now on, as it sounds."""
    loop = asyncio.get_running_loop()
    for unit in opus_units(tone(seconds, 1000, 10 ** (LEVEL_DB / 20))):
        at_s = loop.time() + unit.timestamp / 48_000
        loop.call_at(at_s, feed.push, replace(unit, arrived_s=at_s))


def decoded(recording: Recording) -> Samples:
    """The sound that a destination was sent."""
    decoder = av.CodecContext.create("aac", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    header, *packets = [media.payload for media in recording.media if media.kind == "audio"]
    decoder.extradata = header[2:]
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet[2:]))]
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


async def test_a_show_that_ends_fades_out_at_its_destination(
    owner: Client, server: Server, invited: Invited, destination: RtmpRecord
) -> None:
    await owner.patch(invited.feed_path, {"admitted": True})
    target = {"platform": "custom", "url": destination.url, "stream_key": "key"}
    await owner.post(f"{invited.path}/targets", target, 201)
    show = await server.node.show(ShowId(invited.show))

    async with owner.events(f"{invited.path}/events") as events:
        await owner.post(f"{invited.path}/start")
        await levels(events, lambda data: len(data["feeds"]) == 1)
        talk(show.feed(FeedId(invited.feed)), 5)
        await levels(events, is_heard("ann"))
        await (await destination.recording()).until_messages(60)
        await owner.post(f"{invited.path}/end")

    recording = await destination.recording()
    await recording.until_ended()
    sound = decoded(recording)
    assert np.abs(sound[:, -4800:]).max() > 0.3
    assert np.abs(sound[:, -512:]).max() < 0.01


async def test_a_host_hears_nothing_of_levels(
    owner: Client, server: Server, invited: Invited
) -> None:
    show = await server.node.show(ShowId(invited.show))

    async with owner.as_(invited.token).events(f"{invited.feed_path}/events") as events:
        await events.next()

        assert show.events.has_listeners
        assert not show.events.has_level_listeners


async def test_gain_mute_and_solo_are_seen_where_they_are_set(
    owner: Client, server: Server, invited: Invited
) -> None:
    feed = (await server.node.show(ShowId(invited.show))).feed(FeedId(invited.feed))

    changed = await owner.patch(invited.feed_path, {"solo": True, "gain_db": -3.5})
    seen = (await owner.get(invited.path))["feeds"][0]
    back = await owner.patch(invited.feed_path, {"solo": False})

    assert (changed["solo"], changed["gain_db"], changed["muted"]) == (True, -3.5, False)
    assert (seen["solo"], seen["gain_db"]) == (True, -3.5)
    assert (back["solo"], back["gain_db"]) == (False, -3.5)
    assert (feed.solo, feed.gain_db, feed.muted) == (False, -3.5, False)
