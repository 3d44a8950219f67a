from fractions import Fraction

import av
import numpy as np
import pytest
from av.codec.context import Flags

from mediaserver.encoder import AAC_FRAME_SAMPLES, AudioEncoder, VideoEncoder, VideoEncoding
from mediaserver.packet import EncodedPacket
from tests.media import moving_frames, tone


def encoding(**changes: object) -> VideoEncoding:
    settings = {
        "width": 320, "height": 180, "fps": Fraction(30), "bitrate_bps": 500_000,
        "preset": "ultrafast", **changes,
    }  # fmt: skip
    return VideoEncoding(**settings)  # type: ignore[arg-type]  # a test's shorthand


def noise_frames(count: int, width: int = 320, height: int = 180) -> list[av.VideoFrame]:
    rng = np.random.default_rng(1)
    shape = (height * 3 // 2, width)
    return [
        av.VideoFrame.from_ndarray(rng.integers(16, 235, shape, dtype=np.uint8), format="yuv420p")
        for _ in range(count)
    ]


def encode(
    encoder: VideoEncoder, frames: list[av.VideoFrame], first_tick: int = 0
) -> list[EncodedPacket]:
    packets = []
    for tick, frame in enumerate(frames, first_tick):
        packets += encoder.encode(frame, tick)
    return packets


def test_every_frame_given_comes_out_at_once() -> None:
    encoder = VideoEncoder(encoding())

    counts = [
        len(encoder.encode(frame, tick)) for tick, frame in enumerate(moving_frames(40, 320, 180))
    ]

    assert counts == [1] * 40


@pytest.mark.parametrize(
    ("fps", "interval_s", "gop"), [(30, 2, 60), (25, 1, 25), (Fraction(30_000, 1001), 2, 60)]
)
def test_keyframes_come_at_a_fixed_interval_and_nowhere_else(
    fps: int | Fraction, interval_s: float, gop: int
) -> None:
    encoder = VideoEncoder(encoding(fps=Fraction(fps), keyframe_interval_s=interval_s))

    packets = encode(encoder, noise_frames(10) * 13)

    assert [i for i, packet in enumerate(packets) if packet.is_keyframe] == list(range(0, 130, gop))


def test_ticks_that_are_left_out_do_not_put_the_next_keyframe_off() -> None:
    encoder = VideoEncoder(encoding(keyframe_interval_s=1))
    ticks = [tick for tick in range(150) if tick % 3 or tick in (30, 60)]

    frames = (noise_frames(10) * 15)[: len(ticks)]

    pairs = zip(ticks, frames, strict=True)
    keyframes = [tick for tick, frame in pairs if encoder.encode(frame, tick)[0].is_keyframe]

    assert keyframes == [1, 31, 61, 91, 121]


def test_timestamps_are_computed_from_the_tick_number() -> None:
    encoder = VideoEncoder(encoding(fps=Fraction(30_000, 1001)))

    packets = encode(encoder, list(moving_frames(3, 320, 180)), first_tick=1_000_000)

    assert [packet.dts for packet in packets] == [
        3003 * tick for tick in (10**6, 10**6 + 1, 10**6 + 2)
    ]
    assert {packet.cts for packet in packets} == {0}


def test_bitrate_is_close_to_what_was_asked_every_second() -> None:
    packets = encode(VideoEncoder(encoding()), noise_frames(30) * 6)

    sizes = [len(packet.payload) * 8 for packet in packets]
    for second in range(1, 6):
        assert sum(sizes[second * 30 : second * 30 + 30]) == pytest.approx(500_000, rel=0.5)
    assert sum(sizes[30:]) / 5 == pytest.approx(500_000, rel=0.1)


def test_decoder_gets_the_pictures_back_from_header_and_packets() -> None:
    encoder = VideoEncoder(encoding(bitrate_bps=2_000_000))
    frames = list(moving_frames(10, 320, 180))
    originals = [frame.to_ndarray().astype(int) for frame in frames]
    packets = encode(encoder, frames)

    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = encoder.header.payload[5:]
    decoded = [
        frame
        for packet in [*packets, None]
        for frame in decoder.decode(av.Packet(packet.payload[5:]) if packet else None)
    ]

    assert len(decoded) == 10
    for frame, original in zip(decoded, originals, strict=True):
        assert np.mean(np.abs(frame.to_ndarray().astype(int) - original)) < 3


def plain(preset: str, frames: list[av.VideoFrame]) -> tuple[bytes | None, list[bytes]]:
    """x264's header and what it makes of `frames` by its preset alone."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 320, 180, "yuv420p"
    context.framerate, context.time_base = Fraction(30), Fraction(1, 30)
    context.bit_rate, context.gop_size, context.thread_count = 500_000, 60, 1
    context.flags |= Flags.global_header
    context.options = {
        "preset": preset, "tune": "zerolatency", "maxrate": "500000", "bufsize": "500000",
        "keyint_min": "60", "sc_threshold": "0",
    }  # fmt: skip
    context.open()
    for tick, frame in enumerate(frames):
        frame.pts = tick
    return context.extradata, [
        bytes(packet) for frame in frames for packet in context.encode(frame)
    ]


def decoded(header: bytes | None, units: list[bytes]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = header
    packets = [*map(av.Packet, units), None]
    return [frame for packet in packets for frame in decoder.decode(packet)]


def squared_error(pictures: list[av.VideoFrame], originals: list[av.VideoFrame]) -> float:
    pairs = zip(pictures, originals, strict=True)
    return float(np.mean([(a.to_ndarray().astype(float) - b.to_ndarray()) ** 2 for a, b in pairs]))


def lively_frames(count: int) -> list[av.VideoFrame]:
    """A gradient that moves, smooth on the left and rough on the right, between black bars."""
    rng, roughness = np.random.default_rng(1), np.linspace(0, 8, 320)
    frames = []
    for frame in moving_frames(count, 320, 180):
        samples = frame.to_ndarray()
        samples[:180] = np.clip(samples[:180] + rng.normal(0, roughness, (180, 320)), 16, 235)
        samples[:40] = samples[140:180] = 16
        frames.append(av.VideoFrame.from_ndarray(samples, format="yuv420p"))
    return frames


def test_the_default_is_nearer_to_the_original_than_x264s_preset_alone() -> None:
    frames = lively_frames(60)
    encoder = VideoEncoder(encoding(preset="superfast"))
    ours = [packet.payload[5:] for packet in encode(encoder, frames)]

    header, theirs = plain("superfast", frames)

    assert sum(map(len, ours)) <= 1.02 * sum(map(len, theirs))
    error = squared_error(decoded(encoder.header.payload[5:], ours), frames)
    assert error < squared_error(decoded(header, theirs), frames)


def test_who_asks_for_another_preset_gets_it_as_x264_has_it() -> None:
    frames = lively_frames(30)
    encoder = VideoEncoder(encoding(preset="veryfast"))
    ours = [packet.payload[5:] for packet in encode(encoder, frames)]

    header, theirs = plain("veryfast", frames)

    pictures = decoded(encoder.header.payload[5:], ours), decoded(header, theirs)
    assert squared_error(*pictures) == 0


def test_colours_are_tagged_bt709_limited() -> None:
    encoder = VideoEncoder(encoding())
    packets = encode(encoder, list(moving_frames(1, 320, 180)))
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = encoder.header.payload[5:]

    frame = [*decoder.decode(av.Packet(packets[0].payload[5:])), *decoder.decode(None)][0]

    assert (frame.colorspace, frame.color_range) == (1, 1)


def test_aac_packets_are_1920_ticks_apart_from_zero_on() -> None:
    encoder = AudioEncoder()
    sound = tone(1.0)

    packets = [
        packet
        for index in range(sound.shape[1] // AAC_FRAME_SAMPLES)
        for packet in encoder.encode(sound[:, index * 1024 : index * 1024 + 1024], index)
    ]

    assert [packet.dts for packet in packets] == [1920 * index for index in range(len(packets))]
    assert len(packets) >= 44
    assert encoder.header.is_header
