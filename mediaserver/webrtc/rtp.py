"""RTP packets as received, parsed for speed: what the receiver needs and nothing more.

Sources: RFC 3550 §5.1 (header), RFC 8285 §4 (header extensions), RFC 4588 §4 (retransmission).
"""

from dataclasses import dataclass
from struct import Struct

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

    `repeated` when it came as a retransmission (RFC 4588).
    """

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    transport_sequence: int | None = None
    repeated: bool = False


def parse_rtp(data: bytes, transport_cc_id: int | None = None) -> RtpPacket:
    """The packet in `data`; `transport_cc_id` is the extension id negotiated, if one was.

    Raises RtpError for anything that is not RTP version 2 or is cut short.
    """
    if len(data) < 12:
        raise RtpError("shorter than an RTP header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise RtpError("not RTP version 2")
    start = 12 + 4 * (first & 0x0F)
    end = len(data)
    transport_sequence = None
    if first & 0x10:
        extensions = start + 4
        if extensions > end:
            raise RtpError("header extension cut short")
        start = extensions + 4 * _U16.unpack_from(data, extensions - 2)[0]
        profile = _U16.unpack_from(data, extensions - 4)[0]
        if transport_cc_id is not None and profile == _ONE_BYTE_PROFILE and start <= end:
            transport_sequence = _transport_sequence(data, extensions, start, transport_cc_id)
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
    )


def _transport_sequence(data: bytes, position: int, end: int, wanted: int) -> int | None:
    """The two bytes of the extension `wanted` (RFC 8285 §4.2, the one-byte form)."""
    while position < end:
        head = data[position]
        length = (head & 0x0F) + 1
        if head >> 4 == wanted:
            if length != 2 or position + 3 > end:
                return None
            return data[position + 1] << 8 | data[position + 2]
        position += length + 1 if head else 1  # 0 is padding
    return None


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
        repeated=True,
    )


def unwrapped(value: int, near: int, size: int) -> int:
    """The number congruent to `value` modulo `size` that lies nearest to `near`."""
    half = size >> 1
    return near + ((value - near + half) % size) - half
