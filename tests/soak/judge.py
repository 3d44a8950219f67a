"""What a soak has measured, and whether that is good enough."""

from collections.abc import Sequence
from dataclasses import dataclass

SKEW_MS = 40.0
GROWTH = 0.02
SETTLED_AT = 2
"""The minute from which on memory must not grow."""


@dataclass(frozen=True, slots=True)
class Minute:
    """What was measured at the end of a minute, counted from 1.

    Frames and gaps are the witness's since the start, late ticks the server's, faults the runner's.
    Skews are sizes, None where neither flash nor beep was found; memory is resident.
    """

    number: int
    frames: int
    sound_gaps: int
    late_ticks: int
    skew_p50_ms: float | None
    skew_p95_ms: float | None
    server_mib: float
    redis_mib: float
    faults: int

    def __str__(self) -> str:
        skew = (
            "none seen"
            if self.skew_p50_ms is None
            else f"{self.skew_p50_ms:.1f} / {self.skew_p95_ms:.1f} ms"
        )
        return (
            f"minute {self.number}: {self.frames} frames out, {self.sound_gaps} gaps in sound, "
            f"{self.late_ticks} late ticks, skew p50 / p95 {skew}, "
            f"memory {self.server_mib:.1f} MiB (Redis {self.redis_mib:.1f}), {self.faults} faults"
        )


def growth(minutes: Sequence[Minute]) -> float | None:
    """By how much of itself memory has grown since minute 2; None where the run was too short."""
    settled = [minute.server_mib for minute in minutes if minute.number >= SETTLED_AT]
    return settled[-1] / settled[0] - 1 if len(settled) > 1 else None


def complaints(
    minutes: Sequence[Minute], *, witnesses: int, refusals: Sequence[str], tracebacks: int
) -> list[str]:
    """What is wrong, in words. `witnesses` is how often the witness was published to,
    `refusals` what the server answered to requests it should have granted."""
    found = [f"a request failed: {refusal}" for refusal in refusals]
    if witnesses != 1:
        found.append(f"the witness was connected {witnesses} times, not once")
    if minutes and minutes[-1].sound_gaps:
        found.append(f"the witness has {minutes[-1].sound_gaps} gaps in its sound")
    for minute in minutes:
        if minute.skew_p95_ms is None:
            found.append(f"minute {minute.number}: neither flash nor beep was seen")
        elif minute.skew_p95_ms > SKEW_MS:
            found.append(
                f"minute {minute.number}: skew is {minute.skew_p95_ms:.1f} ms at p95, "
                f"over {SKEW_MS:g} ms"
            )
    grown = growth(minutes)
    if grown is not None and grown > GROWTH:
        found.append(f"memory grew by {grown:.1%} after minute {SETTLED_AT}, over {GROWTH:.0%}")
    if tracebacks:
        found.append(f"the server logged {tracebacks} tracebacks")
    return found
