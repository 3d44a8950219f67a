"""Pictures into RTP payloads, and back by the depacketizer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver import flv
from mediaserver.webrtc.depacketizer import H264Depacketizer
from mediaserver.webrtc.packetizer import (
    PacketizeError,
    h264_payloads,
    parameter_sets,
    prefixed_units,
)

SPS, PPS = b"\x67\x64\x00\x1f\xac", b"\x68\xee\x3c\x80"


def unit(size: int, kind: int = 1, importance: int = 3) -> bytes:
    """A NAL unit of `size` bytes that holds no start code."""
    return bytes((importance << 5 | kind,)) + bytes(1 + i % 250 for i in range(size - 1))


units = st.builds(
    unit,
    st.one_of(st.integers(1, 300), st.integers(1, 5000)),
    st.sampled_from((1, 5, 6, 7, 8, 9)),
    st.integers(0, 3),
)


@given(st.lists(units, min_size=1, max_size=8), st.integers(64, 1200))
def test_every_picture_comes_out_of_the_depacketizer_as_it_went_in(
    picture: list[bytes], max_payload: int
) -> None:
    payloads = h264_payloads(picture, max_payload)

    assert all(len(payload) <= max_payload for payload in payloads)
    annexb, keyframe = H264Depacketizer().picture(payloads)
    assert annexb == b"".join(b"\0\0\0\1" + unit for unit in picture)
    assert keyframe == any(unit[0] & 0x1F == 5 for unit in picture)


def test_parameter_sets_go_together_and_a_large_slice_in_even_fragments() -> None:
    payloads = h264_payloads([SPS, PPS, unit(2401, kind=5)], 1000)

    assert payloads[0] == b"\x78\x00\x05" + SPS + b"\x00\x04" + PPS
    assert [len(payload) for payload in payloads[1:]] == [802, 802, 802]
    assert [payload[:2] for payload in payloads[1:]] == [b"\x7c\x85", b"\x7c\x05", b"\x7c\x45"]
    assert H264Depacketizer().begins_keyframe(payloads[0])


def test_a_unit_that_fits_alone_is_sent_as_it_is() -> None:
    assert h264_payloads([unit(1000)], 1000) == [unit(1000)]


def test_the_parameter_sets_are_those_of_the_programs_header() -> None:
    record = flv.video_tag(flv.avc_header(SPS, PPS)).data

    assert parameter_sets(record) == (SPS, PPS)


@pytest.mark.parametrize("cut", range(20))
def test_a_header_that_is_cut_short_is_refused(cut: int) -> None:
    record = flv.video_tag(flv.avc_header(SPS, PPS)).data

    with pytest.raises(PacketizeError):
        parameter_sets(record[:cut])


@given(st.binary(max_size=40))
def test_what_is_no_access_unit_is_refused_or_taken_whole(data: bytes) -> None:
    try:
        found = prefixed_units(data)
    except PacketizeError:
        return
    assert b"".join(len(unit).to_bytes(4) + unit for unit in found) == data
