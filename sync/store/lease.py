"""The lease under which one server alone syncs the shop, and its fencing token.

Each taking of it raises the token, and whoever writes what TikTok has or says does so only while
theirs is the latest: a server that slept through its lease writes nothing.
"""

from collections.abc import Mapping
from typing import NewType

from sync.connection import ANSWER_TIMEOUT_S, Connection
from sync.errors import SyncError
from sync.store.keys import key

Fence = NewType("Fence", int)

LEASE = key("lease:sync")
FENCE = key("fence:sync")


class LeaseLost(SyncError):
    """Another server syncs the shop now."""

    def __init__(self) -> None:
        super().__init__("another server has taken over the sync of the shop")


class Lease:
    """The lease in the name of one server, the `holder`. Raises StoreUnavailable."""

    def __init__(self, connection: Connection, *, holder: str, ttl_s: float = 10.0) -> None:
        self._connection = connection
        self._holder = holder
        self.ttl_s = ttl_s

    async def acquire(self) -> Fence | None:
        """None while another server holds it."""
        answer = await self._run("acquire_lease", self._holder, self._ttl_ms)
        return Fence(int(answer[1])) if answer[0] == "ok" else None

    async def renew(self, fence: Fence) -> None:
        """Raises LeaseLost."""
        answer = await self._run("renew_lease", self._holder, self._ttl_ms, fence)
        if answer[0] == "lost":
            raise LeaseLost

    async def release(self, fence: Fence) -> None:
        await self._run("release_lease", fence)

    async def free(self) -> None:
        """Take the lease from its holder: for a server that knows that nobody else is alive."""
        pipeline = self._connection.redis.pipeline(transaction=True)
        pipeline.incr(FENCE)
        pipeline.delete(LEASE)
        await self._connection.asked(pipeline.execute)

    async def _run(self, name: str, *arguments: str | int) -> list[str]:
        return await self._connection.script("sync.store", name, [LEASE, FENCE], arguments)

    @property
    def _ttl_ms(self) -> int:
        return round(self.ttl_s * 1000)


async def save_fenced(
    connection: Connection,
    fence: Fence,
    name: str,
    document: bytes,
    channel: str,
    notice: bytes,
    timeout_s: float = ANSWER_TIMEOUT_S,
) -> None:
    """Write one key, and tell of it with `notice` unless that is b"". Raises LeaseLost."""
    answer = await connection.script(
        "sync.store", "save_fenced", [name, FENCE], [fence, document, channel, notice], timeout_s
    )
    if answer[0] == "lost":
        raise LeaseLost


async def save_fenced_fields(
    connection: Connection,
    fence: Fence,
    name: str,
    fields: Mapping[str, str | bytes],
    channel: str,
    notice: bytes,
) -> None:
    """The same with fields of a hash."""
    written = [part for field in fields.items() for part in field]
    answer = await connection.script(
        "sync.store", "save_fenced_fields", [name, FENCE], [fence, channel, notice, *written]
    )
    if answer[0] == "lost":
        raise LeaseLost
