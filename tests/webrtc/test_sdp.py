"""Offers of real clients, offers that cannot be taken, and whatever else may come."""

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.webrtc.sdp import (
    MAX_CANDIDATES,
    MID,
    TRANSPORT_CC,
    VIDEO_ORIENTATION,
    Candidate,
    Fingerprint,
    IceCredentials,
    SdpError,
    Stream,
    parse_fragment,
    parse_offer,
    write_answer,
)

OFFERS = Path(__file__).parent / "offers"
CHROMIUM = (OFFERS / "chromium.sdp").read_bytes().decode()
AIORTC = (OFFERS / "aiortc.sdp").read_bytes().decode()
FFMPEG = (OFFERS / "ffmpeg.sdp").read_bytes().decode()

CREDENTIALS = IceCredentials("serverufrag", "serverpassword0123456789")
FINGERPRINT = Fingerprint("sha-256", ":".join(["AB"] * 32))
CANDIDATES = (
    Candidate("1", 2130706431, "203.0.113.7", 40000, "host"),
    Candidate("2", 2130706175, "192.0.2.9", 40000, "host"),
)


def answered(offer: str, streams: Sequence[Stream] = ()) -> list[str]:
    text = write_answer(
        parse_offer(offer, "receiver" if streams else "sender"),
        session_id=1,
        credentials=CREDENTIALS,
        fingerprint=FINGERPRINT,
        candidates=CANDIDATES,
        streams=streams,
    )
    assert text.endswith("\r\n")
    return text.removesuffix("\r\n").split("\r\n")


def test_chromium_offers_h264_first_with_retransmission_and_transport_feedback() -> None:
    offer = parse_offer(CHROMIUM)
    audio, video = offer.media
    assert [(f.payload_type, f.codec, f.rtx_payload_type) for f in audio.formats] == [
        (111, "opus", None)
    ]
    assert [(f.payload_type, f.codec, f.rtx_payload_type) for f in video.formats] == [
        (102, "h264", 103),
        (108, "h264", 109),
        (116, "h264", 117),
        (96, "vp8", 97),
    ]
    assert video.formats[0].feedback == ("transport-cc", "goog-remb", "nack", "nack pli")
    assert offer.extension(TRANSPORT_CC) == 3
    assert offer.extension(MID) == 4
    assert offer.setup == "passive"
    assert offer.credentials.ufrag == "4Ufa"
    assert [c.address for c in offer.candidates] == ["192.0.2.2", "fd00::2"]
    assert [f.algorithm for f in offer.fingerprints] == ["sha-256"]
    assert audio.reduced_size_rtcp
    assert video.reduced_size_rtcp


def test_ffmpeg_waits_for_the_handshake_so_the_answerer_begins_it() -> None:
    offer = parse_offer(FFMPEG)
    assert offer.setup == "active"
    assert [f.codec for m in offer.media for f in m.formats] == ["opus", "h264"]
    assert offer.candidates == ()


def test_aiortc_is_told_of_bandwidth_by_remb() -> None:
    offer = parse_offer(AIORTC)
    assert offer.extension(TRANSPORT_CC) is None
    assert "goog-remb" in offer.media[1].formats[0].feedback


def test_answer_is_receive_only_bundled_and_complete() -> None:
    lines = answered(CHROMIUM)
    assert lines[:6] == [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=ice-options:trickle ice2",
    ]
    assert [line for line in lines if line.startswith("m=")] == [
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "m=video 9 UDP/TLS/RTP/SAVPF 102 103 108 109 116 117 96 97",
    ]
    for attribute in ("recvonly", "rtcp-mux", "rtcp-mux-only", "rtcp-rsize", "setup:passive"):
        assert lines.count(f"a={attribute}") == 2
    assert [line for line in lines if "candidate" in line] == [
        "a=candidate:1 1 udp 2130706431 203.0.113.7 40000 typ host",
        "a=candidate:2 1 udp 2130706175 192.0.2.9 40000 typ host",
        "a=end-of-candidates",
    ]
    assert (
        "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;"
        "profile-level-id=42001f;x-google-start-bitrate=2500" in lines
    )
    assert "a=fmtp:103 apt=102" in lines
    assert "a=fmtp:111 minptime=10;stereo=1" in lines
    assert {line for line in lines if line.startswith("a=extmap")} == {
        f"a=extmap:3 {TRANSPORT_CC}",
        f"a=extmap:4 {MID}",
        f"a=extmap:13 {VIDEO_ORIENTATION}",
    }


def test_start_rate_is_for_senders_that_can_give_it_up() -> None:
    assert not any("x-google" in line for line in answered(AIORTC) + answered(FFMPEG))


