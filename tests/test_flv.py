import io
from contextlib import suppress

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver import flv
from mediaserver.rtmp import amf0

SPS = bytes.fromhex("6742c01ed900a0")
HIGH_SPS = bytes.fromhex("6764001facd9")
PPS = bytes.fromhex("68cb83cb20")

# A NAL unit holds no start code and does not end in a zero byte (ITU-T H.264 §7.4.1).
UNITS = st.binary(min_size=1, max_size=50).map(lambda b: b.replace(b"\0", b"\1"))


@given(st.lists(st.tuples(UNITS, st.sampled_from([b"\0\0\1", b"\0\0\0\1"])), max_size=5))
def test_annex_b_is_cut_into_its_units(units: list[tuple[bytes, bytes]]) -> None:
    annexb = b"".join(code + unit for unit, code in units)
    assert flv.nal_units(annexb) == [unit for unit, _ in units]
    assert flv.annexb_to_avcc(annexb) == b"".join(len(unit).to_bytes(4) + unit for unit, _ in units)


def test_zeros_within_a_unit_stay_and_those_after_it_go() -> None:
    assert flv.nal_units(b"\0\0\0\1\x65\0\0\x03\x02\0\0\0\1\x41") == [b"\x65\0\0\x03\x02", b"\x41"]


def test_avc_header_holds_the_decoder_configuration() -> None:
    assert flv.avc_header(SPS, PPS) == bytes.fromhex(
        "17 00 000000"  # keyframe of AVC, sequence header, no offset
        "01 42c01e ff e1 0007 6742c01ed900a0"  # version, profile, 4-byte lengths, one SPS
        "01 0005 68cb83cb20"  # one PPS
    )


def test_avc_header_of_a_high_profile_tells_the_chroma_format() -> None:
    assert flv.avc_header(HIGH_SPS, PPS).endswith(PPS + bytes.fromhex("fdf8f800"))


@pytest.mark.parametrize(
    ("keyframe", "cts_ms", "head"), [(True, 0, "1701000000"), (False, -2, "2701fffffe")]
)
def test_avc_body_survives_the_round_trip(keyframe: bool, cts_ms: int, head: str) -> None:
    body = flv.avc_body(b"\0\0\0\1\x65", keyframe, cts_ms)
    assert body == bytes.fromhex(head) + b"\0\0\0\1\x65"
    assert flv.video_tag(body) == flv.VideoTag(keyframe, False, cts_ms, b"\0\0\0\1\x65")
    assert flv.video_tag(flv.avc_header(SPS, PPS)).is_header


def test_aac_bodies_survive_the_round_trip() -> None:
    assert flv.aac_header(48_000, 2) == bytes.fromhex("af00 1190")
    assert flv.aac_header(44_100, 1) == bytes.fromhex("af00 1208")
    assert flv.audio_tag(flv.aac_header(48_000, 2)) == flv.AudioTag(True, b"\x11\x90")
    assert flv.audio_tag(flv.aac_body(b"raw")) == flv.AudioTag(False, b"raw")


@pytest.mark.parametrize("body", [b"", b"\x17", b"\x12\1\0\0\0", b"\x97\1\0\0\0"])
def test_video_of_another_codec_is_refused(body: bytes) -> None:
    with pytest.raises(flv.FlvError, match=r"H\.264"):
        flv.video_tag(body)


@pytest.mark.parametrize("body", [b"", b"\xaf", b"\x2f\0"])
def test_audio_of_another_codec_is_refused(body: bytes) -> None:
    with pytest.raises(flv.FlvError, match="AAC"):
        flv.audio_tag(body)


@given(st.binary(max_size=8))
def test_hostile_bodies_raise_nothing_but_flv_error(body: bytes) -> None:
    for parse in (flv.video_tag, flv.audio_tag):
        with suppress(flv.FlvError):
            parse(body)


def metadata() -> bytes:
    return flv.on_metadata(
        width=1280, height=720, fps=30, video_bitrate_bps=3_000_000, audio_bitrate_bps=128_000
    )


def test_metadata_tells_what_platforms_look_for() -> None:
    assert amf0.decode(metadata()) == [
        "@setDataFrame",
        "onMetaData",
        {
            "width": 1280.0,
            "height": 720.0,
            "framerate": 30.0,
            "videocodecid": 7.0,
            "videodatarate": 3000.0,
            "audiocodecid": 10.0,
            "audiodatarate": 128.0,
            "audiosamplerate": 48000.0,
            "audiosamplesize": 16.0,
            "stereo": True,
            "encoder": "Shopcast",
        },
    ]


def test_file_is_read_by_ffmpeg_with_its_timestamps() -> None:
    start_ms = 0x01000000  # past 24 bits
    file = io.BytesIO(
        flv.file_header()
        + flv.tag(flv.TagType.SCRIPT, 0, metadata())
        + flv.tag(flv.TagType.AUDIO, 0, flv.aac_header(48_000, 2))
        + b"".join(
            flv.tag(flv.TagType.AUDIO, start_ms + 21 * index, flv.aac_body(b"\x21\x10\x05" * 9))
            for index in range(3)
        )
    )
    with av.open(file, "r", format="flv") as opened:
        times = [packet.dts for packet in opened.demux(audio=0) if packet.dts is not None]
        assert opened.metadata["encoder"] == "Shopcast"
    assert times == [start_ms, start_ms + 21, start_ms + 42]
