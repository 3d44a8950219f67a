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

LOOKS_A_DAY = 144
"""Redis's log keeps what was erased until it is written anew, which is work: once a day."""


class Retention:
    """Looks now and then, while `run` runs: also when the store is away for a while."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._looks = 0
        self._has_erased = False

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
                self._has_erased = True
        if not (await self._stores.channels.get(TIKTOK)).is_connected:
            await self._stores.buyers.erase(TIKTOK)
        if self._has_erased and self._looks % LOOKS_A_DAY == 0:
            await self._stores.channels.rewrite_log()
            self._has_erased = False
        self._looks += 1
