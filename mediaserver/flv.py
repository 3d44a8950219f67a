"""FLV: the tag bodies that RTMP carries too, and the file they can be kept in.

Source: Adobe Flash Video File Format Specification 10.1, annex E; the decoder configurations are
ISO/IEC 14496-15 §5.3.3 (avcC) and ISO/IEC 14496-3 §1.6 (AudioSpecificConfig).
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from mediaserver.errors import ShopcastError
from mediaserver.rtmp import amf0

_SET_DATA_FRAME = amf0.encode("@setDataFrame")
SAMPLE_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_HIGH_PROFILES = (100, 110, 122, 144)

_AVC, _AAC = 7, 10
_KEYFRAME, _INTER = 1, 2
_AAC_LC = 2


class TagType(IntEnum):
    AUDIO = 8
    VIDEO = 9
    SCRIPT = 18


class FlvError(ShopcastError):
    """A tag body that is not H.264 or AAC, or is cut short."""


@dataclass(frozen=True, slots=True)
class VideoTag:
    """One access unit as 4-byte length prefixed NAL units, or an avcC record (`is_header`)."""

    is_keyframe: bool
    is_header: bool
    cts_ms: int
    data: bytes


@dataclass(frozen=True, slots=True)
class AudioTag:
    """One raw AAC frame, or an AudioSpecificConfig (`is_header`)."""

    is_header: bool
    data: bytes


def nal_units(annexb: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream, without start codes."""
    units = []
    start = annexb.find(b"\0\0\1")
    while start >= 0:
        end = annexb.find(b"\0\0\1", start + 3)
        # A unit never ends in a zero byte: what is there belongs to the next start code.
        unit = annexb[start + 3 : end if end >= 0 else len(annexb)].rstrip(b"\0")
        if unit:
            units.append(unit)
        start = end
    return units


def annexb_to_avcc(annexb: bytes) -> bytes:
    """The same access unit with 4-byte lengths instead of start codes."""
    parts: list[bytes] = []
    for unit in nal_units(annexb):
        parts += (len(unit).to_bytes(4), unit)
    return b"".join(parts)


def avc_header(sps: bytes, pps: bytes) -> bytes:
    """The video tag body that goes ahead: the decoder's configuration, of 4:2:0 at 8 bits."""
    record = bytes((1, *sps[1:4], 0xFF, 0xE1)) + len(sps).to_bytes(2) + sps
    record += b"\1" + len(pps).to_bytes(2) + pps
    if sps[1] in _HIGH_PROFILES:
        record += bytes((0xFC | 1, 0xF8, 0xF8, 0))  # chroma format, bit depths - 8, no extension
    return bytes((_KEYFRAME << 4 | _AVC, 0, 0, 0, 0)) + record


def avc_body(avcc: bytes, keyframe: bool, cts_ms: int) -> bytes:
    """The video tag body of one access unit."""
    frame_type = _KEYFRAME if keyframe else _INTER
    return struct.pack(">BB", frame_type << 4 | _AVC, 1) + cts_ms.to_bytes(3, signed=True) + avcc


def aac_header(sample_rate: int, channels: int) -> bytes:
    """The audio tag body that goes ahead: AAC-LC of a standard rate, up to 7 channels."""
    index = SAMPLE_RATES.index(sample_rate)
    return b"\xaf\0" + struct.pack(">H", _AAC_LC << 11 | index << 7 | channels << 3)


def aac_body(raw: bytes) -> bytes:
    """The audio tag body of one AAC frame without ADTS.

    Its first byte always says 44 kHz stereo: the header's configuration counts (§E.4.2.1).
    """
    return b"\xaf\1" + raw


def on_metadata(
    *,
    width: int,
    height: int,
    fps: float,
    video_bitrate_bps: int,
    audio_bitrate_bps: int,
    sample_rate: int = 48_000,
    channels: int = 2,
) -> bytes:
    """What a publisher sends before its media: `@setDataFrame`, `onMetaData` (§E.5)."""
    metadata = amf0.EcmaArray(
        width=width,
        height=height,
        framerate=fps,
        videocodecid=_AVC,
        videodatarate=video_bitrate_bps / 1000,
        audiocodecid=_AAC,
        audiodatarate=audio_bitrate_bps / 1000,
        audiosamplerate=sample_rate,
        audiosamplesize=16,
        stereo=channels == 2,
        encoder="Shopcast",
    )
    return _SET_DATA_FRAME + amf0.encode("onMetaData", metadata)


def video_tag(body: bytes) -> VideoTag:
    """Raises FlvError unless `body` is H.264."""
    if len(body) < 5 or body[0] & 0x0F != _AVC or body[0] & 0x80:
        raise FlvError("not an H.264 video tag")
    return VideoTag(
        is_keyframe=body[0] >> 4 == _KEYFRAME,
        is_header=body[1] == 0,
        cts_ms=int.from_bytes(body[2:5], signed=True),
        data=body[5:],
    )


def audio_tag(body: bytes) -> AudioTag:
    """Raises FlvError unless `body` is AAC."""
    if len(body) < 2 or body[0] >> 4 != _AAC:
        raise FlvError("not an AAC audio tag")
    return AudioTag(is_header=body[1] == 0, data=body[2:])


def file_header() -> bytes:
    """What a file of audio and video begins with."""
    return b"FLV\1\5" + (9).to_bytes(4) + bytes(4)


def tag(kind: TagType, timestamp_ms: int, body: bytes) -> bytes:
    """One tag of a file, its size after it; a script's `@setDataFrame` is RTMP's and left out."""
    if kind is TagType.SCRIPT:
        body = body.removeprefix(_SET_DATA_FRAME)
    low, high = timestamp_ms & 0xFFFFFF, timestamp_ms >> 24 & 0xFF
    head = struct.pack(">II", kind << 24 | len(body), low << 8 | high) + bytes(3)
    return head + body + (len(head) + len(body)).to_bytes(4)
