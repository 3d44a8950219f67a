"""Commands on a show's images and fonts."""

import contextlib

from mediaserver.assets import check_room
from mediaserver.composition import Composition
from mediaserver.errors import Conflict
from mediaserver.packet import AssetId
from mediaserver.show.core import ShowCore
from mediaserver.state import AssetRecord
from sync.errors import StoreUnavailable


class AssetCommands(ShowCore):
    async def add_asset(self, asset_id: AssetId, record: AssetRecord, data: bytes) -> bool:
        """Take an image or a font; one that is there already keeps its name.

        Raises Conflict when there is no room, StoreUnavailable.
        """
        async with self._assets.lock:
            if asset_id in self.record.assets:
                return self.durable
            check_room(self.record.assets, record)
            await self._assets.add(asset_id, data, keep=self._is_made)
            async with self._lock:
                return await self._commit(self.record.with_asset(asset_id, record))

    async def remove_asset(self, asset_id: AssetId) -> bool:
        """Raises NotFound, and Conflict while a canvas shows it."""
        async with self._assets.lock, self._lock:
            self.asset(asset_id)
            canvases = self.record.canvases.items()
            users = [key for key, each in canvases if asset_id in Composition.of(each).assets()]
            if users:
                raise Conflict(f"it is in use on {', '.join(users)}: take it off there first")
            durable = await self._commit(self.record.without_asset(asset_id))
            with contextlib.suppress(StoreUnavailable):
                await self._assets.remove(asset_id)
            return durable
