import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from aiortc.rtp import AnyRtcpPacket, RtcpRtpfbPacket, RtcpSenderInfo, RtcpSrPacket

from mediaserver import rounds
from mediaserver.packet import AccessUnit
from mediaserver.webrtc.feedback import parse_rtcp
from mediaserver.webrtc.jitter import MAX_NACKS_EACH
from mediaserver.webrtc.receiver import KEYFRAME_INTERVAL_S, Receiver
from mediaserver.webrtc.sdp import parse_offer
from tests.media import video_units
from tests.webrtc.packets import h264_payloads, rtp, vp8_payloads
from tests.webrtc.test_sdp import AIORTC, CHROMIUM, FFMPEG

H264, H264_RTX, VP8, OPUS, TRANSPORT_CC, ORIENTATION = 102, 103, 96, 111, 3, 13


@dataclass
class Peer:
    """A receiver with the lists of what it gave out."""

    offer: str
    units: list[AccessUnit] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.receiver = Receiver(
            parse_offer(self.offer), sink=self.units.append, send=self.sent.append
        )

    def rtcp(self) -> Iterator[AnyRtcpPacket]:
        for data in self.sent:
            yield from parse_rtcp(data)

    def kinds(self) -> list[tuple[str, int]]:
        """Class and format of each feedback packet sent, reports left out."""
        return [
            (type(packet).__name__, packet.fmt) for packet in self.rtcp() if hasattr(packet, "fmt")
        ]


NACK_FOR_OPUS = ("a=fmtp:111 ", "a=rtcp-fb:111 nack\r\na=fmtp:111 ")
NACK, PLI, TRANSPORT, REMB = (
    ("RtcpRtpfbPacket", 1),
    ("RtcpPsfbPacket", 1),
    ("RtcpRtpfbPacket", 15),
    ("RtcpPsfbPacket", 15),
)


def h264_stream(count: int, gop: int = 30) -> list[list[bytes]]:
    """Packets of `count` small pictures, two or more a picture."""
    pictures = []
    sequence = 100
    for unit in video_units(count, gop=gop):
        payloads = list(h264_payloads(unit.payload, 60))
        pictures.append(
            [
                rtp(
                    sequence + i,
                    unit.timestamp,
                    payload,
                    payload_type=H264,
                    marker=i == len(payloads) - 1,
                    transport=(TRANSPORT_CC, sequence + i),
                )
                for i, payload in enumerate(payloads)
            ]
        )
        sequence += len(payloads)
    return pictures


def test_units_come_out_as_packets_come_in() -> None:
    peer = Peer(CHROMIUM)
    for index, picture in enumerate(h264_stream(5)):
        for packet in picture:
            peer.receiver.rtp_received(packet, index / 30)
        assert len(peer.units) == index + 1
        assert peer.units[-1].arrived_s == index / 30
    peer.receiver.rtp_received(rtp(9, 4800, b"sound", payload_type=OPUS, ssrc=7), 1.0)
    assert [u.codec for u in peer.units] == ["h264"] * 5 + ["opus"]
    assert peer.units[-1] == AccessUnit("opus", 4800, 48_000, b"sound", True, 1.0)
    assert peer.sent == []


def test_units_carry_the_orientation_that_was_negotiated() -> None:
    for offer, turns in ((CHROMIUM, 1), (CHROMIUM.replace("urn:3gpp:video-orientation", "x:y"), 0)):
        peer = Peer(offer)
        for packet in h264_stream(1)[0]:
            said = packet[:16] + bytes((ORIENTATION << 4, 0b0001)) + packet[18:]
            peer.receiver.rtp_received(said, 0.0)
        assert [unit.turns for unit in peer.units] == [turns]


def test_lost_packet_is_asked_for_and_its_retransmission_repairs_the_picture() -> None:
    peer = Peer(CHROMIUM)
    packets = [packet for picture in h264_stream(3) for packet in picture]
    lost = packets.pop(1)
    for packet in packets:
        peer.receiver.rtp_received(packet, 0.0)
    assert peer.units == []
    assert peer.kinds() == [NACK]
    [asked] = peer.rtcp()
    assert isinstance(asked, RtcpRtpfbPacket)
    assert (asked.lost, asked.media_ssrc) == ([101], 0x1234)
    payload = lost[12 + 4 + 8 :]
    again = rtp(
        5000, 0, b"\x00\x65" + payload, payload_type=H264_RTX, ssrc=99, marker=bool(lost[1] & 128)
    )
    peer.receiver.rtp_received(again, 0.05)
    assert [u.timestamp for u in peer.units] == [0, 3000, 6000]
    assert peer.receiver.stats().lost == 0
    assert peer.receiver.stats().nacks == 1


