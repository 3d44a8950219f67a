"""RTMP destinations that count and keep nothing, so that the runner does not grow by itself."""

import asyncio
from datetime import datetime
from types import TracebackType
from typing import Self

from mediaserver.rtmp.errors import PublishRefused
from mediaserver.rtmp.events import MediaReceived, PublishRequested
from mediaserver.rtmp.listener import Connection, RtmpServer
from tests.peers.tcp import SMALL_BUFFER, listening

AAC_FRAME_MS = {21, 22}
"""1,024 samples at 48 kHz in RTMP's whole milliseconds."""


class Destination:
    """Counts pictures and gaps in sound over all its connections. `refuses` newcomers while set."""

    def __init__(self) -> None:
        self.frames = 0
        self.sound_gaps: list[str] = []
        """When, and how long instead of the length of a block."""
        self.connections = 0
        self.refuses = False
        self._server = RtmpServer(self._on_publish)
        self._headers: dict[str, MediaReceived] = {}
        self._kept: list[MediaReceived] | None = None
        self._sound_ms: int | None = None

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def url(self) -> str:
        return f"rtmp://127.0.0.1:{self.port}/live"

    def hang_up(self) -> None:
        for connection in tuple(self._server.connections):
            connection.abort()

    def stall(self) -> None:
        """Read nothing from those who are connected now."""
        for connection in self._server.connections:
            connection.pause_writing()  # what a peer that takes no answers gets

    async def media(self, seconds: float) -> list[MediaReceived]:
        """What comes in so many seconds, after the headers."""
        self._kept = list(self._headers.values())
        try:
            await asyncio.sleep(seconds)
            return self._kept
        finally:
            self._kept = None

    def receive(self, media: MediaReceived) -> None:
        if media.kind == "data":
            return
        if media.payload[1] == 0:
            self._headers[media.kind] = media
        elif media.kind == "video":
            self.frames += 1
        else:
            before, self._sound_ms = self._sound_ms, media.timestamp_ms
            if before is not None and (step_ms := media.timestamp_ms - before) not in AAC_FRAME_MS:
                self.sound_gaps.append(f"{datetime.now():%H:%M:%S} {step_ms} ms")
        if self._kept is not None:
            self._kept.append(media)

    def end(self, *, clean: bool) -> None:
        self._sound_ms = None

    async def _on_publish(self, request: PublishRequested, _connection: Connection) -> Self:
        if self.refuses:
            raise PublishRefused("no such key")
        self.connections += 1
        return self

    async def __aenter__(self) -> Self:
        await self._server.start(listening(SMALL_BUFFER))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._server.stop()