def test_attributes_of_the_session_count_for_every_section() -> None:
    moved = [line for line in FFMPEG.splitlines() if line.startswith(("a=ice-", "a=fingerprint"))]
    lines = [line for line in FFMPEG.splitlines() if line not in moved]
    lines[7:7] = moved[:3]
    assert parse_offer("\n".join(lines)).credentials == parse_offer(FFMPEG).credentials


def test_parameter_sets_of_the_offer_are_kept() -> None:
    offer = parse_offer(
        FFMPEG.replace("42001e", "42001e;sprop-parameter-sets=Z0IAHukBQHsg,aM44gA==")
    )
    assert offer.media[1].formats[0].parameter_sets == (
        b"\0\0\0\1\x67\x42\x00\x1e\xe9\x01\x40\x7b\x20\0\0\0\1\x68\xce\x38\x80"
    )


PLAYER = (OFFERS / "chromium-player.sdp").read_bytes().decode()


def test_player_is_answered_with_the_one_format_that_we_send() -> None:
    offer = parse_offer(PLAYER, "receiver")
    streams = [
        Stream("video", 1111, 2222, "shopcast"),
        Stream("audio", 3333, 4444, "shopcast"),
    ]

    lines = answered(PLAYER, streams)

    assert [f.payload_type for m in offer.media for f in m.formats] == [111, 102]
    assert [line for line in lines if line.startswith("m=")] == [
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "m=video 9 UDP/TLS/RTP/SAVPF 102 103",
    ]
    assert lines.count("a=sendonly") == 2
    assert (
        "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f" in lines
    )
    assert [line for line in lines if line.startswith(("a=rtcp-fb", "a=extmap"))] == [
        "a=rtcp-fb:102 nack"
    ]
    assert [line for line in lines if line.startswith(("a=msid", "a=ssrc"))] == [
        "a=msid:shopcast shopcast-audio",
        "a=ssrc:3333 cname:shopcast",
        "a=msid:shopcast shopcast-video",
        "a=ssrc:1111 cname:shopcast",
        "a=ssrc-group:FID 1111 2222",
        "a=ssrc:2222 cname:shopcast",
    ]


def test_player_that_knows_the_high_profile_is_sent_that() -> None:
    offer = parse_offer(PLAYER.replace("=4d001f", "=64001f"), "receiver")

    assert [(f.payload_type, f.rtx_payload_type) for f in offer.media[1].formats] == [(116, 117)]


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        (CHROMIUM, "audio is not offered for receiving: use recvonly"),
        (PLAYER.replace("H264/90000", "H265/90000"), "offer H.264 (packetization-mode=1)"),
        (PLAYER.replace("opus/48000/2", "opus/16000/2"), "no usable audio codec: offer Opus"),
    ],
)
def test_players_that_cannot_be_served_are_told_why(offer: str, words: str) -> None:
    with pytest.raises(SdpError, match=re.escape(words)):
        parse_offer(offer, "receiver")


VIDEO = FFMPEG[FFMPEG.index("m=video") :]

REFUSED = {
    "": "begins with v=0",
    "nonsense": "not a line of SDP",
    "v=0\r\ns=-\r\n": "no media",
    FFMPEG.replace("v=0\r\n", ""): "begins with v=0",
    FFMPEG.replace("a=group:BUNDLE 0 1\r\n", ""): "one BUNDLE group",
    FFMPEG.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"): "one BUNDLE group",
    FFMPEG.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE"): "one BUNDLE group",
    FFMPEG.replace("a=mid:1", "a=mid:0"): "one BUNDLE group",
    FFMPEG.replace("a=mid:1\r\n", ""): "needs a mid",
    FFMPEG.replace("a=mid:1", "a=mid:a b"): "needs a mid",
    FFMPEG.replace("0 1", "0 1 2") + VIDEO.replace("mid:1", "mid:2"): "more than one video",
    FFMPEG.replace("a=msid:FFmpeg video", "a=msid:Other video"): "more than one media stream",
    FFMPEG.replace("a=sendonly", "a=recvonly"): "not offered for sending",
    FFMPEG.replace("a=sendonly", "a=inactive"): "not offered for sending",
    FFMPEG.replace("H264", "H265"): "no usable video codec",
    FFMPEG.replace("packetization-mode=1", "packetization-mode=0"): "no usable video codec",
    FFMPEG.replace("opus/48000/2", "PCMA/8000"): "no usable audio codec",
    FFMPEG.replace("m=video", "m=text"): "kind 'text'",
    FFMPEG.replace("m=video 9 UDP/TLS/RTP/SAVPF", "m=application 9 UDP/DTLS/SCTP"): "data channels",
    FFMPEG.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"): "must use",
    FFMPEG.replace("m=video 9 UDP/TLS/RTP/SAVPF 106 105", "m=video"): "an m= line has",
    FFMPEG.replace("SAVPF 106", "SAVPF h264"): "payload type is malformed",
    FFMPEG.replace("a=rtcp-mux\r\n", ""): "rtcp-mux is required",
    FFMPEG.replace("a=fingerprint", "a=x-fingerprint"): "fingerprint",
    FFMPEG.replace("sha-256", "sha-1"): "fingerprint",
    FFMPEG.replace("F9:F9", "F9F9"): "fingerprint is malformed",
    FFMPEG.replace("a=ice-ufrag", "a=x-ufrag"): "lacks ice-ufrag",
    FFMPEG.replace("ice-ufrag:55c92f03", "ice-ufrag:55"): "malformed",
    FFMPEG.replace("4f0ac2d3741f5c33399f207421c18c2b", "short"): "malformed",
    FFMPEG.replace("setup:passive", "setup:holdconn"): "setup:holdconn",
    FFMPEG + "a=candidate:1 1 udp 5\r\n": "candidate is malformed",
    FFMPEG + "a=candidate:1 1 udp 5 192.0.2.1 99999 typ host\r\n": "port is malformed",
    FFMPEG + "a=extmap:x urn:y\r\n": "extmap id is malformed",
}


