"""The sandbox's time: it can be moved, and all that is due by then happens on the way."""

import asyncio
import heapq
import itertools
import math
import time
from collections.abc import Awaitable, Callable


async def _at_once() -> None:
    """Nothing to wait for."""


class SandboxClock:
    """Unix seconds that run on by themselves, or, where `manual`, when they are moved only."""

    def __init__(self, *, start: float | None = None, manual: bool = False) -> None:
        self._manual = manual
        self._offset = 0.0
        self._now = time.time() if start is None else start
        if not manual and start is not None:
            self._offset = start - time.time()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._counter = itertools.count()
        self._changed = asyncio.Event()

    def now(self) -> float:
        return self._now if self._manual else time.time() + self._offset

    def seconds(self) -> int:
        """Whole Unix seconds, as the API tells times."""
        return int(self.now())

    def at(self, due: float, action: Callable[[], None]) -> None:
        """Do `action` at `due`; at once, but not before the caller is done, when that is past."""
        heapq.heappush(self._due, (due, next(self._counter), action))
        self._changed.set()

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        self.at(self.now() + delay_s, action)

    async def run(self) -> None:
        """Do what is due when it is due, for ever."""
        while True:
            self._fire()
            self._changed.clear()
            try:
                async with asyncio.timeout(self._wait_s()):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def advance(
        self, seconds: float, settled: Callable[[], Awaitable[None]] = _at_once
    ) -> None:
        """Move on by `seconds`, doing what falls due at its own time; `settled` is awaited before
        each step, since what it waits for may make something else due."""
        if seconds < 0 or not math.isfinite(seconds):
            raise ValueError("time goes forward only")
        target = self.now() + seconds
        await settled()
        while self._due and self._due[0][0] <= target:
            self._move_to(self._due[0][0])
            self._fire()
            await settled()
        self._move_to(target)
        self._changed.set()

    def _move_to(self, moment: float) -> None:
        if self._manual:
            self._now = max(self._now, moment)
        else:
            self._offset += max(0.0, moment - self.now())

    def _fire(self) -> None:
        while self._due and self._due[0][0] <= self.now():
            heapq.heappop(self._due)[2]()

    def _wait_s(self) -> float | None:
        if self._manual or not self._due:
            return None
        return max(0.0, self._due[0][0] - self.now())
