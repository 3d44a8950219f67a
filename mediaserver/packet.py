"""What flows between the stages: access units in from feeds, encoded packets out to targets."""

from dataclasses import dataclass
from typing import Literal, NewType

from compositor.geometry import Turns

Kind = Literal["video", "audio"]
Codec = Literal["h264", "vp8", "opus", "aac"]

FeedId = NewType("FeedId", str)
CanvasId = NewType("CanvasId", str)
TargetId = NewType("TargetId", str)
ShowId = NewType("ShowId", str)
AssetId = NewType("AssetId", str)

OPUS_LOOKAHEAD_SAMPLES = 312
"""How much later, at 48 kHz, libopus's decoder gives a sound than the encoder was given it, but for
its low-delay mode (RFC 7845 §4.2)."""

TICKS_PER_S = 90_000
"""Ticks of the program's clock: exact for 25, 30, 60, 30000/1001 fps and for AAC frames."""


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One encoded picture or one audio packet as a feed's sender made it.

    `payload` is H.264 in Annex B, one VP8 frame, one Opus packet or one AAC frame in ADTS.
    `timestamp` counts `clock_rate` a second, unwrapped, from the sender's arbitrary origin.
    `arrived_s` is the monotonic time at which its last byte came. `turns` bring the picture
    upright: the camera was held otherwise. `captured_s` is when it was seen or heard, in seconds
    of a clock that the sender's picture and sound share; None while that is not known. Of a unit
    that is decoded before its turn to be shown, it is that of the picture which then comes out.
    """

    codec: Codec
    timestamp: int
    clock_rate: int
    payload: bytes
    is_keyframe: bool
    arrived_s: float
    turns: Turns = 0
    captured_s: float | None = None

    @property
    def kind(self) -> Kind:
        return "video" if self.codec in ("h264", "vp8") else "audio"


@dataclass(frozen=True, slots=True)
class EncodedPacket:
    """One encoded picture, audio frame or codec header, shared by every reader.

    `payload` is the body of an FLV tag, which is also the payload of an RTMP message.
    `dts` is in 90 kHz ticks of the program's clock, `cts` the presentation's offset from it.
    """

    kind: Kind
    dts: int
    cts: int
    payload: bytes
    is_keyframe: bool = False
    is_header: bool = False
