"""What a receiver tells a sender by RTCP: losses, wishes, and how the network fares.

Sources: RFC 3550 §6 (reports), RFC 4585 §6 (NACK, PLI), draft-alvestrand-rmcat-remb-03 (REMB),
draft-holmer-rmcat-transport-wide-cc-extensions-01 (transport-wide feedback).
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import Struct, pack

from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    AnyRtcpPacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSourceInfo,
    clamp_packets_lost,
    pack_remb_fci,
    pack_rtcp_packet,
)

from mediaserver.errors import ShopcastError
from mediaserver.webrtc.rtp import SEQUENCE_SIZE, unwrapped

_RTPFB, _NACK, _TRANSPORT_CC = 205, 1, 15
_CNAME = 1
_U16 = Struct("!H")
_S16 = Struct("!h")
CLOCK_DRIFT = 0.0005
"""More than two clocks drift apart, as a share of the time."""
MAX_NACKS = 250
"""Sequence numbers in one NACK packet: at worst 1,000 bytes."""


class RtcpError(ShopcastError):
    """A datagram that is not sound RTCP."""


def parse_rtcp(data: bytes) -> list[AnyRtcpPacket]:
    """The packets of a compound; kinds that nobody asked for are left out. Raises RtcpError."""
    try:
        return RtcpPacket.parse(data)
    except (ValueError, IndexError) as error:
        raise RtcpError(str(error)) from error


def nack(ssrc: int, media_ssrc: int, sequences: Sequence[int]) -> bytes:
    """Ask for packets again; `sequences` (16 bits) in the order of sending."""
    body = pack("!II", ssrc, media_ssrc)
    asked = deque(sequences[:MAX_NACKS])
    while asked:
        first = asked.popleft()
        followers = 0
        while asked and 0 < (distance := (asked[0] - first) % SEQUENCE_SIZE) <= 16:
            followers |= 1 << (distance - 1)
            asked.popleft()
        body += pack("!HH", first, followers)
    return pack_rtcp_packet(_RTPFB, _NACK, body)


def picture_loss(ssrc: int, media_ssrc: int) -> bytes:
    """Ask for a keyframe (PLI)."""
    return bytes(RtcpPsfbPacket(RTCP_PSFB_PLI, ssrc, media_ssrc))


def remb(ssrc: int, bitrate_bps: int, media_ssrcs: Sequence[int]) -> bytes:
    """Tell the sender what the network carries."""
    fci = pack_remb_fci(bitrate_bps, list(media_ssrcs))
    return bytes(RtcpPsfbPacket(RTCP_PSFB_APP, ssrc, 0, fci))


def receiver_report(ssrc: int, cname: str, reports: Sequence[RtcpReceiverInfo]) -> bytes:
    """RR and SDES: a compound that may stand alone or before feedback (RFC 3550 §6.1)."""
    source = RtcpSourceInfo(ssrc, [(_CNAME, cname.encode())])
    return bytes(RtcpRrPacket(ssrc, list(reports))) + bytes(RtcpSdesPacket([source]))


@dataclass(slots=True)
class SenderReport:
    """One reading of a sender's clocks: `ntp_timestamp` (32.32 s) is `rtp_timestamp` (32 bits)."""

    ntp_timestamp: int
    rtp_timestamp: int
    arrived_s: float