@pytest.mark.parametrize(("offer", "reason"), REFUSED.items(), ids=REFUSED.values())
def test_offer_that_cannot_be_taken_whole_is_refused_with_the_reason(
    offer: str, reason: str
) -> None:
    with pytest.raises(SdpError, match=reason):
        parse_offer(offer)


@pytest.mark.parametrize(
    "candidate",
    [
        "1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
        "1 2 udp 1518280447 192.0.2.1 9 typ host",
        "1 1 udp 1518280447 8c2a5d7e-0a3b-4f42-9a0e-4d7b5b9f6a11.local 9999 typ host",
        "1 1 udp 1518280447 192.0.2.1 9999 typ strange",
        "1 1 udp 1518280447 192.0.2.1 0 typ host",
    ],
)
def test_candidate_that_cannot_be_used_is_silently_discarded(candidate: str) -> None:
    assert parse_offer(f"{FFMPEG}a=candidate:{candidate}\r\n").candidates == ()


def test_candidates_are_bounded() -> None:
    many = "".join(f"a=candidate:1 1 udp 5 192.0.2.1 {port} typ host\r\n" for port in range(1, 999))
    assert len(parse_offer(FFMPEG + many).candidates) == MAX_CANDIDATES


def test_fragment_carries_candidates_and_credentials() -> None:
    fragment = parse_fragment(
        "a=group:BUNDLE 0 1\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
        "a=mid:0\r\n"
        "a=ice-ufrag:EsAw\r\n"
        "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
        "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r\n"
        "a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r\n"
        "a=end-of-candidates\r\n"
    )
    assert fragment.credentials == IceCredentials("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")
    assert fragment.candidates == (Candidate("1387637174", 2122260223, "192.0.2.1", 61764, "host"),)


@pytest.mark.parametrize("text", ["", "a=mid:0\r\n", "hello", "a=candidate:1\r\n"])
def test_fragment_without_meaning_is_refused(text: str) -> None:
    with pytest.raises(SdpError):
        parse_fragment(text)


def test_credentials_do_not_print_the_password() -> None:
    assert "serverpassword" not in repr(CREDENTIALS)


LINES = CHROMIUM.splitlines()


@given(
    st.lists(
        st.one_of(
            st.sampled_from(LINES),
            st.text(max_size=60),
            st.tuples(st.sampled_from(LINES), st.integers(0, 80), st.text(max_size=5)).map(
                lambda t: t[0][: t[1]] + t[2] + t[0][t[1] :]
            ),
        ),
        max_size=60,
    )
)
def test_any_text_is_an_offer_or_an_sdp_error(lines: list[str]) -> None:
    text = "\r\n".join(["v=0", *lines])
    for parse in (parse_offer, parse_fragment):
        with contextlib.suppress(SdpError):
            parse(text)


@given(
    st.sampled_from([CHROMIUM, AIORTC, FFMPEG]),
    st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 12), st.text(max_size=8)), max_size=6),
)
def test_a_damaged_offer_is_an_offer_or_an_sdp_error(
    offer: str, damages: list[tuple[int, int, str]]
) -> None:
    for position, length, text in damages:
        offer = offer[:position] + text + offer[position + length :]
    try:
        parsed = parse_offer(offer)
    except SdpError:
        return
    lines = write_answer(
        parsed,
        session_id=1,
        credentials=CREDENTIALS,
        fingerprint=FINGERPRINT,
        candidates=CANDIDATES,
    )
    assert all(line[1] == "=" for line in lines.split("\r\n")[:-1])
