"""The lease that a show on air holds: of all servers on one Redis, one publishes it.

A lease runs out unless it is renewed. Each taking of it has a higher fencing token, under
which alone the show's record is written, so a server that slept through its lease changes
nothing. Redis away from its holder does not end a show: it is renewed when Redis is back, and
given up if another server has taken it since.
"""

from dataclasses import dataclass

from mediaserver.packet import ShowId
from mediaserver.store import HeldElsewhere, Store, key


@dataclass(frozen=True, slots=True)
class Lease:
    show_id: ShowId
    fence: int


class Leases:
    """Takes, keeps and gives back leases in the name of one server, the `holder`."""

    def __init__(self, store: Store, *, holder: str, ttl_s: float = 10.0) -> None:
        self.ttl_s = ttl_s
        self._store = store
        self._holder = holder

    async def acquire(self, show_id: ShowId) -> Lease:
        """Raises HeldElsewhere, or StoreUnavailable."""
        answer = await self._run("acquire", show_id, self._holder, self._ttl_ms)
        return Lease(show_id, int(answer))

    async def renew(self, lease: Lease) -> None:
        """Raises HeldElsewhere when another server took it after it had run out."""
        await self._run("renew", lease.show_id, self._holder, self._ttl_ms, str(lease.fence))

    async def release(self, lease: Lease) -> None:
        await self._run("release", lease.show_id, str(lease.fence))

    @property
    def _ttl_ms(self) -> str:
        return str(round(self.ttl_s * 1000))

    async def _run(self, script: str, show_id: ShowId, *arguments: str) -> str:
        keys = [key(show_id, "lease"), key(show_id, "fence")]
        result, *value = await self._store.script(script, keys, arguments)
        if result == "leased":
            raise HeldElsewhere(*value)
        return value[0] if value else ""
