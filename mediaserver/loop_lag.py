"""How late the event loop is: what every socket, target and request waits on top."""

import asyncio
from collections import deque

INTERVAL_S = 0.02
WINDOW_S = 60.0


class LoopLag:
    """Asks the loop for a call every 20 ms and remembers for a minute how late each came.

    A call that comes so late that others would have been due meanwhile stands for those too:
    what happens to arrive during a long stall waits for the rest of it.
    """

    def __init__(self) -> None:
        self._lags_s: deque[float] = deque(maxlen=round(WINDOW_S / INTERVAL_S))
        self._loop = asyncio.get_running_loop()
        self._due_s = self._loop.time() + INTERVAL_S
        self._timer = self._loop.call_at(self._due_s, self._tick)

    def stop(self) -> None:
        self._timer.cancel()

    def quantiles(self, *shares: float) -> list[float]:
        """The lag in seconds that each share (0 … 1) of the last minute's calls stayed within."""
        ordered = sorted(self._lags_s)
        if not ordered:
            return [0.0] * len(shares)
        return [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in shares]

    def _tick(self) -> None:
        now_s = self._loop.time()
        while self._due_s <= now_s:
            self._lags_s.append(now_s - self._due_s)
            self._due_s += INTERVAL_S
        self._timer = self._loop.call_at(self._due_s, self._tick)
