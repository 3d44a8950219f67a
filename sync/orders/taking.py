"""Takes TikTok's orders in: those that a hint names at once, and whatever has changed since the
last look, so that every hint may be lost."""

from collections.abc import Callable, Sequence

from sync.orders.intake import Intake
from sync.store.lease import Fence
from sync.store.stores import Stores


class Taking:
    """One server's, from its taking the lease of the sync to its losing it. `now` gives unix
    seconds.

    Its calls raise TikTokError, StoreUnavailable, LeaseLost, and Conflict while no shop is
    connected.
    """

    def __init__(
        self, stores: Stores, intake: Intake, fence: Fence, now: Callable[[], float]
    ) -> None:
        self._stores = stores
        self._intake = intake
        self._fence = fence
        self._now = now

    async def poll(self) -> None:
        """Take in all that has changed at TikTok up to now, by a look that begins after this was
        called: who calls while one is under way shares the next with all others that wait."""
        raise NotImplementedError

    async def take(self, remote_ids: Sequence[str]) -> None:
        """Take in these orders as they are at TikTok now."""
        raise NotImplementedError
