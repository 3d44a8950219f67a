import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.webrtc.depacketizer import DepacketizeError, H264Depacketizer, Vp8Depacketizer
from tests.media import video_units
from tests.webrtc.packets import h264_payloads, nal_units, vp8_payloads

SETS = b"\0\0\0\1\x67\x42\x00\x1e\0\0\0\1\x68\xce\x38\x80"


@pytest.mark.parametrize("max_payload", [10, 100, 1100])
def test_h264_pictures_come_out_as_they_went_in(max_payload: int) -> None:
    depacketizer = H264Depacketizer()
    for unit in video_units(12, gop=5):
        payloads = list(h264_payloads(unit.payload, max_payload))
        picture, is_keyframe = depacketizer.picture(payloads)
        assert nal_units(picture) == sorted(
            nal_units(unit.payload), key=lambda nal: nal[0] & 0x1F not in (7, 8)
        )
        assert is_keyframe == unit.is_keyframe
        assert depacketizer.begins_keyframe(payloads[0]) == unit.is_keyframe


@pytest.mark.parametrize("max_payload", [10, 100, 1100])
def test_vp8_frames_come_out_as_they_went_in(max_payload: int) -> None:
    depacketizer = Vp8Depacketizer()
    for index, unit in enumerate(video_units(12, "vp8", gop=5)):
        payloads = list(vp8_payloads(unit.payload, index, max_payload))
        assert depacketizer.picture(payloads) == (unit.payload, unit.is_keyframe)
        assert depacketizer.begins_keyframe(payloads[0]) == unit.is_keyframe
        assert not any(depacketizer.begins_keyframe(later) for later in payloads[1:])


def test_parameter_sets_of_the_offer_go_before_a_keyframe_without_its_own() -> None:
    picture, is_keyframe = H264Depacketizer(SETS).picture([b"\x65\x88\x80"])
    assert (picture, is_keyframe) == (SETS + b"\0\0\0\1\x65\x88\x80", True)
    own = [b"\x67\x42\x00\x1f", b"\x65\x88\x80"]
    assert H264Depacketizer(SETS).picture(own)[0] == b"\0\0\0\1\x67\x42\x00\x1f\0\0\0\1\x65\x88\x80"


@pytest.mark.parametrize(
    ("payload", "begins"),
    [
        (b"\x7c\x85\x88", True),  # first fragment of the first slice of an IDR picture
        (b"\x7c\x85\x08", False),  # … of a later slice
        (b"\x7c\x05\x88", False),  # a later fragment
        (b"\x7c\x81\x9a", False),  # of another picture
        (b"\x65\x88", True),
        (b"\x41\x9a", False),
        (b"\x67\x42", True),
        (b"\x78\x00\x02\x67\x42\x00\x01\x68", True),
        (b"\x78\x00\x02\x06\x42", False),
        (b"\x65", False),
    ],
)
def test_where_an_h264_keyframe_begins(payload: bytes, begins: bool) -> None:
    assert H264Depacketizer().begins_keyframe(payload) is begins


@pytest.mark.parametrize(
    "payloads",
    [
        [b"\x7c\x85"],
        [b"\x7c\x05\x88"],
        [b"\x7c\x85\x88"],
        [b"\x7c\x85\x88", b"\x41\x9a"],
        [b"\x7f\x00\x00"],
        [b"\x60\x00"],
    ],
)
def test_payloads_that_make_no_picture_are_an_error(payloads: list[bytes]) -> None:
    with pytest.raises(DepacketizeError):
        H264Depacketizer().picture(payloads)


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=6))
def test_any_payloads_are_a_picture_or_an_error(payloads: list[bytes]) -> None:
    for depacketizer in (H264Depacketizer(), Vp8Depacketizer()):
        for payload in payloads:
            depacketizer.begins_keyframe(payload)
        with contextlib.suppress(DepacketizeError):
            depacketizer.picture(payloads)
