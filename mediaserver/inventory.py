"""Whether the shop has something to sell on TikTok, for the checklist."""

import asyncio
from collections.abc import Callable
from typing import Final

from sync.connecting.checklist import Inventory
from sync.eligibility.badges import Badges
from sync.model import TIKTOK, ChannelRecord
from sync.store.products import Products
from sync.store.progress import Progress

LOOKED_FOR_S: Final = 10.0
"""How long an answer that took looking at every product is used."""

_SLICE: Final = 100
"""Products looked at between two turns of the event loop."""


class InventoryCheck:
    """Looks at products until one is found that may be sold. `now` gives unix seconds."""

    def __init__(self, products: Products, badges: Badges, now: Callable[[], float]) -> None:
        self._products = products
        self._badges = badges
        self._now = now
        self._turn = asyncio.Lock()
        self._none_at = 0.0

    async def look(self, record: ChannelRecord, progress: Progress) -> Inventory:
        """Raises StoreUnavailable."""
        count = await self._products.count()
        if not count or not record.is_connected:
            return Inventory(count)
        async with self._turn:
            return Inventory(count, progress.done, await self._has_eligible())

    async def _has_eligible(self) -> bool:
        if 0 <= self._now() - self._none_at < LOOKED_FOR_S:
            return False
        products = await self._products.ids()
        for start in range(0, len(products), _SLICE):
            badges = await self._badges.of(products[start : start + _SLICE], [TIKTOK])
            if any(each[TIKTOK].eligibility == "eligible" for each in badges.values()):
                return True
        self._none_at = self._now()
        return False
