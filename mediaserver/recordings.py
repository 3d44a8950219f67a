"""The files that shows were recorded in, below one directory: a directory for each show."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mediaserver.errors import NotFound
from mediaserver.packet import CanvasId, ShowId
from mediaserver.recording import Recording

_NAME = re.compile(r"(?P<canvas>[a-z0-9-]+)-\d{8}-\d{6}(-\d+)?\.mp4")


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file of a show; `changed_at` (unix seconds) is when it was last written to."""

    name: str
    canvas: CanvasId
    size: int
    changed_at: float


class Recordings:
    """Recordings leave `reserve_bytes` of the disk to the rest of the server."""

    def __init__(self, directory: Path, *, reserve_bytes: int, now: Callable[[], float]) -> None:
        self._directory = directory
        self._reserve_bytes = reserve_bytes
        self._now = now

    def recording(
        self, show_id: ShowId, canvas_id: CanvasId, on_change: Callable[[], None]
    ) -> Recording:
        """One of that canvas, to be begun."""
        return Recording(
            canvas_id,
            self._directory / show_id,
            reserve_bytes=self._reserve_bytes,
            now=self._now,
            on_change=on_change,
        )

    def files(self, show_id: ShowId) -> list[RecordedFile]:
        """What there is of a show, in the order of names: by canvas, then by time."""
        try:
            entries = sorted((self._directory / show_id).iterdir())
        except FileNotFoundError:
            return []
        return [file for path in entries if (file := _recorded_file(path)) is not None]

    def path(self, show_id: ShowId, name: str) -> Path:
        """Raises NotFound."""
        path = self._directory / show_id / name
        if not _NAME.fullmatch(name) or not path.is_file():
            raise NotFound("recording", name)
        return path


def _recorded_file(path: Path) -> RecordedFile | None:
    """None of what is no recording, or was deleted at this moment."""
    name = _NAME.fullmatch(path.name)
    if name is None:
        return None
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return RecordedFile(path.name, CanvasId(name["canvas"]), stat.st_size, stat.st_mtime)
