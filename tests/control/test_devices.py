"""One invitation used from two devices: the same one takes its place, another waits."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mediaserver.broadcast import Listener
from mediaserver.clock import ManualClock
from mediaserver.decoder import BT601
from mediaserver.redis_server import RedisServer
from mediaserver.show import Show
from sync.secret import Vault
from tests.control.hosting import hosted
from tests.control.servers import LANDSCAPE, SMALL, Running, node_on
from tests.control.until import until

TIMEOUT_S = 20.0
PHONE, LAPTOP, NONE = "hash-of-phone", "hash-of-laptop", ""


class Camera:
    """A connection that sends nothing by itself."""

    untagged_matrix = BT601

    def __init__(self) -> None:
        self.is_closed = False

    def request_keyframe(self) -> None:
        pass

    async def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def node(
    redis_server: RedisServer, vault: Vault, clock: ManualClock
) -> AsyncIterator[Running]:
    async with hosted(node_on(redis_server.url, vault, clock=clock)) as running:
        yield running


@pytest.fixture
async def show(node: Running) -> Show:
    return await node.node.create("Autumn", {LANDSCAPE: SMALL}, starts_at=None, channels=())


async def told(listener: Listener, **expected: Any) -> Any:
    """The data of the next event of a feed that has what is expected."""
    async with asyncio.timeout(TIMEOUT_S):
        async for event in listener:
            if event.kind == "feed" and expected.items() <= event.data.items():
                return event.data
    raise AssertionError("the show has ended")


@pytest.mark.parametrize("device", [PHONE, NONE])
async def test_the_same_device_takes_its_place_at_once(show: Show, device: str) -> None:
    feed_id, _, _ = await show.add_feed("Ann", admitted=True)
    feed, first, second = show.feed(feed_id), Camera(), Camera()

    assert feed.join(first, device) is None
    assert feed.join(second, device) is first

    assert feed.source is second
    assert feed.contender is None


async def test_another_device_waits_until_it_is_admitted(show: Show) -> None:
    feed_id, _, _ = await show.add_feed("Ann", admitted=True)
    feed, phone, laptop = show.feed(feed_id), Camera(), Camera()
    listener = show.events.listen()
    feed.join(phone, PHONE)
    show.stir()
    await told(listener, connected=True, contender=False)

    feed.join(laptop, LAPTOP)
    waiting = await told(listener, contender=True)
    before = feed.source
    await show.change_feed(feed_id, admitted=True)
    after = await told(listener, contender=False)

    assert (waiting["state"], waiting["admitted"]) == ("on", True)
    assert (before, feed.source) == (phone, laptop)
    assert phone.is_closed
    assert (after["state"], after["admitted"]) == ("on", True)
    assert show.record.feeds[feed_id].device_hash == LAPTOP


async def test_who_waits_gets_the_feed_that_its_host_has_left_but_in_the_green_room(
    show: Show, clock: ManualClock
) -> None:
    feed_id, _, _ = await show.add_feed("Ann", admitted=True)
    feed, phone, laptop = show.feed(feed_id), Camera(), Camera()
    listener = show.events.listen()
    feed.join(phone, PHONE)
    feed.join(laptop, LAPTOP)
    show.stir()
    await told(listener, contender=True, state="on")

    feed.detach(phone)
    clock.advance(14.9)
    still = await told(listener, connected=False, state="away")
    clock.advance(0.1)
    taken = await told(listener, connected=True)

    assert still["contender"] is True
    assert (taken["state"], taken["admitted"], taken["contender"]) == ("waiting", False, False)
    assert feed.source is laptop


async def test_a_contender_that_goes_is_no_more(show: Show) -> None:
    feed_id, _, _ = await show.add_feed("Ann", admitted=True)
    feed, phone, laptop, tablet = show.feed(feed_id), Camera(), Camera(), Camera()
    feed.join(phone, PHONE)
    feed.join(laptop, LAPTOP)

    assert feed.join(tablet, "hash-of-tablet") is laptop
    feed.detach(tablet, left=True)
    await show.change_feed(feed_id, admitted=True)

    assert feed.contender is None
    assert feed.source is phone
    assert not phone.is_closed


async def test_a_new_invitation_is_for_any_device_and_ends_both_connections(show: Show) -> None:
    feed_id, _, _ = await show.add_feed("Ann", admitted=True)
    feed, phone, laptop = show.feed(feed_id), Camera(), Camera()
    feed.join(phone, PHONE)
    feed.join(laptop, LAPTOP)
    show.stir()
    await until(lambda: show.record.feeds[feed_id].device_hash == PHONE)

    await show.reissue_token(feed_id)

    assert (phone.is_closed, laptop.is_closed) == (True, True)
    assert (feed.source, feed.contender) == (None, None)
    again = Camera()
    feed.join(again, LAPTOP)
    assert feed.source is again


async def test_a_server_that_starts_again_knows_the_device(
    redis_server: RedisServer, vault: Vault
) -> None:
    async with hosted(node_on(redis_server.url, vault)) as running:
        show = await running.node.create("Autumn", {LANDSCAPE: SMALL}, starts_at=None, channels=())
        feed_id, _, _ = await show.add_feed("Ann", admitted=True)
        show.feed(feed_id).join(Camera(), PHONE)
        show.stir()
        await until(lambda: show.record.feeds[feed_id].device_hash == PHONE)

    async with hosted(node_on(redis_server.url, vault, name="again")) as running:
        (show,) = await running.node.shows()
        feed, laptop, phone = show.feed(feed_id), Camera(), Camera()
        feed.join(phone, PHONE)
        feed.join(laptop, LAPTOP)

        assert feed.source is phone
        assert feed.contender == (laptop, LAPTOP)
