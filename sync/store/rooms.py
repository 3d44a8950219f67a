"""What people say of LIVE rooms, in Redis: the show that each belongs to."""

from collections.abc import Mapping

import msgspec

from sync.connection import Connection
from sync.orders.order import RoomId
from sync.sales.rooms import Said
from sync.store.keys import NOTICES, key
from sync.store.notices import encoded

ROOMS = key("rooms")
"""hash: room → JSON"""


class Rooms:
    """Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis

    async def said(self) -> Mapping[RoomId, Said]:
        """By the rooms of which anything was said."""
        found = await self._connection.asked(lambda: self._redis.hgetall(ROOMS))
        return {
            RoomId(room.decode()): msgspec.json.decode(document, type=Said)
            for room, document in found.items()
        }

    async def say(self, room: RoomId, said: Said) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(ROOMS, room, msgspec.json.encode(said))
            pipeline.publish(NOTICES, encoded("sales"))
            await self._connection.asked(pipeline.execute)
