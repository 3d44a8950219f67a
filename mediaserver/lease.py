"""The lease that a show on air holds: of all servers on one Redis, one publishes it.

A lease runs out unless it is renewed. Each taking of it, and each change of a show that nobody
holds, raises the show's fencing token; a holder writes only while its own is the latest, so a
server that slept through its lease undoes nothing. Redis away from its holder does not end a
show: it is renewed when Redis is back, and given up if another server has taken, changed or
deleted the show since (docs/adr/0005).
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from mediaserver.packet import ShowId
from mediaserver.store import Store


@dataclass(frozen=True, slots=True)
class Lease:
    show_id: ShowId
    fence: int


def holder_name(base_url: str, run: str) -> str:
    """What the server at `base_url` calls itself in one `run` of its process."""
    return f"{base_url} ({run})"


def server_of(holder: str) -> str:
    """The server that calls itself `holder` in one of its runs: the same in all of them, for a
    run is called SERVER.NUMBER."""
    found = re.fullmatch(r".* \(([^.]+)\..*\)", holder)
    return found[1] if found else holder


def base_url_of(holder: str) -> str | None:
    """Where the server that calls itself `holder` is, if its name says so."""
    found = re.fullmatch(r"(https?://\S+) \(.*\)", holder)
    return found[1] if found else None


class Leases:
    """Takes, keeps and gives back leases in the name of one server, the `holder`; its store
    must write in the same name."""

    def __init__(
        self,
        store: Store,
        *,
        holder: str,
        ttl_s: float = 10.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.holder = holder
        self.ttl_s = ttl_s
        self._store = store
        self._now = now

    async def acquire(self, show_id: ShowId) -> Lease:
        """Raises HeldElsewhere, or StoreUnavailable."""
        answer = await self._store.show_script(
            "acquire", show_id, self.holder, self._ttl_ms, str(self._now())
        )
        return Lease(show_id, int(answer[1]))

    async def renew(self, lease: Lease) -> bool:
        """Whether Redis still has the show's record: if not, it has lost data.

        Raises HeldElsewhere, StaleRecord or MissingRecord when another server took, changed or
        deleted the show after the lease had run out.
        """
        fence = str(lease.fence)
        answer = await self._store.show_script(
            "renew", lease.show_id, self.holder, self._ttl_ms, fence, str(self._now())
        )
        return answer[0] != "lost"

    async def release(self, lease: Lease) -> None:
        await self._store.show_script("release", lease.show_id, str(lease.fence))

    async def free(self) -> None:
        """Take every lease from its holder: for a server that knows that nobody else is alive.

        Raises StoreUnavailable.
        """
        for show_id in await self._store.show_ids():
            await self._store.show_script("free", show_id)

    @property
    def _ttl_ms(self) -> str:
        return str(round(self.ttl_s * 1000))
