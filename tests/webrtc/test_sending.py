"""What a player gets of a program, in simulated time."""

import struct
from collections.abc import Sequence
from itertools import pairwise

import pytest
from aiortc.rtp import (
    RtcpPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSrPacket,
)
from hypothesis import given
from hypothesis import strategies as st

from mediaserver import flv
from mediaserver.opus import OpusPacket
from mediaserver.packet import EncodedPacket
from mediaserver.webrtc.depacketizer import H264Depacketizer
from mediaserver.webrtc.feedback import nack, picture_loss
from mediaserver.webrtc.rtp import SEQUENCE_SIZE, RtpPacket, original_packet, parse_rtp
from mediaserver.webrtc.sdp import Stream, parse_offer
from mediaserver.webrtc.sending import (
    BURST,
    HISTORY,
    MAX_WAITING,
    REPEAT_AFTER_S,
    REPEATS,
    THIN_FOR_S,
    Sender,
)
from tests.webrtc.test_sdp import PLAYER

BEGAN_S, BEGAN_UNIX_S = 1000.0, 1_800_000_000.0
VIDEO = Stream("video", 1111, 2222, "shopcast")
AUDIO = Stream("audio", 3333, 4444, "shopcast")
SPS, PPS = b"\x67\x64\x00\x1f\xac", b"\x68\xee\x3c\x80"
HEADER = EncodedPacket("video", 0, 0, flv.avc_header(SPS, PPS), is_header=True)
FRAME_TICKS = 3000


def picture(number: int, *, keyframe: bool = False, size: int = 500) -> EncodedPacket:
    unit = bytes((0x65 if keyframe else 0x41,)) + bytes((number % 250 + 1,)) * (size - 1)
    body = flv.avc_body(len(unit).to_bytes(4) + unit, keyframe, 0)
    return EncodedPacket("video", number * FRAME_TICKS, 0, body, keyframe)


