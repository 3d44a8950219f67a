"""An RTMP destination on this machine that records what arrives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from mediaserver.demo.broadcast import NotReached
from mediaserver.rtmp.events import MediaReceived, PublishRequested
from mediaserver.rtmp.listener import Connection, RtmpServer, Sink
from mediaserver.rtmp.recorder import FlvRecorder

LIMIT_BYTES = 1 << 30
"""More than an hour of 2 Mbit/s: what comes later is taken, but not kept."""


class Destination:
    """Accepts any stream key; the newest publisher's stream is what the file holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recorder: FlvRecorder | None = None
        self._file: BinaryIO | None = None
        self._server = RtmpServer(self._published)

    @property
    def url(self) -> str:
        return f"rtmp://127.0.0.1:{self._server.port}/live"

    async def start(self) -> None:
        await self._server.start(port=0)

    async def stop(self) -> None:
        await self._server.stop()
        if self._file is not None:
            self._file.close()

    async def ended(self, timeout_s: float) -> None:
        """Wait until the publisher is gone and all that it sent is in the file.

        Raises NotReached.
        """
        if self.recorder is None:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self.recorder.ended.wait()
        except TimeoutError:
            raise NotReached(f"the stream went on for {timeout_s:g} s after the end") from None

    async def _published(self, _request: PublishRequested, _connection: Connection) -> Sink:
        if self._file is not None:
            self._file.close()
        self._file = self.path.open("wb")
        self.recorder = _LimitedRecorder(self._file)
        return self.recorder


class _LimitedRecorder(FlvRecorder):
    def receive(self, media: MediaReceived) -> None:
        if self.bytes_received < LIMIT_BYTES:
            super().receive(media)


@asynccontextmanager
async def destination(path: Path) -> AsyncIterator[Destination]:
    """A destination on a free port, stopped with the block."""
    opened = Destination(path)
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()
