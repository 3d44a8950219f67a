import pytest

from mediaserver import rate_limit
from mediaserver.clock import ManualClock
from mediaserver.errors import TooManyRequests
from mediaserver.rate_limit import RateLimit


def test_a_burst_is_free_then_time_pays() -> None:
    clock = ManualClock()
    limit = RateLimit(3, 0.5, clock)
    for _ in range(3):
        limit.take("phone")
    with pytest.raises(TooManyRequests) as refused:
        limit.take("phone")
    assert refused.value.retry_after_s == 2
    clock.advance(2)
    limit.take("phone")
    with pytest.raises(TooManyRequests):
        limit.take("phone")


def test_each_caller_has_a_bucket_of_their_own() -> None:
    limit = RateLimit(1, 1, ManualClock())
    limit.take("phone")
    limit.take("desk")
    with pytest.raises(TooManyRequests):
        limit.take("phone")


def test_callers_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_CALLERS", 2)
    limit = RateLimit(1, 1, ManualClock())
    for caller in ("a", "b", "c"):
        limit.take(caller)
    limit.take("a")  # forgotten since, so new
    with pytest.raises(TooManyRequests):
        limit.take("c")
