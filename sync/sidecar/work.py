"""The products that are to be looked at, each once and by one worker at a time."""

import asyncio
import heapq
from collections import deque
from collections.abc import Iterable

from sync.model import ProductId


class Work:
    """First come, first served, but what is urgent goes before; and what is added while it is
    being done is done again."""

    def __init__(self) -> None:
        self._urgent: deque[ProductId] = deque()
        self._others: deque[ProductId] = deque()
        self._queued: dict[ProductId, bool] = {}
        """Whether it is urgent."""
        self._busy: set[ProductId] = set()
        self._again: dict[ProductId, bool] = {}
        self._later: list[tuple[float, ProductId]] = []
        self._due: dict[ProductId, float] = {}
        self._added = asyncio.Event()

    def __contains__(self, product: object) -> bool:
        return product in self._queued or product in self._busy

    def add(self, products: Iterable[ProductId], *, urgent: bool = False) -> None:
        for product in products:
            if product in self._busy:
                self._again[product] = self._again.get(product, False) or urgent
            elif product not in self._queued:
                self._queued[product] = urgent
                (self._urgent if urgent else self._others).append(product)
            elif urgent and not self._queued[product]:
                self._queued[product] = True
                self._urgent.append(product)
        self._added.set()

    def add_busy(self, products: Iterable[ProductId], *, urgent: bool = False) -> None:
        """Those of `products` that are being done: whoever does them may not have seen what has
        changed of them."""
        self.add([each for each in products if each in self._busy], urgent=urgent)

    def add_at(self, product: ProductId, due: float) -> None:
        """Add it then, unless it was told another time since."""
        self._due[product] = due
        heapq.heappush(self._later, (due, product))

    def add_due(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            due, product = heapq.heappop(self._later)
            if self._due.get(product) == due:
                del self._due[product]
                self.add([product])

    def add_all_later(self) -> None:
        """Everything that waits for its time is due now."""
        self.add(self._due)
        self._due.clear()
        self._later.clear()

    def next(self, *, urgent_only: bool = False) -> ProductId | None:
        """The next product, which is busy until it is `done`; None where there is none."""
        queues = [self._urgent] if urgent_only else [self._urgent, self._others]
        for queue in queues:
            while queue:
                product = queue.popleft()
                # An entry whose product has meanwhile gone by the other queue counts no more.
                if self._queued.get(product) == (queue is self._urgent):
                    del self._queued[product]
                    self._busy.add(product)
                    return product
        return None

    def done(self, product: ProductId) -> None:
        self._busy.discard(product)
        if product in self._again:
            self.add([product], urgent=self._again.pop(product))

    async def wait(self, *, urgent_only: bool = False) -> ProductId:
        """The next product, as soon as there is one."""
        while (product := self.next(urgent_only=urgent_only)) is None:
            self._added.clear()
            await self._added.wait()
        return product
