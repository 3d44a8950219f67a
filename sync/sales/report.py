"""Reports over the book: what was earned, by channel, show, product or hour. Pure.

Nothing is added up across currencies: each row and each total has one.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from sync.model import TIKTOK
from sync.sales.book import (
    AT_MS,
    CANCELLED,
    CHANNEL,
    CURRENCY,
    GROSS,
    HOUR,
    IS_SALE,
    ORDER,
    PRODUCT,
    REFUNDED,
    RETURNED,
    ROOM,
    SHOW,
    UNITS,
    Book,
    Numbers,
)

By = Literal["channel", "show", "product", "hour"]

_COLUMN = {"channel": CHANNEL, "show": SHOW, "product": PRODUCT, "hour": HOUR, "room": ROOM}
_SUMMED = (GROSS, CANCELLED, UNITS, RETURNED, REFUNDED)
_ADDED = ("gross", "cancelled", "units", "returned", "refunded", "orders")


class Wanted(msgspec.Struct, frozen=True):
    """Which orders: those placed from `since` to before `until` (unix seconds), the lines of them
    that count for `show`, and of `channel`; None is any."""

    since: float | None = None
    until: float | None = None
    show: str | None = None
    channel: str | None = None


EVERYTHING = Wanted()


class Row(msgspec.Struct, frozen=True):
    """`key` is a channel, a show, a product, or when an hour began (unix seconds); None is that
    of lines which belong to no show, or to no product of ours. Money is in minor units; `orders`
    are those of which a unit is left."""

    key: str | int | None
    currency: str
    gross: int = 0
    cancelled: int = 0
    units: int = 0
    returned: int = 0
    refunded: int = 0
    orders: int = 0

    @property
    def gmv(self) -> int:
        return self.gross - self.cancelled


class Report(msgspec.Struct, frozen=True):
    """`totals` are those of `rows`, one for each currency; `tiktok_share` is TikTok's part of the
    GMV of all channels, None where there is no GMV."""

    rows: tuple[Row, ...]
    totals: tuple[Row, ...]
    tiktok_share: dict[str, float | None]


NOTHING_SOLD = Report((), (), {})


def report(book: Book, by: By, wanted: Wanted = EVERYTHING) -> Report:
    """Hours come in their order, everything else by what it earned."""
    chosen = _chosen(book, wanted)
    by_channel = _rows(book, chosen, "channel")
    share = _tiktok_share(by_channel)
    if wanted.channel is not None:
        number = book.channels.known(wanted.channel)
        chosen = chosen[book.columns[CHANNEL][chosen] == (-1 if number is None else number)]
        by_channel = [row for row in by_channel if row.key == wanted.channel]
    rows = by_channel if by == "channel" else _rows(book, chosen, by)
    if by == "hour":
        rows.sort(key=lambda row: (row.key, row.currency))
    else:
        rows.sort(key=_by_gmv)
    return Report(tuple(rows), _totals(by_channel), share)


def of_shows(book: Book, shows: Collection[str]) -> dict[str, Report]:
    """What those of `shows` sold that have sold anything, by channel."""
    chosen = _chosen(book, EVERYTHING)
    numbers = [number for show in shows if (number := book.shows.known(show)) is not None]
    chosen = chosen[np.isin(book.columns[SHOW][chosen], numbers)]
    chosen = chosen[np.argsort(book.columns[SHOW][chosen], kind="stable")]
    of_each = book.columns[SHOW][chosen]
    begins = np.flatnonzero(np.diff(of_each, prepend=-1)).tolist()
    found = {}
    for first, end in zip(begins, [*begins[1:], len(chosen)], strict=False):
        if (show := book.shows.all[of_each[first]]) is not None:
            rows = sorted(_rows(book, chosen[first:end], "channel"), key=_by_gmv)
            found[show] = Report(tuple(rows), _totals(rows), _tiktok_share(rows))
    return found


def rooms(book: Book) -> dict[str, list[Row]]:
    """What was sold in each LIVE room, by its name."""
    found: dict[str, list[Row]] = {}
    for row in _rows(book, _chosen(book, EVERYTHING), "room"):
        if isinstance(row.key, str):
            found.setdefault(row.key, []).append(row)
    return found


def _by_gmv(row: Row) -> tuple[str, int, bool, str | int | None]:
    return row.currency, -row.gmv, row.key is None, row.key


def _totals(by_channel: Iterable[Row]) -> tuple[Row, ...]:
    """An order is of one channel, so that channels add up to the total, orders too."""
    totals: dict[str, Row] = {}
    for row in by_channel:
        so_far = totals.get(row.currency, Row(None, row.currency))
        added = {name: getattr(so_far, name) + getattr(row, name) for name in _ADDED}
        totals[row.currency] = Row(None, row.currency, **added)
    return tuple(total for _, total in sorted(totals.items()))


def _tiktok_share(by_channel: Iterable[Row]) -> dict[str, float | None]:
    there = {row.currency: row.gmv for row in by_channel if row.key == TIKTOK}
    return {
        total.currency: there.get(total.currency, 0) / total.gmv if total.gmv else None
        for total in _totals(by_channel)
    }


def _chosen(book: Book, wanted: Wanted) -> Numbers:
    """The rows of sales that `wanted` means, whatever their channel."""
    columns = book.columns
    mask = columns[IS_SALE] != 0
    if wanted.since is not None:
        mask &= columns[AT_MS] >= wanted.since * 1000
    if wanted.until is not None:
        mask &= columns[AT_MS] < wanted.until * 1000
    if wanted.show is not None:
        number = book.shows.known(wanted.show)
        mask &= columns[SHOW] == (-1 if number is None else number)
    return np.flatnonzero(mask)


def _rows(book: Book, chosen: Numbers, by: Literal[By, "room"]) -> list[Row]:
    """The sums over the `chosen` rows of the book, in no order."""
    columns, currencies = book.columns, len(book.currencies)
    keys, group = columns[_COLUMN[by]][chosen], columns[CURRENCY][chosen]
    names = _names(book, by)
    if names is None:
        found, keys = np.unique(keys, return_inverse=True)
        names = found.tolist()
    group = keys * currencies + group
    size = len(names) * currencies
    sums = np.zeros((len(_SUMMED) + 1, size), np.int64)
    for into, column in zip(sums, _SUMMED, strict=False):
        np.add.at(into, group, columns[column][chosen])  # exact, as sums of floats are not
    left = columns[UNITS][chosen] > 0
    np.add.at(sums[-1], _once(group[left], columns[ORDER][chosen][left], by), 1)
    is_there = np.zeros(size, np.bool_)
    is_there[group] = True
    return [
        Row(names[at // currencies], book.currencies.all[at % currencies] or "", *figures)
        for at, figures in zip(
            np.flatnonzero(is_there).tolist(), sums.T[is_there].tolist(), strict=True
        )
    ]


def _once(group: Numbers, order: Numbers, by: Literal[By, "room"]) -> Numbers:
    """The groups of lines, each once for each order in it. The lines of an order are neighbours,
    and all of one channel and one hour."""
    if by in ("channel", "hour"):
        is_first: NDArray[np.bool_] = np.diff(order, prepend=-1) != 0
        return group[is_first]
    orders = int(order.max(initial=0)) + 1
    groups: Numbers = np.unique(group * orders + order) // orders
    return groups


def _names(book: Book, by: Literal[By, "room"]) -> Sequence[str | int | None] | None:
    match by:
        case "channel":
            return book.channels.all
        case "show":
            return book.shows.all
        case "product":
            return book.products.all
        case "room":
            return book.rooms.all
    return None