def test_retransmissions_that_probe_the_bandwidth_are_no_new_start() -> None:
    peer = Peer(CHROMIUM)
    *pictures, last = h264_stream(120)
    packets = [packet for picture in pictures for packet in picture]
    for packet in packets:
        peer.receiver.rtp_received(packet, 0.0)
    for index, packet in enumerate(packets[2:6]):
        again = packet[2:4] + packet[12 + 4 + 8 :]
        marker = bool(packet[1] & 128)
        probe = rtp(5000 + index, 0, again, payload_type=H264_RTX, ssrc=99, marker=marker)
        peer.receiver.rtp_received(probe, 0.1)
    for packet in last:
        peer.receiver.rtp_received(packet, 0.2)
    assert len(peer.units) == 120


def test_keyframe_is_asked_for_when_wished_and_not_too_often() -> None:
    peer = Peer(CHROMIUM)
    peer.receiver.request_keyframe(0.0)
    assert peer.sent == []  # nothing came yet: the first picture will be a keyframe
    first, *rest = h264_stream(40, gop=10)
    for packet in first:
        peer.receiver.rtp_received(packet, 0.0)
    for at in (0.0, 0.1, 0.2):
        peer.receiver.request_keyframe(at)
    assert peer.kinds() == [PLI]
    peer.receiver.tick(KEYFRAME_INTERVAL_S)
    assert peer.kinds().count(PLI) == 2
    for picture in rest[:10]:
        for packet in picture:
            peer.receiver.rtp_received(packet, 0.6)
    peer.receiver.tick(5.0)
    assert peer.kinds().count(PLI) == 2
    assert peer.receiver.stats().plis == 2


def test_stream_that_begins_in_the_middle_is_asked_for_a_keyframe() -> None:
    peer = Peer(CHROMIUM)
    for packet in h264_stream(3)[1]:
        peer.receiver.rtp_received(packet, 0.0)
    assert peer.kinds() == [PLI]
    assert peer.units == []


def test_hole_is_asked_for_then_a_keyframe_again_and_again_until_one_comes() -> None:
    peer = Peer(CHROMIUM)
    first, second, *rest, keyframe = h264_stream(7, gop=6)
    for packet in itertools.chain(first, second[1:], *rest):
        peer.receiver.rtp_received(packet, 0.0)
    asked: list[tuple[float, tuple[str, int]]] = []
    now = 0.0
    while now < 2:
        peer.sent.clear()
        peer.receiver.tick(now)
        asked += [(round(now, 3), kind) for kind in peer.kinds() if kind in (NACK, PLI)]
        now = peer.receiver.due_s
    nacks, plis = ([at for at, kind in asked if kind == wanted] for wanted in (NACK, PLI))
    assert nacks == pytest.approx([0.03 * n for n in range(1, MAX_NACKS_EACH)])
    assert plis == pytest.approx([0.25, 0.75, 1.25, 1.75], abs=0.05)
    for packet in keyframe:
        peer.receiver.rtp_received(packet, 2.0)
    assert [unit.timestamp for unit in peer.units] == [0, 6 * 3000]
    peer.sent.clear()
    peer.receiver.tick(4.0)
    assert PLI not in peer.kinds()


def test_sound_is_asked_for_where_the_sender_would_repeat_it() -> None:
    for offer, asks in ((CHROMIUM, False), (CHROMIUM.replace(*NACK_FOR_OPUS), True)):
        peer = Peer(offer)
        for sequence in (1, 3):
            packet = rtp(sequence, 960 * sequence, b"sound", payload_type=OPUS, ssrc=7)
            peer.receiver.rtp_received(packet, 0.0)
        assert peer.kinds() == [NACK] * asks


def test_transport_feedback_goes_out_every_50_ms_and_reports_every_second() -> None:
    peer = Peer(CHROMIUM)
    packets = [packet for picture in h264_stream(60) for packet in picture]
    now = 0.0
    for index in range(40):
        peer.receiver.rtp_received(packets[index], now)
        peer.receiver.tick(now)
        assert peer.receiver.due_s == now + 0.05
        now = peer.receiver.due_s
    assert peer.kinds() == [TRANSPORT] * 40
    reports = [p for p in peer.rtcp() if type(p).__name__ == "RtcpRrPacket"]
    assert len(reports) == 2


def test_units_are_timed_by_when_they_came_and_by_how_late_they_were_read() -> None:
    peer = Peer(CHROMIUM)
    read_s = rounds.after(5.0) + rounds.READ_S
    for packet in h264_stream(1)[0]:
        peer.receiver.rtp_received(packet, read_s, age_s=read_s - 5.0)
    sound = rtp(1, 960, b"s", payload_type=OPUS, ssrc=7)
    peer.receiver.rtp_received(sound, read_s + 0.2, age_s=read_s + 0.2 - 5.0)

    assert [unit.kind for unit in peer.units] == ["video", "audio"]
    assert [unit.arrived_s for unit in peer.units] == pytest.approx([5.0, 5.2])


def test_sender_without_transport_feedback_needs_a_tick_a_second() -> None:
    peer = Peer(AIORTC)
    vp8 = parse_offer(AIORTC).media[1].formats[0].payload_type
    [unit] = video_units(1, "vp8")
    [payload] = vp8_payloads(unit.payload, 0)
    peer.receiver.rtp_received(rtp(0, 0, payload, payload_type=vp8, marker=True), 7.0)
    peer.receiver.tick(7.0)

    assert peer.receiver.due_s == 8.0


