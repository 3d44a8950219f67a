"""JPEGs of feeds and canvases, made when asked for, at most one a second of each."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass, field

import av
from av.video.reformatter import VideoReformatter
from PIL import Image

from mediaserver.clock import Clock
from mediaserver.errors import NotFound
from mediaserver.feed import Feed
from mediaserver.packet import ShowId

INTERVAL_S = 1.0
LARGEST_SIDE = 640
"""Pixels of the longer side of a still."""

_QUALITY = 80
_FORGET_AFTER_S = 10.0
_WATCH_S = 5.0
_PICTURE_TIMEOUT_S = 1.5
_POLL_S = 0.02


@dataclass
class _Still:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    made_s: float = float("-inf")
    jpeg: bytes = b""


class Stills:
    """Makes stills, and keeps the latest of each thing for the second in which it is new."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stills: dict[Hashable, _Still] = {}

    async def jpeg(self, key: Hashable, take: Callable[[], Awaitable[av.VideoFrame]]) -> bytes:
        """The still of `key`, from the frame that `take` gives when one is due.

        Raises what `take` raises.
        """
        now = self._clock.now()
        for old in [k for k, s in self._stills.items() if now - s.made_s > _FORGET_AFTER_S]:
            if not self._stills[old].lock.locked():
                del self._stills[old]
        still = self._stills.setdefault(key, _Still())
        async with still.lock:
            if self._clock.now() - still.made_s >= INTERVAL_S:
                still.jpeg = await asyncio.to_thread(encoded, await take())
                still.made_s = self._clock.now()
            return still.jpeg


class Thumbnails:
    """Stills of feeds; a feed that nobody shows is decoded while it is looked at."""

    def __init__(self, stills: Stills) -> None:
        self._stills = stills
        self._watched: dict[Feed, asyncio.TimerHandle] = {}

    async def jpeg(self, show_id: ShowId, feed: Feed) -> bytes:
        """Raises NotFound while no picture comes from the feed."""
        return await self._stills.jpeg((show_id, feed.id), lambda: self._frame(feed))

    async def look(self, feeds: Iterable[Feed]) -> None:
        """Wait until each of `feeds` that is on has a picture of now, if one comes at all."""
        await asyncio.gather(
            *(self._frame(feed) for feed in feeds if feed.state() == "on"), return_exceptions=True
        )

    def close(self) -> None:
        """Look no more."""
        for feed in tuple(self._watched):
            self._watched[feed].cancel()
            self._unwatch(feed)

    async def _frame(self, feed: Feed) -> av.VideoFrame:
        stale = None if feed in self._watched else feed.picture()
        self._watch(feed)
        for _ in range(round(_PICTURE_TIMEOUT_S / _POLL_S)):
            picture = feed.picture()
            if picture is not None and picture is not stale:
                return picture.upright()
            if feed.source is None:
                break
            await asyncio.sleep(_POLL_S)
        raise NotFound("picture of feed", feed.id)

    def _watch(self, feed: Feed) -> None:
        if feed in self._watched:
            self._watched[feed].cancel()
        else:
            feed.watch()
        loop = asyncio.get_running_loop()
        self._watched[feed] = loop.call_later(_WATCH_S, self._unwatch, feed)

    def _unwatch(self, feed: Feed) -> None:
        del self._watched[feed]
        feed.unwatch()


def encoded(frame: av.VideoFrame) -> bytes:
    """`frame` as a JPEG whose longer side is LARGEST_SIDE pixels at most."""
    scale = min(1.0, LARGEST_SIDE / max(frame.width, frame.height))
    width, height = (max(2, round(side * scale / 2) * 2) for side in (frame.width, frame.height))
    pixels = VideoReformatter().reformat(frame, width, height, "rgb24", threads=1)
    file = io.BytesIO()
    Image.fromarray(pixels.to_ndarray()).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
