"""Our pictures and sound as one peer gets them: numbered, timed, repeated when lost. No socket.

Sources: RFC 3550 §5.1 (packets), §6.4.1 (sender reports), RFC 4585 §6.2.1 (NACK), RFC 4588
(retransmission), RFC 6184 (H.264), RFC 7587 (Opus).
"""

import secrets
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from struct import Struct

from aiortc.rtp import (
    RTCP_RTPFB_NACK,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
)

from mediaserver import flv
from mediaserver.audio_buffer import SAMPLE_RATE
from mediaserver.opus import OpusPacket
from mediaserver.packet import TICKS_PER_S, EncodedPacket
from mediaserver.webrtc.feedback import RtcpError, parse_rtcp
from mediaserver.webrtc.packetizer import h264_payloads, parameter_sets, prefixed_units
from mediaserver.webrtc.rtp import SEQUENCE_SIZE, TIMESTAMP_SIZE
from mediaserver.webrtc.sdp import Format, Offer, Stream

HISTORY = 1000
"""Packets that can be repeated: some 3 s at 3 Mbit/s. SRTP protects none again that is more than
1,024 behind."""
REPEATS = 3
"""Of one packet, and REPEAT_AFTER_S apart: a peer cannot ask for more than it could lose."""
REPEAT_AFTER_S = 0.02
RTCP_BYTES_PER_S = 20_000
"""Taken of one peer, headers included: 5 % of 3 Mbit/s (RFC 3550 §6.2). More is left unread: NACKs
of a hundred times as much would take a core."""
RTCP_HEADERS = 64
"""Bytes of IPv6, UDP and SRTCP."""
REPORT_INTERVAL_S = 0.5
BURST = 16
"""Packets sent at once. Of a picture that has more, a quarter goes each RELEASE_INTERVAL_S."""
RELEASE_INTERVAL_S = 0.005
MAX_WAITING = 2000
"""Packets, some 2 MB: what is more goes, up to the next keyframe."""
HEAVY_LOSS = 0.25
"""A peer that loses such a share of the packets, twice in a row, gets keyframes only for
THIN_FOR_S: what its network does not carry would not become pictures."""
THIN_FOR_S = 10.0

_HEADER = Struct("!BBHII")
_U16 = Struct("!H")
_CNAME = 1
_UNIX_TO_NTP_S = 2_208_988_800


