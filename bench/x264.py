"""x264 alone: what encoding J1's composed pictures costs without anything around it."""

import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

import av

from bench import clips, job
from compositor.frame import colour, copy, region, solid, video_frame, yuv420
from compositor.geometry import Size
from mediaserver.demo.clip import Clip
from mediaserver.encoder import VideoEncoder, VideoEncoding

PICTURES = 150
LONGEST_S = 20.0


def cost(pictures: list[av.VideoFrame], seconds: float, preset: str) -> float:
    """Percent of a core for encoding `pictures` over and over in real time, as a canvas does."""
    encoder = VideoEncoder(
        VideoEncoding(job.WIDTH, job.HEIGHT, Fraction(job.FPS), job.BITRATE_BPS, preset)
    )
    ticks = round(min(seconds, LONGEST_S) * job.FPS)
    start_s, used_s = time.monotonic(), 0.0
    for tick in range(ticks):
        time.sleep(max(0.0, start_s + tick / job.FPS - time.monotonic()))
        before_s = time.thread_time()
        encoder.encode(pictures[tick % len(pictures)], tick)
        used_s += time.thread_time() - before_s
    return 100 * used_s / (ticks / job.FPS)


def composed() -> list[av.VideoFrame]:
    """What J1's canvas shows in five seconds, from the clips that the feeds send."""
    sides = (_decoded(clips.clip(number)) for number in range(2))
    return [_canvas(pair) for pair in islice(zip(*sides, strict=True), PICTURES)]


def _canvas(pair: tuple[av.VideoFrame, ...]) -> av.VideoFrame:
    canvas = solid(Size(job.WIDTH, job.HEIGHT), colour("#000000"))
    for picture, rect in zip(pair, job.TILES, strict=True):
        tile = picture.reformat(rect.width, rect.height, interpolation="BILINEAR", threads=1)
        copy(yuv420(tile), region(canvas, rect))
    return video_frame(canvas)


def _decoded(clip: Clip) -> Iterator[av.VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    for unit in clip.pictures:
        yield from decoder.decode(av.Packet(unit))
