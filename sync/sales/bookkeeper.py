"""Keeps the book in step with the orders in the store, and rooms with what is known of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

from sync.connection import Connection
from sync.errors import StoreUnavailable
from sync.model import Notice
from sync.orders.order import Order, OrderId, RoomId
from sync.sales.book import Book
from sync.sales.rooms import Live, Said, lives
from sync.store.stores import Stores

PAUSE_S = 0.1
"""Between two looks: orders that come faster than this are counted together."""

_RETRY_S = 1.0

_SLICE = 500
"""Orders read again at once: between slices the event loop turns."""


class Bookkeeper:
    """Reads all orders when it is told EVERYTHING, and else those that have changed. `on_change`
    hears of the shows whose figures may be others now, None for all of them."""

    def __init__(self, connection: Connection, stores: Stores, zone: ZoneInfo) -> None:
        self.zone = zone
        self.on_change: Callable[[set[str] | None], None] = lambda shows: None
        self._connection = connection
        self._orders = stores.orders
        self._airings = stores.airings
        self._rooms = stores.rooms
        self._book = Book(zone)
        self._lives: dict[RoomId, Live] = {}
        self._is_loaded = False
        self._all_changed = False
        self._attribution_changed = False
        self._changed: set[OrderId] = set()
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()

    def note(self, notice: Notice) -> None:
        """Something has changed in the store."""
        match notice.kind:
            case "order":
                self._changed.update(map(OrderId, notice.ids))
            case "sales":
                self._attribution_changed = True
            case "all":
                self._all_changed = True
            case _:
                return
        self._wake.set()

    async def run(self) -> None:
        """Take in what changes, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                async with self._turn:
                    await self._catch_up()
            except StoreUnavailable:
                self._wake.set()
                await asyncio.sleep(_RETRY_S)
            await asyncio.sleep(PAUSE_S)

    @property
    def book(self) -> Book | None:
        """As it was last brought up to date; None before it was read for the first time."""
        return self._book if self._is_loaded else None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[tuple[Book, Mapping[RoomId, Live]]]:
        """The book and the LIVE rooms, with every change that was heard of; they stay as they are
        while the context lasts, on any thread. Raises StoreUnavailable."""
        async with self._turn:
            await self._catch_up()
            if not self._connection.available:
                raise StoreUnavailable("the server's store (Redis) does not answer")
            yield self._book, self._lives

    async def say(self, room: RoomId, said: Said) -> None:
        """Let a room be the show's that a person says. Raises StoreUnavailable."""
        await self._rooms.say(room, said)
        self._attribution_changed = True

    async def _catch_up(self) -> None:
        """Raises StoreUnavailable, and then it is tried again."""
        if self._all_changed or not self._is_loaded:
            await self._read_all()
        changed, self._changed = self._changed, set()
        try:
            touched = await self._read(list(changed))
            touched |= await self._attribute()
        except BaseException:
            self._changed |= changed
            raise
        if touched:
            self.on_change(touched)

    async def _read_all(self) -> None:
        self._all_changed = False
        try:
            book = Book(self.zone)
            async for orders in self._orders.slices():
                await _put(book, orders)
                await asyncio.sleep(0)
            airings, said = await asyncio.gather(self._airings.all(), self._rooms.said())
        except BaseException:
            self._all_changed = True
            raise
        self._lives = lives(book.first_orders(), airings, said)
        book.attribute({room: live.show for room, live in self._lives.items()})
        self._book, self._is_loaded = book, True
        self.on_change(None)

    async def _read(self, changed: list[OrderId]) -> set[str]:
        """The shows whose figures may be others now."""
        touched: set[str] = set()
        for at in range(0, len(changed), _SLICE):
            orders = await self._orders.many(changed[at : at + _SLICE])
            touched |= await _put(self._book, list(orders.values()))
        return touched

    async def _attribute(self) -> set[str]:
        """Say whose the rooms are, where there is a new one, or anything new is known of them; the
        shows whose figures may be others now."""
        first = self._book.first_orders()
        is_known = first == {room: live.first_at for room, live in self._lives.items()}
        if is_known and not self._attribution_changed:
            return set()
        self._attribution_changed = False
        try:
            airings, said = await asyncio.gather(self._airings.all(), self._rooms.said())
        except BaseException:
            self._attribution_changed = True
            raise
        self._lives = lives(first, airings, said)
        return self._book.attribute({room: live.show for room, live in self._lives.items()})


async def _put(book: Book, orders: Sequence[Order]) -> set[str]:
    """The shows whose figures may be others now."""
    lines = sum(len(order.lines) for order in orders)
    if book.lacks_room(lines):
        await asyncio.to_thread(book.make_room, lines)
    return book.put(orders)
