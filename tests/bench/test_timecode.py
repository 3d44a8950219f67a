"""The time code: readable after all that happens to a feed's picture on its way to a viewer."""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench import job, timecode
from compositor.frame import Yuv420, colour, copy, region, solid, video_frame, yuv420
from compositor.geometry import Size
from mediaserver import flv
from mediaserver.demo.clip import h264_encoder
from mediaserver.encoder import VideoEncoder, VideoEncoding

times_ms = st.integers(0, timecode.WORD - 1)


def noise(width: int, height: int) -> timecode.Luma:
    return np.random.default_rng(7).integers(16, 236, (height, width), np.uint8)


@given(times_ms)
def test_burnt_time_is_read_back(time_ms: int) -> None:
    luma = noise(320, 180)
    timecode.burn(luma, time_ms)
    assert timecode.read(luma) == time_ms


@given(times_ms, st.integers(0, timecode.ROWS - 1), st.integers(0, timecode.COLUMNS - 1))
def test_one_wrong_block_makes_it_unreadable(time_ms: int, row: int, column: int) -> None:
    luma = noise(320, 180)
    timecode.burn(luma, time_ms)
    block = luma[row * 10 : row * 10 + 10, column * 10 : column * 10 + 10]
    block[:] = timecode.BLACK + timecode.WHITE - block
    assert timecode.read(luma) is None


def test_picture_without_a_time_has_none() -> None:
    assert timecode.read(noise(640, 360)) is None


def test_age_counts_across_the_wrap() -> None:
    assert timecode.age_ms(timecode.WORD - 10, 20) == 30


def stamped(times: list[int]) -> Iterator[av.VideoFrame]:
    """Noisy 1280×720 pictures, each with its time."""
    for number, time_ms in enumerate(times):
        luma = noise(1280, 720)
        timecode.burn(luma, time_ms)
        chroma = np.full((360, 640), 128, np.uint8)
        frame = video_frame(Yuv420(luma, chroma, chroma))
        frame.pts, frame.time_base = number, Fraction(1, 30)
        yield frame


def times_in(canvas: av.VideoFrame) -> list[int | None]:
    """What the two tiles say."""
    return [timecode.read(region(yuv420(canvas), tile).y) for tile in job.TILES]


def test_time_survives_the_feeds_encoder_scaling_to_a_tile_and_the_canvas_encoder() -> None:
    times = [0, 123_456_789, timecode.WORD - 1, 1, 0x55555555]
    sender = h264_encoder(1280, 720, 30, 2_500_000, gop=30, preset="ultrafast")
    receiver = av.CodecContext.create("h264", "r")
    encoder = VideoEncoder(VideoEncoding(job.WIDTH, job.HEIGHT, Fraction(30), job.BITRATE_BPS))
    viewer = av.CodecContext.create("h264", "r")
    assert isinstance(receiver, av.VideoCodecContext)
    assert isinstance(viewer, av.VideoCodecContext)
    viewer.extradata = flv.video_tag(encoder.header.payload).data
    read: list[list[int | None]] = []
    for tick, frame in enumerate(stamped(times)):
        for feed in (each for sent in sender.encode(frame) for each in receiver.decode(sent)):
            canvas = solid(Size(job.WIDTH, job.HEIGHT), colour("#000000"))
            for tile in job.TILES:
                scaled = feed.reformat(tile.width, tile.height, interpolation="BILINEAR", threads=1)
                copy(yuv420(scaled), region(canvas, tile))
            units = encoder.encode(video_frame(canvas), tick)
            packets = [av.Packet(flv.video_tag(unit.payload).data) for unit in units]
            read += [times_in(seen) for packet in packets for seen in viewer.decode(packet)]
    read += [times_in(seen) for seen in viewer.decode(None)]
    assert read == [[time_ms, time_ms] for time_ms in times]
