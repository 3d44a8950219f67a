"""The one source of time: every module that waits or measures takes a `Clock`."""

import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds since an arbitrary origin."""

    def now(self) -> float: ...


class MonotonicClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is moved: simulated time for tests."""

    def __init__(self, start_s: float = 1000.0) -> None:
        self._now_s = start_s

    def now(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        self._now_s += seconds
