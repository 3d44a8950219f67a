"""RTP as a sender makes it, for tests of the receiver."""

import struct
from collections.abc import Iterator

MAX_PAYLOAD = 1100


def rtp(
    sequence: int,
    timestamp: int,
    payload: bytes,
    *,
    ssrc: int = 0x1234,
    payload_type: int = 96,
    marker: bool = False,
    transport: tuple[int, int] | None = None,
    padding: int = 0,
) -> bytes:
    """One packet; `transport` is the id and the number of the transport-wide-cc extension."""
    extension = b""
    if transport is not None:
        identifier, number = transport
        # Another extension and padding before it, as Chromium sends them.
        body = b"\x70\x2a\x00" + struct.pack("!BH", identifier << 4 | 1, number)
        body += bytes(-len(body) % 4)
        extension = struct.pack("!HH", 0xBEDE, len(body) // 4) + body
    first = 0x80 | (0x10 if extension else 0) | (0x20 if padding else 0)
    header = struct.pack(
        "!BBHII",
        first,
        (0x80 if marker else 0) | payload_type,
        sequence % 65536,
        timestamp % (1 << 32),
        ssrc,
    )
    tail = bytes(padding - 1) + bytes((padding,)) if padding else b""
    return header + extension + payload + tail


def nal_units(annexb: bytes) -> list[bytes]:
    return [unit for unit in annexb.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]


def h264_payloads(annexb: bytes, max_payload: int = MAX_PAYLOAD) -> Iterator[bytes]:
    """Parameter sets in one STAP-A, small units alone, large ones in FU-A."""
    units = nal_units(annexb)
    sets = [unit for unit in units if unit[0] & 0x1F in (7, 8)]
    if len(sets) > 1:
        yield b"\x78" + b"".join(struct.pack("!H", len(unit)) + unit for unit in sets)
    elif sets:
        yield sets[0]
    for unit in units:
        if unit in sets:
            continue
        if len(unit) <= max_payload:
            yield unit
            continue
        body = [unit[i : i + max_payload] for i in range(1, len(unit), max_payload)]
        for index, part in enumerate(body):
            start, end = index == 0, index == len(body) - 1
            yield (bytes((unit[0] & 0xE0 | 28, start << 7 | end << 6 | unit[0] & 0x1F)) + part)


def vp8_payloads(frame: bytes, picture_id: int, max_payload: int = MAX_PAYLOAD) -> Iterator[bytes]:
    """With the 15-bit picture id that Chromium sends."""
    for start in range(0, len(frame), max_payload):
        descriptor = struct.pack(
            "!BBH", 0x90 if start == 0 else 0x80, 0x80, 0x8000 | picture_id % 0x8000
        )
        yield descriptor + frame[start : start + max_payload]
