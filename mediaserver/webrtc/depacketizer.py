"""RTP payloads of one picture → the picture's bytes, as a decoder takes them.

Sources: RFC 6184 §5 (H.264), RFC 7741 §4 (VP8).
"""

from collections.abc import Sequence
from typing import Protocol

from mediaserver.errors import ShopcastError

_START_CODE = b"\x00\x00\x00\x01"
_IDR, _SPS, _STAP_A, _FU_A = 5, 7, 24, 28


class DepacketizeError(ShopcastError):
    """Payloads that do not make a picture."""


class Depacketizer(Protocol):
    """One codec's way of carrying pictures in RTP."""

    def begins_keyframe(self, payload: bytes) -> bool:
        """Whether a picture that needs no other one begins with this payload."""

    def picture(self, payloads: Sequence[bytes]) -> tuple[bytes, bool]:
        """The picture in all its payloads, in order, and whether it is a keyframe.

        Raises DepacketizeError.
        """


class H264Depacketizer:
    """Packetization mode 1: single NAL units, STAP-A and FU-A → Annex B.

    `parameter_sets` (Annex B, from `sprop-parameter-sets`) go before a keyframe without its own.
    """

    def __init__(self, parameter_sets: bytes = b"") -> None:
        self._parameter_sets = parameter_sets

    def begins_keyframe(self, payload: bytes) -> bool:
        if len(payload) < 2:
            return False
        kind = payload[0] & 0x1F
        if kind == _STAP_A:
            return any(payload[s] & 0x1F == _SPS for s, _ in _aggregated(payload))
        if kind == _FU_A:
            starts, kind = payload[1] & 0x80, payload[1] & 0x1F
            first_slice = len(payload) > 2 and payload[2] & 0x80
            return bool(kind == _IDR and starts and first_slice)
        return kind == _SPS or bool(kind == _IDR and payload[1] & 0x80)

    def picture(self, payloads: Sequence[bytes]) -> tuple[bytes, bool]:
        parts: list[bytes] = []
        keyframe = has_sps = in_fragment = False
        for payload in payloads:
            kind = payload[0] & 0x1F
            if kind == _FU_A:
                if len(payload) < 3:
                    raise DepacketizeError("FU-A cut short")
                header = payload[1]
                if header & 0x80:
                    kind = header & 0x1F
                    keyframe |= kind == _IDR
                    parts += (_START_CODE, bytes((payload[0] & 0xE0 | kind,)), payload[2:])
                elif in_fragment:
                    parts.append(payload[2:])
                else:
                    raise DepacketizeError("FU-A without its start")
                in_fragment = not header & 0x40
                continue
            if in_fragment:
                raise DepacketizeError("FU-A without its end")
            if kind == _STAP_A:
                for start, end in _aggregated(payload):
                    kind = payload[start] & 0x1F
                    keyframe |= kind == _IDR
                    has_sps |= kind == _SPS
                    parts += (_START_CODE, payload[start:end])
            elif 0 < kind < _STAP_A:
                keyframe |= kind == _IDR
                has_sps |= kind == _SPS
                parts += (_START_CODE, payload)
            else:
                raise DepacketizeError(f"NAL unit type {kind} is not of packetization mode 1")
        if in_fragment:
            raise DepacketizeError("FU-A without its end")
        if keyframe and not has_sps:
            parts.insert(0, self._parameter_sets)
        return b"".join(parts), keyframe


def _aggregated(payload: bytes) -> list[tuple[int, int]]:
    """Start and end of each NAL unit in a STAP-A; what is cut short ends the list."""
    spans = []
    position = 1
    while position + 2 < len(payload):
        start = position + 2
        position = start + (payload[position] << 8 | payload[position + 1])
        if position > len(payload) or position == start:
            break
        spans.append((start, position))
    return spans


class Vp8Depacketizer:
    """VP8: the payload descriptor goes, the rest is the frame."""

    def begins_keyframe(self, payload: bytes) -> bool:
        if not payload or payload[0] & 0x17 != 0x10:  # S set, partition index 0
            return False
        start = _vp8_start(payload)
        return start < len(payload) and not payload[start] & 0x01

    def picture(self, payloads: Sequence[bytes]) -> tuple[bytes, bool]:
        if payloads[0][0] & 0x17 != 0x10:
            raise DepacketizeError("VP8 frame without its start")
        frame = b"".join([payload[_vp8_start(payload) :] for payload in payloads])
        if not frame:
            raise DepacketizeError("VP8 frame without data")
        return frame, not frame[0] & 0x01


def _vp8_start(payload: bytes) -> int:
    """Where the VP8 data starts, after the payload descriptor."""
    if not payload[0] & 0x80:
        return 1
    if len(payload) < 3:
        return len(payload)
    extension = payload[1]
    start = 2
    if extension & 0x80:
        start += 2 if payload[2] & 0x80 else 1
    if extension & 0x40:
        start += 1
    if extension & 0x30:
        start += 1
    return start
