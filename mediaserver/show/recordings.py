"""Commands on the recordings of a show's canvases."""

import asyncio

import msgspec

from mediaserver.errors import Conflict
from mediaserver.packet import CanvasId
from mediaserver.show.core import ShowCore
from mediaserver.state import ShowRecord

_DISK_TIMEOUT_S = 2.0


class RecordingCommands(ShowCore):
    async def start_recording(self, canvas_id: CanvasId) -> bool:
        """Record the canvas, on air or not, until that is stopped or the show ends.

        Raises NotFound, and Conflict when it is recorded already, there is no room, or the show is
        interrupted: it records again what it did when it is resumed.
        """
        async with self._lock:
            if self.record.interrupted:
                raise Conflict("the show is interrupted: start it or end it first")
            if self.canvas(canvas_id).recording:
                raise Conflict("the canvas is being recorded already")
            await self._check_disk(canvas_id)
            return await self._commit(self._with_recording(canvas_id, recording=True))

    async def stop_recording(self, canvas_id: CanvasId) -> bool:
        """Complete the file. Raises NotFound, and Conflict when the canvas is not recorded."""
        async with self._lock:
            if not self.canvas(canvas_id).recording:
                raise Conflict("the canvas is not being recorded")
            durable = await self._commit(self._with_recording(canvas_id, recording=False))
        await self._recorder.closed()
        return durable

    async def _give_up_recordings(self) -> None:
        """Take note of those that have stopped by themselves. Raises Conflict."""
        for canvas_id in self._recorder.failed():
            await self._commit(self._with_recording(canvas_id, recording=False))

    def _with_recording(self, canvas_id: CanvasId, *, recording: bool) -> ShowRecord:
        changed = msgspec.structs.replace(self.canvas(canvas_id), recording=recording)
        return self.record.with_canvas(canvas_id, changed)

    async def _check_disk(self, canvas_id: CanvasId) -> None:
        """Raises Conflict."""
        check = self._recorder.prepared(canvas_id).check_room
        try:
            async with asyncio.timeout(_DISK_TIMEOUT_S):
                await asyncio.to_thread(check)
        except TimeoutError:
            raise Conflict("the disk for recordings does not answer: try again") from None
