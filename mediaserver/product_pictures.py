"""Pictures of products as panels and canvases show them: small, made once, kept for a while."""

import asyncio
import contextlib
import io
import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple

from PIL import Image, ImageOps

from mediaserver.show import Show
from sync.errors import StoreUnavailable
from sync.images.files import ImageFiles
from sync.model import ImageRecord
from sync.store.images import Images

log = logging.getLogger(__name__)

LARGEST_SIDE = 720
"""Pixels: as much as a card on a canvas of 1080 lines shows."""
MOST_KEPT = 256
LOOK_INTERVAL_S = 0.5
"""How often it is asked which pictures shows need now."""

_QUALITY = 88


class SmallPicture(NamedTuple):
    """A JPEG, and the digest of the picture that it was made of."""

    digest: str
    jpeg: bytes


class ProductPictures:
    """`shows` gives those whose canvases need pictures."""

    def __init__(
        self, images: Images, files: ImageFiles, shows: Callable[[], Iterable[Show]]
    ) -> None:
        self._images = images
        self._files = files
        self._shows = shows
        self._kept: dict[str, SmallPicture | None] = {}
        self._making = asyncio.Lock()  # one at a time: each takes a core

    async def run(self) -> None:
        """Let shows that are being made have the pictures of their cards, until cancelled."""
        while True:
            for show in self._shows():
                if show.is_attended:
                    with contextlib.suppress(StoreUnavailable):
                        await self.load(show)
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def load(self, show: Show) -> None:
        """Let `show` have the pictures that its cards may need, one after the other.

        Raises StoreUnavailable.
        """
        wanted = show.wanted_pictures()
        records = await self._images.many(wanted) if wanted else {}
        for url in wanted:
            picture = await self._small(records.get(url))
            show.show_picture(url, None if picture is None else picture.jpeg)
        show.keep_pictures(wanted)

    async def of(self, url: str) -> SmallPicture | None:
        """None while it was not fetched to this server. Raises StoreUnavailable."""
        return await self._small((await self._images.many([url])).get(url))

    async def _small(self, record: ImageRecord | None) -> SmallPicture | None:
        if record is None or record.state != "fetched":
            return None
        async with self._making:
            if record.digest not in self._kept:
                await self._make(record.digest)
            if record.digest not in self._kept:
                return None
            found = self._kept[record.digest] = self._kept.pop(record.digest)  # the latest last
            return found

    async def _make(self, digest: str) -> None:
        """Keep it, or that it cannot be read; a file that is not there may still come."""
        data = await self._files.read(digest)
        if data is None:
            return
        try:
            self._kept[digest] = SmallPicture(digest, await asyncio.to_thread(small, data))
        except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
            log.warning("picture_unreadable digest=%s reason=%r", digest, error)
            self._kept[digest] = None
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]


def small(data: bytes) -> bytes:
    """The picture in a file that was taken by sync.images.picture, upright, as a JPEG of
    LARGEST_SIDE at most, on white. Takes a while. Raises what Pillow does of damaged files."""
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as opened:
        opened.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))
        picture = ImageOps.exif_transpose(opened.convert("RGBA"))
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    ground = Image.new("RGBA", picture.size, "#ffffff")
    ground.alpha_composite(picture)
    file = io.BytesIO()
    ground.convert("RGB").save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
