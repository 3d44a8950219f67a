"""The rate limit: a bucket of calls for the app with each seller, filled as time goes by."""

import math

from sync.sandbox.clock import SandboxClock

_BURST_S = 1.0
"""How much a bucket holds, as seconds of its rate."""


class RateLimit:
    def __init__(self, clock: SandboxClock, per_second: float | None) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self.per_second = per_second

    def wait_s(self, key: str) -> int | None:
        """Take one call of `key`'s; None when it may go ahead, else when to come back."""
        rate = self.per_second
        if rate is None:
            return None
        now = self._clock.now()
        full = max(1.0, rate * _BURST_S)
        level, since = self._buckets.get(key, (full, now))
        level = min(full, level + (now - since) * rate)
        if level < 1.0:
            self._buckets[key] = (level, now)
            return max(1, math.ceil((1.0 - level) / rate))
        self._buckets[key] = (level - 1.0, now)
        return None
