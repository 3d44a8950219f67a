import asyncio
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest

from mediaserver.clock import MonotonicClock
from mediaserver.encoder import VideoEncoding
from mediaserver.errors import Conflict
from mediaserver.mixer import AudioBus
from mediaserver.packet import CanvasId
from mediaserver.program import Program
from mediaserver.recording import FreeBytes, Recording
from tests.media import Programme

RESERVE = 1000
BEGAN_S = 1_770_000_000.0
ENCODING = VideoEncoding(320, 180, Fraction(30), 500_000, "ultrafast")


class Stopped:
    """A program at rest, into which tests put packets, and what its recording tells."""

    def __init__(self, directory: Path, free: FreeBytes = lambda _: RESERVE) -> None:
        clock = MonotonicClock()
        audio = AudioBus("test", clock=clock, on_failure=fail)
        self.program = Program(
            CanvasId("portrait"), ENCODING, audio=audio, clock=clock, on_failure=fail
        )
        self._changed = asyncio.Event()
        self.recording = Recording(
            CanvasId("portrait"),
            directory,
            reserve_bytes=RESERVE,
            now=lambda: BEGAN_S,
            on_change=self._changed.set,
            free=free,
        )

    def play(self, programme: Programme) -> None:
        for header in programme.headers.values():
            self.program.fanout.publish(header)
        for packet in programme.packets:
            self.program.fanout.publish(packet)

    async def stopped(self) -> str | None:
        """Wait until the recording is no more; the reason it gives."""
        async with asyncio.timeout(10):
            while self.recording.snapshot().status != "stopped":
                self._changed.clear()
                await self._changed.wait()
        return self.recording.snapshot().reason


def fail(error: Exception) -> None:
    raise AssertionError(error)


def files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def pictures(file: Path) -> list[float | None]:
    """The times of the pictures in `file`."""
    with av.open(str(file)) as container:
        return [frame.time for frame in container.decode(video=0)]


async def test_each_time_a_canvas_is_made_is_a_file_of_its_own(tmp_path: Path) -> None:
    show = Stopped(tmp_path)
    for seconds in (2, 1):
        show.recording.begin(show.program)
        assert show.recording.snapshot().status == "recording"
        show.play(Programme(seconds))
        show.recording.end()
        await show.recording.closed()
    status = show.recording.snapshot()
    assert (status.status, status.reason, status.parts) == ("stopped", None, 2)
    second, first = files(tmp_path)
    assert first.name == "portrait-20260202-024000.mp4"
    assert second.name == "portrait-20260202-024000-2.mp4"
    assert [len(pictures(first)), len(pictures(second))] == [60, 30]
    assert pictures(second)[0] == 0
    assert status.bytes_written == first.stat().st_size + second.stat().st_size
    assert show.program.fanout.readers == 0


async def test_a_canvas_made_anew_at_once_has_a_file_of_its_own_before_anything_is_written(
    tmp_path: Path,
) -> None:
    show = Stopped(tmp_path)
    show.recording.begin(show.program)
    first = show.recording.snapshot().file
    show.recording.end()
    show.recording.begin(show.program)
    second = show.recording.snapshot().file
    show.recording.end()
    await show.recording.closed()
    assert (first, second) == ("portrait-20260202-024000.mp4", "portrait-20260202-024000-2.mp4")


async def test_a_recording_stops_before_the_disk_is_full_and_keeps_what_it_has(
    tmp_path: Path,
) -> None:
    left: Iterator[int] = iter([RESERVE] * 4)
    show = Stopped(tmp_path, free=lambda _: next(left, RESERVE - 1))
    show.recording.begin(show.program)
    show.play(Programme(3))
    assert "delete old ones" in (await show.stopped() or "")
    await show.recording.closed()
    (file,) = files(tmp_path)
    assert 20 <= len(pictures(file)) < 90
    assert show.program.fanout.readers == 0
    show.recording.begin(show.program)
    assert show.recording.snapshot().status == "stopped"


async def test_a_disk_without_room_is_said_before_it_begins(tmp_path: Path) -> None:
    show = Stopped(tmp_path / "new", free=lambda _: RESERVE - 1)
    with pytest.raises(Conflict, match="delete old ones"):
        show.recording.check_room()


async def test_a_place_that_cannot_be_written_is_said_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Conflict, match="cannot be kept"):
        Stopped(tmp_path / "file" / "below").recording.check_room()


async def test_a_directory_that_goes_away_stops_the_recording_alone(tmp_path: Path) -> None:
    show = Stopped(tmp_path / "gone")
    show.recording.begin(show.program)
    show.play(Programme(1))
    assert "cannot be written" in (await show.stopped() or "")
    await show.recording.closed()


async def test_a_disk_that_hangs_costs_the_recording_frames_and_nobody_else(
    tmp_path: Path,
) -> None:
    works, hangs = threading.Event(), threading.Event()

    def free(_: Path) -> int:
        hangs.set()
        works.wait(20)
        return RESERVE

    show = Stopped(tmp_path, free=free)
    other = show.program.fanout.subscribe(limit_s=60)
    show.recording.begin(show.program)
    programme = Programme(12)
    show.play(programme)
    assert await asyncio.to_thread(hangs.wait, 10)
    assert show.recording.snapshot().frames_dropped > 0
    assert other.frames_dropped == 0
    works.set()
    show.recording.end()
    await show.recording.closed()
    (file,) = files(tmp_path)
    times = pictures(file)
    assert len(times) == 12 * 30 - show.recording.snapshot().frames_dropped
    assert times == sorted(times, key=lambda time: time or 0)
