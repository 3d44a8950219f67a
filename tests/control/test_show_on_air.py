"""A show on air that is steered while some of its parts are slow, or fail."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mediaserver.broadcast import Listener
from mediaserver.errors import BadRequest
from mediaserver.packet import CanvasId, TargetId
from mediaserver.show import Show
from sync.secret import Secret
from tests.control.servers import LANDSCAPE, SMALL, Running
from tests.control.until import until
from tests.peers.relay import Relay, relay
from tests.peers.rtmp_record import RtmpRecord
from tests.peers.rtmp_reject import rtmp_reject
from tests.peers.rtmp_silent import rtmp_silent

TIMEOUT_S = 30.0
PORTRAIT = CanvasId("portrait")


@pytest.fixture
async def destination() -> AsyncIterator[RtmpRecord]:
    async with RtmpRecord() as record:
        yield record


@pytest.fixture
async def hole(destination: RtmpRecord) -> AsyncIterator[Relay]:
    """A way to `destination` that can turn into a black hole."""
    async with relay("127.0.0.1", int(destination.url.split(":")[2].split("/")[0])) as carried:
        yield carried


async def show_of(running: Running, *urls: str) -> Show:
    """A show that sends to `urls` in turn from its landscape and its portrait canvas."""
    canvases = {LANDSCAPE: SMALL, PORTRAIT: SMALL}
    show = await running.node.create("Autumn", canvases, starts_at=None, channels=())
    for index, url in enumerate(urls):
        canvas = (LANDSCAPE, PORTRAIT)[index % 2]
        await show.add_target("Tube", "custom", canvas, url, Secret(f"the-key-{index}"))
    return show


async def until_target(listener: Listener, target_id: str, status: str) -> Any:
    async with asyncio.timeout(TIMEOUT_S):
        async for event in listener:
            told = event.data["targets"] if event.kind == "state" else [event.data]
            for data in told if event.kind in ("state", "target") else ():
                if (data["id"], data["status"]) == (target_id, status):
                    return data
    raise AssertionError("the show has ended")


@pytest.mark.parametrize("command", ["stop", "remove"])
async def test_a_goodbye_that_takes_long_holds_up_no_command(
    command: str, running: Running, hole: Relay, destination: RtmpRecord
) -> None:
    show, tube = await show_of(running, hole.url), TargetId("tube")
    await running.node.start(show)
    await (await destination.recording()).until_messages(10)
    hole.swallow()

    ending = show.stop_target(tube) if command == "stop" else show.remove_target(tube)
    goodbye = asyncio.create_task(ending)
    await asyncio.sleep(0)
    await show.set_layout(LANDSCAPE, {"preset": "grid"})
    await show.add_feed("Ann", admitted=True)
    await running.node.show(show.id)
    await running.node.keep()

    assert not goodbye.done()
    assert show.sending() == 0
    assert show.program_stats() == {}
    async with asyncio.timeout(TIMEOUT_S):
        assert await goodbye is True


async def test_a_target_that_is_started_during_its_goodbye_connects_after_it(
    running: Running, hole: Relay, destination: RtmpRecord
) -> None:
    show, tube = await show_of(running, hole.url), TargetId("tube")
    await running.node.start(show)
    await (await destination.recording()).until_messages(10)
    hole.swallow()
    goodbye = asyncio.create_task(show.stop_target(tube))
    await asyncio.sleep(0)

    await show.start_target(tube)

    assert not goodbye.done()
    assert show.view()["targets"][0]["status"] == "idle"
    assert show.sending() == 1
    async with asyncio.timeout(TIMEOUT_S):
        await goodbye
    await (await destination.recording(1)).until_messages(10)
    await until(lambda: show.view()["targets"][0]["status"] == "live")


async def test_a_refused_change_of_a_target_changes_nothing(running: Running) -> None:
    async with rtmp_reject("NetStream.Publish.BadName", "no such key") as url:
        show = await show_of(running, url)
        listener = show.events.listen()
        await running.node.start(show)
        await until_target(listener, "tube", "rejected")
        before = show.target_view(TargetId("tube"))

        with pytest.raises(BadRequest):
            await show.change_target(TargetId("tube"), canvas=CanvasId("none"))
        with pytest.raises(BadRequest):
            await show.change_target(TargetId("tube"), url="https://a.example")

    assert show.target_view(TargetId("tube")) == before
    assert before["status"] == "rejected"


async def test_a_target_that_was_refused_for_good_is_not_wanted_by_a_server_that_comes_after(
    running: Running,
) -> None:
    async with (
        rtmp_reject("NetStream.Publish.BadName", "no such key") as url,
        rtmp_silent() as slow,
    ):
        show = await show_of(running, url, slow)
        await running.node.start(show)
        both = show.record.wanted()
        await until(lambda: show.record.wanted() == [TargetId("tube-2")])
        await show.keep()
        stored = await running.store.load(show.id)

    assert both == [TargetId("tube"), TargetId("tube-2")]
    assert show.target_view(TargetId("tube"))["status"] == "rejected"
    assert stored is not None
    assert stored.record.wanted() == [TargetId("tube-2")]


async def test_since_is_noted_at_the_change_and_follows_no_clock_that_is_set(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rtmp_silent() as url:
        show = await show_of(running, url)
        listener = show.events.listen()
        await running.node.start(show)
        told = await until_target(listener, "tube", "connecting")

        monkeypatch.setattr(show, "_now", lambda: 2_000_000_000.0)

        assert show.target_view(TargetId("tube"))["since"] == told["since"]
        await show.stop_target(TargetId("tube"))
        assert show.target_view(TargetId("tube"))["since"].startswith("2033-05-18T03:33")


async def test_two_threads_that_fail_for_one_reason_are_one_rebuilding(
    running: Running,
    destination: RtmpRecord,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show = await show_of(running, destination.url, destination.url)
    await running.node.start(show)
    for index in range(2):
        await (await destination.recording(index)).until_messages(10)
    first_told = threading.Event()

    def broken(*_scene_and_times: object) -> None:
        raise RuntimeError("the compositor is gone")

    def broken_later(*_scene_and_times: object) -> None:
        first_told.wait(TIMEOUT_S)
        raise RuntimeError("the compositor is gone too")

    monkeypatch.setattr(show.program(PORTRAIT)._stage, "compose", broken_later)
    monkeypatch.setattr(show.program(LANDSCAPE)._stage, "compose", broken)
    await until(lambda: "show_failed" in caplog.text)
    first_told.set()
    for index in (2, 3):
        await (await destination.recording(index)).until_messages(30)

    errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert errors == [f"show_failed show={show.id}"]
    assert "RuntimeError: the compositor is gone" in caplog.text
    assert show.on_air
    assert len(destination.recordings) == 4
