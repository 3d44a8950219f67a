"""A destination that takes everything and remembers it."""

import asyncio
import ssl
from types import TracebackType
from typing import Self

from mediaserver.rtmp.events import MediaReceived, PublishRequested
from mediaserver.rtmp.listener import Connection, RtmpServer

TIMEOUT_S = 30.0
"""For what should come at once, on a machine that is busy with other things."""


class Recording:
    """What one publisher sent."""

    def __init__(self, request: PublishRequested) -> None:
        self.app = request.app
        self.key = request.key
        self.media: list[MediaReceived] = []
        self.is_clean: bool | None = None
        """Whether the publisher said goodbye; None while it is there."""
        self._changed = asyncio.Event()

    def receive(self, media: MediaReceived) -> None:
        self.media.append(media)
        self._changed.set()

    def end(self, *, clean: bool) -> None:
        self.is_clean = clean
        self._changed.set()

    @property
    def pictures(self) -> list[MediaReceived]:
        """Video without the headers."""
        return [m for m in self.media if m.kind == "video" and m.payload[1] == 1]

    async def until_messages(self, count: int) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while len(self.media) < count:
                await self._next_change()

    async def until_ended(self) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while self.is_clean is None:
                await self._next_change()

    async def _next_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class RtmpRecord:
    """`recordings` holds one for each publisher, in the order they came."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.recordings: list[Recording] = []
        self._came = asyncio.Event()
        self._secure = tls is not None
        self._server = RtmpServer(self._on_publish, tls=tls)

    @property
    def url(self) -> str:
        return self.url_of("127.0.0.1")

    def url_of(self, host: str) -> str:
        return f"rtmp{'s' if self._secure else ''}://{host}:{self._server.port}/live"

    async def recording(self, index: int = 0) -> Recording:
        """Wait for the publisher that is `index`-th to come."""
        async with asyncio.timeout(TIMEOUT_S):
            while len(self.recordings) <= index:
                self._came.clear()
                await self._came.wait()
        return self.recordings[index]

    async def _on_publish(self, request: PublishRequested, _connection: Connection) -> Recording:
        self.recordings.append(Recording(request))
        self._came.set()
        return self.recordings[-1]

    async def __aenter__(self) -> Self:
        await self._server.start(port=0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._server.stop()
