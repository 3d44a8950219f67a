"""All lines of all orders as columns of numbers, over which a report takes milliseconds.

It asks for no time and waits for nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sync.orders.order import Order, OrderId, OrderLine, RoomId
from sync.sales.gmv import figures, is_sale

Numbers = NDArray[np.int64]

ORDER: Final = 0
AT_MS: Final = 1
HOUR: Final = 2
CHANNEL: Final = 3
CURRENCY: Final = 4
PRODUCT: Final = 5
ROOM: Final = 6
OWN_SHOW: Final = 7
SHOW: Final = 8
IS_SALE: Final = 9
GROSS: Final = 10
CANCELLED: Final = 11
UNITS: Final = 12
RETURNED: Final = 13
REFUNDED: Final = 14
"""The columns. ORDER counts orders from 0, and is -1 of a row that is no line any more; AT_MS and
HOUR (unix ms and s) are when the order was placed, and the hour of the shop's time zone in that;
CHANNEL, CURRENCY, PRODUCT, ROOM, OWN_SHOW (which the order names) and SHOW (which the line counts
for) are numbers of Names."""

_COLUMNS = 15
_FIRST_ROWS = 1024
_QUARTER_S = 900
"""Offsets of time zones are whole quarters of an hour, so that no hour begins within one."""

Row = tuple[int, ...]


class Names:
    """Numbers for names, in the order of their coming; 0 is None."""

    def __init__(self) -> None:
        self.all: list[str | None] = [None]
        self._numbers: dict[str | None, int] = {None: 0}

    def __len__(self) -> int:
        return len(self.all)

    def number(self, name: str | None) -> int:
        """Its number, a new one where it has none."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.all)
            self.all.append(name)
        return number

    def known(self, name: str | None) -> int | None:
        """Its number, None where it has none."""
        return self._numbers.get(name)


class Book:
    """Orders put in again take the place of what was known of them."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.channels = Names()
        self.currencies = Names()
        self.products = Names()
        self.rooms = Names()
        self.shows = Names()
        self.titles: dict[str | None, str] = {}
        """What each product was called in its latest order."""
        self._table = np.zeros((_COLUMNS, _FIRST_ROWS), np.int64)
        self._rows = 0
        self._places: dict[OrderId, tuple[int, int, int]] = {}
        self._show_of: dict[int, int] = {}
        self._hours: dict[int, int] = {}

    @property
    def orders(self) -> int:
        """How many orders are in it."""
        return len(self._places)

    @property
    def columns(self) -> Numbers:
        """The table, column by column; a view of what is there now."""
        return self._table[:, : self._rows]

    def lacks_room(self, lines: int) -> bool:
        """Whether more memory is needed before so many more lines can be put in."""
        return self._rows + lines > self._table.shape[1]

    def make_room(self, lines: int) -> None:
        """Have memory for so many more lines. It takes some 100 ms of 100,000 orders, with the
        interpreter free for others: call it on a thread, while nothing is put in."""
        grown = np.empty((_COLUMNS, 2 * (self._rows + lines)), np.int64)
        grown[:, : self._rows] = self.columns
        grown[:, self._rows :] = 0
        self._table = grown

    def put(self, orders: Iterable[Order]) -> set[str]:
        """The shows whose figures may have changed by it."""
        new: list[Row] = []
        touched: set[int] = set()
        for order in {order.id: order for order in orders}.values():
            number, first, count = self._places.get(order.id, (len(self._places), 0, 0))
            rows = self._rows_of(order, number)
            touched.update(row[SHOW] for row in rows)
            touched.update(self._table[SHOW, first : first + count].tolist())
            if count and count == len(rows):
                self._table[:, first : first + count] = np.array(rows, np.int64).T
                continue
            self._table[:, first : first + count] = 0
            self._table[ORDER, first : first + count] = -1
            self._places[order.id] = number, self._rows + len(new), len(rows)
            new += rows
        self._append(new)
        return self._named(touched)

    def attribute(self, shows: Mapping[RoomId, str | None]) -> set[str]:
        """Let the rooms be those of `shows`; the shows whose figures may have changed by it."""
        show_of = {
            number: self.shows.number(show)
            for room, show in shows.items()
            if (number := self.rooms.known(room)) is not None
        }
        changed = {
            show
            for room in show_of.keys() | self._show_of.keys()
            for show in (show_of.get(room, 0), self._show_of.get(room, 0))
            if show_of.get(room, 0) != self._show_of.get(room, 0)
        }
        if changed:
            self._show_of = show_of
            by_room = np.zeros(len(self.rooms), np.int64)
            by_room[list(show_of)] = list(show_of.values())
            rooms = self.columns[ROOM]
            self.columns[SHOW] = np.where(rooms == 0, self.columns[OWN_SHOW], by_room[rooms])
        return self._named(changed)

    def first_orders(self) -> dict[RoomId, float]:
        """When the first order of each LIVE room was placed (unix seconds), paid or not."""
        return {
            RoomId(name): float(first) / 1000
            for name, first in zip(self.rooms.all, self._first_ms(), strict=True)
            if name is not None and first < _NEVER_MS
        }

    def _first_ms(self) -> Numbers:
        first = np.full(len(self.rooms), _NEVER_MS, np.int64)
        live = np.flatnonzero((self.columns[ROOM] > 0) & (self.columns[ORDER] >= 0))
        np.minimum.at(first, self.columns[ROOM][live], self.columns[AT_MS][live])
        return first

    def _rows_of(self, order: Order, number: int) -> list[Row]:
        at_ms, hour = int(order.created_at * 1000), self._hour(order.created_at)
        channel = self.channels.number(order.channel)
        currency = self.currencies.number(order.currency)
        own_show, sold = self.shows.number(order.show), int(is_sale(order))
        return [
            (
                number,
                at_ms,
                hour,
                channel,
                currency,
                self._product(line),
                room := self.rooms.number(line.room),
                own_show,
                self._show_of.get(room, 0) if room else own_show,
                sold,
                *figures(order, line),
            )
            for line in order.lines
        ]

    def _product(self, line: OrderLine) -> int:
        if line.product is not None:
            self.titles[line.product] = line.title
        return self.products.number(line.product)

    def _hour(self, at: float) -> int:
        """When the hour of the shop's clock began that `at` is in."""
        quarter = int(at // _QUARTER_S)
        hour = self._hours.get(quarter)
        if hour is None:
            local = datetime.fromtimestamp(quarter * _QUARTER_S, self.zone)
            hour = quarter * _QUARTER_S - 60 * local.minute - local.second
            self._hours[quarter] = hour
        return hour

    def _named(self, shows: Iterable[int]) -> set[str]:
        return {name for show in shows if (name := self.shows.all[show]) is not None}

    def _append(self, rows: list[Row]) -> None:
        if not rows:
            return
        if self.lacks_room(len(rows)):
            self.make_room(len(rows))
        end = self._rows + len(rows)
        self._table[:, self._rows : end] = np.array(rows, np.int64).T
        self._rows = end


_NEVER_MS = np.iinfo(np.int64).max
