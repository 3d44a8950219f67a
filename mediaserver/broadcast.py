"""What happens in a show, told to any number of listeners, each bounded."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mediaserver.errors import NodeFull

EventKind = Literal[
    "state",
    "show",
    "canvas",
    "feed",
    "feed_removed",
    "target",
    "target_removed",
    "asset",
    "asset_removed",
    "rundown",
    "sales",
    "channel",
    "product",
    "product_removed",
    "badge",
    "order",
    "progress",
    "import",
    "stats",
    "levels",
]

LONGEST_BACKLOG = 64
MAX_LISTENERS = 100


@dataclass(frozen=True, slots=True)
class Event:
    """`data` is what changed, in the form the show's state has it; of `levels`, how loud it is."""

    id: int
    kind: EventKind
    data: Mapping[str, Any]


class Broadcast:
    """Gives each event a number and to every listener; `state` tells all there is to know."""

    def __init__(self, state: Callable[[], Mapping[str, Any]]) -> None:
        self._state = state
        self._last_id = 0
        self._listeners: set[Listener] = set()
        self._closed = False

    @property
    def has_listeners(self) -> bool:
        return bool(self._listeners)

    @property
    def has_level_listeners(self) -> bool:
        return any(listener.takes_levels for listener in self._listeners)

    def publish(self, kind: EventKind, data: Mapping[str, Any]) -> None:
        self._last_id += 1
        event = Event(self._last_id, kind, data)
        for listener in self._listeners:
            listener.hear(event)

    def show_levels(self, data: Mapping[str, Any]) -> None:
        """To those who take them; it is no change, and has no number of its own."""
        for listener in self._listeners:
            if listener.takes_levels:
                listener.see_levels(data)

    def listen(self, *, levels: bool = False) -> "Listener":
        """Raises NodeFull when MAX_LISTENERS listen already."""
        if len(self._listeners) >= MAX_LISTENERS:
            raise NodeFull("listeners of a show")
        listener = Listener(self._whole, self._listeners.discard, takes_levels=levels)
        self._listeners.add(listener)
        if self._closed:
            listener.close()
        return listener

    def close(self) -> None:
        """Nothing more happens: every listener's iteration ends."""
        self._closed = True
        for listener in tuple(self._listeners):
            listener.close()

    def _whole(self) -> Event:
        state = self._state()  # may tell of changes before
        return Event(self._last_id, "state", state)


class Listener:
    """An async iterator: the full state first, then each change.

    One that falls more than LONGEST_BACKLOG events behind gets the full state instead of them.
    Of levels only the latest waits, behind all changes.
    """

    def __init__(
        self,
        whole: Callable[[], Event],
        leave: Callable[["Listener"], None],
        *,
        takes_levels: bool,
    ) -> None:
        self.takes_levels = takes_levels
        self._whole = whole
        self._leave = leave
        self._events: deque[Event] = deque()
        self._levels: Mapping[str, Any] | None = None
        self._heard_id = 0
        self._needs_whole = True
        self._closed = False
        self._wake = asyncio.Event()
        self._wake.set()

    def hear(self, event: Event) -> None:
        if self._needs_whole:
            return
        if len(self._events) == LONGEST_BACKLOG:
            self._events.clear()
            self._needs_whole = True
            return
        self._events.append(event)
        self._wake.set()

    def see_levels(self, data: Mapping[str, Any]) -> None:
        self._levels = data
        self._wake.set()

    def close(self) -> None:
        """End the iteration after what is waiting."""
        self._closed = True
        self._wake.set()
        self._leave(self)

    def __aiter__(self) -> "Listener":
        return self

    async def __anext__(self) -> Event:
        event = await self._next()
        self._heard_id = event.id
        return event

    async def _next(self) -> Event:
        while True:
            await self._wake.wait()
            if self._needs_whole:
                self._needs_whole = False
                return self._whole()
            if self._events:
                return self._events.popleft()
            if self._levels is not None:
                levels, self._levels = self._levels, None
                return Event(self._heard_id, "levels", levels)
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
