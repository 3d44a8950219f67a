"""Pictures of what is not on air yet."""

import asyncio
import io
import time

import av
from PIL import Image

from compositor.geometry import Size
from mediaserver.stage import Scene, Stage, drawings
from mediaserver.stills import Thumbnails


class Previews:
    """Renders scenes on a thread of its own, one at a time, so that no canvas waits for it."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        self._thumbnails = thumbnails
        self._lock = asyncio.Lock()

    async def png(self, size: Size, scene: Scene) -> bytes:
        """`scene` as it would look on a canvas of `size`, without a transition."""
        async with self._lock:
            await self._thumbnails.look(scene.feeds)
            return await asyncio.to_thread(rendered, size, scene, time.time())


def rendered(size: Size, scene: Scene, unix_s: float) -> bytes:
    """A PNG of `scene` at that time. Takes a while."""
    stage = Stage(size, patient=True)
    stage.drawings = drawings(scene, size, unix_s)
    return _png(stage.compose(scene, 0.0, unix_s))


def _png(frame: av.VideoFrame) -> bytes:
    file = io.BytesIO()
    pixels = frame.reformat(format="rgb24", threads=1).to_ndarray()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()