class Player:
    """The other end: keeps what it is sent."""

    def __init__(self, offer: str = PLAYER, streams: Sequence[Stream] = (AUDIO, VIDEO)) -> None:
        self.rtp: list[RtpPacket] = []
        self.reports: list[RtcpSrPacket] = []
        self.names: set[tuple[int, bytes]] = set()
        self.now = BEGAN_S
        self.sender = Sender(
            parse_offer(offer, "receiver"),
            streams,
            began_s=BEGAN_S,
            began_unix_s=BEGAN_UNIX_S,
            send_rtp=lambda data: self.rtp.append(parse_rtp(data)),
            send_rtcp=self._report,
        )
        self.sender.begin(BEGAN_S)
        self.sender.picture(HEADER, BEGAN_S)

    def _report(self, data: bytes) -> None:
        for packet in RtcpPacket.parse(data):
            if isinstance(packet, RtcpSrPacket):
                self.reports.append(packet)
            elif isinstance(packet, RtcpSdesPacket):
                [chunk] = packet.chunks
                self.names.add((chunk.ssrc, chunk.items[0][1]))

    def show(self, *packets: EncodedPacket) -> None:
        for packet in packets:
            self.sender.picture(packet, self.now)
        while self.sender.release(self.now):
            pass

    def of(self, ssrc: int) -> list[RtpPacket]:
        return [packet for packet in self.rtp if packet.ssrc == ssrc]

    @property
    def pictures(self) -> list[int]:
        """The numbers of the pictures that came, counted from the first."""
        starts = sorted({packet.timestamp for packet in self.of(VIDEO.ssrc)})
        return [(start - starts[0]) // FRAME_TICKS for start in starts]

    def ask_for(self, *sequences: int) -> list[RtpPacket]:
        before = len(self.rtp)
        self.sender.rtcp_received(nack(1, VIDEO.ssrc, sequences), self.now)
        return self.rtp[before:]

    def lose(self, share: float) -> None:
        info = RtcpReceiverInfo(VIDEO.ssrc, int(share * 256), 0, 0, 0, 0, 0)
        self.sender.rtcp_received(bytes(RtcpRrPacket(1, [info])), self.now)


def test_a_player_begins_with_a_keyframe_and_its_parameter_sets() -> None:
    player = Player()

    player.show(picture(1), picture(2), picture(3, keyframe=True), picture(4))

    packets = player.of(VIDEO.ssrc)
    annexb, keyframe = H264Depacketizer().picture([p.payload for p in packets[:1]])
    assert keyframe
    assert annexb.startswith(b"\0\0\0\1" + SPS + b"\0\0\0\1" + PPS + b"\0\0\0\1\x65")
    assert [packet.marker for packet in packets] == [True, True]
    assert packets[1].timestamp - packets[0].timestamp == FRAME_TICKS
    assert packets[1].sequence - packets[0].sequence == 1
    assert player.sender.pictures_dropped == 2


def test_the_last_packet_of_a_picture_is_marked() -> None:
    player = Player()
    player.show(picture(0, keyframe=True, size=5000))

    packets = player.of(VIDEO.ssrc)
    assert [packet.marker for packet in packets] == [False] * (len(packets) - 1) + [True]
    assert len({packet.timestamp for packet in packets}) == 1


def test_one_clock_is_told_of_for_sound_and_picture() -> None:
    player = Player()
    player.sender.begin(BEGAN_S - 7)  # the show is older than this player
    player.show(picture(300, keyframe=True))
    player.sender.sound(OpusPacket(480_000, b"sound"), player.now)
    player.sender.tick(BEGAN_S + 4.5)

    sound, video = player.of(AUDIO.ssrc)[0], player.of(VIDEO.ssrc)[0]
    reports = {report.ssrc: report.sender_info for report in player.reports}
    ntp_s = 2_208_988_800 + BEGAN_UNIX_S + 4.5
    for ssrc, packet, rate in ((VIDEO.ssrc, video, 90_000), (AUDIO.ssrc, sound, 48_000)):
        report = reports[ssrc]
        assert report.ntp_timestamp == int(ntp_s * 2**32)
        # 10 s into the show is 3 s after the player came, 1.5 s before this report.
        assert (report.rtp_timestamp - packet.timestamp) % 2**32 == 1.5 * rate
        assert report.packet_count == 1
    assert reports[AUDIO.ssrc].octet_count == len(b"sound")
    assert player.names == {(VIDEO.ssrc, b"shopcast"), (AUDIO.ssrc, b"shopcast")}


def test_times_go_on_when_the_canvas_is_made_anew() -> None:
    player = Player()
    player.show(picture(60, keyframe=True))
    player.sender.begin(BEGAN_S + 5)
    player.show(picture(1), picture(2, keyframe=True))

    first, second = player.of(VIDEO.ssrc)
    assert (second.timestamp - first.timestamp) % 2**32 == 3 * 90_000 + 2 * FRAME_TICKS


def test_reports_come_twice_a_second_once_there_is_media() -> None:
    player = Player()
    player.sender.tick(player.now)
    assert player.reports == []
    player.show(picture(0, keyframe=True))
    for _ in range(8):
        player.now += 0.25
        player.sender.tick(player.now)
    assert [report.ssrc for report in player.reports] == [VIDEO.ssrc] * 4


def test_a_lost_packet_comes_again_in_the_stream_of_repairs() -> None:
    player = Player()
    player.show(picture(0, keyframe=True, size=5000))
    lost = player.of(VIDEO.ssrc)[2]
    player.now += 0.1

    [again] = player.ask_for(lost.sequence)

    assert (again.ssrc, again.payload_type) == (VIDEO.rtx_ssrc, 103)
    original = original_packet(again, lost.payload_type, VIDEO.ssrc)
    assert original is not None
    assert (original.sequence, original.payload) == (lost.sequence, lost.payload)
    assert (original.timestamp, original.marker) == (lost.timestamp, lost.marker)
    assert player.sender.repeats == 1


def test_a_player_without_that_stream_gets_the_packet_itself_again() -> None:
    offer = PLAYER.replace("rtx/90000", "other/90000")
    player = Player(offer)
    player.show(picture(0, keyframe=True))
    [sent] = player.of(VIDEO.ssrc)
    player.now += 0.1

    assert player.ask_for(sent.sequence) == [sent]


def test_a_packet_is_repeated_so_often_and_no_more() -> None:
    player = Player()
    player.show(picture(0, keyframe=True))
    [sent] = player.of(VIDEO.ssrc)

    assert player.ask_for(sent.sequence) == []  # it is on its way
    for _ in range(REPEATS):
        player.now += 2 * REPEAT_AFTER_S
        assert len(player.ask_for(sent.sequence, sent.sequence)) == 1
    player.now += 2 * REPEAT_AFTER_S
    assert player.ask_for(sent.sequence) == []


def test_a_player_that_floods_us_with_wishes_is_heard_again_when_it_has_calmed_down() -> None:
    player = Player()
    player.show(picture(0, keyframe=True))
    [sent] = player.of(VIDEO.ssrc)
    player.now += 1

    for _ in range(1000):
        player.ask_for((sent.sequence + HISTORY) % SEQUENCE_SIZE)
    assert player.ask_for(sent.sequence) == []

    player.now += 0.1
    assert len(player.ask_for(sent.sequence)) == 1


def test_what_is_too_old_is_not_repeated() -> None:
    player = Player()
    player.show(picture(0, keyframe=True), *(picture(number) for number in range(1, HISTORY + 1)))
    sequences = [packet.sequence for packet in player.of(VIDEO.ssrc)]
    player.now += 1

    assert player.ask_for(sequences[0]) == []
    assert len(player.ask_for(sequences[1])) == 1


def test_a_large_picture_goes_out_bit_by_bit() -> None:
    player = Player()
    player.sender.picture(picture(0, keyframe=True, size=100_000), player.now)
    sent = [0]
    waits = True
    while waits:
        waits = player.sender.release(player.now)
        sent.append(len(player.rtp))

    amounts = [after - before for before, after in pairwise(sent)]
    assert sum(amounts) == 88
    assert amounts == [22, 17, 16, 16, 16, 1]
    assert BURST == 16


def test_what_waits_is_bounded_and_goes_on_with_a_keyframe() -> None:
    player = Player()
    player.sender.picture(picture(0, keyframe=True), player.now)
    number = 0
    while player.sender.pictures_dropped == 0:
        number += 1
        player.sender.picture(picture(number, size=100_000), player.now)
    assert number <= MAX_WAITING // 80
    player.show(picture(number + 1), picture(number + 2, keyframe=True))

    assert player.pictures == [0]
    assert player.of(VIDEO.ssrc)[0].payload.startswith(b"\x78")


def test_a_player_that_loses_too_much_gets_keyframes_only_for_a_while() -> None:
    player = Player()
    player.show(picture(0, keyframe=True), picture(1))
    for share in (0.4, 0.1, 0.4):
        player.lose(share)
    player.show(picture(2))
    player.lose(0.4)
    player.show(picture(3), picture(4, keyframe=True), picture(5), picture(6))
    player.now += THIN_FOR_S
    player.show(picture(7), picture(8, keyframe=True), picture(9))

    assert player.pictures == [0, 1, 2, 4, 8, 9]
    sequences = [packet.sequence for packet in player.of(VIDEO.ssrc)]
    assert sequences == list(range(sequences[0], sequences[0] + 6))


def test_nobody_is_sent_a_keyframe_for_the_asking() -> None:
    player = Player()
    player.show(picture(0, keyframe=True), picture(1))
    before = len(player.rtp)
    player.sender.rtcp_received(picture_loss(1, VIDEO.ssrc), player.now)

    assert len(player.rtp) == before


@pytest.mark.parametrize(("kind", "stream"), [("audio", AUDIO), ("video", VIDEO)])
def test_a_player_may_want_one_of_both_only(kind: str, stream: Stream) -> None:
    other = "m=video" if kind == "audio" else "m=audio"
    sections = PLAYER.replace("BUNDLE 0 1", f"BUNDLE {0 if kind == 'audio' else 1}").split("m=")
    offer = sections[0] + "".join(f"m={s}" for s in sections[1:] if not f"m={s}".startswith(other))
    player = Player(offer, [stream])

    player.show(picture(0, keyframe=True))
    player.sender.sound(OpusPacket(0, b"sound"), player.now)
    player.sender.tick(player.now)

    assert {packet.ssrc for packet in player.rtp} == {stream.ssrc}
    assert [report.ssrc for report in player.reports] == [stream.ssrc]


@given(st.binary(max_size=160), st.binary(max_size=64))
def test_no_wish_of_a_player_is_too_strange(asked: bytes, garbage: bytes) -> None:
    player = Player()
    player.show(picture(0, keyframe=True))
    player.now += 1
    asked = asked[: len(asked) // 4 * 4]
    feedback = struct.pack("!BBHII", 0x81, 205, 2 + len(asked) // 4, 1, VIDEO.ssrc) + asked

    player.sender.rtcp_received(feedback, player.now)
    player.sender.rtcp_received(garbage, player.now)

    assert len(player.of(VIDEO.rtx_ssrc)) <= 1


def test_numbers_begin_again_after_the_largest() -> None:
    player = Player()
    player.show(picture(0, keyframe=True))
    first = player.of(VIDEO.ssrc)[0].sequence
    for number in range(1, 65_536 - first + 2):
        player.show(picture(number, size=50))
    player.now += 1

    assert [packet.sequence for packet in player.of(VIDEO.ssrc)[-3:]] == [65_535, 0, 1]
    assert len(player.ask_for(65_535, 0, 1)) == 3