class Reception:
    """What one SSRC's reception report says (RFC 3550 appendix A.3, A.8)."""

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.packets = 0
        self.sender_report: SenderReport | None = None
        self.clock_rate = clock_rate
        self._base = -1
        self._highest = -1
        self._timestamp = -1
        self._transit = 0.0
        self._jitter = 0.0
        self._least_transit = self._quickest = float("inf")
        self._expected_before = 0
        self._packets_before = 0

    def add(self, sequence: int, timestamp: int, now: float) -> None:
        self.packets += 1
        if self._base < 0:
            self._base = self._highest = sequence + SEQUENCE_SIZE
        else:
            self._highest = max(self._highest, unwrapped(sequence, self._highest, SEQUENCE_SIZE))
        if timestamp != self._timestamp:  # packets of one picture leave together
            transit = now * self.clock_rate - timestamp
            if self._timestamp >= 0:
                difference = abs(transit - self._transit)
                if difference < self.clock_rate:
                    self._jitter += (difference - self._jitter) / 16
                else:  # the timestamp wrapped around
                    self._least_transit = self._quickest = float("inf")
            self._transit = transit
            self._quickest = min(self._quickest, transit)
            self._timestamp = timestamp

    @property
    def expected(self) -> int:
        return self._highest - self._base + 1 if self._base >= 0 else 0

    def queue_s(self) -> float:
        """What the quickest packet since the last call took longer than the quickest of all."""
        if self._quickest == float("inf"):
            return 0.0
        # Clocks drift apart: what was quickest once is forgotten by and by.
        forgotten = self._least_transit + CLOCK_DRIFT * self.clock_rate
        self._least_transit = min(forgotten, self._quickest)
        queue = self._quickest - self._least_transit
        self._quickest = float("inf")
        return queue / self.clock_rate

    def report(self, now: float) -> RtcpReceiverInfo:
        """The report block; the fraction lost is since the last call."""
        expected = self.expected - self._expected_before
        lost = expected - (self.packets - self._packets_before)
        self._expected_before = self.expected
        self._packets_before = self.packets
        last = self.sender_report
        return RtcpReceiverInfo(
            ssrc=self.ssrc,
            fraction_lost=min(255, 256 * lost // expected) if expected > 0 and lost > 0 else 0,
            packets_lost=clamp_packets_lost(self.expected - self.packets),
            highest_sequence=max(0, self._highest - SEQUENCE_SIZE) & 0xFFFFFFFF,
            jitter=int(self._jitter),
            lsr=last.ntp_timestamp >> 16 & 0xFFFFFFFF if last else 0,
            dlsr=int((now - last.arrived_s) * 65536) & 0xFFFFFFFF if last else 0,
        )


class TransportFeedback:
    """Arrival times of every packet by its transport-wide number, for the sender's own estimate."""

    TICK_S = 0.00025
    """Unit of a delta."""
    REFERENCE_S = 0.064
    """Unit of the reference time."""
    MAX_STATUSES = 400
    """Packets that one report may span: at worst 940 bytes."""

    def __init__(self) -> None:
        self._arrivals: dict[int, float] = {}
        self._newest = -1
        self._next = -1
        self._count = 0

    def add(self, sequence: int, now: float) -> None:
        """Packet number `sequence` (16 bits) came."""
        if self._newest < 0:
            self._newest = self._next = sequence + SEQUENCE_SIZE
        sequence = unwrapped(sequence, self._newest, SEQUENCE_SIZE)
        self._newest = max(self._newest, sequence)
        self._arrivals.setdefault(sequence, now)

    def report(self, ssrc: int, media_ssrc: int) -> bytes | None:
        """Feedback on what came since the last report, or None when nothing came.

        More than fits waits for the next call.
        """
        if not self._arrivals:
            return None
        oldest = min(self._arrivals)
        first = min(self._next, oldest)
        if oldest - first >= self.MAX_STATUSES:
            first = oldest
        last = min(self._newest, first + self.MAX_STATUSES - 1)
        reference = int(self._arrivals[oldest] / self.REFERENCE_S)
        previous = round(reference * self.REFERENCE_S / self.TICK_S)
        statuses = bytearray()
        deltas = bytearray()
        for sequence in range(first, last + 1):
            arrival = self._arrivals.pop(sequence, None)
            if arrival is None:
                statuses.append(0)
                continue
            ticks = round(arrival / self.TICK_S)
            delta = ticks - previous
            if 0 <= delta < 256:
                statuses.append(1)
                deltas.append(delta)
            else:
                delta = max(-32768, min(32767, delta))
                statuses.append(2)
                deltas += _S16.pack(delta)
            previous += delta
        self._next = last + 1
        body = pack(
            "!IIHHI",
            ssrc,
            media_ssrc,
            first % SEQUENCE_SIZE,
            len(statuses),
            (reference & 0xFFFFFF) << 8 | self._count,
        )
        self._count = (self._count + 1) & 0xFF
        body += b"".join(_status_chunks(statuses)) + deltas
        body += bytes(-len(body) % 4)
        return pack_rtcp_packet(_RTPFB, _TRANSPORT_CC, body)


def _status_chunks(statuses: bytearray) -> Iterator[bytes]:
    """Run-length chunks where seven or more are alike, vectors of seven 2-bit symbols elsewhere."""
    position = 0
    while position < len(statuses):
        symbol = statuses[position]
        end = position + 1
        while end < len(statuses) and statuses[end] == symbol:
            end += 1
        if end - position >= 7 or end == len(statuses):
            yield _U16.pack(symbol << 13 | end - position)  # at most 400, the field holds 8,191
            position = end
            continue
        vector = 3 << 14
        for shift, value in zip(range(12, -1, -2), statuses[position : position + 7], strict=False):
            vector |= value << shift
        yield _U16.pack(vector)
        position += 7


class RateEstimate:
    """What to tell a sender that knows REMB only, once a second.

    After GCC (draft-ietf-rmcat-gcc-02 §5.5, §6): less than what came through while a queue stands
    or very much is lost, less when over 10 % is lost, more when under 2 % is, but not far over
    what came, and slowly where it was too much before.
    """

    START_BPS = 2_500_000
    MIN_BPS = 150_000
    MAX_BPS = 8_000_000
    MAX_QUEUE_S = 0.1
    FULL_SHARE = 0.2
    """So much is lost where too much is sent, rarely by bad radio alone."""

    def __init__(self) -> None:
        self.bitrate_bps = self.START_BPS
        self._full_bps = float("inf")

    def update(self, expected: int, lost: int, received_bps: int, queue_s: float) -> int:
        """The estimate after `lost` of `expected` packets did not come in the last second."""
        if expected <= 0:
            return self.bitrate_bps
        share = max(0, lost) / expected
        bitrate: float = self.bitrate_bps
        if queue_s > self.MAX_QUEUE_S or share > self.FULL_SHARE:
            bitrate = min(bitrate, 0.85 * received_bps)
            self._full_bps = received_bps
        if share > 0.1:
            bitrate *= 1 - share / 2
        elif share < 0.02 and queue_s < self.MAX_QUEUE_S:
            growth = 1.01 if 0.8 < bitrate / self._full_bps < 1.1 else 1.08
            bitrate = max(bitrate, min(growth * bitrate, 1.5 * received_bps))
        self.bitrate_bps = int(max(self.MIN_BPS, min(self.MAX_BPS, bitrate)))
        return self.bitrate_bps
