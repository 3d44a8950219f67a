"""A picture of ours → the RTP payloads that carry it: the way back of depacketizer.

Source: RFC 6184 §5: packetization mode 1.
"""

from collections.abc import Sequence

from mediaserver.errors import ShopcastError

MAX_PAYLOAD = 1160
"""With RTP's, SRTP's and a retransmission's own bytes a datagram stays under 1,200: what every
path carries, tunnels too."""

_STAP_A, _FU_A = 24, 28


class PacketizeError(ShopcastError):
    """Bytes that are not of the form that our encoder makes."""


def parameter_sets(record: bytes) -> tuple[bytes, ...]:
    """SPS and PPS of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3).

    Raises PacketizeError.
    """
    units: list[bytes] = []
    position = 5
    for mask in (0x1F, 0xFF):
        if position >= len(record):
            raise PacketizeError("configuration record cut short")
        count = record[position] & mask
        position += 1
        for _ in range(count):
            unit, position = _prefixed(record, position, 2)
            units.append(unit)
    return tuple(units)


def prefixed_units(avcc: bytes) -> list[bytes]:
    """The NAL units of an access unit with 4-byte lengths. Raises PacketizeError."""
    units: list[bytes] = []
    position = 0
    while position < len(avcc):
        unit, position = _prefixed(avcc, position, 4)
        units.append(unit)
    return units


def h264_payloads(units: Sequence[bytes], max_payload: int = MAX_PAYLOAD) -> list[bytes]:
    """The payloads of one picture, in order: neighbours that fit together in a STAP-A, large
    units in FU-A."""
    payloads: list[bytes] = []
    together: list[bytes] = []
    size = 1
    for unit in units:
        if together and size + 2 + len(unit) > max_payload:
            payloads.append(_aggregate(together))
            together, size = [], 1
        if len(unit) > max_payload:
            payloads += _fragments(unit, max_payload)
        else:
            together.append(unit)
            size += 2 + len(unit)
    if together:
        payloads.append(_aggregate(together))
    return payloads


def _prefixed(data: bytes, position: int, width: int) -> tuple[bytes, int]:
    """The unit behind a length of `width` bytes, and where it ends."""
    start = position + width
    end = start + int.from_bytes(data[position:start])
    if start > len(data) or end > len(data) or end == start:
        raise PacketizeError("NAL unit cut short")
    return data[start:end], end


def _aggregate(units: Sequence[bytes]) -> bytes:
    """§5.7.1; its importance is that of its most important unit."""
    if len(units) == 1:
        return units[0]
    forbidden = max(unit[0] & 0x80 for unit in units)
    importance = max(unit[0] & 0x60 for unit in units)
    header = bytes((forbidden | importance | _STAP_A,))
    return header + b"".join(len(unit).to_bytes(2) + unit for unit in units)


def _fragments(unit: bytes, max_payload: int) -> list[bytes]:
    """§5.8, of about equal sizes: no packet is a small rest."""
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
    body = memoryview(unit)[1:]
    count = -(-len(body) // (max_payload - 2))
    size = -(-len(body) // count)
    last = (len(body) - 1) // size
    return [
        bytes((indicator, (index == 0) << 7 | (index == last) << 6 | kind))
        + body[index * size : (index + 1) * size]
        for index in range(last + 1)
    ]
