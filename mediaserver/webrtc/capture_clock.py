"""When a sender's pictures and sounds were captured, on the one clock that its tracks share.

A sender report says which RTP timestamp of its track belongs to which NTP time (RFC 3550 §6.4.1).
"""

from mediaserver.packet import Kind
from mediaserver.webrtc.rtp import TIMESTAMP_SIZE, unwrapped

NTP_UNITS_PER_S = 1 << 32
SMOOTHING = 0.25
"""What a report moves a track's line by: senders read their two clocks a little apart."""
STEP_S = 0.1
"""A report further than this from its track's line is of a clock that was set, or untrue."""
AGREEMENT_S = 0.05
REPEATS = 3
"""Reports that must say the same before one track alone is believed to have jumped."""


class CaptureClock:
    """Maps RTP timestamps of one peer's tracks to seconds of its NTP clock.

    Only the difference between the tracks matters to lip sync. When a sender's clock is set, the
    tracks say so seconds apart: what was known holds until they agree.
    """

    def __init__(self) -> None:
        self._lines: dict[Kind, _Line] = {}

    def begin(self, kind: Kind, clock_rate: int) -> None:
        """A new stream of `kind`: its timestamps have nothing to do with those before."""
        self._lines[kind] = _Line(clock_rate)

    def report(self, kind: Kind, ntp_timestamp: int, rtp_timestamp: int) -> None:
        """A sender report of the stream: 32.32 s, and 32 bits."""
        line = self._lines.get(kind)
        if line is None or ntp_timestamp == 0:  # 0: the sender has no such clock, or sent nothing
            return
        line.report(ntp_timestamp / NTP_UNITS_PER_S, rtp_timestamp)
        if line.step_s is None:
            return
        steps = [other.step_s for other in self._lines.values()]
        if all(step is not None and abs(step - line.step_s) < AGREEMENT_S for step in steps):
            for other in self._lines.values():
                other.take_step()
        elif line.repeats >= REPEATS:
            line.take_step()

    def captured_s(self, kind: Kind, timestamp: int) -> float | None:
        """The time of capture at `timestamp` (unwrapped), or None before the first report."""
        line = self._lines.get(kind)
        return line.captured_s(timestamp) if line is not None else None


class _Line:
    """One stream: NTP seconds = origin + timestamp / clock rate."""

    def __init__(self, clock_rate: int) -> None:
        self.step_s: float | None = None
        self.repeats = 0
        self._clock_rate = clock_rate
        self._newest: int | None = None
        self._early: tuple[float, int] | None = None
        self._origin_s: float | None = None

    def report(self, ntp_s: float, rtp_timestamp: int) -> None:
        if self._newest is None:  # which 2**32 it is of shows with the first packet
            self._early = (ntp_s, rtp_timestamp)
            return
        timestamp = unwrapped(rtp_timestamp, self._newest, TIMESTAMP_SIZE)
        origin_s = ntp_s - timestamp / self._clock_rate
        if self._origin_s is None:
            self._origin_s = origin_s
            return
        deviation_s = origin_s - self._origin_s
        if abs(deviation_s) <= STEP_S:
            self._origin_s += SMOOTHING * deviation_s
            self.step_s, self.repeats = None, 0
        elif self.step_s is not None and abs(deviation_s - self.step_s) < AGREEMENT_S:
            self.repeats += 1
        else:
            self.step_s, self.repeats = deviation_s, 1

    def take_step(self) -> None:
        if self._origin_s is not None and self.step_s is not None:
            self._origin_s += self.step_s
        self.step_s, self.repeats = None, 0

    def captured_s(self, timestamp: int) -> float | None:
        self._newest = timestamp
        if self._early is not None:
            early, self._early = self._early, None
            self.report(*early)
        return None if self._origin_s is None else self._origin_s + timestamp / self._clock_rate
