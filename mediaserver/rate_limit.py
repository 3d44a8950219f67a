"""How often a caller may act: one token bucket per caller, bounded in number."""

import math
from collections import OrderedDict
from dataclasses import dataclass

from mediaserver.clock import Clock
from mediaserver.errors import TooManyRequests

MAX_CALLERS = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_s: float


class RateLimit:
    """`burst` acts at once, then `per_s` a second, for each key on its own."""

    def __init__(self, burst: int, per_s: float, clock: Clock) -> None:
        self._burst = burst
        self._per_s = per_s
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str) -> None:
        """Count one act of `key`. Raises TooManyRequests when it has none left."""
        now = self._clock.now()
        bucket = self._buckets.setdefault(key, _Bucket(self._burst, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)  # the one quiet for longest
        filled = bucket.tokens + (now - bucket.filled_s) * self._per_s
        bucket.tokens = min(self._burst, filled)
        bucket.filled_s = now
        if bucket.tokens < 1:
            raise TooManyRequests(max(1, math.ceil((1 - bucket.tokens) / self._per_s)))
        bucket.tokens -= 1
