"""What a host is told of the size at which the show wants their picture."""

from typing import Any

from tests.api.client import Client
from tests.api.conftest import SMALL, Invited
from tests.peers.rtmp_record import RtmpRecord

UPRIGHT = {"width": 180, "height": 320, "fps": 30, "video_bitrate": 200_000}


def layout(rect: list[float]) -> dict[str, Any]:
    return {"slots": [{"feed": "ann", "rect": rect}], "transition": {"duration_ms": 2000}}


def size(feed: dict[str, Any]) -> tuple[int, int] | None:
    wanted = feed["wanted"]
    return wanted and (wanted["width"], wanted["height"])


async def test_host_hears_the_size_of_the_largest_tile_on_what_is_being_made(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    await owner.patch(invited.path, {"canvases": {"landscape": SMALL, "portrait": UPRIGHT}})
    for canvas, rect in (("landscape", [0, 0, 0.5, 0.5]), ("portrait", [0, 0, 1, 0.5])):
        await owner.put(f"{invited.path}/canvases/{canvas}/layout", layout(rect))
        body = {"name": canvas, "platform": "custom", "url": destination.url, "stream_key": "k"}
        await owner.post(f"{invited.path}/targets", body | {"canvas": canvas}, 201)
    host = owner.as_(invited.token)

    async with host.events(f"{invited.feed_path}/events") as events:
        _, _, state = await events.next()
        await owner.patch(invited.feed_path, {"admitted": True})
        admitted = await events.until("feed")
        await owner.post(f"{invited.path}/targets/landscape/start")
        small = await events.until("feed")
        await owner.put(f"{invited.path}/canvases/landscape/layout", layout([0, 0, 1, 1]))
        whole = await events.until("feed")
        await owner.put(f"{invited.path}/canvases/landscape/layout", {"slots": []})
        unseen = await events.until("feed")
        await owner.post(f"{invited.path}/targets/portrait/start")
        upright = await events.until("feed")
        await owner.post(f"{invited.path}/end")
        ended = await events.until("feed")

    assert (size(state["feed"]), size(admitted)) == (None, None)
    assert small["wanted"] == {"width": 160, "height": 90, "max_bitrate_bps": 157_490}
    assert size(whole) == (320, 180)
    assert size(unseen) is None
    assert size(upright) == (286, 160)
    assert size(ended) is None


async def test_feed_in_the_green_room_is_not_wanted_until_it_is_let_in(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    await owner.put(f"{invited.path}/canvases/landscape/layout", {"preset": "solo"})
    body = {"platform": "custom", "url": destination.url, "stream_key": "k"}
    await owner.post(f"{invited.path}/targets", body, 201)
    await owner.post(f"{invited.path}/feeds", {"name": "Bob"}, 201)
    await owner.post(f"{invited.path}/start")
    await owner.put(f"{invited.path}/canvases/landscape/layout", layout([0, 0, 1, 1]))

    feeds = (await owner.get(invited.path))["feeds"]

    assert [size(feed) for feed in feeds] == [(320, 180), None]
