"""One peer's media, between SRTP and the feed: packets in, access units and RTCP out. No socket."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from aiortc.rtp import RtcpSrPacket

from mediaserver import rounds
from mediaserver.packet import AccessUnit
from mediaserver.webrtc.capture_clock import CaptureClock
from mediaserver.webrtc.depacketizer import H264Depacketizer, Vp8Depacketizer
from mediaserver.webrtc.feedback import (
    RateEstimate,
    Reception,
    RtcpError,
    SenderReport,
    TransportFeedback,
    nack,
    parse_rtcp,
    picture_loss,
    receiver_report,
    remb,
)
from mediaserver.webrtc.jitter import (
    OPUS_CLOCK_RATE,
    VIDEO_CLOCK_RATE,
    AudioJitterBuffer,
    VideoJitterBuffer,
)
from mediaserver.webrtc.rtp import RtpError, RtpPacket, original_packet, parse_rtp
from mediaserver.webrtc.sdp import TRANSPORT_CC, VIDEO_ORIENTATION, Format, Media, Offer

TRANSPORT_FEEDBACK_INTERVAL_S = 0.05
MIN_TICK_S = 0.005
REPORT_INTERVAL_S = 1.0
KEYFRAME_INTERVAL_S = 0.5
"""Between two PLIs: encoders need time to answer the first."""
NEW_SSRC_AFTER_S = 1.0
"""A second stream of a track takes its place only when the first has been silent so long."""


@dataclass(frozen=True, slots=True)
class ReceiverStats:
    """Counters since the connection began; `bitrate_bps` is of the last second."""

    packets: int
    bytes: int
    bitrate_bps: int
    lost: int
    nacks: int
    plis: int
    pictures_dropped: int
    malformed: int


class _Track:
    """One m-section's stream of packets."""

    def __init__(self, media: Media) -> None:
        self.kind = media.kind
        self.feedback = frozenset(f for format_ in media.formats for f in format_.feedback)
        self.format: Format | None = None
        self.reception: Reception | None = None
        self.buffer: VideoJitterBuffer | AudioJitterBuffer | None = None
        self.heard_s = float("-inf")
        self.lost_before = 0
        self.dropped_before = 0

    @property
    def repairs(self) -> bool:
        """Whether the sender sends again what it is asked for."""
        return "nack" in self.feedback

    def begin(self, format_: Format, ssrc: int) -> Reception:
        """Take packets of `ssrc` in `format_` from now on."""
        if isinstance(self.buffer, VideoJitterBuffer):
            self.dropped_before += self.buffer.pictures_dropped
        if self.buffer is not None:
            self.lost_before += self.buffer.lost
        rate = VIDEO_CLOCK_RATE if self.kind == "video" else OPUS_CLOCK_RATE
        self.reception = Reception(ssrc, rate)
        self.format = format_
        if format_.codec == "h264":
            self.buffer = VideoJitterBuffer("h264", H264Depacketizer(format_.parameter_sets))
        elif format_.codec == "vp8":
            self.buffer = VideoJitterBuffer("vp8", Vp8Depacketizer())
        else:
            self.buffer = AudioJitterBuffer()
        return self.reception


