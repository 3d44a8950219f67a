"""How late a stream's units come, measured against their own timestamps."""

import math

ASSUMED_JITTER_S = 0.015
"""Until it is known."""
DECAY_S = 2.0
"""After this long a burst counts a third; jitter that goes on renews itself."""
USUAL_S = 1.0
RISE = 0.05
"""Seconds a second by which the earliest follows a way that has become longer."""
OTHER_S = 1.0
"""More than sound and pictures wait for each other: what is so far off is measured anew."""


class Lateness:
    """Of a stream whose units carry their time: ready minus that time, in seconds.

    The sender's clock starts anywhere, so only differences tell something. `earliest_s` is the
    fastest way, `worst_s` what jitter adds to it, `usual_s` the middle.
    """

    def __init__(self) -> None:
        self.is_known = False
        self.earliest_s = self.worst_s = self.usual_s = 0.0
        self._added_s = 0.0
        self._usual_over_s = 0.0

    def is_other(self, lateness_s: float) -> bool:
        """Whether the sender must have set its timestamps anew."""
        return self.is_known and abs(lateness_s - self.earliest_s) > OTHER_S

    def add(self, lateness_s: float, now_s: float) -> None:
        """A unit that became ready at `now_s` was so late."""
        if not self.is_known:
            self.is_known = True
            self.earliest_s = self.usual_s = lateness_s
            self.worst_s = lateness_s + ASSUMED_JITTER_S
            self._added_s = now_s
            return
        passed_s = max(0.0, now_s - self._added_s)
        self._added_s = now_s
        self._usual_over_s = min(USUAL_S, self._usual_over_s + passed_s)
        if self._usual_over_s > 0:
            share = min(1.0, passed_s / self._usual_over_s)
            self.usual_s += share * (lateness_s - self.usual_s)
        self.earliest_s = min(lateness_s, self.earliest_s + RISE * passed_s)
        kept = math.exp(-passed_s / DECAY_S)
        self.worst_s = max(lateness_s, self.earliest_s + kept * (self.worst_s - self.earliest_s))
