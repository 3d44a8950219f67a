"""Erases what was kept of buyers for long enough."""

import asyncio
import logging
from contextlib import suppress
from typing import NoReturn

from sync.errors import StoreUnavailable
from sync.model import CHANNELS, TIKTOK
from sync.orders.order import OWN_SHOP
from sync.store.stores import Stores

log = logging.getLogger(__name__)

EVERY_S = 600.0


class Retention:
    """Looks now and then, while `run` runs: also when the store is away for a while."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def run(self) -> NoReturn:
        while True:
            with suppress(StoreUnavailable):
                await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Erase what is to be erased by now: also of a channel that is not connected, whose last
        order may have been on its way when it was left. Raises StoreUnavailable."""
        for channel in (OWN_SHOP, *CHANNELS):
            if erased := await self._stores.buyers.expire(channel):
                log.info("buyers_erased channel=%s orders=%d", channel, erased)
        if not (await self._stores.channels.get(TIKTOK)).is_connected:
            await self._stores.buyers.erase(TIKTOK)
