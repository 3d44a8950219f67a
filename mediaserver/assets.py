"""A show's own images and fonts: looked at before they are taken, and their bytes at hand."""

import asyncio
import hashlib
from collections.abc import Collection, Mapping

from compositor.assets import FONT_SIGNATURES, MAX_FONT_BYTES, MAX_IMAGE_BYTES, check_font, image
from mediaserver.errors import Conflict
from mediaserver.packet import AssetId, ShowId
from mediaserver.state import AssetRecord
from mediaserver.store import Store

MAX_ASSET_BYTES = max(MAX_IMAGE_BYTES, MAX_FONT_BYTES)
MAX_ASSETS = 64
MAX_ASSETS_BYTES = 64 << 20
"""Of all assets of a show together: they are in memory while it is on air."""

_IMAGE_TYPES = {b"\x89PNG": "image/png", b"RIFF": "image/webp"}


def inspected(name: str, data: bytes) -> AssetRecord:
    """What `data` is, by itself and not by its name: wholly decoded or drawn once. Takes a while.

    Raises AssetError for what is neither an image nor a font, or is too large.
    """
    if data.startswith(FONT_SIGNATURES):
        check_font(data)
        content_type = "font/otf" if data.startswith(b"OTTO") else "font/ttf"
        return AssetRecord(name, "font", content_type, len(data))
    width, height = image(data).size
    content_type = _IMAGE_TYPES.get(data[:4], "image/jpeg")
    return AssetRecord(name, "image", content_type, len(data), width, height)


def asset_id(data: bytes) -> AssetId:
    """The same bytes have the same id: an id never means two things."""
    return AssetId(hashlib.sha256(data).hexdigest()[:16])


def check_room(records: Mapping[AssetId, AssetRecord], record: AssetRecord) -> None:
    """Raises Conflict when a show with `records` takes no `record` more."""
    if len(records) >= MAX_ASSETS:
        raise Conflict(f"a show has at most {MAX_ASSETS} images and fonts: delete some first")
    if sum(kept.size for kept in records.values()) + record.size > MAX_ASSETS_BYTES:
        raise Conflict(
            f"a show's images and fonts have {MAX_ASSETS_BYTES >> 20} MiB at most: delete some"
        )


class Assets:
    """The bytes of one show's assets: from the store once, then from memory."""

    def __init__(self, show_id: ShowId, store: Store) -> None:
        self._show_id = show_id
        self._store = store
        self._loaded: dict[str, bytes] = {}
        self._looked_for: set[AssetId] = set()
        self.lock = asyncio.Lock()

    @property
    def loaded(self) -> Mapping[str, bytes]:
        """What is in memory; never changed, but replaced."""
        return self._loaded

    async def read(self, ids: Collection[AssetId]) -> Mapping[str, bytes]:
        """`ids` with their bytes; one that the store has lost is left out.

        Raises StoreUnavailable for what is not in memory.
        """
        found: dict[str, bytes] = {}
        for wanted in ids:
            data = self._loaded.get(wanted)
            if data is None:
                data = await self._store.asset(self._show_id, wanted)
            if data is not None:
                found[wanted] = data
        return found

    async def load(self, ids: Collection[AssetId]) -> None:
        """Have all of `ids` in memory: a show on air does not wait for the store.

        Raises StoreUnavailable.
        """
        self._loaded = dict(await self.read(ids))
        self._looked_for = set(ids)

    def has(self, ids: Collection[AssetId]) -> bool:
        """Whether all of `ids` that the store has are in memory."""
        return self._looked_for.issuperset(ids)

    def unload(self) -> None:
        """Have nothing in memory."""
        self._loaded = {}
        self._looked_for = set()

    async def add(self, asset: AssetId, data: bytes, *, keep: bool) -> None:
        """Store `data`, and keep them in memory too. Raises StoreUnavailable."""
        await self._store.add_asset(self._show_id, asset, data)
        if keep:
            self._loaded = {**self._loaded, asset: data}
            self._looked_for.add(asset)

    async def remove(self, asset: AssetId) -> None:
        """Raises StoreUnavailable; what is left in the store goes with the show."""
        self._loaded = {key: data for key, data in self._loaded.items() if key != asset}
        await self._store.remove_asset(self._show_id, asset)
