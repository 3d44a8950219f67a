"""Buyers' data in Redis: sealed, apart from the orders, and only for a while.

It is written with its order (orders.py), and erased by the script that ends a channel's connection
(channel.py).
"""

from collections.abc import Callable

from sync.connection import Connection
from sync.model import ChannelId
from sync.orders.order import Order
from sync.store.keys import key

_SLICE = 500


def buyers_keys(channel: ChannelId) -> tuple[str, str]:
    """hash: order → what is kept of its buyer, sealed; sorted set, scores unix seconds: orders, by
    when that is to be erased."""
    return key(f"buyers:{channel}"), key(f"buyers:{channel}:until")


class Buyers:
    """Each call raises StoreUnavailable when Redis is away. `now` gives unix seconds."""

    def __init__(self, connection: Connection, now: Callable[[], float]) -> None:
        self._connection = connection
        self._redis = connection.redis
        self._now = now

    async def get(self, order: Order) -> str | None:
        """What is kept of its buyer, sealed; None where there is nothing, or not any more."""
        kept, until = buyers_keys(order.channel)
        ends_at = await self._connection.asked(lambda: self._redis.zscore(until, order.id))
        if ends_at is None or ends_at <= self._now():
            return None
        sealed = await self._connection.asked(lambda: self._redis.hget(kept, order.id))
        return None if sealed is None else sealed.decode()

    async def erase(self, channel: ChannelId) -> None:
        """All that is kept of its buyers."""
        await self._connection.asked(lambda: self._redis.unlink(*buyers_keys(channel)))

    async def expire(self, channel: ChannelId) -> int:
        """Erase what has been kept for long enough; of how many orders."""
        erased = 0
        while True:
            answer = await self._connection.script(
                "sync.store", "expire_buyers", buyers_keys(channel), [str(self._now()), _SLICE]
            )
            erased += int(answer[0])
            if int(answer[0]) < _SLICE:
                return erased
