"""Fetches TikTok's orders, and keeps them: a hint or a search only says which to look at."""

from collections.abc import Callable, Sequence

from sync.secret import Vault
from sync.store.stores import Stores
from sync.tiktok import wire
from sync.tiktok.client import TikTok


class Intake:
    """Whoever knows that orders have changed at TikTok has them fetched here. Buyers' data is
    sealed by `vault` and kept for `buyer_data_days`."""

    def __init__(
        self,
        tiktok: TikTok,
        stores: Stores,
        vault: Vault,
        *,
        buyer_data_days: int,
        now: Callable[[], float],
    ) -> None:
        self._tiktok = tiktok
        self._stores = stores
        self._vault = vault
        self._buyer_data_days = buyer_data_days
        self._now = now

    async def take(self, shop: wire.ShopCipher, remote_ids: Sequence[str]) -> None:
        """Keep these orders as they are now. Raises TikTokError and StoreUnavailable."""
        raise NotImplementedError
