"""The process that plays the destinations, fed by FFmpeg's RTMP output."""

import asyncio
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from bench import job, timecode
from bench.j1 import Sinks, sinks
from compositor.frame import Yuv420, video_frame

PICTURES = 10


def publish(url: str) -> None:
    """Send ten canvases whose left tile says 0 ms, with nothing to read in the right one."""
    luma = np.full((job.HEIGHT, job.WIDTH), 16, np.uint8)
    tile = job.TILES[0]
    timecode.burn(luma[tile.y : tile.bottom, tile.x : tile.right], 0)
    chroma = np.full((job.HEIGHT // 2, job.WIDTH // 2), 128, np.uint8)
    with av.open(url, "w", format="flv") as container:
        stream = container.add_stream("libx264", rate=30, options={"tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = job.WIDTH, job.HEIGHT, "yuv420p"
        for number in range(PICTURES):
            frame = video_frame(Yuv420(luma, chroma, chroma))
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


async def received_by(destinations: Sinks, key: str) -> dict[str, object]:
    await asyncio.to_thread(publish, destinations.url(key))
    received = await destinations.received()
    assert received.keys() == {key}
    stream: dict[str, object] = received[key]
    return stream


async def test_pictures_are_counted_and_their_times_read(tmp_path: Path) -> None:
    async with asyncio.timeout(30), sinks(tmp_path) as destinations:
        stream = await received_by(destinations, "timecode-1")
        assert isinstance(stream["ages_ms"], list)
        left, right = stream["ages_ms"]
        assert len(left) == PICTURES
        assert left == sorted(left)
        assert right == []
        assert isinstance(stream["frames"], int)
        assert stream["frames"] >= PICTURES
        assert await destinations.received() == {}
