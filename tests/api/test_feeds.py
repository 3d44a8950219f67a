import asyncio
import io
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from mediaserver.app import Server
from mediaserver.decoder import BT601
from mediaserver.feed import Feed
from mediaserver.packet import FeedId, ShowId
from tests.api.client import Client
from tests.api.conftest import Invited
from tests.media import video_units


class Camera:
    """A source that only remembers."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    untagged_matrix = BT601

    def request_keyframe(self) -> None:
        pass

    async def close(self) -> None:
        self.closed.set()


async def feed_of(server: Server, invited: Invited) -> Feed:
    show = await server.node.show(ShowId(invited.show))
    return show.feed(FeedId(invited.feed))


async def test_an_invitation_holds_all_that_a_host_needs(
    owner: Client, server: Server, invited: Invited
) -> None:
    feed = await owner.post(f"{invited.path}/feeds", {"name": "Zoë's phone", "admitted": True}, 201)

    link = urlsplit(feed["join_url"])
    assert feed == {
        "id": "zoe-s-phone",
        "name": "Zoë's phone",
        "state": "gone",
        "connected": False,
        "contender": False,
        "admitted": True,
        "gain_db": 0.0,
        "muted": False,
        "solo": False,
        "width": 0,
        "height": 0,
        "delay_ms": 0,
        "skew_ms": None,
        "wanted": None,
        "token": feed["token"],
        "whip_url": f"{server.base_url}/whip/{invited.show}",
        "join_url": feed["join_url"],
        "rtmp_url": feed["rtmp_url"],
        "durable": True,
    }
    studio = urlsplit(feed["rtmp_url"])
    assert (studio.scheme, studio.hostname) == ("rtmp", "127.0.0.1")
    assert studio.path == f"/live/{feed['token']}"
    assert (link.path, link.query) == ("/host", "")
    assert parse_qs(link.fragment) == {"show": [invited.show], "token": [feed["token"]]}


async def test_a_feed_waits_for_admission_unless_said(owner: Client, invited: Invited) -> None:
    (feed,) = (await owner.get(invited.path))["feeds"]

    assert feed["admitted"] is False


async def test_feeds_of_one_name_get_ids_of_their_own(owner: Client, invited: Invited) -> None:
    ids = [
        (await owner.post(f"{invited.path}/feeds", {"name": name}, 201))["id"]
        for name in ("Ann", "ann!", "安")
    ]

    assert ids == ["ann-2", "ann-3", "feed"]


async def test_admission_gain_and_mute_reach_the_running_feed(
    owner: Client, server: Server, invited: Invited
) -> None:
    feed = await feed_of(server, invited)

    await owner.patch(invited.feed_path, {"admitted": True, "gain_db": -6, "muted": True})
    assert (feed.admitted, feed.gain_db, feed.muted) == (True, -6.0, True)

    answer = await owner.patch(invited.feed_path, {"admitted": False})
    assert (feed.admitted, feed.gain_db, feed.muted) == (False, -6.0, True)
    assert answer["admitted"] is False


async def test_a_new_token_kills_the_old_one_and_its_connection(
    owner: Client, server: Server, invited: Invited
) -> None:
    feed, camera = await feed_of(server, invited), Camera()
    feed.attach(camera)

    answer = await owner.post(f"{invited.feed_path}/token", status=201)

    assert camera.closed.is_set()
    assert feed.source is None
    old, new = owner.as_(invited.token), owner.as_(answer["token"])
    assert (await old.call("POST", "/api/v1/session")).status == 401
    assert (await new.call("POST", "/api/v1/session")).status == 200


async def test_a_removed_feed_is_parted_with(
    owner: Client, server: Server, invited: Invited
) -> None:
    feed, camera = await feed_of(server, invited), Camera()
    feed.attach(camera)

    assert (await owner.call("DELETE", invited.feed_path)).json == {"durable": True}

    assert camera.closed.is_set()
    assert (await owner.get(invited.path))["feeds"] == []
    assert (await owner.as_(invited.token).call("POST", "/api/v1/session")).status == 401


async def test_a_feed_in_the_green_room_has_a_thumbnail_while_it_is_looked_at(
    owner: Client, server: Server, invited: Invited
) -> None:
    feed, camera = await feed_of(server, invited), Camera()
    feed.attach(camera)
    keyframe = video_units(1, size=(1280, 720))[0]
    picture = asyncio.create_task(owner.call("GET", f"{invited.feed_path}/thumbnail.jpg"))
    while not picture.done():
        feed.push(keyframe)
        await asyncio.wait([picture], timeout=0.03)

    answer = await picture

    assert answer.headers["Content-Type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.body)).size == (640, 360)
    host = await owner.as_(invited.token).call("GET", f"{invited.feed_path}/thumbnail.jpg")
    assert host.body == answer.body


async def test_a_feed_without_a_host_has_no_thumbnail(owner: Client, invited: Invited) -> None:
    answer = await owner.call("GET", f"{invited.feed_path}/thumbnail.jpg")

    assert answer.problem() == (404, "there is no picture of feed 'ann'")