class RtpStream:
    """The packets of one track. Its clock counts `clock_rate` a second from a random origin."""

    def __init__(self, format_: Format, stream: Stream, clock_rate: int) -> None:
        self.ssrc = stream.ssrc
        self.sent = 0
        self._cname = stream.cname.encode()
        self._octets = 0
        self._clock_rate = clock_rate
        self._payload_type = format_.payload_type
        self._sequence = secrets.randbits(15)
        self._origin = secrets.randbits(32)
        self._rtx = (
            (format_.rtx_payload_type, stream.rtx_ssrc)
            if format_.rtx_payload_type is not None and stream.rtx_ssrc is not None
            else None
        )
        self._rtx_sequence = secrets.randbits(15)
        self._history: dict[int, _Sent] = {}

    def packet(self, payload: bytes, ticks: int, *, marker: bool, now: float) -> bytes:
        """The next packet; `ticks` count from the time that the reports call 0."""
        sequence = self._sequence
        self._sequence = (sequence + 1) % SEQUENCE_SIZE
        timestamp = (self._origin + ticks) % TIMESTAMP_SIZE
        packet = _packet(self._payload_type, marker, sequence, timestamp, self.ssrc, payload)
        self.sent += 1
        self._octets += len(payload)
        self._history[sequence] = _Sent(packet, now)
        if len(self._history) > HISTORY:
            del self._history[next(iter(self._history))]
        return packet

    def repeated(self, sequences: Iterable[int], now: float) -> list[bytes]:
        """Those of the packets that are still there, to be sent again. aiortc counts a NACK's
        bit mask on past 16 bits."""
        packets = []
        for sequence in sequences:
            sent = self._history.get(sequence % SEQUENCE_SIZE)
            if sent is None or sent.repeats == REPEATS or now - sent.at_s < REPEAT_AFTER_S:
                continue
            sent.repeats += 1
            sent.at_s = now
            packets.append(sent.packet if self._rtx is None else self._retransmission(sent.packet))
        return packets

    def report(self, seconds: float, ntp_timestamp: int) -> bytes:
        """SR and SDES: the stream's clock, `seconds` after its 0, which is at `ntp_timestamp`."""
        timestamp = (self._origin + round(seconds * self._clock_rate)) % TIMESTAMP_SIZE
        octets = self._octets % (1 << 32)
        info = RtcpSenderInfo(ntp_timestamp, timestamp, self.sent % (1 << 32), octets)
        source = RtcpSourceInfo(self.ssrc, [(_CNAME, self._cname)])
        return bytes(RtcpSrPacket(self.ssrc, info)) + bytes(RtcpSdesPacket([source]))

    def _retransmission(self, packet: bytes) -> bytes:
        """RFC 4588 §4: the number it had, then its payload, in a stream of their own."""
        assert self._rtx is not None
        payload_type, ssrc = self._rtx
        _, second, sequence, timestamp, _ = _HEADER.unpack_from(packet)
        payload = _U16.pack(sequence) + packet[_HEADER.size :]
        number = self._rtx_sequence
        self._rtx_sequence = (number + 1) % SEQUENCE_SIZE
        return _packet(payload_type, second > 127, number, timestamp, ssrc, payload)


class _Sent:
    __slots__ = ("at_s", "packet", "repeats")

    def __init__(self, packet: bytes, at_s: float) -> None:
        self.packet = packet
        self.at_s = at_s
        self.repeats = 0


