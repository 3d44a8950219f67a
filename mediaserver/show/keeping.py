"""A show's copy in the store, and the lease under which it is written while the show is on air."""

from mediaserver.errors import Conflict, NotFound
from mediaserver.lease import Lease, Leases
from mediaserver.state import ShowRecord
from mediaserver.store import HeldElsewhere, Store
from sync.errors import StoreUnavailable

_UNKNOWN_REVISION = -1


class Keeping:
    """`holder` names another server that has the show on air; `durable` is whether the store has
    all that was to be saved."""

    def __init__(
        self, record: ShowRecord, store: Store, leases: Leases, holder: str | None
    ) -> None:
        self.holder = holder
        self.durable = True
        self._show_id = record.id
        self._revision = record.revision
        self._store = store
        self._leases = leases
        self._lease: Lease | None = None

    async def save(self, record: ShowRecord) -> bool:
        """Store `record`; False when Redis is away. Raises Conflict when another server has
        changed or taken the show."""
        fence = self._lease.fence if self._lease else None
        try:
            await self._store.save(record, base=self._revision, fence=fence)
        except StoreUnavailable:
            self.durable = False
            return False
        self._revision = record.revision
        self.durable = True
        return True

    async def newer(self) -> ShowRecord | None:
        """The show as another server has stored or left it, None where that is what is known
        here, or where there is something to be saved here. Raises NotFound, StoreUnavailable."""
        stored = await self._store.load(self._show_id)
        if stored is None:
            raise NotFound("show", self._show_id)
        before, self.holder = self.holder, None if self._lease else stored.holder
        is_known = stored.record.revision == self._revision and before == self.holder
        if not self.durable or is_known:
            return None
        self._revision = stored.record.revision
        return stored.record.at_rest() if self.holder else stored.record.unheld()

    async def take_lease(self) -> None:
        """Raises HeldElsewhere, StoreUnavailable."""
        if self._lease is None:
            self._lease = await self._leases.acquire(self._show_id)

    async def renew(self) -> None:
        """Keep a lease that is held. Raises Conflict when another server has taken, changed or
        deleted the show since it ran out, StoreUnavailable."""
        if self._lease is not None and not await self._leases.renew(self._lease):
            self.durable = False

    async def give_back(self) -> None:
        """Give the lease back; one that the store does not take now stays for a later try."""
        if self._lease is None:
            return
        try:
            await self._leases.release(self._lease)
        except StoreUnavailable:
            return
        self._lease = None

    def lose(self, conflict: Conflict) -> None:
        """What another server has stored is what counts."""
        self._lease = None
        self.durable = True
        self._revision = _UNKNOWN_REVISION
        self.holder = conflict.holder if isinstance(conflict, HeldElsewhere) else None
