"""Which products have changed since the sidecar last looked at them.

Every write counts the product up in the same script, and the sidecar strikes off what it has seen:
a change that comes while it looks stays marked.
"""

from collections.abc import Iterable, Mapping

from sync.connection import Connection
from sync.model import ProductId
from sync.store.keys import DIRTY


class Dirty:
    """Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis

    async def all(self) -> dict[ProductId, int]:
        """The changes not looked at yet, by product: also of products that are no more."""
        found = await self._connection.asked(lambda: self._redis.hgetall(DIRTY))
        return {ProductId(name.decode()): int(count) for name, count in found.items()}

    async def mark(self, products: Iterable[ProductId]) -> None:
        pipeline = self._redis.pipeline(transaction=True)
        for product in products:
            pipeline.hincrby(DIRTY, product, 1)
        await self._connection.asked(pipeline.execute)

    async def seen(self, changes: Mapping[ProductId, int]) -> None:
        """Strike off `changes`, as `all` told them, of which nothing has changed since."""
        if changes:
            arguments = [part for pair in changes.items() for part in pair]
            await self._connection.script("sync.store", "seen", [DIRTY], arguments)
