"""Time that passes when a test says so."""

import asyncio

from mediaserver.clock import ManualClock


class SimulatedTime(ManualClock):
    """A clock and a `sleep` that ends when the clock has been moved far enough.

    `delays_s` are all sleeps asked for, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.delays_s: list[float] = []
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._fell_asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        future = asyncio.get_running_loop().create_future()
        self.delays_s.append(seconds)
        self._sleepers.append((self.now() + seconds, future))
        self._fell_asleep.set()
        await future

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        for due_s, future in tuple(self._sleepers):
            if due_s <= self.now() and not future.done():
                future.set_result(None)
        self._sleepers = [s for s in self._sleepers if not s[1].done()]

    async def next_sleep_s(self) -> float:
        """Wait until somebody sleeps; for how long from now on."""
        async with asyncio.timeout(30):
            while not self._awake_soon():
                self._fell_asleep.clear()
                await self._fell_asleep.wait()
        return min(due_s for due_s, _ in self._sleepers) - self.now()

    async def pass_next_sleep(self) -> None:
        """Wait until somebody sleeps, then let just that much time pass."""
        self.advance(await self.next_sleep_s())

    def _awake_soon(self) -> bool:
        self._sleepers = [s for s in self._sleepers if not s[1].done()]
        return bool(self._sleepers)
