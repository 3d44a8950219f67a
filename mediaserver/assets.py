"""A show's own images and fonts: looked at before they are taken, and their bytes at hand."""

import hashlib
import io
import warnings
from collections.abc import Collection, Iterable, Mapping

from PIL import Image, ImageFont, UnidentifiedImageError

from mediaserver.errors import BadRequest, Conflict
from mediaserver.packet import AssetId, ShowId
from mediaserver.state import AssetRecord
from mediaserver.store import Store

MAX_ASSET_BYTES = 8 * 1024 * 1024
MAX_ASSETS = 64
MAX_ASSETS_BYTES = 64 * 1024 * 1024
"""Of all assets of a show together: they are in memory while it is on air."""

LARGEST_SIDE = 8192
LARGEST_AREA = 4096 * 4096

_IMAGE_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
_FONT_TYPES = {
    b"\x00\x01\x00\x00": "font/ttf",
    b"true": "font/ttf",
    b"OTTO": "font/otf",
}
"""By the first four bytes. Source: OpenType 1.9, "Table directory"."""


def inspected(name: str, data: bytes) -> AssetRecord:
    """What `data` is, by itself and not by its name: wholly decoded once. Takes a while.

    Raises BadRequest for what is neither an image nor a font, is broken, or is a picture of
    more pixels than any canvas has use for, which is found out before it is decoded.
    """
    font_type = _FONT_TYPES.get(data[:4])
    if font_type is not None:
        _check_font(data)
        return AssetRecord(name, "font", font_type, len(data))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=tuple(_IMAGE_TYPES)) as image:
                _check_size(image.width, image.height)
                image.load()
                content_type = _IMAGE_TYPES[str(image.format)]
                return AssetRecord(
                    name, "image", content_type, len(data), image.width, image.height
                )
    except UnidentifiedImageError:
        raise BadRequest("this is no PNG, JPEG or WebP image, and no TTF or OTF font") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadRequest(_TOO_LARGE) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise BadRequest(f"the image is broken: {error}") from None


def asset_id(data: bytes) -> AssetId:
    """The same bytes have the same id: an id never means two things."""
    return AssetId(hashlib.sha256(data).hexdigest()[:16])


_TOO_LARGE = (
    f"the image has too many pixels: at most {LARGEST_SIDE} on a side and "
    f"{LARGEST_AREA // 1_000_000} million in all"
)


def _check_size(width: int, height: int) -> None:
    if max(width, height) > LARGEST_SIDE or width * height > LARGEST_AREA:
        raise BadRequest(_TOO_LARGE)


def _check_font(data: bytes) -> None:
    try:
        ImageFont.truetype(io.BytesIO(data), 16).getmask("Ag")
    except (OSError, ValueError) as error:
        raise BadRequest(f"the font cannot be used: {error}") from None


def check_room(records: Mapping[AssetId, AssetRecord], record: AssetRecord) -> None:
    """Raises Conflict when a show with `records` takes no `record` more."""
    if len(records) >= MAX_ASSETS:
        raise Conflict(f"a show has at most {MAX_ASSETS} images and fonts: delete some first")
    if sum(kept.size for kept in records.values()) + record.size > MAX_ASSETS_BYTES:
        mebibytes = MAX_ASSETS_BYTES // 1024**2
        raise Conflict(f"a show's images and fonts have {mebibytes} MiB: delete some first")


class Assets:
    """The bytes of one show's assets: from the store once, then from memory."""

    def __init__(self, show_id: ShowId, store: Store) -> None:
        self._show_id = show_id
        self._store = store
        self._loaded: dict[AssetId, bytes] = {}

    @property
    def loaded(self) -> Mapping[AssetId, bytes]:
        """What is in memory; never changed, but replaced."""
        return self._loaded

    async def load(self, ids: Collection[AssetId]) -> Mapping[AssetId, bytes]:
        """`ids` with their bytes, which stay in memory. One that the store has lost is left
        out. Raises StoreUnavailable for what is not in memory."""
        for wanted in ids:
            if wanted not in self._loaded:
                data = await self._store.asset(self._show_id, wanted)
                if data is not None:
                    self._loaded = {**self._loaded, wanted: data}
        return {wanted: self._loaded[wanted] for wanted in ids if wanted in self._loaded}

    async def add(self, asset: AssetId, data: bytes) -> None:
        """Raises StoreUnavailable."""
        await self._store.add_asset(self._show_id, asset, data)
        self._loaded = {**self._loaded, asset: data}

    async def remove(self, asset: AssetId) -> None:
        """Raises StoreUnavailable."""
        await self._store.remove_asset(self._show_id, asset)
        self.keep(self._loaded.keys() - {asset})

    def keep(self, ids: Iterable[AssetId]) -> None:
        """Have no other than `ids` in memory."""
        kept = set(ids)
        self._loaded = {key: data for key, data in self._loaded.items() if key in kept}
