"""The content that every benchmark sends: two busy 720p30 clips with sound, made once and kept."""

import os
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import msgspec

from mediaserver.demo.clip import Clip, encoded_pictures, encoded_sound, tone

SOURCES = ("testsrc2", "mandelbrot")
NOISE = "noise=alls=10:allf=t+u"
SIZE = (1280, 720)
FPS = 30
BITRATE_BPS = 2_500_000
SECONDS = 10
TONES_HZ = (440.0, 660.0)


def pictures(number: int, count: int) -> Iterator[av.VideoFrame]:
    """The first `count` pictures of source `number` with noise over them, yuv420p."""
    width, height = SIZE
    graph = f"{SOURCES[number]}=size={width}x{height}:rate={FPS},{NOISE},format=yuv420p"
    with av.open(graph, format="lavfi") as source:
        yield from islice(source.decode(video=0), count)


def clip(number: int) -> Clip:
    """Clip `number` (0 or 1), from the cache where an earlier run left it."""
    path = _cache() / f"{SOURCES[number]}-{SECONDS}s-bt709.msgpack"
    if not path.exists():
        made = Clip(
            encoded_pictures(pictures(number, SECONDS * FPS), FPS, BITRATE_BPS, gop=FPS),
            FPS,
            encoded_sound(tone(TONES_HZ[number], SECONDS)),
        )
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_bytes(msgspec.msgpack.encode(made))
        partial.replace(path)
    return msgspec.msgpack.decode(path.read_bytes(), type=Clip)


def _cache() -> Path:
    path = Path(tempfile.gettempdir()) / f"shopcast-bench-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    return path
