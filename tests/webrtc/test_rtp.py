import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compositor.geometry import Turns
from mediaserver.webrtc.rtp import (
    RtpError,
    RtpPacket,
    original_packet,
    parse_rtp,
    unwrapped,
)
from tests.webrtc.packets import rtp


def test_packet_is_read_without_extension_and_padding() -> None:
    data = rtp(7, 9000, b"payload", marker=True, transport=(3, 513), padding=4)
    assert parse_rtp(data, 3) == RtpPacket(96, True, 7, 9000, 0x1234, b"payload", 513)


def test_extension_that_was_not_negotiated_is_passed_over() -> None:
    data = rtp(7, 9000, b"payload", transport=(3, 513))
    assert parse_rtp(data).transport_sequence is None
    assert parse_rtp(data, 4).transport_sequence is None


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_orientation_is_the_quarter_turns_that_bring_a_picture_upright(turns: Turns) -> None:
    """3GPP TS 26.114 §7.4.5: camera and flip are bits 3 and 2."""
    data = bytearray(rtp(7, 9000, b"payload", transport=(3, 513)))
    data[17] = 0b1100 | turns
    assert parse_rtp(bytes(data), 3, 7) == RtpPacket(
        96, False, 7, 9000, 0x1234, b"payload", 513, turns
    )
    assert parse_rtp(bytes(data), 3, 8).turns is None
    assert parse_rtp(bytes(data), 3).turns is None


def test_contributing_sources_are_passed_over() -> None:
    data = bytearray(rtp(7, 9000, b"payload"))
    data[0] |= 2
    data[12:12] = bytes(8)
    assert parse_rtp(bytes(data)).payload == b"payload"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80" * 11,
        b"\x40" + bytes(20),
        b"\x8f" + bytes(20),
        b"\x90" + bytes(12),
        b"\x90" + bytes(11) + b"\xbe\xde\xff\xff",
        rtp(1, 1, b"", padding=1)[:-1] + b"\xff",
    ],
)
def test_what_is_cut_short_is_an_rtp_error(data: bytes) -> None:
    with pytest.raises(RtpError):
        parse_rtp(data, 3)


@given(st.binary(max_size=80).map(lambda tail: b"\xb1" + tail), st.integers(1, 14))
def test_any_bytes_are_a_packet_or_an_rtp_error(data: bytes, identifier: int) -> None:
    with contextlib.suppress(RtpError):
        assert parse_rtp(data, identifier, identifier % 14 + 1).turns in (None, 0, 1, 2, 3)


def test_retransmission_carries_the_original_packet() -> None:
    packet = parse_rtp(rtp(99, 9000, b"\x01\x02payload", payload_type=97, marker=True, ssrc=5))
    packet.turns = 3
    assert original_packet(packet, 96, 0x1234) == RtpPacket(
        96, True, 0x0102, 9000, 0x1234, b"payload", turns=3, repeated=True
    )


def test_retransmission_that_only_probes_carries_nothing() -> None:
    assert original_packet(parse_rtp(rtp(99, 9000, b"", padding=200)), 96, 1) is None


@given(st.integers(-(10**9), 10**12), st.integers(-32767, 32767))
def test_numbers_that_wrapped_around_are_told_by_what_is_near(near: int, distance: int) -> None:
    assert unwrapped((near + distance) % 65536, near, 65536) == near + distance
