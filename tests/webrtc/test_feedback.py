import struct

import pytest
from aiortc.rtp import RtcpRrPacket, RtcpRtpfbPacket, RtcpSdesPacket, RtcpSourceInfo
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.webrtc.feedback import (
    MAX_NACKS,
    RateEstimate,
    Reception,
    RtcpError,
    SenderReport,
    TransportFeedback,
    nack,
    parse_rtcp,
    receiver_report,
)


def read_transport_feedback(data: bytes) -> dict[int, float | None]:
    """Packet number → arrival in seconds (None: not received), read by the draft's text."""
    kind, packet_type, words = struct.unpack_from("!BBH", data)
    assert (kind, packet_type, len(data)) == (0x80 | 15, 205, 4 * words + 4)
    base, count, reference = struct.unpack_from("!HHI", data, 12)
    position = 20
    statuses: list[int] = []
    while len(statuses) < count:
        [chunk] = struct.unpack_from("!H", data, position)
        position += 2
        if not chunk & 0x8000:
            statuses += [chunk >> 13] * (chunk & 0x1FFF)
        elif chunk & 0x4000:
            statuses += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            statuses += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    ticks = (reference >> 8) * 256
    arrivals: dict[int, float | None] = {}
    for index, status in enumerate(statuses[:count]):
        number = (base + index) % 65536
        if status == 0:
            arrivals[number] = None
            continue
        if status == 1:
            ticks += data[position]
            position += 1
        else:
            ticks += struct.unpack_from("!h", data, position)[0]
            position += 2
        arrivals[number] = ticks / 4000
    assert len(data) - 4 < position <= len(data)
    return arrivals


def test_transport_feedback_tells_when_each_packet_came() -> None:
    feedback = TransportFeedback()
    came = {65534: 100.0, 65535: 100.001, 1: 100.002, 2: 100.4, 0: 100.41}
    for number, at in came.items():
        feedback.add(number, at)
    report = feedback.report(1, 2)
    assert report is not None
    assert struct.unpack_from("!II", report, 4) == (1, 2)
    assert read_transport_feedback(report) == came


def test_packet_between_two_reports_is_told_as_missing_once() -> None:
    feedback = TransportFeedback()
    feedback.add(10, 1.0)
    first = feedback.report(1, 2)
    feedback.add(13, 1.064)
    second = feedback.report(1, 2)
    assert first is not None
    assert second is not None
    assert read_transport_feedback(first) == {10: 1.0}
    assert read_transport_feedback(second) == {11: None, 12: None, 13: 1.064}
    assert (first[19], second[19]) == (0, 1)
    assert feedback.report(1, 2) is None


def test_late_packet_is_told_in_the_next_report() -> None:
    feedback = TransportFeedback()
    feedback.add(10, 1.0)
    feedback.add(12, 1.0)
    feedback.report(1, 2)
    feedback.add(11, 1.1)
    report = feedback.report(1, 2)
    assert report is not None
    assert read_transport_feedback(report)[11] == 1.1


def test_more_than_one_report_holds_is_told_in_several() -> None:
    feedback = TransportFeedback()
    for number in range(1000):
        feedback.add(number, 1.0 + number * 0.3)
    reports = []
    while report := feedback.report(1, 2):
        reports.append(report)
    assert [len(read_transport_feedback(report)) for report in reports] == [400, 400, 200]
    assert max(map(len, reports)) < 1000


@given(
    st.integers(0, 65535),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 800)), min_size=1, max_size=120),
)
def test_transport_feedback_is_exact_for_any_arrivals(
    base: int, steps: list[tuple[int, int]]
) -> None:
    feedback = TransportFeedback()
    number, ticks = base, 4_000_000
    came: dict[int, float] = {}
    for gap, pause in steps:
        number += gap
        ticks += pause
        if came and number - base >= TransportFeedback.MAX_STATUSES:
            break
        came.setdefault(number % 65536, ticks / 4000)
        feedback.add(number % 65536, ticks / 4000)
    report = feedback.report(1, 2)
    assert report is not None
    read = read_transport_feedback(report)
    assert {number: at for number, at in read.items() if at is not None} == came


