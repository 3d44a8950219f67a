"""What listeners hear of feeds that change by themselves, in simulated time."""

import asyncio
from typing import Any

import pytest

from mediaserver.broadcast import LONGEST_BACKLOG, MAX_LISTENERS, Broadcast, EventKind, Listener
from mediaserver.clock import ManualClock
from mediaserver.decoder import BT601
from mediaserver.errors import NodeFull
from mediaserver.redis_server import RedisServer
from sync.secret import Vault
from tests.control.hosting import hosted
from tests.control.servers import LANDSCAPE, SMALL, node_on

TIMEOUT_S = 20.0


class Camera:
    """A source that sends nothing."""

    untagged_matrix = BT601

    def request_keyframe(self) -> None:
        pass

    async def close(self) -> None:
        pass


async def heard(listener: Listener, kind: EventKind) -> Any:
    """The data of the next event of that kind."""
    async with asyncio.timeout(TIMEOUT_S):
        while (event := await anext(listener)).kind != kind:
            pass
    return event.data


async def test_a_host_who_comes_stalls_and_goes_is_told_step_by_step(
    redis_server: RedisServer, vault: Vault
) -> None:
    clock = ManualClock()
    async with hosted(node_on(redis_server.url, vault, clock=clock)) as running:
        show = await running.node.create("Autumn", {LANDSCAPE: SMALL}, starts_at=None, channels=())
        feed_id, token, _ = await show.add_feed("Ann", admitted=True)
        listener = show.events.listen()
        assert (await heard(listener, "state"))["feeds"][0]["state"] == "gone"
        clock.advance(3600)

        feed, camera = running.node.publisher(show.id, token.reveal()), Camera()
        feed.attach(camera)
        told = [await heard(listener, "feed")]
        for seconds in (0.5, 1.0, 13.5):
            clock.advance(seconds)
            told.append(await heard(listener, "feed"))
        feed.detach(camera, left=True)
        told.append(await heard(listener, "feed"))

    assert [(data["id"], data["state"], data["connected"]) for data in told] == [
        (feed_id, "on", True),
        (feed_id, "frozen", True),
        (feed_id, "away", True),
        (feed_id, "gone", True),
        (feed_id, "gone", False),
    ]


async def test_who_begins_to_listen_while_a_host_is_away_for_a_moment_hears_of_the_return(
    redis_server: RedisServer, vault: Vault
) -> None:
    async with hosted(node_on(redis_server.url, vault, clock=ManualClock())) as running:
        show = await running.node.create("Autumn", {LANDSCAPE: SMALL}, starts_at=None, channels=())
        _, token, _ = await show.add_feed("Ann", admitted=True)
        before = show.events.listen()
        feed = running.node.publisher(show.id, token.reveal())
        cameras = Camera(), Camera()
        feed.attach(cameras[0])
        while not (await heard(before, "feed"))["connected"]:
            pass

        feed.detach(cameras[0])
        listener = show.events.listen()
        state = await heard(listener, "state")
        feed.attach(cameras[1])
        while not (await heard(listener, "feed"))["connected"]:
            pass

    assert not state["feeds"][0]["connected"]


async def test_a_slow_listener_gets_the_full_state_instead_of_what_it_missed() -> None:
    broadcast = Broadcast(lambda: {"title": "now"})
    slow, quick = broadcast.listen(), broadcast.listen()
    await anext(slow)
    await anext(quick)

    numbers = []
    for number in range(LONGEST_BACKLOG + 5):
        broadcast.publish("show", {"number": number})
        numbers.append((await anext(quick)).data["number"])

    event = await anext(slow)
    assert (event.kind, event.id, event.data) == ("state", LONGEST_BACKLOG + 5, {"title": "now"})
    assert numbers == list(range(LONGEST_BACKLOG + 5))
    broadcast.publish("show", {"number": -1})
    assert (await anext(slow)).data == {"number": -1}


async def test_of_levels_only_the_latest_waits_and_changes_come_first() -> None:
    broadcast = Broadcast(lambda: {"title": "now"})
    slow, other = broadcast.listen(levels=True), broadcast.listen()
    await anext(slow)
    await anext(other)

    for number in range(LONGEST_BACKLOG + 5):
        broadcast.show_levels({"number": number})
    broadcast.publish("show", {"title": "then"})
    broadcast.close()

    heard = [(event.kind, event.id, event.data) async for event in slow]
    assert heard == [
        ("show", 1, {"title": "then"}),
        ("levels", 1, {"number": LONGEST_BACKLOG + 4}),
    ]
    assert [event.kind async for event in other] == ["show"]


async def test_levels_are_wanted_while_somebody_takes_them() -> None:
    broadcast = Broadcast(dict)
    broadcast.listen()
    assert not broadcast.has_level_listeners

    listener = broadcast.listen(levels=True)
    assert broadcast.has_level_listeners

    listener.close()
    assert not broadcast.has_level_listeners


async def test_listeners_are_bounded_in_number() -> None:
    broadcast = Broadcast(dict)
    listeners = [broadcast.listen() for _ in range(MAX_LISTENERS)]
    with pytest.raises(NodeFull):
        broadcast.listen()

    listeners[0].close()

    broadcast.listen()


async def test_a_closed_broadcast_ends_every_iteration() -> None:
    broadcast = Broadcast(lambda: {"title": "now"})
    early = broadcast.listen()
    broadcast.close()
    late = broadcast.listen()

    for listener in (early, late):
        assert [event.kind async for event in listener] == ["state"]
    assert not broadcast.has_listeners
