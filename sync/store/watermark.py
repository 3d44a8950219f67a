"""Up to when TikTok's orders have been read."""

import msgspec

from sync.connection import Connection
from sync.store.keys import NOTICES, key
from sync.store.lease import Fence, save_fenced

WATERMARK = key("orders:watermark")


class Watermark(msgspec.Struct, frozen=True):
    """Each of TikTok's orders as it was before `upto` (its unix seconds) has been taken in, and
    each return as it was before `returns_upto`. Orders made before `since`, when TikTok was first
    connected, ask for no stock."""

    upto: int
    returns_upto: int
    since: float


class Watermarks:
    """Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis

    async def get(self) -> Watermark | None:
        """None before the first look."""
        document = await self._connection.asked(lambda: self._redis.get(WATERMARK))
        return None if document is None else msgspec.json.decode(document, type=Watermark)

    async def save(self, watermark: Watermark, fence: Fence) -> None:
        """Raises LeaseLost."""
        document = msgspec.json.encode(watermark)
        await save_fenced(self._connection, fence, WATERMARK, document, NOTICES, b"")