def test_nack_names_each_packet_within_one_datagram() -> None:
    wanted = [65535, 0, 1, 17, 400]
    [packet] = parse_rtcp(nack(1, 2, wanted))
    assert isinstance(packet, RtcpRtpfbPacket)
    assert [number % 65536 for number in packet.lost] == wanted
    assert len(nack(1, 2, list(range(0, 50_000, 20)))) == 12 + 4 * MAX_NACKS


def test_reception_report_counts_what_is_lost() -> None:
    reception = Reception(5, 90_000)
    for index in [0, 1, 2, 4, 5, 7]:
        reception.add((65533 + index) % 65536, index * 3000, index / 30)
    reception.sender_report = SenderReport(0x1234_5678_9ABC_DEF0, 0, 0.5)
    report = reception.report(1.0)
    assert (report.ssrc, report.packets_lost, report.fraction_lost) == (5, 2, 64)
    assert report.highest_sequence == 65536 + 4
    assert (report.lsr, report.dlsr) == (0x5678_9ABC, 32768)
    assert report.jitter == 0
    reception.add(5, 24_000, 8 / 30)
    assert reception.report(2.0).fraction_lost == 0


def test_report_comes_with_a_name() -> None:
    report, names = parse_rtcp(receiver_report(7, "shopcast", []))
    assert report == RtcpRrPacket(7, [])
    assert names == RtcpSdesPacket([RtcpSourceInfo(7, [(1, b"shopcast")])])


def test_estimate_falls_with_losses_and_rises_without() -> None:
    estimate = RateEstimate()
    assert estimate.update(100, 20, 2_500_000, 0.0) == 2_250_000
    assert estimate.update(100, 50, 2_250_000, 0.0) == 1_434_375
    assert estimate.update(100, 20, 2_250_000, 0.0) == 1_290_937
    assert estimate.update(100, 5, 1_800_000, 0.0) == 1_290_937
    assert estimate.update(100, 0, 1_800_000, 0.0) == 1_394_211
    assert estimate.update(0, 0, 0, 0.0) == 1_394_211
    for _ in range(100):
        estimate.update(100, 100, 0, 0.0)
    assert estimate.bitrate_bps == RateEstimate.MIN_BPS


def test_estimate_goes_under_what_came_through_a_queue_and_comes_back_slowly() -> None:
    estimate = RateEstimate()
    assert estimate.update(100, 0, 600_000, 0.2) == 510_000
    assert estimate.update(100, 0, 500_000, 0.0) == 515_100
    for _ in range(30):
        estimate.update(100, 0, 500_000, 0.0)
    assert 660_000 < estimate.bitrate_bps <= 750_000


def test_estimate_does_not_run_away_from_what_is_sent() -> None:
    estimate = RateEstimate()
    for _ in range(100):
        estimate.update(100, 0, 2_000_000, 0.0)
    assert estimate.bitrate_bps == 3_000_000


def test_queue_is_what_the_quickest_packet_waits_longer_than_before() -> None:
    reception = Reception(1, 90_000)
    for second, extra_s in enumerate((0.0, 0.3, 0.3, 0.0)):
        for index in range(30):
            sent_s = second + index / 30
            late_s = extra_s + (index % 3) * 0.02
            reception.add(second * 30 + index, round(90_000 * sent_s), sent_s + late_s)
        assert reception.queue_s() == pytest.approx(extra_s, abs=0.002)
    assert reception.queue_s() == 0.0
    reception.add(1000, 5, 100.0)  # the timestamp begins anew
    assert reception.queue_s() == 0.0


@given(st.binary(max_size=100))
def test_any_bytes_are_rtcp_or_an_rtcp_error(data: bytes) -> None:
    for candidate in (data, b"\x81\xc8\x00\x06" + data):
        try:
            parse_rtcp(candidate)
        except RtcpError:
            continue


def test_rtcp_cut_short_is_an_error() -> None:
    with pytest.raises(RtcpError):
        parse_rtcp(receiver_report(7, "x", [])[:-2])
