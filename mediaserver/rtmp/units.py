"""What an RTMP publisher sends, as access units: FLV tag bodies in, Annex B and ADTS out.

Source: Adobe Flash Video File Format Specification 10.1, annex E; ISO/IEC 14496-15 §5.3.3 (avcC);
ISO/IEC 14496-3 §1.6.2 (AudioSpecificConfig) and §1.A.2.2 (ADTS); what is refused, Enhanced RTMP v2.
"""

from dataclasses import dataclass

from mediaserver import flv
from mediaserver.flv import FlvError
from mediaserver.packet import AccessUnit
from mediaserver.rtmp.events import MediaReceived

JUMP_MS = 5_000
"""A timestamp further than this from the one before belongs to another timeline: encoders begin
again at zero when their input changes."""

MAX_NAL_UNITS = 1_000
"""Of one picture; encoders make as many as they have slices and threads."""

_START_CODE = b"\0\0\0\1"
_CLOCK_RATE = 1_000
_H264, _AAC = 7, 10
_COMMAND_FRAME = 5
_VIDEO_HEADER_SIZE = 5
_HEADER, _MEDIA = 0, 1

_VIDEO_CODECS = {2: "H.263", 3: "Screen Video", 4: "VP6", 5: "VP6", 12: "HEVC", 13: "AV1"}
_SOUND_CODECS = {1: "ADPCM", 2: "MP3", 7: "G.711", 8: "G.711", 11: "Speex", 13: "Opus", 14: "MP3"}
_FOUR_CHARACTER_CODES = {
    b"hvc1": "HEVC",
    b"av01": "AV1",
    b"vp09": "VP9",
    b"Opus": "Opus",
    b"fLaC": "FLAC",
    b"ac-3": "AC-3",
    b"ec-3": "E-AC-3",
    b".mp3": "MP3",
}
_EXTENDED_SOUND = 9

_ESCAPED_TYPE, _ESCAPED_RATE = 31, 15
_SPECTRAL_BAND_REPLICATION = (5, 29)
_ADTS_TYPES = range(1, 5)
_ADTS_HEADER_SIZE = 7
_ADTS_MAX_SIZE = 1 << 13


