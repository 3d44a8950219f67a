"""From RTP packets in any order to complete access units in order: no socket, no clock.

A unit goes out with its last packet: nothing waits for the packet after it. A hole is asked for
(NACK) until it is filled or its time is over; video then goes on at the next keyframe.

Sources: RFC 3550 appendix A.1 (sequence numbers), RFC 4585 §6.2.1 (NACK).
"""

from collections import deque
from dataclasses import dataclass, field

from compositor.geometry import Turns
from mediaserver.packet import AccessUnit, Codec
from mediaserver.webrtc.depacketizer import DepacketizeError, Depacketizer
from mediaserver.webrtc.rtp import SEQUENCE_SIZE, TIMESTAMP_SIZE, RtpPacket, unwrapped

VIDEO_PATIENCE_S = 0.5
"""A feed counts as frozen after this long, so a hole is not worth more."""
KEYFRAME_AFTER_S = 0.25
"""A hole this old is probably not repaired any more: a keyframe is asked for beside it."""
AUDIO_PATIENCE_S = 0.03
NACK_INTERVAL_S = 0.04
"""Between the first two NACKs for one packet; doubled each time, for uplinks with a long way."""
MAX_HELD_VIDEO = 1024
"""Packets kept behind a hole: 2 s at 5 Mbit/s."""
MAX_HELD_AUDIO = 16
MAX_MISORDER = 100
"""Packets that come later than this, two in sequence, are of a sender that numbers anew."""

VIDEO_CLOCK_RATE = 90_000
OPUS_CLOCK_RATE = 48_000


@dataclass(slots=True)
class _Hole:
    since: float
    next_nack: float
    pause_s: float = NACK_INTERVAL_S


@dataclass(slots=True)
class _Released:
    """Packets in order; `after_gap` when packets before the first one are lost for good."""

    packets: list[RtpPacket]
    after_gap: bool


@dataclass(slots=True)
class ReorderBuffer:
    """Gives packets out in sequence; remembers what is missing, for how long."""

    patience_s: float
    max_held: int
    lost: int = 0
    _next: int | None = None
    _newest: int = 0
    _held: dict[int, RtpPacket] = field(default_factory=dict)
    _holes: dict[int, _Hole] = field(default_factory=dict)
    _asked: deque[int] = field(default_factory=lambda: deque(maxlen=2 * MAX_HELD_VIDEO))
    _stray: RtpPacket | None = None

    @property
    def waiting(self) -> bool:
        return bool(self._holes)

    def push(self, packet: RtpPacket, now: float) -> _Released | None:
        """What can go out now that `packet` has come."""
        if self._next is None:
            self._next = packet.sequence
        sequence = unwrapped(packet.sequence, self._next, SEQUENCE_SIZE)
        if sequence == self._next and not self._held:
            self._newest = sequence
            self._next += 1
            return _Released([packet], False)
        if sequence < self._next:
            return self._late(packet, sequence)
        if sequence in self._held:
            return None
        if sequence - self._next >= self.max_held:
            return self._start_over(packet, sequence)
        self._holes.pop(sequence, None)
        for missing in range(max(self._newest + 1, self._next), sequence):
            self._holes[missing] = _Hole(now, now)
        self._newest = max(self._newest, sequence)
        self._held[sequence] = packet
        return self._drained(after_gap=False)

    def expire(self, now: float) -> _Released | None:
        """What can go out because the packets before it are given up."""
        expired = [s for s, hole in self._holes.items() if now >= hole.since + self.patience_s]
        return self._give_up(max(expired)) if expired else None

    def has_waited(self, seconds: float, now: float) -> bool:
        """Whether a packet has been missing for so long."""
        # Holes are noted in the order of time, and a dict keeps it.
        oldest = next(iter(self._holes.values()), None)
        return oldest is not None and now >= oldest.since + seconds

    def skip_to(self, packet: RtpPacket) -> _Released:
        """What can go out when everything before the held `packet` is given up."""
        assert self._next is not None
        return self._give_up(unwrapped(packet.sequence, self._next, SEQUENCE_SIZE) - 1)

    def nacks(self, now: float) -> list[int]:
        """Sequence numbers (16 bits) to ask for now."""
        due = []
        for sequence, hole in self._holes.items():
            if hole.next_nack <= now:
                hole.next_nack = now + hole.pause_s
                hole.pause_s *= 2
                due.append(sequence % SEQUENCE_SIZE)
                self._asked.append(sequence)
        return due

    def _late(self, packet: RtpPacket, sequence: int) -> _Released | None:
        """Two in sequence that come far too late begin the stream anew (RFC 3550 A.1).

        What a sender repeats, as often as it was asked or to probe the bandwidth, does not.
        """
        assert self._next is not None
        repeated = packet.repeated or sequence in self._asked
        if repeated or self._next - sequence <= MAX_MISORDER:
            return None
        before, self._stray = self._stray, packet
        if before is None or (before.sequence + 1) % SEQUENCE_SIZE != packet.sequence:
            return None
        self._stray = None
        self.lost += len(self._holes)
        return self._begin([before, packet], sequence)

    def _give_up(self, last: int) -> _Released:
        for sequence in [s for s in self._holes if s <= last]:
            del self._holes[sequence]
            self.lost += 1
        for sequence in [s for s in self._held if s <= last]:
            del self._held[sequence]
        self._next = last + 1
        return self._drained(after_gap=True)

    def _start_over(self, packet: RtpPacket, sequence: int) -> _Released:
        """The sender jumped further than the buffer holds: what is missing will not come."""
        assert self._next is not None
        self.lost += sequence - self._next - len(self._held)
        return self._begin([packet], sequence)

    def _begin(self, packets: list[RtpPacket], last: int) -> _Released:
        """Go on with `packets`, up to the sequence number `last`."""
        self._held.clear()
        self._holes.clear()
        self._newest = last
        self._next = last + 1
        return _Released(packets, True)

    def _drained(self, *, after_gap: bool) -> _Released:
        assert self._next is not None
        packets = []
        while (packet := self._held.pop(self._next, None)) is not None:
            packets.append(packet)
            self._next += 1
        return _Released(packets, after_gap)


