"""The recording of a canvas: the packets that go out, kept in files without another encode."""

import asyncio
import itertools
import logging
import queue
import shutil
import threading
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import av

from mediaserver.errors import Conflict
from mediaserver.fanout import PacketQueue
from mediaserver.mp4 import Mp4Writer
from mediaserver.packet import TICKS_PER_S, CanvasId, EncodedPacket, Kind
from mediaserver.program import Program

log = logging.getLogger(__name__)

BATCH_S = 0.25
"""Packets go to the disk's thread together: one wake-up for so much of the show."""
BACKLOG_BATCHES = 8
"""What a slow disk may leave waiting with its thread; what is more waits in the fan-out's queue,
which drops to a keyframe."""
CLOSE_TIMEOUT_S = 2.0

_GIB = 1 << 30

FreeBytes = Callable[[Path], int]


def free_bytes(directory: Path) -> int:
    """Of the file system that holds `directory`. Raises OSError."""
    return shutil.disk_usage(directory).free


@dataclass(frozen=True, slots=True)
class RecordingStatus:
    """What a panel shows of a recording. `file` is the part that is, or was last, written;
    `since` is in seconds of the clock of viewers. The counters are of all parts since the start."""

    status: Literal["recording", "stopped"]
    since: float
    file: str | None
    parts: int
    bytes_written: int
    frames_dropped: int
    reason: str | None


class Recording:
    """Keeps a canvas in `directory` from the time it is made until it stops being made, one file
    each time. To be used on the event loop; a thread of its own writes.

    `on_change` hears of every change of status. A recording that stops by itself gives its
    `reason`: a disk that is full but for `reserve_bytes`, or one that fails.
    """

    def __init__(
        self,
        canvas: CanvasId,
        directory: Path,
        *,
        reserve_bytes: int,
        now: Callable[[], float],
        on_change: Callable[[], None],
        free: FreeBytes = free_bytes,
    ) -> None:
        self._canvas = canvas
        self._directory = directory
        self._reserve_bytes = reserve_bytes
        self._now = now
        self._on_change = on_change
        self._free = free
        self._program: Program | None = None
        self._part: _Part | None = None
        self._parts: list[_Part] = []
        self._since = now()
        self._reason: str | None = None

    def check_room(self) -> None:
        """Raises Conflict when the disk is too full to begin."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            lack = self._lack()
        except OSError as error:
            lack = f"the recording cannot be kept in {self._directory}: {error.strerror}"
        if lack is not None:
            raise Conflict(lack)

    def begin(self, program: Program) -> None:
        """The canvas is being made: write a new file."""
        if self._reason is not None:
            return
        self._program = program
        taken = {part.path for part in self._parts}  # a file is made with its first packets
        path = _unused(self._directory, self._canvas, self._now(), taken)
        self._part = _Part(path, program.fanout.subscribe, self._lack, self._failed)
        self._parts.append(self._part)
        log.info("recording_began canvas=%s file=%s", self._canvas, path.name)
        self._on_change()

    def end(self) -> None:
        """The canvas is not made any more: complete the file."""
        part, self._part = self._part, None
        if part is not None and self._program is not None:
            self._program.fanout.unsubscribe(part.queue)
            part.finish()
            log.info("recording_ended canvas=%s file=%s", self._canvas, part.path.name)
            self._on_change()

    async def closed(self) -> None:
        """Wait until what was given is on its way to the disk; a disk that hangs is not waited
        for."""
        for part in self._parts:
            await asyncio.to_thread(part.join, CLOSE_TIMEOUT_S)

    def snapshot(self) -> RecordingStatus:
        last = self._parts[-1] if self._parts else None
        return RecordingStatus(
            status="recording" if self._part is not None else "stopped",
            since=self._since,
            file=last.path.name if last is not None else None,
            parts=len(self._parts),
            bytes_written=sum(part.bytes_written for part in self._parts),
            frames_dropped=sum(part.queue.frames_dropped for part in self._parts),
            reason=self._reason,
        )

    def _lack(self) -> str | None:
        """Why there is no room for more. Raises OSError."""
        free = self._free(self._directory)
        if free >= self._reserve_bytes:
            return None
        return (
            f"the disk has {free / _GIB:.1f} GiB left, and recordings leave "
            f"{self._reserve_bytes / _GIB:.1f} GiB to the rest of the server: delete old ones"
        )

    def _failed(self, part: "_Part", reason: str) -> None:
        if part is not self._part:
            return
        self._reason = reason
        self._since = self._now()
        log.error("recording_stopped canvas=%s reason=%r", self._canvas, reason)
        self.end()


class _Part:
    """One file, and the thread that writes it."""

    def __init__(
        self,
        path: Path,
        subscribe: Callable[[Callable[[], None]], PacketQueue],
        lack: Callable[[], str | None],
        on_failure: Callable[["_Part", str], None],
    ) -> None:
        self.path = path
        self.bytes_written = 0
        self._lack = lack
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._batches: queue.SimpleQueue[Sequence[EncodedPacket] | None] = queue.SimpleQueue()
        self._batch: list[EncodedPacket] = []
        self._thread = threading.Thread(target=self._run, name=f"record-{path.stem}", daemon=True)
        self._thread.start()
        self.queue = subscribe(self._packet_came)

    def finish(self) -> None:
        """Complete the file with what has come; the thread ends by itself."""
        self._take()
        self._batches.put(self._batch)
        self._batches.put(None)

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.error("recording_hangs file=%s", self.path.name)

    def _packet_came(self) -> None:
        if self._batches.qsize() >= BACKLOG_BATCHES:
            return
        self._take()
        times = [packet.dts for packet in self._batch if not packet.is_header]
        if times and times[-1] - times[0] >= BATCH_S * TICKS_PER_S:
            self._batches.put(self._batch)
            self._batch = []

    def _take(self) -> None:
        while (packet := self.queue.pop()) is not None:
            self._batch.append(packet)

    def _run(self) -> None:
        try:
            reason = self._write()
        except (OSError, av.FFmpegError) as error:
            reason = f"the file cannot be written: {error.strerror}"
        except Exception:
            log.exception("recording_failed file=%s", self.path.name)
            reason = "an error inside this server, see its log"
        if reason is not None:
            self._loop.call_soon_threadsafe(self._on_failure, self, reason)

    def _write(self) -> str | None:
        """Write until `finish`; why it ended before."""
        headers: dict[Kind, EncodedPacket] = {}
        first: list[EncodedPacket] = []
        writer: Mp4Writer | None = None
        try:
            while (batch := self._batches.get()) is not None:
                if (reason := self._lack()) is not None:
                    return reason
                headers |= {packet.kind: packet for packet in batch if packet.is_header}
                packets = [packet for packet in batch if not packet.is_header]
                if writer is not None:
                    for packet in packets:
                        writer.write(packet)
                else:
                    first += packets
                    if {packet.kind for packet in first} == headers.keys() == {"video", "audio"}:
                        writer = Mp4Writer(self.path, headers, first)
                if writer is not None:
                    self.bytes_written = self.path.stat().st_size
            return None
        finally:
            if writer is not None:
                writer.close()
                self.bytes_written = self.path.stat().st_size


def _unused(directory: Path, canvas: CanvasId, unix_s: float, taken: Container[Path]) -> Path:
    """A name that tells canvas and time (UTC), of no file that is there, and not one of `taken`."""
    began = datetime.fromtimestamp(unix_s, UTC).strftime("%Y%m%d-%H%M%S")
    names = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    paths = (directory / f"{canvas}-{began}{name}.mp4" for name in names)
    return next(path for path in paths if path not in taken and not path.exists())
