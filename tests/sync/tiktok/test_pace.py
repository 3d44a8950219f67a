"""The rules of the pace, against simulated limits and simulated time."""

import heapq
import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.tiktok.pace import FIRST_PAUSE_S, LONGEST_PAUSE_S, START_PER_S, Pace


@dataclass
class Limit:
    """A token bucket such as a server has."""

    per_s: float
    burst: float
    tokens: float = field(init=False)
    at_s: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, now: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.at_s) * self.per_s)
        self.at_s = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Outcome:
    took_s: float
    accepted: int
    refused: int


def run(
    pace: Pace,
    limit: Limit,
    requests: int,
    *,
    latency_s: float = 0.05,
    retry_after_s: float | None = 1.0,
    start_s: float = 0.0,
) -> Outcome:
    """Send until `requests` were accepted; each answer comes `latency_s` after it was sent."""
    now = start_s
    accepted = refused = 0
    answers: list[tuple[float, float, bool]] = []
    while accepted < requests:
        now += pace.wait_s(now)
        while answers and answers[0][0] <= now:
            answered_at, sent_at, well = heapq.heappop(answers)
            if well:
                pace.accepted(sent_at)
                accepted += 1
            else:
                pace.refused(sent_at, answered_at, retry_after_s)
                refused += 1
        if pace.wait_s(now) == 0:
            pace.take(now)
            heapq.heappush(answers, (now + latency_s, now, limit.take(now)))
    return Outcome(now - start_s, accepted, refused)


@pytest.mark.parametrize("per_s", [5, 50, 200])
@pytest.mark.parametrize("burst_s", [0.02, 1.0, 5.0])
def test_20_000_requests_take_at_most_a_fifth_longer_than_they_must(
    per_s: float, burst_s: float
) -> None:
    limit = Limit(per_s, max(1.0, per_s * burst_s))

    outcome = run(Pace(0.0), limit, 20_000)

    assert outcome.took_s <= 1.2 * 20_000 / per_s
    assert outcome.refused <= 0.02 * 20_000


def test_a_limit_without_retry_after_is_kept_as_well() -> None:
    outcome = run(Pace(0.0), Limit(50, 50), 20_000, retry_after_s=None)

    assert outcome.took_s <= 1.2 * 20_000 / 50


def test_slow_answers_do_not_make_it_overshoot_again_and_again() -> None:
    outcome = run(Pace(0.0), Limit(50, 50), 20_000, latency_s=2.0)

    assert outcome.took_s <= 1.2 * 20_000 / 50


def test_a_limit_that_is_raised_is_found_within_minutes() -> None:
    pace = Pace(0.0)
    before = run(pace, Limit(50, 50), 5_000)

    after = run(pace, Limit(500, 500), 100_000, start_s=before.took_s)

    assert after.took_s <= 100_000 / 500 + 120


def test_nothing_goes_before_retry_after_is_over() -> None:
    pace = Pace(0.0)
    pace.take(0.0)
    pace.refused(0.0, 0.1, 30.0)

    assert pace.wait_s(0.1) == 30.0
    assert pace.wait_s(30.0) == pytest.approx(0.1)
    assert pace.wait_s(30.1) == 0.0


def test_without_retry_after_pauses_double_while_everything_is_refused() -> None:
    pace = Pace(0.0)
    now = 0.0
    pauses = []
    for _ in range(8):
        pace.take(now)
        pace.refused(now, now, None)
        pauses.append(pace.wait_s(now))
        now += pauses[-1]

    assert pauses == [FIRST_PAUSE_S * 2**n for n in range(6)] + [LONGEST_PAUSE_S] * 2


def test_refusals_of_one_moment_slow_down_once() -> None:
    pace = Pace(0.0)
    for n in range(20):
        pace.take(n * 0.01)
    pace.accepted(0.0)
    for n in range(1, 20):
        pace.refused(n * 0.01, 0.3, 1.0)
    once = Pace(0.0)
    for n in range(20):
        once.take(n * 0.01)
    once.accepted(0.0)
    once.refused(0.01, 0.3, 1.0)

    assert pace.rate(1.3) == once.rate(1.3)


def test_refusals_of_one_moment_pause_once() -> None:
    pace = Pace(0.0)
    for n in range(3):
        pace.take(n * 0.1)
    for n in range(3):
        pace.refused(n * 0.1, 0.3, None)

    assert pace.wait_s(0.3) == FIRST_PAUSE_S


def test_a_storm_that_refuses_everything_does_not_slow_down_further() -> None:
    pace = Pace(0.0)
    run(pace, Limit(50, 50), 5_000)
    now = 200.0
    pace.take(now)
    pace.refused(now, now, 1.0)
    after_first = pace.rate(now + 1.0)
    for _ in range(30):
        now += pace.wait_s(now)
        pace.take(now)
        pace.refused(now, now, 1.0)

    assert pace.rate(now + 1.0) == after_first


def test_a_rate_that_nobody_uses_does_not_grow() -> None:
    pace = Pace(0.0)
    pace.take(0.0)
    pace.take(3_600.0)

    assert pace.rate(3_600.0) == pytest.approx(START_PER_S, rel=0.1)


@settings(deadline=None, max_examples=50)
@given(
    st.floats(0.5, 800),
    st.floats(1, 500),
    st.floats(0.001, 3),
    st.sampled_from([None, 0.0, 1.0, 7.0]),
)
def test_whatever_the_limit_requests_go_on(
    per_s: float, burst: float, latency_s: float, retry_after_s: float | None
) -> None:
    outcome = run(
        Pace(0.0), Limit(per_s, burst), 300, latency_s=latency_s, retry_after_s=retry_after_s
    )

    assert outcome.accepted >= 300
    assert math.isfinite(outcome.took_s)
