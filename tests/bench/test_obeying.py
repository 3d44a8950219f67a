"""A benchmark's sender sends what its feed's events say is wanted."""

from contextlib import aclosing

import pytest

from bench import clips
from bench.obeying import UNSHOWN, ObeyingTrack, wanted_by
from mediaserver.demo.broadcast import Invitation
from mediaserver.demo.clip import Clip
from mediaserver.wanted import Wanted
from tests.api.client import Client
from tests.peers.rtmp_record import RtmpRecord


def named(number: int, wanted: Wanted) -> Clip:
    """Two seconds in which each picture says its size and number."""
    return Clip(tuple(f"{wanted.width} {n}".encode() for n in range(60)), clips.FPS, ())


async def test_another_size_begins_with_the_next_keyframe_after_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clips, "wanted_clip", named)
    track = ObeyingTrack(0)

    first = await track.payload(0)
    await track.want(Wanted(320, 180))
    then = [await track.payload(number) for number in (29, 30, 61)]

    assert (first, then) == (b"640 0", [b"640 29", b"320 30", b"320 1"])


async def test_what_is_wanted_is_heard_over_the_feeds_events(
    owner: Client, destination: RtmpRecord
) -> None:
    show = await owner.post("/api/v1/shows", {"title": "J1"}, 201)
    path = f"/api/v1/shows/{show['id']}"
    feed = await owner.post(f"{path}/feeds", {"name": "Ann", "admitted": True}, 201)
    layout = {"slots": [{"feed": "ann", "rect": [0, 0, 0.25, 0.25]}]}
    await owner.put(f"{path}/canvases/landscape/layout", layout)
    body = {"platform": "custom", "url": destination.url, "stream_key": "k"}
    await owner.post(f"{path}/targets", body, 201)

    async with aclosing(wanted_by(Invitation(feed["whip_url"], feed["token"]))) as heard:
        assert await anext(heard) == UNSHOWN
        await owner.post(f"{path}/start")
        assert await anext(heard) == Wanted(320, 180)
