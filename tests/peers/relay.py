"""A TCP relay that can go dead without closing anything, as a network does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.peers.tcp import SMALL_BUFFER, Kept, listener


class Relay:
    """Carries bytes both ways until it is made a black hole."""

    def __init__(self, host: str, port: int) -> None:
        self.url = ""
        self._upstream = (host, port)
        self._pairs: list[_Near] = []

    def swallow(self) -> None:
        """From now on nothing goes through what is connected now; new connections are fine."""
        for near in self._pairs:
            near.is_dead = True
            if near.transport is not None and not near.closed.is_set():
                near.transport.pause_reading()

    async def end_upstream(self) -> None:
        """Close the dead connections' far ends, as a server's keepalive would in the end."""
        for near in self._pairs:
            if near.is_dead and near.far is not None and near.far.transport is not None:
                near.far.transport.abort()
                await near.far.closed.wait()

    def accept(self) -> "_Near":
        self._pairs.append(_Near(*self._upstream))
        return self._pairs[-1]


class _Near(Kept):
    """The end towards the target; it has a far end towards the server."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self.is_dead = False
        self.far: _Far | None = None
        self._upstream = (host, port)
        self._early = bytearray()
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, self.far = await loop.create_connection(lambda: _Far(self), *self._upstream)
        assert self.far.transport is not None
        self.far.transport.write(self._early)

    def data_received(self, data: bytes) -> None:
        if self.far is None or self.far.transport is None:
            self._early += data
        else:
            self.far.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.is_dead and self.far is not None and self.far.transport is not None:
            self.far.transport.close()
        super().connection_lost(error)


class _Far(Kept):
    def __init__(self, near: _Near) -> None:
        super().__init__()
        self._near = near

    def data_received(self, data: bytes) -> None:
        if not self._near.is_dead and self._near.transport is not None:
            self._near.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._near.is_dead and self._near.transport is not None:
            self._near.transport.close()
        super().connection_lost(error)


@asynccontextmanager
async def relay(host: str, port: int) -> AsyncIterator[Relay]:
    """A relay to an RTMP server."""
    carried = Relay(host, port)
    async with listener(carried.accept, SMALL_BUFFER) as carried.url:
        try:
            yield carried
        finally:
            carried.swallow()
            await carried.end_upstream()
