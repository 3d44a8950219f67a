"""How long the event loop stood still, without what the machine did to other programs."""

import asyncio
import gc
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_INTERVAL_S = 0.005


class LoopWatch:
    """`worst_s`: the longest that a due call waited for the loop, as an asynchronous context.

    What the thread waited for a processor is taken off, and what earlier tests left for the
    garbage collector is kept from it: neither says anything about the program.
    """

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._schedstat = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")

    async def __aenter__(self) -> Self:
        gc.collect()
        gc.freeze()
        self._arm()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        gc.unfreeze()

    def _arm(self) -> None:
        self._due_s = self._loop.time() + _INTERVAL_S
        self._queued_s = self._in_run_queue_s()
        self._timer = self._loop.call_at(self._due_s, self._beat)

    def _beat(self) -> None:
        late_s = self._loop.time() - self._due_s
        self.worst_s = max(self.worst_s, late_s - (self._in_run_queue_s() - self._queued_s))
        self._arm()

    def _in_run_queue_s(self) -> float:
        """Linux's account of how long this thread was ready, but not running (proc(5))."""
        with suppress(FileNotFoundError):
            return int(self._schedstat.read_text().split()[1]) / 1e9
        return 0.0
