"""How fast one kind of request may go, when nobody says how fast: learnt from refusals.

Pure rules: time comes in as an argument. The rate doubles every two seconds of use until TikTok
refuses for the first time. From then on it goes as CUBIC does for TCP (RFC 9438): a little less
after a refusal, soon back to just below where the refusal came, and further up, at first slowly,
when that holds. So it stays close to the limit, needs no retuning for limits of 1 or 1,000 a
second, and finds a limit that was raised within minutes.
"""

import math

START_PER_S = 10.0
SLOWEST_PER_S = 0.2
FASTEST_PER_S = 1_000.0
DOUBLING_S = 2.0

OVERSHOT = 0.5
"""What is kept of the rate after the first refusal: doubling may have gone that far too high."""

EASED = 0.9
"""What is kept of it after each later one."""

PLATEAU_S = 30.0
"""How long after a refusal the rate is again what it was then."""

BURST_S = 0.05
"""How late a turn may be taken without its being lost: what timers and a busy loop need."""

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
"""Without a Retry-After: 1 s, doubling to 60 s for as long as everything is refused."""


class Pace:
    """Says when the next request may go. Times are monotonic seconds, rates are per second."""

    def __init__(self, now: float) -> None:
        self._base = START_PER_S
        """The rate right after the last refusal, or at the start."""
        self._ceiling: float | None = None
        self._refused_at = -math.inf
        """When the refusal came that slowed us down last."""
        self._resumes = now
        self._next = now
        self._idle_s = 0.0
        self._accepted = False
        self._pause_s = 0.0

    def rate(self, now: float) -> float:
        """How many requests a second may go at `now`."""
        used_s = max(0.0, now - self._resumes - self._idle_s)
        if self._ceiling is None:
            return min(FASTEST_PER_S, self._base * math.exp2(min(used_s / DOUBLING_S, 32.0)))
        aside = used_s / PLATEAU_S - 1.0
        rate = self._ceiling + (self._ceiling - self._base) * aside**3
        return min(FASTEST_PER_S, max(SLOWEST_PER_S, rate))

    def wait_s(self, now: float) -> float:
        """How long until the next request may go; 0 when it may now."""
        return max(0.0, self._next - now, self._resumes - now)

    def take(self, now: float) -> None:
        """A request goes at `now`."""
        interval_s = 1.0 / self.rate(now)
        due = max(self._next, self._resumes)
        # A rate that is not used proves nothing, so the time is not counted towards a higher one.
        self._idle_s += max(0.0, now - due - interval_s - BURST_S)
        self._next = max(due, now - BURST_S) + interval_s

    def accepted(self, sent_at: float) -> None:
        """TikTok took the request that was sent then, whatever became of it."""
        if sent_at > self._refused_at:
            self._accepted = True
            self._pause_s = 0.0

    def refused(self, sent_at: float, now: float, retry_after_s: float | None) -> None:
        """TikTok had too much when it got the request that was sent then.

        Those that were under way with it say nothing new. Nor does a TikTok that refuses
        everything say anything about the rate: there is only to wait, each time longer.
        """
        if sent_at > self._refused_at:
            if self._accepted or self._ceiling is None:
                self._ceiling = self.rate(sent_at)
                kept = OVERSHOT if self._refused_at == -math.inf else EASED
                self._base = max(SLOWEST_PER_S, self._ceiling * kept)
            self._refused_at = now
            self._accepted = False
            self._idle_s = 0.0
            self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2 or FIRST_PAUSE_S)
        pause_s = self._pause_s if retry_after_s is None else retry_after_s
        self._resumes = max(self._resumes, now + pause_s)
