"""From RTP packets in any order to complete access units in order: no socket, no clock.

A unit goes out with its last packet: nothing waits for the packet after it. A hole is asked for
(NACK) until it is filled or its time is over; video then goes on at the next keyframe.

Sources: RFC 3550 appendix A.1 (sequence numbers), RFC 4585 §6.2.1 (NACK).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from compositor.geometry import Turns
from mediaserver.packet import AccessUnit, Codec
from mediaserver.webrtc.depacketizer import DepacketizeError, Depacketizer
from mediaserver.webrtc.feedback import MAX_NACKS
from mediaserver.webrtc.rtp import SEQUENCE_SIZE, TIMESTAMP_SIZE, RtpPacket, unwrapped

VIDEO_PATIENCE_S = 1.0
"""Without the missing packet or a keyframe there is nothing to show, so both are waited for."""
KEYFRAME_AFTER_S = 0.25
"""A hole this old is probably not repaired any more: a keyframe is asked for beside it, but not
before two answers to a NACK could have come."""
AUDIO_PATIENCE_S = 0.03
FIRST_ANSWER_S = 0.05
"""From a NACK to its packet, until one has been seen."""
MAX_ANSWER_S = 0.4
MIN_NACK_INTERVAL_S = 0.02
NACK_INTERVAL_ANSWERS = 0.6
"""A packet is asked for again before the answer can have come: twice on its way, one of the two
is rarely lost, and only what was lost once is sent twice."""
MAX_NACKS_EACH = 10
NACKS_PER_PACKET = 0.5
"""What is asked for of what comes, at most: repetitions must not choke a network that is full."""
MAX_OVERTAKING_S = 0.04
"""A packet that has not come so long after the one behind it was not only overtaken."""
OVERTAKING_MARGIN = 1.3
MAX_ASKED = 2048
"""Packets remembered for having been asked for."""
MAX_HELD_VIDEO = 1024
"""Packets kept behind a hole: 2 s at 5 Mbit/s."""
MAX_HELD_AUDIO = 16
MAX_PICTURE_PACKETS = 4096
"""A picture of more, some 5 MB, is none."""
MAX_MISORDER = 100
"""Packets that come later than this, two in sequence, are of a sender that numbers anew."""

VIDEO_CLOCK_RATE = 90_000
OPUS_CLOCK_RATE = 48_000


@dataclass(slots=True)
class _Hole:
    since: float
    ask_s: float
    """When to ask for it next."""
    asked_s: float | None = None
    """When it was asked for first."""
    asked: int = 0
    """How often."""


@dataclass(slots=True)
class _Released:
    """Packets in order; `after_gap` when packets before the first one are lost for good."""

    packets: list[RtpPacket]
    after_gap: bool


class ReorderBuffer:
    """Gives packets out in sequence; remembers what is missing, for how long.

    It learns from what comes: how long packets are overtaken for, so that only lost ones are
    asked for, and how long an answer takes, so that they are asked for again when it is due.
    """

    def __init__(self, patience_s: float, max_held: int) -> None:
        self.lost = 0
        self._patience_s = patience_s
        self._max_held = max_held
        self._next: int | None = None
        self._newest = 0
        self._held: dict[int, RtpPacket] = {}
        self._holes: dict[int, _Hole] = {}
        self._asked: dict[int, float] = {}
        self._may_ask = float(MAX_NACKS)
        self._nack_s = float("inf")
        self._overtaking_s = 0.0
        self._answer_s = FIRST_ANSWER_S
        self._stray: RtpPacket | None = None

    @property
    def waiting(self) -> bool:
        return bool(self._holes)

    @property
    def nack_s(self) -> float:
        """When `nacks` has something next, or earlier."""
        return self._nack_s if self._holes else float("inf")

    @property
    def expires_s(self) -> float:
        """When `expire` has something next."""
        return self._oldest_s + self._patience_s

    @property
    def hopeless_s(self) -> float:
        """When the oldest hole has waited longer than a repair takes."""
        return self._oldest_s + max(KEYFRAME_AFTER_S, 2 * self._answer_s)

    @property
    def _oldest_s(self) -> float:
        # Holes are noted in the order of time, and a dict keeps it.
        oldest = next(iter(self._holes.values()), None)
        return float("inf") if oldest is None else oldest.since

    def push(self, packet: RtpPacket, now: float) -> _Released | None:
        """What can go out now that `packet` has come."""
        self._may_ask = min(MAX_NACKS, self._may_ask + NACKS_PER_PACKET)
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
        if sequence - self._next >= self._max_held:
            return self._start_over(packet, sequence)
        if (hole := self._holes.pop(sequence, None)) is not None:
            self._learn(hole, sequence, now)
        self._note_holes(max(self._newest + 1, self._next), sequence, now)
        self._newest = max(self._newest, sequence)
        self._held[sequence] = packet
        return self._drained(after_gap=False)

    def expire(self, now: float) -> _Released | None:
        """What can go out because the packets before it are given up."""
        expired = [s for s, hole in self._holes.items() if now >= hole.since + self._patience_s]
        return self._give_up(max(expired)) if expired else None

    def skip_to(self, packet: RtpPacket) -> _Released:
        """What can go out when everything before the held `packet` is given up."""
        assert self._next is not None
        return self._give_up(unwrapped(packet.sequence, self._next, SEQUENCE_SIZE) - 1)

    def nacks(self, now: float) -> list[int]:
        """Sequence numbers (16 bits) to ask for now, MAX_NACKS at most."""
        if now < self._nack_s:
            return []
        pause_s = max(MIN_NACK_INTERVAL_S, NACK_INTERVAL_ANSWERS * self._answer_s)
        due = [s for s, hole in self._holes.items() if hole.ask_s <= now][: int(self._may_ask)]
        self._may_ask -= len(due)
        for sequence in due:
            hole = self._holes[sequence]
            hole.asked += 1
            hole.ask_s = now + pause_s if hole.asked < MAX_NACKS_EACH else float("inf")
            if hole.asked_s is None:
                hole.asked_s = now
                self._asked[sequence] = 0.0
        while len(self._asked) > MAX_ASKED:
            del self._asked[next(iter(self._asked))]
        self._nack_s = min((hole.ask_s for hole in self._holes.values()), default=float("inf"))
        return [sequence % SEQUENCE_SIZE for sequence in due]

    def _note_holes(self, first: int, end: int, now: float) -> None:
        if first >= end:
            return
        ask_s = now + min(MAX_OVERTAKING_S, OVERTAKING_MARGIN * self._overtaking_s)
        for missing in range(first, end):
            self._holes[missing] = _Hole(now, ask_s)
        self._nack_s = min(self._nack_s, ask_s)

    def _learn(self, hole: _Hole, sequence: int, now: float) -> None:
        """`hole` is filled."""
        if hole.asked_s is None:
            self._overtaken(now - hole.since)
            return
        answer_s = min(MAX_ANSWER_S, now - hole.asked_s)
        self._answer_s += (answer_s - self._answer_s) / 8
        # Asked for in vain if it comes once more.
        self._asked[sequence] = now - hole.since
        self._overtaken(0.0)

    def _overtaken(self, late_s: float) -> None:
        """A packet came `late_s` after one behind it; 0 when it was lost and came again.

        Rises fast and falls slowly: what is kept is what most stay under.
        """
        share = 1 / 8 if late_s > self._overtaking_s else 1 / 64
        self._overtaking_s += share * (late_s - self._overtaking_s)

    def _late(self, packet: RtpPacket, sequence: int) -> _Released | None:
        """Two in sequence that come far too late begin the stream anew (RFC 3550 A.1).

        What a sender repeats, as often as it was asked or to probe the bandwidth, does not.
        """
        assert self._next is not None
        if (late_s := self._asked.get(sequence)) is not None:
            if late_s:
                self._overtaken(late_s)
            return None
        if packet.repeated or self._next - sequence <= MAX_MISORDER:
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


class JitterBuffer(ABC):
    """Packets of one stream → access units, in order."""

    def __init__(self, patience_s: float, max_held: int) -> None:
        self._reorder = ReorderBuffer(patience_s, max_held)

    @property
    def lost(self) -> int:
        return self._reorder.lost

    @property
    def waiting(self) -> bool:
        """Whether packets are missing, so that there is something to do at `due_s`."""
        return self._reorder.waiting

    @property
    def due_s(self) -> float:
        """When `poll` has something to do."""
        return self._reorder.expires_s

    @property
    def nack_s(self) -> float:
        """When `nacks` has something to ask for, or earlier."""
        return self._reorder.nack_s

    def nacks(self, now: float) -> list[int]:
        """Sequence numbers (16 bits) to ask for now."""
        return self._reorder.nacks(now)

    @abstractmethod
    def push(self, packet: RtpPacket, now: float) -> list[AccessUnit]:
        """Units that are complete now that `packet` has come."""

    @abstractmethod
    def poll(self, now: float) -> list[AccessUnit]:
        """Units that go out because the hole before them is given up."""


class VideoJitterBuffer(JitterBuffer):
    """Packets of one video stream → pictures in decoding order, from a keyframe on.

    `keyframe_wanted` says that the sender should be asked for one.
    """

    def __init__(self, codec: Codec, depacketizer: Depacketizer) -> None:
        super().__init__(VIDEO_PATIENCE_S, MAX_HELD_VIDEO)
        self._codec = codec
        self._depacketizer = depacketizer
        self._payloads: list[bytes] = []
        self._timestamp = 0
        self._turns: Turns = 0
        self._first = True
        self._in_step = False
        self.pictures_dropped = 0
        self.keyframe_wanted = False

    @property
    def due_s(self) -> float:
        reorder = self._reorder
        return min(super().due_s, float("inf") if self.keyframe_wanted else reorder.hopeless_s)

    def push(self, packet: RtpPacket, now: float) -> list[AccessUnit]:
        released = self._reorder.push(packet, now)
        if released is None:
            return []
        if (
            not released.packets
            and now >= self._reorder.hopeless_s
            and self._depacketizer.begins_keyframe(packet.payload)
        ):
            released = self._reorder.skip_to(packet)
        return self._pictures(released, now)

    def poll(self, now: float) -> list[AccessUnit]:
        if now >= self._reorder.hopeless_s:
            self.keyframe_wanted = True
        released = self._reorder.expire(now)
        return self._pictures(released, now) if released else []

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
            if not self._payloads:
                self._start(packet)
            self._payloads.append(packet.payload)
            if packet.turns is not None:
                self._turns = packet.turns
            if packet.marker:
                self._finish(units, now)
            elif len(self._payloads) >= MAX_PICTURE_PACKETS:
                self._out_of_step()
        if self._in_step and now < self._reorder.hopeless_s:
            self.keyframe_wanted = False
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


class AudioJitterBuffer(JitterBuffer):
    """Packets of one audio stream → the same in order, with next to no wait.

    The mixer evens out arrival times; here a missing packet holds up the rest for
    `AUDIO_PATIENCE_S` at most.
    """

    def __init__(self) -> None:
        super().__init__(AUDIO_PATIENCE_S, MAX_HELD_AUDIO)
        self._timestamp: int | None = None

    def push(self, packet: RtpPacket, now: float) -> list[AccessUnit]:
        released = self._reorder.push(packet, now)
        return self._units(released, now) if released else []

    def poll(self, now: float) -> list[AccessUnit]:
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