class Timeline:
    """Timestamps of 32 bits that wrap, as milliseconds that do not and never jump."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._now_ms = 0
        self._heard_s = 0.0

    def follow(self, timestamp_ms: int, now_s: float) -> int:
        """The place of the next message, which came at `now_s`.

        After a jump time goes on by as much as has passed here.
        """
        if self._last is None:
            self._now_ms = timestamp_ms
        else:
            step = (timestamp_ms - self._last + 0x80000000) % 0x100000000 - 0x80000000
            if abs(step) > JUMP_MS:
                step = round((now_s - self._heard_s) * 1000)
            self._now_ms += step
        self._last = timestamp_ms
        self._heard_s = now_s
        return self._now_ms


@dataclass(frozen=True, slots=True)
class AvcConfig:
    """How an encoder cuts its pictures, and the parameter sets they need, in Annex B."""

    length_size: int
    parameter_sets: bytes

    @classmethod
    def parse(cls, record: bytes) -> "AvcConfig":
        """Raises FlvError."""
        if len(record) < 7 or record[0] != 1:
            raise FlvError("the encoder's H.264 header cannot be read")
        sets = []
        position = 6
        for count in (record[5] & 0x1F, None):
            if count is None:
                count = record[position] if position < len(record) else 0
                position += 1
            for _ in range(count):
                end = position + 2 + int.from_bytes(record[position : position + 2])
                if end > len(record):
                    raise FlvError("the encoder's H.264 header is cut short")
                sets.append(_START_CODE + record[position + 2 : end])
                position = end
        return cls((record[4] & 3) + 1, b"".join(sets))

    def annexb(self, avcc: bytes) -> bytes:
        """The access unit `avcc` with start codes instead of lengths. Raises FlvError."""
        parts: list[bytes] = []
        position = 0
        while position < len(avcc):
            start = position + self.length_size
            end = start + int.from_bytes(avcc[position:start])
            if end > len(avcc) or len(parts) >= 2 * MAX_NAL_UNITS:
                raise FlvError("a picture from the encoder cannot be read")
            parts += (_START_CODE, avcc[start:end])
            position = end
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class AacConfig:
    """What the header of an ADTS frame says: profile, rate and channels, as their codes."""

    profile: int
    rate: int
    channels: int

    @classmethod
    def parse(cls, record: bytes) -> "AacConfig":
        """Of an AudioSpecificConfig. What SBR and PS add, decoders find in the frames.

        Raises FlvError.
        """
        bits = _Bits(record)
        kind = bits.object_type()
        rate = bits.rate()
        channels = bits.take(4)
        if kind in _SPECTRAL_BAND_REPLICATION:
            bits.rate()
            kind = bits.object_type()
        if kind not in _ADTS_TYPES:
            raise FlvError("this server takes AAC-LC and HE-AAC: set the encoder to AAC-LC")
        if not 1 <= channels <= 7:
            raise FlvError("set the encoder's sound to stereo or mono")
        return cls(kind - 1, rate, channels)

    def adts(self, raw: bytes) -> bytes:
        """The AAC frame `raw` with a header, so that it needs no other. Raises FlvError."""
        size = _ADTS_HEADER_SIZE + len(raw)
        if size >= _ADTS_MAX_SIZE:
            raise FlvError("the encoder's sound has too many bits")
        header = 0xFFF << 44 | 1 << 40 | self.profile << 38 | self.rate << 34
        header |= self.channels << 30 | size << 13 | 0x7FF << 2
        return header.to_bytes(_ADTS_HEADER_SIZE) + raw


class UnitReader:
    """One publisher's messages as access units, in the order of decoding."""

    def __init__(self) -> None:
        self._timeline = Timeline()
        self._avc: AvcConfig | None = None
        self._aac: AacConfig | None = None

    def read(self, media: MediaReceived, now_s: float) -> AccessUnit | None:
        """The unit in a message that came at `now_s`; None of headers and of what says nothing.

        Raises FlvError with words for whoever set the encoder up.
        """
        body = media.payload
        if media.kind == "data" or len(body) < 2:
            return None
        time_ms = self._timeline.follow(media.timestamp_ms, now_s)
        if media.kind == "video":
            return self._picture(body, time_ms, now_s)
        return self._sound(body, time_ms, now_s)

    def _picture(self, body: bytes, time_ms: int, now_s: float) -> AccessUnit | None:
        if body[0] & 0x80:
            raise _refused("H.264", _FOUR_CHARACTER_CODES.get(body[1:5]))
        if body[0] >> 4 == _COMMAND_FRAME:
            return None
        if body[0] & 0x0F != _H264:
            raise _refused("H.264", _VIDEO_CODECS.get(body[0] & 0x0F))
        if len(body) < _VIDEO_HEADER_SIZE:
            raise FlvError("a picture from the encoder is cut short")
        tag = flv.video_tag(body)
        if body[1] == _HEADER:
            self._avc = AvcConfig.parse(tag.data)
        if body[1] != _MEDIA or self._avc is None:
            return None
        payload = self._avc.annexb(tag.data)
        if tag.is_keyframe:
            payload = self._avc.parameter_sets + payload
        # Encoders with B-frames count time so that decoding a picture brings out the one whose
        # presentation is now; their first ones come that much later.
        return AccessUnit(
            codec="h264",
            timestamp=time_ms + tag.cts_ms,
            clock_rate=_CLOCK_RATE,
            payload=payload,
            is_keyframe=tag.is_keyframe,
            arrived_s=now_s,
            captured_s=time_ms / 1000,
        )

    def _sound(self, body: bytes, time_ms: int, now_s: float) -> AccessUnit | None:
        kind = body[0] >> 4
        if kind == _EXTENDED_SOUND:
            raise _refused("AAC", _FOUR_CHARACTER_CODES.get(body[1:5]))
        if kind != _AAC:
            raise _refused("AAC", _SOUND_CODECS.get(kind))
        tag = flv.audio_tag(body)
        if body[1] == _HEADER:
            self._aac = AacConfig.parse(tag.data)
        if body[1] != _MEDIA or self._aac is None or not tag.data:
            return None
        return AccessUnit(
            codec="aac",
            timestamp=time_ms,
            clock_rate=_CLOCK_RATE,
            payload=self._aac.adts(tag.data),
            is_keyframe=True,
            arrived_s=now_s,
            captured_s=time_ms / 1000,
        )


class _Bits:
    """Reads a bit field from its most significant bit on."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data[:16])
        self._left = 8 * len(data[:16])

    def take(self, count: int) -> int:
        if count > self._left:
            raise FlvError("the encoder's AAC header is cut short")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def object_type(self) -> int:
        kind = self.take(5)
        return kind if kind != _ESCAPED_TYPE else 32 + self.take(6)

    def rate(self) -> int:
        """The code of a sample rate."""
        code = self.take(4)
        if code == _ESCAPED_RATE:
            hertz = self.take(24)
            code = flv.SAMPLE_RATES.index(hertz) if hertz in flv.SAMPLE_RATES else code
        if code >= len(flv.SAMPLE_RATES):
            raise FlvError("set the encoder's sound to 48 or 44.1 kHz")
        return code


def _refused(taken: str, sent: str | None) -> FlvError:
    what = f"the encoder sends {sent}" if sent else "the encoder sends something else"
    return FlvError(f"this server takes {taken}, and {what}: choose {taken} in its settings")