def test_sender_without_transport_feedback_is_told_a_rate() -> None:
    peer = Peer(AIORTC)
    vp8 = parse_offer(AIORTC).media[1].formats[0].payload_type
    for index, unit in enumerate(video_units(30, "vp8")):
        [payload] = vp8_payloads(unit.payload, index)
        packet = rtp(index, unit.timestamp, payload, payload_type=vp8, marker=True)
        peer.receiver.rtp_received(packet, index / 10)
        peer.receiver.tick(index / 10)
    assert len(peer.units) == 30
    assert peer.kinds() == [REMB] * 2
    # Without reduced-size RTCP each compound begins with a report (RFC 3550 §6.1).
    assert all(data[1] == 201 for data in peer.sent)


def test_sender_that_offers_no_feedback_gets_none() -> None:
    peer = Peer(FFMPEG.replace("a=rtcp-fb:106 nack\r\n", ""))
    packets = [packet for picture in h264_stream(9) for packet in picture]
    for packet in (packets[0], *packets[2:]):
        packet = packet[:1] + bytes((packet[1] & 128 | 106,)) + packet[2:]
        peer.receiver.rtp_received(packet, 0.0)
    peer.receiver.request_keyframe(1.0)
    assert peer.kinds() == []


def test_second_stream_takes_over_only_when_the_first_is_silent() -> None:
    peer = Peer(CHROMIUM)
    one, other = (
        rtp(1, 0, b"one", payload_type=OPUS, ssrc=1),
        rtp(500, 0, b"other", payload_type=OPUS, ssrc=2),
    )
    peer.receiver.rtp_received(one, 0.0)
    peer.receiver.rtp_received(other, 0.5)
    assert [u.payload for u in peer.units] == [b"one"]
    peer.receiver.rtp_received(other, 1.5)
    assert [u.payload for u in peer.units] == [b"one", b"other"]


def test_codec_may_change_within_a_stream() -> None:
    peer = Peer(CHROMIUM)
    for packet in h264_stream(1)[0]:
        peer.receiver.rtp_received(packet, 0.0)
    [payload] = vp8_payloads(video_units(1, "vp8")[0].payload, 0)
    peer.receiver.rtp_received(rtp(200, 3000, payload, payload_type=VP8, marker=True), 0.1)
    assert [u.codec for u in peer.units] == ["h264", "vp8"]


def test_units_have_the_time_of_their_capture_once_the_sender_has_reported_it() -> None:
    peer = Peer(CHROMIUM)
    peer.receiver.rtp_received(rtp(1, 960, b"x", payload_type=OPUS, ssrc=7), 0.0)
    report = bytes(RtcpSrPacket(7, RtcpSenderInfo(3_900_000_000 << 32, 960, 1, 1)))
    peer.receiver.rtcp_received(report, 0.25)
    peer.receiver.rtp_received(rtp(2, 960 + 24_000, b"y", payload_type=OPUS, ssrc=7), 0.5)
    assert [unit.captured_s for unit in peer.units] == [None, 3_900_000_000.5]


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x81\xc8\x00\xff", b"\x80" + bytes(200)])
def test_what_is_not_understood_is_counted(data: bytes) -> None:
    peer = Peer(CHROMIUM)
    peer.receiver.rtp_received(data[:5], 0.0)
    peer.receiver.rtcp_received(b"\x00" + data, 0.0)
    assert peer.receiver.stats().malformed == 2
    peer.receiver.rtp_received(rtp(1, 1, b"unknown", payload_type=42), 0.0)
    assert peer.units == []


def test_flood_of_nonsense_is_survived_and_forgotten() -> None:
    peer = Peer(CHROMIUM)
    chance = random.Random(1)
    now = 0.0
    for number in range(20_000):
        now = number / 5000
        noise = chance.randbytes(chance.randrange(60))
        kind = chance.choice((H264, H264_RTX, VP8, OPUS, 42))
        peer.receiver.rtp_received(noise, now)
        peer.receiver.rtcp_received(noise, now)
        peer.receiver.rtcp_received(b"\x81\xc8\x00\x06" + noise, now)
        peer.receiver.rtp_received(
            rtp(
                chance.randrange(65536),
                chance.randrange(1 << 32),
                noise,
                ssrc=chance.choice((1, 2)),
                payload_type=kind,
                transport=(TRANSPORT_CC, chance.randrange(65536)),
            ),
            now,
        )
        if peer.receiver.due_s <= now:
            peer.receiver.tick(now)
    peer.units.clear()
    for picture in h264_stream(3):
        for packet in picture:
            peer.receiver.rtp_received(packet, now + 2)
    assert [unit.timestamp for unit in peer.units] == [0, 3000, 6000]
    # One report a packet at most, none of them long.
    assert sum(map(len, peer.sent)) < 20_000 * 100
    peer.receiver.tick(now + 3)
    peer.sent.clear()
    peer.receiver.tick(now + 3.1)
    assert peer.sent == []
