"""RTP packets as received, parsed for speed: what the receiver needs and nothing more.

Sources: RFC 3550 §5.1 (header), RFC 8285 §4 (header extensions), RFC 4588 §4 (retransmission),
3GPP TS 26.114 §7.4.5 (video orientation).
"""

from dataclasses import dataclass
from struct import Struct
from typing import cast

from compositor.geometry import Turns
from mediaserver.errors import ShopcastError

SEQUENCE_SIZE = 1 << 16
TIMESTAMP_SIZE = 1 << 32

_HEADER = Struct("!BBHII")
_U16 = Struct("!H")
_ONE_BYTE_PROFILE = 0xBEDE


class RtpError(ShopcastError):
    """A datagram that is not a sound RTP packet."""


@dataclass(slots=True)
class RtpPacket:
    """One RTP packet without its padding; `transport_sequence` is transport-wide-cc's number.

    `turns` bring the picture upright, where the packet says so: a sender says it of keyframes
    and of changes, and it holds until it says something else.
    `repeated` when it came as a retransmission (RFC 4588).
    """

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    transport_sequence: int | None = None
    turns: Turns | None = None
    repeated: bool = False


def parse_rtp(
    data: bytes, transport_cc_id: int | None = None, orientation_id: int | None = None
) -> RtpPacket:
    """The packet in `data`; the ids are those of the extensions negotiated, if they were.

    Raises RtpError for anything that is not RTP version 2 or is cut short.
    """
    if len(data) < 12:
        raise RtpError("shorter than an RTP header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise RtpError("not RTP version 2")
    start = 12 + 4 * (first & 0x0F)
    end = len(data)
    transport_sequence, turns = None, None
    if first & 0x10:
        extensions = start + 4
        if extensions > end:
            raise RtpError("header extension cut short")
        start = extensions + 4 * _U16.unpack_from(data, extensions - 2)[0]
        profile = _U16.unpack_from(data, extensions - 4)[0]
        if profile == _ONE_BYTE_PROFILE and start <= end:
            transport_sequence, turns = _extensions(
                data[extensions:start], transport_cc_id, orientation_id
            )
    if first & 0x20:
        end -= data[-1]
    if start > end:
        raise RtpError("cut short")
    return RtpPacket(
        second & 0x7F,
        second > 127,
        sequence,
        timestamp,
        ssrc,
        data[start:end],
        transport_sequence,
        turns,
    )


def _extensions(
    data: bytes, transport_cc_id: int | None, orientation_id: int | None
) -> tuple[int | None, Turns | None]:
    """Transport-wide-cc's number and the turns, of RFC 8285 §4.2's one-byte elements.

    Of the orientation, the two lowest bits are read; the flip is left out, as by browsers.
    """
    number, turns = None, None
    position, end = 0, len(data)
    while position < end:
        head = data[position]
        if not head:
            position += 1
            continue
        value = position + 1
        position = value + (head & 0x0F) + 1
        if position > end:
            break
        if head >> 4 == transport_cc_id and position - value == 2:
            number = data[value] << 8 | data[value + 1]
        elif head >> 4 == orientation_id and position - value == 1:
            turns = cast(Turns, data[value] & 0x03)
    return number, turns


def original_packet(packet: RtpPacket, payload_type: int, ssrc: int) -> RtpPacket | None:
    """What a retransmission carries, or None for one that only probes the bandwidth."""
    if len(packet.payload) < 2:
        return None
    return RtpPacket(
        payload_type,
        packet.marker,
        _U16.unpack_from(packet.payload)[0],
        packet.timestamp,
        ssrc,
        packet.payload[2:],
        turns=packet.turns,
        repeated=True,
    )


def unwrapped(value: int, near: int, size: int) -> int:
    """The number congruent to `value` modulo `size` that lies nearest to `near`."""
    half = size >> 1
    return near + ((value - near + half) % size) - half
