"""A destination that refuses every key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mediaserver.rtmp.errors import PublishRefused
from mediaserver.rtmp.events import PublishRequested
from mediaserver.rtmp.listener import Connection, RtmpServer, Sink


@asynccontextmanager
async def rtmp_reject(code: str, description: str) -> AsyncIterator[str]:
    """Its URL."""

    async def refuse(_request: PublishRequested, _connection: Connection) -> Sink:
        raise PublishRefused(description, code)

    server = RtmpServer(refuse)
    await server.start(port=0)
    try:
        yield f"rtmp://127.0.0.1:{server.port}/live"
    finally:
        await server.stop()
