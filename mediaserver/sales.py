"""What shows have sold so far, told in their events; and sales as the API shows them."""

from collections.abc import Callable, Iterable
from typing import Protocol

from mediaserver.view import View
from sync.sales.bookkeeper import Bookkeeper
from sync.sales.report import NOTHING_SOLD, Report, Row, of_shows


class Seller(Protocol):
    """A show, as far as its sales go."""

    @property
    def id(self) -> str: ...

    def show_sales(self, sales: View) -> None: ...


class ShowSales:
    """Of the shows that this server knows."""

    def __init__(self, keeper: Bookkeeper, shows: Callable[[], Iterable[Seller]]) -> None:
        self._keeper = keeper
        self._shows = shows
        keeper.on_change = self._changed

    def refresh(self, show: Seller) -> None:
        """Of a show that this server may not have known when something was sold in it."""
        self._tell([show])

    def _changed(self, shows: set[str] | None) -> None:
        self._tell([show for show in self._shows() if shows is None or show.id in shows])

    def _tell(self, shows: list[Seller]) -> None:
        book = self._keeper.book
        if book is None or not shows:
            return
        found = of_shows(book, {show.id for show in shows})
        for show in shows:
            show.show_sales(sales_view(found.get(show.id, NOTHING_SOLD)))


def sales_view(report: Report) -> View:
    """By channel; money in minor units."""
    return {
        "channels": [{"channel": row.key} | figures_view(row) for row in report.rows],
        "totals": [figures_view(row) for row in report.totals],
        "tiktok_share": share_view(report),
    }


def figures_view(row: Row) -> View:
    return {
        "currency": row.currency,
        "gross": row.gross,
        "cancelled": row.cancelled,
        "gmv": row.gmv,
        "units": row.units,
        "orders": row.orders,
        "returned": row.returned,
        "refunded": row.refunded,
    }


def share_view(report: Report) -> View:
    """To a hundredth of a percent; null where nothing was sold."""
    return {
        currency: None if share is None else round(share, 4)
        for currency, share in report.tiktok_share.items()
    }
