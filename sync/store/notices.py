"""Notices: what changed in the store, told to every server on the same Redis.

Whoever writes publishes in the same script or transaction, `encoded` on keys.NOTICES. Ids are those
of products for the kinds product, stock and listing.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import msgspec
from redis.exceptions import RedisError

from sync.connection import Connection
from sync.model import Notice, NoticeKind
from sync.store.keys import NOTICES

EVERYTHING = Notice("all")

_QUIET_S = 5.0
"""How long Redis may say nothing before it is asked whether it is still there."""

_AGAIN_S = 0.2


def encoded(kind: NoticeKind, *ids: str) -> bytes:
    return msgspec.json.encode(Notice(kind, ids))


class Notices:
    """What is published from now on. A listener that Redis finds too slow is cut off by it, and
    told EVERYTHING when it is back: so no queue here is without a bound."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.redis

    async def listen(self) -> AsyncGenerator[Notice, None]:
        """Each notice, from a connection of its own; EVERYTHING first, and whenever some may have
        been missed. Waits for a Redis that is away. Use it under contextlib.aclosing."""
        while True:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                async with contextlib.aclosing(self._heard()) as heard:
                    async for notice in heard:
                        yield notice
            await asyncio.sleep(_AGAIN_S)

    async def _heard(self) -> AsyncGenerator[Notice, None]:
        """Notices until the connection is lost, and then the error that tells."""
        async with self._redis.pubsub() as channel:
            async with asyncio.timeout(_QUIET_S):
                await channel.subscribe(NOTICES)
            is_asked = False
            while True:
                async with asyncio.timeout(2 * _QUIET_S):  # it connects again by itself
                    message = await channel.get_message(timeout=_QUIET_S)
                if message is None:
                    if is_asked:
                        raise TimeoutError
                    is_asked = True
                    await channel.ping()
                    continue
                is_asked = False
                if message["type"] == "subscribe":  # also after it has connected again
                    yield EVERYTHING
                elif message["type"] == "message":
                    yield _decoded(message["data"])


def _decoded(data: bytes) -> Notice:
    try:
        return msgspec.json.decode(data, type=Notice)
    except msgspec.DecodeError:  # of a newer server: whatever it is, it is one of all
        return EVERYTHING
