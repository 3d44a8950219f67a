"""When which show's target on TikTok was live, in Redis: what LIVE rooms are known by.

An airing is written by the server that sends it, and by no other.
"""

from collections.abc import Sequence

import msgspec

from sync.connection import Connection
from sync.sales.rooms import Airing
from sync.store.keys import NOTICES, key
from sync.store.notices import encoded

AIRINGS = key("airings")
"""hash: airing → JSON"""


class Airings:
    """Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis

    async def all(self) -> list[Airing]:
        found = await self._connection.asked(lambda: self._redis.hvals(AIRINGS))
        return [msgspec.json.decode(document, type=Airing) for document in found]

    async def save(self, airings: Sequence[Airing], *, is_news: bool) -> None:
        """`is_news` of one that has begun or ended: LIVE rooms may be another show's now."""
        if not airings:
            return
        items = [part for each in airings for part in (each.id, msgspec.json.encode(each))]
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(AIRINGS, items=items)
            if is_news:
                pipeline.publish(NOTICES, encoded("sales"))
            await self._connection.asked(pipeline.execute)
