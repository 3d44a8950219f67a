"""The recordings of a show's canvases, begun and ended as its record says."""

import asyncio
from collections.abc import Callable
from functools import partial

from mediaserver.air import Air
from mediaserver.media import Media
from mediaserver.packet import CanvasId, ShowId
from mediaserver.recording import Recording, RecordingStatus
from mediaserver.state import ShowRecord


class Recorder:
    """`on_change` hears of each canvas whose recording begins a file, ends one, or fails."""

    def __init__(
        self, show_id: ShowId, media: Media, air: Air, on_change: Callable[[CanvasId], None]
    ) -> None:
        self._show_id = show_id
        self._media = media
        self._air = air
        self._on_change = on_change
        self._recordings: dict[CanvasId, Recording] = {}
        self._running: set[CanvasId] = set()

    def follow(self, record: ShowRecord) -> None:
        """Record what `record` wants recorded, and nothing else; of an interrupted show nothing
        until it is resumed."""
        canvases = {} if record.interrupted else record.canvases
        wanted = {key for key, canvas in canvases.items() if canvas.recording}
        for canvas_id in self._running - wanted:
            self._running.remove(canvas_id)
            self._air.remove_reader(canvas_id, self._recordings[canvas_id])
        for canvas_id in wanted - self._running:
            recording = self.prepared(canvas_id)
            self._recordings[canvas_id] = recording
            self._running.add(canvas_id)
            self._air.add_reader(canvas_id, recording)

    def prepared(self, canvas_id: CanvasId) -> Recording:
        """A recording of that canvas that has not begun."""
        return self._media.recording(self._show_id, canvas_id, partial(self._on_change, canvas_id))

    def status(self, canvas_id: CanvasId) -> RecordingStatus | None:
        """None of a canvas that was not recorded since the server knows the show."""
        recording = self._recordings.get(canvas_id)
        return recording.snapshot() if recording is not None else None

    def failed(self) -> set[CanvasId]:
        """The canvases whose recording has stopped by itself."""
        return {key for key in self._running if self._recordings[key].snapshot().reason}

    async def closed(self) -> None:
        """Wait until the files of what was recorded are complete."""
        await asyncio.gather(*(recording.closed() for recording in self._recordings.values()))
