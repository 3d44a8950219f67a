"""What may go wrong during a show, a row each: nothing of it ends the show or is heard.

In every row a destination that nothing happens to keeps its connection, its sound has no gap, and
its pictures go on. The kill of the server itself is in tests/control/test_coming_back.py, networks
that lose and delay in tests/webrtc/test_bad_networks.py.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.api.client import Client, EventStream
from tests.faults.conftest import OnAir, redis_of
from tests.peers.rtmp_reject import rtmp_reject
from tests.peers.rtmp_scripted import rtmp_close_after, rtmp_refuse_after, rtmp_stall
from tests.peers.rtmp_silent import rtmp_silent
from tests.peers.tcp import free_ports
from tests.webrtc.player import Player

Fault = Callable[[OnAir, EventStream], Awaitable[None]]
FAULTS: dict[str, Fault] = {}


def fault(row: Fault) -> Fault:
    FAULTS[row.__name__.replace("_", " ")] = row
    return row


async def feed_is(events: EventStream, state: str) -> Any:
    return await events.until("feed", state=state)


async def target_is(events: EventStream, target: str, status: str) -> Any:
    return await events.until("target", id=target.rpartition("/")[2], status=status)


async def removed(owner: Client, target: str) -> None:
    assert (await owner.call("DELETE", target)).status == 200


@fault
async def the_host_is_killed(show: OnAir, events: EventStream) -> None:
    """frozen, away with a slate in the slot, gone; the same invitation brings the host back."""
    await show.host.die()
    for state in ("frozen", "away"):
        await feed_is(events, state)
    await show.host.join()
    await feed_is(events, "on")


@fault
async def the_host_hangs(show: OnAir, events: EventStream) -> None:
    assert show.host.process is not None
    show.host.process.send_signal(signal.SIGSTOP)
    await feed_is(events, "away")
    show.host.process.send_signal(signal.SIGCONT)
    await feed_is(events, "on")


@fault
async def the_host_is_sent_away_and_back(show: OnAir, events: EventStream) -> None:
    feed = f"{show.path}/feeds/{(await show.feed())['id']}"
    await show.owner.patch(feed, {"admitted": False})
    await feed_is(events, "waiting")
    await show.owner.patch(feed, {"admitted": True})
    await feed_is(events, "on")


@fault
async def a_target_does_not_answer(show: OnAir, events: EventStream) -> None:
    (port,) = free_ports(1)
    target = await show.target(f"rtmp://127.0.0.1:{port}/live", "deaf")
    assert "refused" in (await target_is(events, target, "retrying"))["reason"]
    await removed(show.owner, target)


@fault
async def a_target_is_silent(show: OnAir, events: EventStream) -> None:
    async with rtmp_silent() as url:
        target = await show.target(url, "silent")
        await target_is(events, target, "connecting")
        await removed(show.owner, target)


@fault
async def a_target_stalls(show: OnAir, events: EventStream) -> None:
    async with rtmp_stall(60) as url:
        target = await show.target(url, "stalls")
        await target_is(events, target, "live")
        await show.witness.until_messages(len(show.witness.media) + 200)
        await removed(show.owner, target)


@fault
async def a_target_hangs_up(show: OnAir, events: EventStream) -> None:
    async with rtmp_close_after(400) as url:
        target = await show.target(url, "hangs-up")
        await target_is(events, target, "live")
        assert (await target_is(events, target, "retrying"))["retries"] == 1
        await target_is(events, target, "live")
        await removed(show.owner, target)


@fault
async def a_target_refuses_the_key(show: OnAir, events: EventStream) -> None:
    async with rtmp_reject("NetStream.Publish.BadName", "no such key") as url:
        target = await show.target(url, "refuses")
        await target_is(events, target, "rejected")
        await removed(show.owner, target)


@fault
async def a_target_refuses_what_it_took_before(show: OnAir, events: EventStream) -> None:
    async with rtmp_refuse_after(400, "NetStream.Publish.BadName", "already publishing") as url:
        target = await show.target(url, "fickle")
        await target_is(events, target, "live")
        await target_is(events, target, "retrying")
        await removed(show.owner, target)


@fault
async def redis_is_killed(show: OnAir, events: EventStream) -> None:
    """The show is steered meanwhile, and what was changed is stored when Redis is back."""
    layout = f"{show.path}/canvases/landscape/layout"
    os.kill(redis_of(show.data_dir), signal.SIGKILL)
    steered = await show.owner.put(layout, {"preset": "solo"})
    if not steered["durable"]:
        await events.until("show", durable=True)
    assert (await show.owner.put(layout, {"preset": "grid"}))["durable"]


@fault
async def the_disk_fails(show: OnAir, events: EventStream) -> None:
    recording = f"{show.path}/canvases/landscape/recording"
    await show.owner.post(f"{recording}/start")
    while not (await show.owner.get(f"{show.path}/recordings"))["recordings"]:
        pass
    shutil.rmtree(show.data_dir / "recordings")
    while not (await events.until("canvas"))["recording"]["reason"]:
        pass


@fault
async def a_viewer_of_the_preview_leaves_without_a_word(show: OnAir, _events: EventStream) -> None:
    viewer = Player()
    url = show.owner.base_url + show.path.replace("/api/v1/shows", "/whep") + "/landscape"
    assert show.owner.token is not None
    await viewer.open(url, show.owner.token)
    await viewer.until(lambda: viewer.pictures > 0)
    await viewer.close()


@fault
async def a_reader_of_events_reads_nothing(show: OnAir, events: EventStream) -> None:
    async with show.owner.events(f"{show.path}/events"):
        for number in range(300):
            title = {"title": f"Autumn {number}"}
            await show.owner.patch(show.path, title)
        await events.until("show", title="Autumn 299")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("row", FAULTS)
async def test_the_show_goes_on_when(row: str, on_air: OnAir) -> None:
    async with AsyncExitStack() as stack:
        events = await stack.enter_async_context(on_air.owner.events(f"{on_air.path}/events"))
        await until_on(on_air, events)
        async with asyncio.timeout(60):
            async with on_air.undisturbed():
                await FAULTS[row](on_air, events)
            await until_on(on_air, events)


async def until_on(show: OnAir, events: EventStream) -> None:
    """A host on a busy machine may pause for a moment."""
    if (await show.feed())["state"] != "on":
        await feed_is(events, "on")
