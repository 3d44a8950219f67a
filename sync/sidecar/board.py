"""How far every product is: counted as it changes, so that telling it costs nothing."""

from collections import Counter, deque
from typing import Literal

from sync.model import ProductId
from sync.store.progress import Failed, Progress

State = Literal["done", "waiting", "failed", "left_out"]

MOST_FAILURES = 100
RATE_OVER_S = 10.0


class Board:
    def __init__(self) -> None:
        self._states: dict[ProductId, State] = {}
        self._counts: Counter[State] = Counter()
        self._failures: dict[ProductId, Failed] = {}
        self._finished: deque[float] = deque()

    def put(
        self, product: ProductId, state: State, now: float, failure: Failed | None = None
    ) -> None:
        before = self._states.get(product)
        if failure is not None:
            self._failures[product] = failure
        else:
            self._failures.pop(product, None)
        if before == state:
            return
        if before is not None:
            self._counts[before] -= 1
            if state == "done":
                self._finished.append(now)
        self._counts[state] += 1
        self._states[product] = state

    def remove(self, product: ProductId) -> None:
        state = self._states.pop(product, None)
        if state is not None:
            self._counts[state] -= 1
        self._failures.pop(product, None)

    def progress(self, now: float, paused: str) -> Progress:
        while self._finished and self._finished[0] <= now - RATE_OVER_S:
            self._finished.popleft()
        failures = sorted(self._failures.values(), key=lambda each: each.product)
        return Progress(
            done=self._counts["done"],
            waiting=self._counts["waiting"],
            failed=self._counts["failed"],
            left_out=self._counts["left_out"],
            per_s=len(self._finished) / RATE_OVER_S,
            paused=paused,
            failures=tuple(failures[:MOST_FAILURES]),
            at=now,
        )