class VideoJitterBuffer:
    """Packets of one video stream → pictures in decoding order, from a keyframe on.

    `keyframe_wanted` says that the sender should be asked for one.
    """

    def __init__(self, codec: Codec, depacketizer: Depacketizer) -> None:
        self._codec = codec
        self._depacketizer = depacketizer
        self._reorder = ReorderBuffer(VIDEO_PATIENCE_S, MAX_HELD_VIDEO)
        self._payloads: list[bytes] = []
        self._timestamp = 0
        self._turns: Turns = 0
        self._first = True
        self._in_step = False
        self.pictures_dropped = 0
        self.keyframe_wanted = False

    @property
    def lost(self) -> int:
        return self._reorder.lost

    @property
    def waiting(self) -> bool:
        """Whether packets are missing, so that `poll` has something to do soon."""
        return self._reorder.waiting

    def push(self, packet: RtpPacket, now: float) -> list[AccessUnit]:
        """Pictures that are complete now that `packet` has come."""
        released = self._reorder.push(packet, now)
        if released is None:
            return []
        if (
            not released.packets
            and self._reorder.has_waited(KEYFRAME_AFTER_S, now)
            and self._depacketizer.begins_keyframe(packet.payload)
        ):
            released = self._reorder.skip_to(packet)
        return self._pictures(released, now)

    def poll(self, now: float) -> list[AccessUnit]:
        """Pictures that go out because the hole before them is given up."""
        if not self._reorder.waiting:
            return []
        if self._reorder.has_waited(KEYFRAME_AFTER_S, now):
            self.keyframe_wanted = True
        released = self._reorder.expire(now)
        return self._pictures(released, now) if released else []

    def nacks(self, now: float) -> list[int]:
        return self._reorder.nacks(now)

    def _pictures(self, released: _Released, now: float) -> list[AccessUnit]:
        if released.after_gap:
            self._out_of_step()
        units: list[AccessUnit] = []
        for packet in released.packets:
            if not packet.payload:  # padding
                continue
            if self._payloads and packet.timestamp != self._timestamp % TIMESTAMP_SIZE:
                self._finish(units, now)  # a sender without marker bits
            if not self._in_step:
                if not self._depacketizer.begins_keyframe(packet.payload):
                    self.keyframe_wanted = True
                    continue
                self._in_step = True
                self.keyframe_wanted = False
            if not self._payloads:
                self._start(packet)
            self._payloads.append(packet.payload)
            if packet.turns is not None:
                self._turns = packet.turns
            if packet.marker:
                self._finish(units, now)
        return units

    def _start(self, packet: RtpPacket) -> None:
        if self._first:
            self._timestamp = packet.timestamp
            self._first = False
        else:
            self._timestamp = unwrapped(packet.timestamp, self._timestamp, TIMESTAMP_SIZE)

    def _finish(self, units: list[AccessUnit], now: float) -> None:
        try:
            payload, is_keyframe = self._depacketizer.picture(self._payloads)
        except DepacketizeError:
            self._out_of_step()
            return
        self._payloads.clear()
        units.append(
            AccessUnit(
                self._codec,
                self._timestamp,
                VIDEO_CLOCK_RATE,
                payload,
                is_keyframe,
                now,
                self._turns,
            )
        )

    def _out_of_step(self) -> None:
        self.pictures_dropped += bool(self._payloads)
        self._payloads.clear()
        self._in_step = False
        self.keyframe_wanted = True


class AudioJitterBuffer:
    """Packets of one audio stream → the same in order, with next to no wait.

    The mixer evens out arrival times; here a missing packet holds up the rest for
    `AUDIO_PATIENCE_S` at most.
    """

    def __init__(self) -> None:
        self._reorder = ReorderBuffer(AUDIO_PATIENCE_S, MAX_HELD_AUDIO)
        self._timestamp: int | None = None

    @property
    def lost(self) -> int:
        return self._reorder.lost

    @property
    def waiting(self) -> bool:
        return self._reorder.waiting

    def push(self, packet: RtpPacket, now: float) -> list[AccessUnit]:
        """Audio packets that can go out now that `packet` has come."""
        released = self._reorder.push(packet, now)
        return self._units(released, now) if released else []

    def poll(self, now: float) -> list[AccessUnit]:
        """Audio packets that go out because the one before them is given up."""
        released = self._reorder.expire(now)
        return self._units(released, now) if released else []

    def _units(self, released: _Released, now: float) -> list[AccessUnit]:
        units = []
        for packet in released.packets:
            if not packet.payload:
                continue
            near = packet.timestamp if self._timestamp is None else self._timestamp
            self._timestamp = unwrapped(packet.timestamp, near, TIMESTAMP_SIZE)
            units.append(
                AccessUnit("opus", self._timestamp, OPUS_CLOCK_RATE, packet.payload, True, now)
            )
        return units