class Receiver:
    """Takes what a peer sends by an accepted `offer`.

    `sink` gets access units as soon as they are complete, `send` the RTCP to encrypt and send.
    """

    def __init__(
        self,
        offer: Offer,
        *,
        sink: Callable[[AccessUnit], None],
        send: Callable[[bytes], None],
    ) -> None:
        self._sink = sink
        self._send_packet = send
        self._ssrc = secrets.randbits(32)
        self._cname = secrets.token_hex(8)
        self._tracks = tuple(_Track(media) for media in offer.media)
        self._capture_clock = CaptureClock()
        self._formats: dict[int, tuple[_Track, Format]] = {}
        self._retransmissions: dict[int, tuple[_Track, Format]] = {}
        for track, media in zip(self._tracks, offer.media, strict=True):
            for format_ in media.formats:
                self._formats[format_.payload_type] = (track, format_)
                if format_.rtx_payload_type is not None:
                    self._retransmissions[format_.rtx_payload_type] = (track, format_)
        wanted = {feedback for track in self._tracks for feedback in track.feedback}
        self._transport_cc_id = offer.extension(TRANSPORT_CC) if "transport-cc" in wanted else None
        self._orientation_id = offer.extension(VIDEO_ORIENTATION)
        self._transport_feedback = TransportFeedback()
        self._regularly_s = float("-inf")
        self._ticked_s = float("-inf")
        uses_remb = self._transport_cc_id is None and "goog-remb" in wanted
        self._estimate = RateEstimate() if uses_remb else None
        self._estimated = (0, 0)
        reduced = all(media.reduced_size_rtcp for media in offer.media)
        self._feedback_prefix = b"" if reduced else receiver_report(self._ssrc, self._cname, [])
        self._report_s = float("-inf")
        self._keyframe_wanted = False
        self._keyframe_asked_s = float("-inf")
        self._packets = self._bytes = self._bytes_before = self._bitrate_bps = 0
        self._nacks = self._plis = self._malformed = 0

    def rtp_received(self, data: bytes, now: float, age_s: float = 0.0) -> None:
        """One decrypted RTP packet came `age_s` before `now`.

        That is what the sender is told. What was read in its round was in time; what was read
        later has to be allowed for.
        """
        try:
            packet = parse_rtp(data, self._transport_cc_id, self._orientation_id)
        except RtpError:
            self._malformed += 1
            return
        came_s = now - age_s
        self._packets += 1
        self._bytes += len(data)
        if packet.transport_sequence is not None:
            self._transport_feedback.add(packet.transport_sequence, came_s)
        known = self._formats.get(packet.payload_type)
        if known is not None:
            track, format_ = known
            reception = track.reception
            if reception is None or reception.ssrc != packet.ssrc or track.format is not format_:
                another = reception is not None and reception.ssrc != packet.ssrc
                if another and now - track.heard_s < NEW_SSRC_AFTER_S:
                    return
                reception = track.begin(format_, packet.ssrc)
                self._capture_clock.begin(track.kind, reception.clock_rate)
            track.heard_s = now
            reception.add(packet.sequence, packet.timestamp, came_s)
            self._deliver(track, packet, rounds.in_time_s(came_s, now))
            return
        known = self._retransmissions.get(packet.payload_type)
        if known is not None:
            track, format_ = known
            if track.format is format_ and track.reception is not None:
                original = original_packet(packet, format_.payload_type, track.reception.ssrc)
                if original is not None:
                    self._deliver(track, original, rounds.in_time_s(came_s, now))

    def rtcp_received(self, data: bytes, now: float) -> None:
        """One decrypted RTCP compound came at `now`."""
        try:
            packets = parse_rtcp(data)
        except RtcpError:
            self._malformed += 1
            return
        for packet in packets:
            if not isinstance(packet, RtcpSrPacket):
                continue
            for track in self._tracks:
                if track.reception is not None and track.reception.ssrc == packet.ssrc:
                    info = packet.sender_info
                    track.reception.sender_report = SenderReport(
                        info.ntp_timestamp, info.rtp_timestamp, now
                    )
                    self._capture_clock.report(track.kind, info.ntp_timestamp, info.rtp_timestamp)

    def request_keyframe(self, now: float) -> None:
        """Ask the sender for a keyframe, now or as soon as it may be asked again.

        Before its first packet there is nothing to ask: a stream begins with one.
        """
        if any(track.kind == "video" and track.reception is not None for track in self._tracks):
            self._keyframe_wanted = True
            self._ask_for_keyframe(now)

    @property
    def due_s(self) -> float:
        """When to call `tick` next; what comes may make it earlier."""
        due_s = self._regularly_s
        if self._keyframe_wanted:
            due_s = min(due_s, self._ticked_s + TRANSPORT_FEEDBACK_INTERVAL_S)
        for track in self._tracks:
            if track.buffer is not None and track.buffer.waiting:
                due_s = min(due_s, track.buffer.due_s)
                if track.repairs:
                    due_s = min(due_s, track.buffer.nack_s)
        return max(due_s, self._ticked_s + MIN_TICK_S)

    def tick(self, now: float) -> None:
        """Do what time demands."""
        self._ticked_s = now
        for track in self._tracks:
            if track.buffer is not None and track.buffer.waiting:
                for unit in track.buffer.poll(now):
                    self._pass_on(unit)
                self._ask_again(track, now)
        self._ask_for_keyframe(now)
        if now >= self._regularly_s:
            while report := self._transport_feedback.report(self._ssrc, self._media_ssrc()):
                self._send(report)
            if now - self._report_s >= REPORT_INTERVAL_S:
                self._report(now)
            self._regularly_s = now + TRANSPORT_FEEDBACK_INTERVAL_S
            if self._transport_cc_id is None:  # each timer wakes the loop
                self._regularly_s = max(self._regularly_s, self._report_s + REPORT_INTERVAL_S)

    def stats(self) -> ReceiverStats:
        buffers = [track.buffer for track in self._tracks if track.buffer is not None]
        return ReceiverStats(
            packets=self._packets,
            bytes=self._bytes,
            bitrate_bps=self._bitrate_bps,
            lost=sum(b.lost for b in buffers) + sum(t.lost_before for t in self._tracks),
            nacks=self._nacks,
            plis=self._plis,
            pictures_dropped=sum(t.dropped_before for t in self._tracks)
            + sum(b.pictures_dropped for b in buffers if isinstance(b, VideoJitterBuffer)),
            malformed=self._malformed,
        )

    def _deliver(self, track: _Track, packet: RtpPacket, now: float) -> None:
        buffer = track.buffer
        assert buffer is not None
        for unit in buffer.push(packet, now):
            self._pass_on(unit)
        if buffer.waiting:
            self._ask_again(track, now)
        if isinstance(buffer, VideoJitterBuffer) and buffer.keyframe_wanted:
            self._ask_for_keyframe(now)

    def _pass_on(self, unit: AccessUnit) -> None:
        if unit.kind == "video" and unit.is_keyframe:
            self._keyframe_wanted = False
        captured_s = self._capture_clock.captured_s(unit.kind, unit.timestamp)
        self._sink(unit if captured_s is None else replace(unit, captured_s=captured_s))

    def _ask_again(self, track: _Track, now: float) -> None:
        if track.buffer is None or track.reception is None or not track.repairs:
            return
        if missing := track.buffer.nacks(now):
            self._nacks += len(missing)
            self._send(nack(self._ssrc, track.reception.ssrc, missing))

    def _ask_for_keyframe(self, now: float) -> None:
        if now - self._keyframe_asked_s < KEYFRAME_INTERVAL_S:
            return
        for track in self._tracks:
            buffer = track.buffer
            if (
                isinstance(buffer, VideoJitterBuffer)
                and (self._keyframe_wanted or buffer.keyframe_wanted)
                and "nack pli" in track.feedback
                and track.reception is not None
            ):
                self._keyframe_asked_s = now
                self._plis += 1
                self._send(picture_loss(self._ssrc, track.reception.ssrc))

    def _report(self, now: float) -> None:
        receptions = [t.reception for t in self._tracks if t.reception is not None]
        if not receptions:
            return
        elapsed = now - self._report_s
        if elapsed < 10 * REPORT_INTERVAL_S:
            self._bitrate_bps = round(8 * (self._bytes - self._bytes_before) / elapsed)
        self._report_s = now
        self._bytes_before = self._bytes
        packet = receiver_report(self._ssrc, self._cname, [r.report(now) for r in receptions])
        if self._estimate is not None and self._bitrate_bps:
            expected = sum(r.expected for r in receptions)
            received = sum(r.packets for r in receptions)
            bitrate = self._estimate.update(
                expected - self._estimated[0],
                (expected - self._estimated[0]) - (received - self._estimated[1]),
                self._bitrate_bps,
                max(r.queue_s() for r in receptions),
            )
            self._estimated = (expected, received)
            packet += remb(self._ssrc, bitrate, [r.ssrc for r in receptions])
        self._send_packet(packet)

    def _media_ssrc(self) -> int:
        """Any stream of the sender's: transport-wide feedback is about all of them."""
        return next((t.reception.ssrc for t in self._tracks if t.reception is not None), 0)

    def _send(self, feedback: bytes) -> None:
        self._send_packet(self._feedback_prefix + feedback)
