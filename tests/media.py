"""Real encoded media for tests: small, made by FFmpeg's encoders on the spot."""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from mediaserver.encoder import AAC_FRAME_SAMPLES, AudioEncoder, VideoEncoder, VideoEncoding
from mediaserver.packet import AccessUnit, Codec, EncodedPacket, Kind

SAMPLE_RATE = 48_000


def moving_frames(count: int, width: int = 64, height: int = 48) -> Iterator[av.VideoFrame]:
    """Pictures with a gradient that moves, so that each differs from the one before."""
    x = np.arange(width)
    for index in range(count):
        luma = np.broadcast_to((x * 2 + index * 8) % 200 + 20, (height, width))
        planes = np.full((height * 3 // 2, width), 128, np.uint8)
        planes[:height] = luma
        yield av.VideoFrame.from_ndarray(planes, format="yuv420p")


def video_units(
    count: int, codec: str = "h264", size: tuple[int, int] = (64, 48), gop: int = 30
) -> list[AccessUnit]:
    """`count` pictures at 30 fps as a WebRTC sender would make them."""
    encoder = av.CodecContext.create({"h264": "libx264", "vp8": "libvpx"}[codec], "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 30)
    encoder.gop_size = gop
    encoder.options = (
        {"preset": "ultrafast", "tune": "zerolatency"}
        if codec == "h264"
        else {"deadline": "realtime", "lag-in-frames": "0"}
    )
    name: Codec = "h264" if codec == "h264" else "vp8"
    units: list[AccessUnit] = []
    for index, frame in enumerate(moving_frames(count, *size)):
        frame.pts = index
        units.extend(
            AccessUnit(name, index * 3000, 90_000, bytes(packet), packet.is_keyframe, 0.0)
            for packet in encoder.encode(frame)
        )
    return units


def tone(seconds: float, hertz: float = 440.0, level: float = 0.5) -> NDArray[np.float32]:
    """A stereo sine, (2, n) float32."""
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.tile((level * np.sin(2 * np.pi * hertz * times)).astype(np.float32), (2, 1))


def opus_units(samples: NDArray[np.float32]) -> list[AccessUnit]:
    """`samples`, (2, n) float32, as Opus packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate = SAMPLE_RATE
    encoder.layout = "stereo"
    encoder.format = "flt"
    encoder.bit_rate = 96_000
    units: list[AccessUnit] = []
    for start in range(0, samples.shape[1] - 959, 960):
        packed = np.ascontiguousarray(samples[:, start : start + 960].T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, "flt", "stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = start
        units.extend(
            AccessUnit("opus", len(units) * 960, SAMPLE_RATE, bytes(packet), True, 0.0)
            for packet in encoder.encode(frame)
        )
    return units


class Programme:
    """What a canvas of 320×180 at 30 fps gives its readers in so many seconds."""

    def __init__(self, seconds: int, keyframe_interval_s: float = 1.0) -> None:
        video = VideoEncoder(
            VideoEncoding(320, 180, Fraction(30), 500_000, "ultrafast", keyframe_interval_s)
        )
        audio = AudioEncoder()
        sound = tone(seconds)
        self.headers: dict[Kind, EncodedPacket] = {"video": video.header, "audio": audio.header}
        pictures = [
            packet
            for tick, frame in enumerate(moving_frames(seconds * 30, 320, 180))
            for packet in video.encode(frame, tick)
        ]
        sounds = [
            packet
            for index in range(sound.shape[1] // AAC_FRAME_SAMPLES)
            for packet in audio.encode(
                sound[:, index * AAC_FRAME_SAMPLES : (index + 1) * AAC_FRAME_SAMPLES], index
            )
        ]
        self.packets = sorted(pictures + sounds, key=lambda packet: packet.dts)
