"""FLV tag bodies to access units: real encoders' and invented ones."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.codeccontext import AudioCodecContext
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.flv import FlvError, annexb_to_avcc, avc_body, avc_header, nal_units
from mediaserver.packet import AccessUnit
from mediaserver.rtmp.events import MediaReceived
from mediaserver.rtmp.units import MAX_NAL_UNITS, AacConfig, AvcConfig, Timeline, UnitReader
from tests.media import moving_frames

SPS, PPS = b"\x67\x42\xc0\x1e\x95", b"\x68\xce\x3c\x80"
AVC_HEADER = avc_header(SPS, PPS)
AAC_44100_MONO = b"\x12\x08"


def video(body: bytes, timestamp_ms: int = 0) -> MediaReceived:
    return MediaReceived("video", timestamp_ms, body)


def audio(body: bytes, timestamp_ms: int = 0) -> MediaReceived:
    return MediaReceived("audio", timestamp_ms, body)


def flv_messages(path: Path) -> Iterator[MediaReceived]:
    """The tags of a file, as a publisher would send them."""
    data = path.read_bytes()
    position = 13
    while position < len(data):
        kind, size = data[position], int.from_bytes(data[position + 1 : position + 4])
        low = int.from_bytes(data[position + 4 : position + 7])
        body = data[position + 11 : position + 11 + size]
        timestamp_ms = data[position + 7] << 24 | low
        if kind in (8, 9):
            yield MediaReceived("audio" if kind == 8 else "video", timestamp_ms, body)
        position += 11 + size + 4


def units_of(path: Path) -> list[AccessUnit]:
    reader = UnitReader()
    read = [reader.read(message, 7.0) for message in flv_messages(path)]
    return [unit for unit in read if unit is not None]


@pytest.mark.parametrize("b_frames", [0, 2])
def test_every_picture_of_x264_decodes_at_its_own_time(tmp_path: Path, b_frames: int) -> None:
    path = tmp_path / "made.flv"
    with av.open(str(path), "w") as file:
        options = {"bf": str(b_frames), "g": "10", "sc_threshold": "0"}
        stream = file.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index, frame in enumerate(moving_frames(30)):
            frame.pts, frame.time_base = index, Fraction(1, 30)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))

    units = units_of(path)
    decoder = av.CodecContext.create("h264", "r")
    shown: list[int] = []
    for unit in units:
        packet = av.Packet(unit.payload)
        packet.pts = unit.timestamp
        for frame in decoder.decode(packet):
            assert unit.captured_s is not None
            assert frame.pts == round(unit.captured_s * 1000)
            shown.append(frame.pts)
    shown += [frame.pts or 0 for frame in decoder.decode(None)]

    assert len(shown) == 30
    assert [round((pts - shown[0]) * 30 / 1000) for pts in shown] == list(range(30))
    assert [index for index, unit in enumerate(units) if unit.is_keyframe] == [0, 10, 20]
    assert all(
        (unit.kind, unit.clock_rate, unit.arrived_s) == ("video", 1000, 7.0) for unit in units
    )
    in_order = [unit.timestamp for unit in units] == sorted(unit.timestamp for unit in units)
    assert in_order is (b_frames == 0)


@pytest.mark.parametrize(
    ("rate", "layout"), [(48_000, "stereo"), (44_100, "mono"), (22_050, "mono")]
)
def test_every_sound_of_an_aac_encoder_decodes(tmp_path: Path, rate: int, layout: str) -> None:
    path = tmp_path / "made.flv"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=rate, layout=layout)
        for index in range(20):
            channels = 2 if layout == "stereo" else 1
            samples = np.full((channels, 1024), 0.25, np.float32)
            frame = av.AudioFrame.from_ndarray(samples, "fltp", layout)
            frame.sample_rate, frame.pts = rate, index * 1024
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))

    units = units_of(path)
    decoder = av.CodecContext.create("aac", "r")
    assert isinstance(decoder, AudioCodecContext)
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit.payload))]

    assert {(frame.sample_rate, frame.layout.name, frame.samples) for frame in frames} == {
        (rate, layout, 1024)
    }
    assert len(frames) >= 20
    assert np.allclose(frames[10].to_ndarray(), 0.25, atol=0.01)
    steps = {b.timestamp - a.timestamp for a, b in pairwise(units)}
    assert steps <= {1024 * 1000 // rate, 1024 * 1000 // rate + 1}


def test_keyframes_alone_carry_the_parameter_sets() -> None:
    reader = UnitReader()
    assert reader.read(video(AVC_HEADER), 0.0) is None
    key = reader.read(video(avc_body(annexb_to_avcc(b"\0\0\1\x65key"), True, 0)), 0.0)
    other = reader.read(video(avc_body(annexb_to_avcc(b"\0\0\1\x41other"), False, 0)), 0.0)

    assert key is not None
    assert other is not None
    assert nal_units(key.payload) == [SPS, PPS, b"\x65key"]
    assert nal_units(other.payload) == [b"\x41other"]


def test_timestamps_are_of_presentation_and_capture_of_what_decoding_brings_out() -> None:
    reader = UnitReader()
    reader.read(video(AVC_HEADER), 0.0)
    unit = reader.read(video(avc_body(annexb_to_avcc(b"\0\0\1\x65"), True, -7), 1_040), 0.0)

    assert unit is not None
    assert (unit.timestamp, unit.captured_s) == (1_033, 1.04)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x17",
        b"\x57\x00\x00\x00\x00\x00",  # a command for players
        b"\x17\x02\x00\x00\x00",  # the end of the sequence
        avc_body(annexb_to_avcc(b"\0\0\1\x65"), True, 0),  # before any header
    ],
)
def test_video_that_says_nothing_is_passed_over(body: bytes) -> None:
    assert UnitReader().read(video(body), 0.0) is None


@pytest.mark.parametrize("body", [b"", b"\xaf", b"\xaf\x01", b"\xaf\x01frame", b"\xaf\x02"])
def test_sound_that_says_nothing_is_passed_over(body: bytes) -> None:
    assert UnitReader().read(audio(body), 0.0) is None


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (video(b"\x90hvc1" + bytes(9)), "takes H.264, and the encoder sends HEVC: choose H.264"),
        (video(b"\x90av01" + bytes(9)), "takes H.264, and the encoder sends AV1: choose H.264"),
        (video(b"\x90????" + bytes(9)), "takes H.264, and the encoder sends something else"),
        (video(b"\x1c\0\0\0\0"), "the encoder sends HEVC"),
        (video(b"\x12\0\0\0\0"), "the encoder sends H.263"),
        (video(b"\x17\1\0\0"), "a picture from the encoder is cut short"),
        (video(b"\x17\0\0\0\0\2"), "the encoder's H.264 header cannot be read"),
        (video(AVC_HEADER[:-1]), "the encoder's H.264 header is cut short"),
        (audio(b"\x2f\xff\xfb"), "takes AAC, and the encoder sends MP3: choose AAC"),
        (audio(b"\x90Opus"), "takes AAC, and the encoder sends Opus: choose AAC"),
        (audio(b"\xaf\0\x12"), "the encoder's AAC header is cut short"),
        (audio(b"\xaf\0\xf8\xe8\x50\x00"), "set the encoder to AAC-LC"),  # ELD
        (audio(b"\xaf\0\x11\x80"), "set the encoder's sound to stereo or mono"),  # by elements
        (audio(b"\xaf\0\x16\x90"), "set the encoder's sound to 48 or 44.1 kHz"),
    ],
)
def test_what_is_not_taken_is_refused_in_words(message: MediaReceived, words: str) -> None:
    with pytest.raises(FlvError) as refused:
        UnitReader().read(message, 0.0)
    assert words in str(refused.value)


def test_picture_of_too_many_parts_is_refused() -> None:
    config = AvcConfig(4, b"")
    assert len(nal_units(config.annexb((b"\0\0\0\1\x41") * MAX_NAL_UNITS))) == MAX_NAL_UNITS
    with pytest.raises(FlvError, match="cannot be read"):
        config.annexb((b"\0\0\0\1\x41") * (MAX_NAL_UNITS + 1))


def test_sound_that_no_adts_header_can_count_is_refused() -> None:
    config = AacConfig.parse(AAC_44100_MONO)
    assert len(config.adts(bytes(8184))) == 8191
    with pytest.raises(FlvError, match="too many bits"):
        config.adts(bytes(8185))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (b"\x11\x90", AacConfig(1, 3, 2)),  # LC, 48 kHz, stereo
        (b"\x12\x08", AacConfig(1, 4, 1)),  # LC, 44.1 kHz, mono
        (b"\x12\x10\x56\xe5\x00", AacConfig(1, 4, 2)),  # with an extension, as OBS writes it
        (b"\x2b\x11\x88\x00", AacConfig(1, 6, 2)),  # HE-AAC, 24 to 48 kHz
        (b"\x17\x80\x5d\xc0\x10", AacConfig(1, 3, 2)),  # 48,000 written out
    ],
)
def test_audio_configurations_are_understood(record: bytes, expected: AacConfig) -> None:
    assert AacConfig.parse(record) == expected


@given(
    st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=9),
    st.sampled_from([1, 2, 4]),
)
def test_pictures_come_through_whatever_the_size_of_their_lengths(
    units: list[bytes], length_size: int
) -> None:
    avcc = b"".join(len(unit).to_bytes(length_size) + unit for unit in units)
    assert AvcConfig(length_size, b"").annexb(avcc) == b"".join(b"\0\0\0\1" + u for u in units)


@given(st.lists(st.tuples(st.sampled_from(["audio", "video", "data"]), st.integers(0, 2**32 - 1),
                          st.binary(max_size=64)), max_size=8))  # fmt: skip
def test_any_bytes_are_a_unit_or_nothing_or_refused(messages: list[tuple[str, int, bytes]]) -> None:
    reader = UnitReader()
    for body in (AVC_HEADER, b"\xaf\0\x12\x08"):
        reader.read(MediaReceived("video" if body is AVC_HEADER else "audio", 0, body), 0.0)
    for kind, timestamp_ms, body in messages:
        try:
            unit = reader.read(MediaReceived(kind, timestamp_ms, body), 0.0)  # type: ignore[arg-type]
        except FlvError:
            return
        assert unit is None or unit.kind == kind


@given(st.sampled_from([b"\x17\0\0\0\0", b"\xaf\0"]), st.binary(max_size=64))
def test_any_header_is_taken_or_refused(head: bytes, record: bytes) -> None:
    kind = "video" if head[0] == 0x17 else "audio"
    reader = UnitReader()
    try:
        reader.read(MediaReceived(kind, 0, head + record), 0.0)  # type: ignore[arg-type]
        reader.read(MediaReceived(kind, 0, bytes((head[0], 1, 0, 0, 0)) + record), 0.0)  # type: ignore[arg-type]
    except FlvError:
        return


def test_time_goes_on_where_32_bits_wrap() -> None:
    timeline = Timeline()
    assert timeline.follow(2**32 - 20, 0.0) == 2**32 - 20
    assert timeline.follow(13, 0.033) == 2**32 + 13
    assert timeline.follow(2**32 - 2, 0.034) == 2**32 - 2  # sound that comes behind its picture


def test_time_goes_on_by_what_passed_here_when_an_encoder_begins_again() -> None:
    timeline = Timeline()
    assert timeline.follow(3_600_000, 10.0) == 3_600_000
    assert timeline.follow(0, 10.25) == 3_600_250
    assert timeline.follow(40, 10.29) == 3_600_290
    assert timeline.follow(900_000, 11.29) == 3_601_290


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 4_000)), max_size=30),
)
def test_time_never_jumps(start: int, steps: list[tuple[int, int]]) -> None:
    timeline = Timeline()
    now_s, before = 0.0, timeline.follow(start, 0.0)
    for timestamp_ms, passed_ms in steps:
        now_s += passed_ms / 1000
        after = timeline.follow(timestamp_ms, now_s)
        assert abs(after - before) <= 5_000
        before = after
