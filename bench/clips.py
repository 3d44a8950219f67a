"""The content that every benchmark sends: two busy 720p30 clips with sound, made once and kept."""

import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import av
import msgspec
import numpy as np
from av.video.reformatter import VideoReformatter

from mediaserver.demo.clip import Clip, encoded_pictures, encoded_sound, tone
from mediaserver.wanted import Wanted

SOURCES = ("testsrc2", "mandelbrot")
NOISE = "noise=alls=10:allf=t+u"
SIZE = (1280, 720)
FPS = 30
BITRATE_BPS = 2_500_000
SECONDS = 10
TONES_HZ = (440.0, 660.0)
HISS = 0.001
"""Of full scale, -60 dB: no microphone is without. On sound that has nothing but a tone, FFmpeg's
AAC coders take up to four times their usual time."""


def pictures(number: int, count: int) -> Iterator[av.VideoFrame]:
    """The first `count` pictures of source `number` with noise over them, yuv420p."""
    width, height = SIZE
    graph = f"{SOURCES[number]}=size={width}x{height}:rate={FPS},{NOISE},format=yuv420p"
    with av.open(graph, format="lavfi") as source:
        yield from islice(source.decode(video=0), count)


def clip(number: int) -> Clip:
    """Clip `number` (0 or 1)."""
    return _cached(
        f"{SOURCES[number]}-{SECONDS}s-hiss-gop{FPS}-bt709",
        lambda: Clip(
            encoded_pictures(pictures(number, SECONDS * FPS), FPS, BITRATE_BPS, gop=FPS),
            FPS,
            _sound(number),
        ),
    )


def wanted_clip(number: int, wanted: Wanted) -> Clip:
    """Clip `number` as a browser sends it of which `wanted` is asked: shrunk and not tagged."""
    width, height = min((wanted.width, wanted.height), SIZE)
    bitrate_bps = Wanted(width, height).max_bitrate_bps

    def made() -> Clip:
        scaler = VideoReformatter()
        small = (
            scaler.reformat(picture, width, height, threads=1)
            for picture in pictures(number, SECONDS * FPS)
        )
        units = encoded_pictures(small, FPS, bitrate_bps, gop=FPS, tagged=False)
        return Clip(units, FPS, _sound(number))

    return _cached(
        f"{SOURCES[number]}-{SECONDS}s-hiss-gop{FPS}-{width}x{height}-{bitrate_bps}", made
    )


def _sound(number: int) -> tuple[bytes, ...]:
    clean = tone(TONES_HZ[number], SECONDS)
    hiss = np.random.default_rng(number).normal(0, HISS * 32767, clean.shape)
    return encoded_sound(np.asarray(clean + hiss, dtype=np.int16))


def _cached(name: str, make: Callable[[], Clip]) -> Clip:
    """What `make` gives, from the cache where an earlier run left it."""
    path = _cache() / f"{name}.msgpack"
    if not path.exists():
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_bytes(msgspec.msgpack.encode(make()))
        partial.replace(path)
    return msgspec.msgpack.decode(path.read_bytes(), type=Clip)


def _cache() -> Path:
    path = Path(tempfile.gettempdir()) / f"shopcast-bench-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    return path
