"""A canvas is made while somebody wants it: a target, or a reader, on air or not."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from mediaserver.errors import NotFound
from mediaserver.packet import CanvasId, TargetId
from mediaserver.program import Program
from mediaserver.show import Show
from sync.secret import Secret
from tests.control.servers import LANDSCAPE, SMALL, Running
from tests.control.until import until
from tests.peers.rtmp_record import RtmpRecord

TIMEOUT_S = 30.0
SLOT = {"feed": "ann", "rect": [0.5, 0.5, 0.25, 0.25]}
RED, RED_LUMA = {"background": "#ff0000", "slots": [SLOT]}, 63


class Watching:
    """A reader that notes what it is told."""

    def __init__(self) -> None:
        self.programs: list[Program] = []
        self.is_reading = False

    def begin(self, program: Program) -> None:
        assert not self.is_reading
        self.programs.append(program)
        self.is_reading = True

    def end(self) -> None:
        assert self.is_reading
        self.is_reading = False


@pytest.fixture
async def destination() -> AsyncIterator[RtmpRecord]:
    async with RtmpRecord() as record:
        yield record


@pytest.fixture
async def show(running: Running, destination: RtmpRecord) -> Show:
    show = await running.node.create("Autumn", {LANDSCAPE: SMALL}, starts_at=None, channels=())
    await show.add_target("Tube", "custom", None, destination.url, Secret("the-key"))
    return show


async def until_stopped(show: Show) -> None:
    await until(lambda: not show.program_stats())


async def test_a_reader_has_a_canvas_made_off_air_until_it_is_removed(
    running: Running, show: Show
) -> None:
    reader, other = Watching(), Watching()
    show.add_reader(LANDSCAPE, reader)
    show.add_reader(LANDSCAPE, other)
    queue = reader.programs[0].fanout.subscribe(lambda: None)
    await until(lambda: queue.pop() is not None)
    seen = show.view()
    stored = await running.store.load(show.id)

    show.remove_reader(LANDSCAPE, other)
    await reader.programs[0].snapshot(TIMEOUT_S)
    show.remove_reader(LANDSCAPE, reader)
    await until_stopped(show)

    assert reader.programs == other.programs
    assert len(reader.programs) == 1
    assert seen["status"] == "idle"
    assert seen["canvases"]["landscape"]["program"] is not None
    assert stored is not None
    assert stored.holder is None
    assert not reader.is_reading
    assert show.view()["canvases"]["landscape"]["program"] is None


async def test_a_reader_of_a_canvas_that_is_not_there_is_refused(show: Show) -> None:
    with pytest.raises(NotFound):
        show.add_reader(CanvasId("none"), Watching())


async def test_a_layout_that_is_put_on_off_air_is_shown_to_readers(show: Show) -> None:
    reader = Watching()
    show.add_reader(LANDSCAPE, reader)
    await reader.programs[0].snapshot(TIMEOUT_S)

    await show.add_feed("Ann", admitted=True)
    await show.set_layout(LANDSCAPE, RED)

    async with asyncio.timeout(TIMEOUT_S):
        while True:
            picture = await show.program(LANDSCAPE).snapshot(TIMEOUT_S)
            if picture.to_ndarray()[0, 0] == RED_LUMA:
                break


async def test_a_reader_goes_on_when_the_show_comes_and_goes(
    show: Show, running: Running, destination: RtmpRecord
) -> None:
    reader = Watching()
    show.add_reader(LANDSCAPE, reader)
    await running.node.start(show)
    await (await destination.recording()).until_messages(10)

    await show.stop_target(TargetId("tube"))
    await show.end()

    assert reader.is_reading
    assert len(reader.programs) == 1
    await reader.programs[0].snapshot(TIMEOUT_S)


async def test_a_canvas_that_changes_is_made_anew_for_its_readers(show: Show) -> None:
    reader = Watching()
    show.add_reader(LANDSCAPE, reader)

    await show.change(canvases={LANDSCAPE: msgspec.structs.replace(SMALL, width=640)})

    assert reader.is_reading
    assert len(reader.programs) == 2
    assert (await reader.programs[1].snapshot(TIMEOUT_S)).width == 640
    assert not reader.programs[0]._thread.is_alive()


async def test_readers_of_a_canvas_that_is_removed_are_told_of_the_end(
    running: Running, show: Show
) -> None:
    portrait, reader = CanvasId("portrait"), Watching()
    await show.change(canvases={portrait: SMALL})
    show.add_reader(portrait, reader)

    await show.change(canvases={portrait: None})

    assert not reader.is_reading
    assert show.program_stats() == {}


async def test_media_that_fail_are_built_up_again_for_readers_too(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the encoder is gone")

    reader = Watching()
    show.add_reader(LANDSCAPE, reader)
    monkeypatch.setattr(reader.programs[0]._encoder, "encode", broken)

    await until(lambda: len(reader.programs) == 2)

    assert reader.is_reading
    await reader.programs[1].snapshot(TIMEOUT_S)


async def test_a_show_that_is_deleted_parts_with_its_readers(running: Running, show: Show) -> None:
    reader = Watching()
    show.add_reader(LANDSCAPE, reader)

    await running.node.delete(show.id)

    assert not reader.is_reading
