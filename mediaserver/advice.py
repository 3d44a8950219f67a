"""What each platform asks of a stream, checked before it goes there: pure, and one table.

Platforms change what they write: docs/targets.md gives the sources and when they were read.
"""

from dataclasses import dataclass
from typing import Literal

from mediaserver.rtmp.url import parse_target_url

Code = Literal[
    "orientation",
    "size",
    "frame_rate",
    "video_bitrate",
    "audio_bitrate",
    "keyframe_interval",
    "unencrypted",
]


@dataclass(frozen=True, slots=True)
class Stream:
    """What a canvas gives its targets; bit rates in bits a second."""

    width: int
    height: int
    fps: float
    video_bitrate_bps: int
    audio_bitrate_bps: int
    keyframe_interval_s: float

    @property
    def lines(self) -> int:
        """The shorter side in pixels: 720 of 1280×720 and of 720×1280."""
        return min(self.width, self.height)


@dataclass(frozen=True, slots=True)
class VideoRates:
    """Bits a second for pictures of up to so many `lines` and frames a second."""

    lines: int
    fps: int
    least_bps: int
    most_bps: int


@dataclass(frozen=True, slots=True)
class Platform:
    """What a platform asks for. The first of `video` that a stream fits in is its own; frames a
    second are `most_fps` at `most_lines`."""

    name: str
    upright: bool
    most_lines: int
    most_fps: int
    video: tuple[VideoRates, ...]
    audio_bps: tuple[int, int] | None = None
    longest_keyframe_interval_s: float | None = None
    tls: Literal["required", "offered", "unknown"] = "unknown"


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that a target asks and its stream does not give, in words."""

    code: Code
    detail: str


PLATFORMS = {
    "tiktok": Platform(
        name="TikTok",
        upright=True,
        most_lines=1080,
        most_fps=60,
        video=(VideoRates(1080, 60, 0, 2_500_000),),
    ),
    "youtube": Platform(
        name="YouTube",
        upright=False,
        most_lines=2160,
        most_fps=60,
        video=(
            VideoRates(720, 60, 3_000_000, 8_000_000),
            VideoRates(1080, 30, 3_000_000, 8_000_000),
            VideoRates(1080, 60, 4_000_000, 10_000_000),
            VideoRates(1440, 30, 5_000_000, 25_000_000),
            VideoRates(1440, 60, 6_000_000, 30_000_000),
            VideoRates(2160, 30, 8_000_000, 35_000_000),
            VideoRates(2160, 60, 10_000_000, 40_000_000),
        ),
        audio_bps=(0, 160_000),
        longest_keyframe_interval_s=4,
        tls="offered",
    ),
    "facebook": Platform(
        name="Facebook",
        upright=False,
        most_lines=1080,
        most_fps=30,
        video=(
            VideoRates(720, 30, 1_500_000, 4_000_000),
            VideoRates(1080, 30, 3_000_000, 6_000_000),
        ),
        audio_bps=(128_000, 256_000),
        longest_keyframe_interval_s=4,
        tls="required",
    ),
    "instagram": Platform(
        name="Instagram",
        upright=True,
        most_lines=720,
        most_fps=30,
        video=(VideoRates(720, 30, 2_250_000, 6_000_000),),
        audio_bps=(0, 256_000),
        tls="offered",
    ),
    "twitch": Platform(
        name="Twitch",
        upright=False,
        most_lines=1080,
        most_fps=60,
        video=(VideoRates(1080, 60, 0, 6_000_000),),
        audio_bps=(0, 320_000),
        longest_keyframe_interval_s=2,
    ),
}


def requires_tls(platform: str) -> bool:
    """Whether the platform takes rtmps:// addresses only."""
    asked = PLATFORMS.get(platform)
    return asked is not None and asked.tls == "required"


def advice(platform: str, url: str | None, stream: Stream) -> list[Advice]:
    """What `platform` advises against in `stream`; `url` must be one that targets may have."""
    asked = PLATFORMS.get(platform)
    if asked is None:
        return []
    found = [
        *_shape(asked, stream),
        *_frame_rate(asked, stream),
        *_video_bitrate(asked, stream),
        *_audio_bitrate(asked, stream),
        *_keyframes(asked, stream),
    ]
    if asked.tls == "offered" and url is not None and not parse_target_url(url).secure:
        words = "takes rtmps:// too: with rtmp:// the stream key travels for all to read"
        found.append(Advice("unencrypted", f"{asked.name} {words}"))
    return found


def over_cap(most_bps: int | None, video_bitrate_bps: int) -> str | None:
    """What is wrong with a canvas that has more bits than its target may be sent."""
    if most_bps is None or video_bitrate_bps <= most_bps:
        return None
    return (
        f"it is to get {_kbits(most_bps)} of video at most, and its canvas has "
        f"{_kbits(video_bitrate_bps)}: lower the canvas's video_bitrate, send another canvas, or "
        "raise max_video_bitrate"
    )


def _shape(asked: Platform, stream: Stream) -> list[Advice]:
    found = []
    size = f"{stream.width}×{stream.height}"
    if asked.upright and stream.width >= stream.height:
        words = f"shows upright pictures, 9:16; this canvas is {size}"
        found.append(Advice("orientation", f"{asked.name} {words}"))
    if stream.lines > asked.most_lines:
        most = f"{asked.most_lines} lines; this canvas has {stream.lines}"
        found.append(Advice("size", f"{asked.name} takes up to {most}"))
    return found


def _frame_rate(asked: Platform, stream: Stream) -> list[Advice]:
    if stream.fps <= asked.most_fps:
        return []
    most = f"{asked.most_fps} frames a second; this canvas has {stream.fps:g}"
    return [Advice("frame_rate", f"{asked.name} takes up to {most}")]


def _video_bitrate(asked: Platform, stream: Stream) -> list[Advice]:
    fitting = (r for r in asked.video if stream.lines <= r.lines and stream.fps <= r.fps)
    rates = next(fitting, asked.video[-1])
    return _bits("video_bitrate", asked, rates.least_bps, rates.most_bps, stream.video_bitrate_bps)


def _audio_bitrate(asked: Platform, stream: Stream) -> list[Advice]:
    if asked.audio_bps is None:
        return []
    return _bits("audio_bitrate", asked, *asked.audio_bps, stream.audio_bitrate_bps)


def _bits(code: Code, asked: Platform, least: int, most: int, given: int) -> list[Advice]:
    if least <= given <= most:
        return []
    what = "video" if code == "video_bitrate" else "sound"
    wish = f"at least {_kbits(least)}" if given < least else f"at most {_kbits(most)}"
    return [Advice(code, f"{asked.name} asks for {wish} of {what}; it gets {_kbits(given)}")]


def _keyframes(asked: Platform, stream: Stream) -> list[Advice]:
    longest_s = asked.longest_keyframe_interval_s
    if longest_s is None or stream.keyframe_interval_s <= longest_s:
        return []
    words = (
        f"asks for a keyframe every {longest_s:g} s at least; this server makes one every "
        f"{stream.keyframe_interval_s:g} s (SHOPCAST_KEYFRAME_INTERVAL_S)"
    )
    return [Advice("keyframe_interval", f"{asked.name} {words}")]


def _kbits(bps: int) -> str:
    return f"{bps / 1000:,.0f} kbit/s"