class Sender:
    """Sends a program and its sound to the peer that made the `offer`, one of the `streams` for
    each kind of media that it takes.

    `began_s` is the time that the clocks count from, `began_unix_s` the same on the wall. All
    streams are reported by the one clock, so that the peer brings sound and picture in step.
    Pictures begin with a keyframe, and again with one wherever some were left out. A picture
    that has many packets goes out over some milliseconds: `release` is called until it is done.
    """

    def __init__(
        self,
        offer: Offer,
        streams: Sequence[Stream],
        *,
        began_s: float,
        began_unix_s: float,
        send_rtp: Callable[[bytes], None],
        send_rtcp: Callable[[bytes], None],
    ) -> None:
        formats = {media.kind: media.formats[0] for media in offer.media}
        rates = {"video": TICKS_PER_S, "audio": SAMPLE_RATE}
        tracks = {
            stream.kind: RtpStream(formats[stream.kind], stream, rates[stream.kind])
            for stream in streams
        }
        self._video, self._audio = tracks.get("video"), tracks.get("audio")
        self._began_s = began_s
        self._began_unix_s = began_unix_s
        self._send_rtp = send_rtp
        self._send_rtcp = send_rtcp
        self._epoch_s = began_s
        self._parameter_sets: tuple[bytes, ...] = ()
        self._waiting: deque[tuple[bytes, int, bool]] = deque()
        self._needs_keyframe = True
        self._lost_heavily = False
        self._thin_until_s = float("-inf")
        self._report_s = float("-inf")
        self._rtcp_left = float(RTCP_BYTES_PER_S)
        self.heard_s = began_s
        self.pictures_sent = self.pictures_dropped = self.repeats = 0

    def begin(self, epoch_s: float) -> None:
        """The times of what comes now count from `epoch_s`."""
        self._epoch_s = epoch_s
        self._needs_keyframe = True

    def picture(self, packet: EncodedPacket, now: float) -> None:
        """Send a picture of the program, or take its header."""
        if self._video is None:
            return
        body = flv.video_tag(packet.payload).data
        if packet.is_header:
            self._parameter_sets = parameter_sets(body)
            return
        if len(self._waiting) > MAX_WAITING:
            self._waiting.clear()
            self._needs_keyframe = True
        if self._needs_keyframe and not packet.is_keyframe:
            self.pictures_dropped += 1
            return
        self._needs_keyframe = now < self._thin_until_s
        self.pictures_sent += 1
        units = prefixed_units(body)
        payloads = h264_payloads([*self._parameter_sets, *units] if packet.is_keyframe else units)
        ticks = self._ticks(packet.dts + packet.cts, TICKS_PER_S)
        last = len(payloads) - 1
        self._waiting.extend((payload, ticks, i == last) for i, payload in enumerate(payloads))

    def sound(self, packet: OpusPacket, now: float) -> None:
        if self._audio is not None:
            ticks = self._ticks(packet.position, SAMPLE_RATE)
            self._send_rtp(self._audio.packet(packet.payload, ticks, marker=False, now=now))

    def release(self, now: float) -> bool:
        """Send what may go now; whether more waits, for RELEASE_INTERVAL_S."""
        if self._video is None:
            return False
        for _ in range(min(len(self._waiting), max(BURST, -(-len(self._waiting) // 4)))):
            payload, ticks, marker = self._waiting.popleft()
            self._send_rtp(self._video.packet(payload, ticks, marker=marker, now=now))
        return bool(self._waiting)

    def rtcp_received(self, data: bytes, now: float) -> None:
        """One decrypted RTCP compound came at `now`. Nobody's wish for a keyframe is heard: the
        encoder has many readers, and the next one is at most a GOP away."""
        if not self._may_read(len(data) + RTCP_HEADERS, now):
            return
        try:
            packets = parse_rtcp(data)
        except RtcpError:
            return
        for packet in packets:
            if isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
                self._repeat(packet, now)
            elif isinstance(packet, RtcpRrPacket):
                for report in packet.reports:
                    self._received(report, now)

    def tick(self, now: float) -> float:
        """Report when it is time; gives back the seconds until the next call."""
        if now - self._report_s >= REPORT_INTERVAL_S - RELEASE_INTERVAL_S:
            self._report_s = now
            seconds = now - self._began_s
            ntp = round((self._began_unix_s + seconds + _UNIX_TO_NTP_S) * (1 << 32))
            for stream in (self._video, self._audio):
                if stream is not None and stream.sent:
                    self._send_rtcp(stream.report(seconds, ntp))
        return REPORT_INTERVAL_S

    def _may_read(self, count: int, now: float) -> bool:
        passed_s, self.heard_s = now - self.heard_s, now
        left = min(RTCP_BYTES_PER_S, self._rtcp_left + passed_s * RTCP_BYTES_PER_S)
        self._rtcp_left = left - count if left >= count else left
        return left >= count

    def _ticks(self, since_epoch: int, rate: int) -> int:
        return since_epoch + round((self._epoch_s - self._began_s) * rate)

    def _repeat(self, packet: RtcpRtpfbPacket, now: float) -> None:
        if self._video is not None and packet.media_ssrc == self._video.ssrc:
            for again in self._video.repeated(packet.lost, now):
                self.repeats += 1
                self._send_rtp(again)

    def _received(self, report: RtcpReceiverInfo, now: float) -> None:
        if self._video is None or report.ssrc != self._video.ssrc:
            return
        heavy = report.fraction_lost >= HEAVY_LOSS * 256
        if heavy and self._lost_heavily:
            self._thin_until_s = now + THIN_FOR_S
            self._needs_keyframe = True
        self._lost_heavily = heavy


def _packet(
    payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int, payload: bytes
) -> bytes:
    return _HEADER.pack(0x80, marker << 7 | payload_type, sequence, timestamp, ssrc) + payload
