"""Encoded media that repeats without a seam: what a synthetic camera sends, encoded once."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

SAMPLE_RATE = 48_000
OPUS_FRAME = 960
"""Samples of one Opus packet: 20 ms."""


@dataclass(frozen=True, slots=True)
class Clip:
    """`pictures` are H.264 access units in Annex B at `fps`, the first a keyframe, no B-frames.

    `sound` are Opus packets of 20 ms each, stereo.
    """

    pictures: tuple[bytes, ...]
    fps: int
    sound: tuple[bytes, ...]


def h264_encoder(
    width: int,
    height: int,
    fps: int,
    bitrate_bps: int,
    *,
    gop: int,
    preset: str,
    tagged: bool = True,
) -> av.VideoCodecContext:
    """An encoder that gives each picture at once in Annex B, with a keyframe every `gop`.

    Constrained baseline, one thread: what a browser would send, but for the tag BT.709 if it is
    `tagged`.
    """
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width = width
    encoder.height = height
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, fps)
    encoder.framerate = Fraction(fps)
    encoder.bit_rate = bitrate_bps
    encoder.thread_count = 1
    if tagged:
        encoder.colorspace = Colorspace.ITU709
        encoder.color_range = ColorRange.MPEG
    encoder.options = {
        "preset": preset,
        "tune": "zerolatency",
        "profile": "baseline",
        "maxrate": str(bitrate_bps),
        "bufsize": str(bitrate_bps),
        "g": str(gop),
        "keyint_min": str(gop),
        "sc_threshold": "0",
    }
    return encoder


def encoded_pictures(
    pictures: Iterable[av.VideoFrame],
    fps: int,
    bitrate_bps: int,
    *,
    gop: int,
    tagged: bool = True,
) -> tuple[bytes, ...]:
    """One access unit for each picture; all have the size of the first."""
    encoder: av.VideoCodecContext | None = None
    units: list[bytes] = []
    for index, picture in enumerate(pictures):
        if encoder is None:
            encoder = h264_encoder(
                picture.width,
                picture.height,
                fps,
                bitrate_bps,
                gop=gop,
                preset="veryfast",
                tagged=tagged,
            )
        picture.pts = index
        picture.time_base = Fraction(1, fps)
        picture.pict_type = PictureType.NONE  # a source's own would make each a keyframe
        units.extend(bytes(packet) for packet in encoder.encode(picture))
    if encoder is not None:
        units.extend(bytes(packet) for packet in encoder.encode(None))
    return tuple(units)


def encoded_sound(samples: NDArray[np.int16]) -> tuple[bytes, ...]:
    """Opus packets of a loop of mono `samples` at 48 kHz, a whole number of 20 ms frames.

    The loop is encoded three times and the middle kept, so that the codec's state fits at the seam.

    Raises ValueError if the samples are no whole number of frames.
    """
    frames, rest = divmod(len(samples), OPUS_FRAME)
    if rest or not frames:
        raise ValueError(f"{len(samples)} samples are no whole number of {OPUS_FRAME}")
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.format = "s16"
    encoder.layout = "stereo"
    encoder.sample_rate = SAMPLE_RATE
    encoder.time_base = Fraction(1, SAMPLE_RATE)
    encoder.bit_rate = 64_000
    packets: list[bytes] = []
    for start in range(0, 3 * len(samples), OPUS_FRAME):
        offset = start % len(samples)
        stereo = np.repeat(samples[offset : offset + OPUS_FRAME], 2).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(stereo, format="s16", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = start
        packets.extend(bytes(packet) for packet in encoder.encode(frame))
    return tuple(packets[frames : 2 * frames])


def tone(frequency_hz: float, seconds: float, level: float = 0.2) -> NDArray[np.int16]:
    """A mono sine at 48 kHz; it loops cleanly if `frequency_hz * seconds` is whole."""
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(np.sin(2 * np.pi * frequency_hz * time_s) * level * 32767, dtype=np.int16)
