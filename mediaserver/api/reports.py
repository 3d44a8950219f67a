"""Reports of what was sold, and which show each LIVE of TikTok was."""

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast, get_args
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from mediaserver.api.bodies import answer, read_json, shown
from mediaserver.api.keys import COMMERCE, NODE, PRINCIPAL
from mediaserver.api.products import parameters
from mediaserver.errors import BadRequest, NotFound
from mediaserver.packet import ShowId
from mediaserver.sales import figures_view, share_view
from mediaserver.view import View, time_view
from sync.catalogue.money import decimal, minor_units
from sync.catalogue.spreadsheet import escaped
from sync.model import TIKTOK
from sync.orders.order import OWN_SHOP, RoomId
from sync.sales.analytics import Analytics
from sync.sales.book import Book
from sync.sales.moments import begin_of, end_of, written
from sync.sales.report import By, Report, Row, Wanted, report, rooms
from sync.sales.rooms import Live, Said
from sync.tiktok import wire

_PERIOD = ("from", "to")
_GMV = ("by", *_PERIOD, "show", "channel", "format")
_FORMATS = ("json", "csv")
_FIGURES = ("gross", "cancelled", "gmv", "units", "orders", "returned", "refunded")
_MONEY = frozenset({"gross", "cancelled", "gmv", "refunded"})
_TITLED = ("show", "product")

Titles = Mapping[str | None, str]


class Whose(Struct, forbid_unknown_fields=True):
    show: Annotated[str, Meta(min_length=1, max_length=100)] | None


async def gmv(request: web.Request) -> web.Response:
    query = parameters(request, _GMV)
    by = cast(By, _one_of(query, "by", get_args(By)))
    form = _one_of(query, "format", _FORMATS)
    sales = request.app[COMMERCE].sales
    since, until = _period(query, sales.zone)
    async with sales.reading() as (book, _):
        wanted = Wanted(since, until, _show(request, query, book), _channel(query, book))
        found = await asyncio.to_thread(report, book, by, wanted)
        titles: Titles = dict(book.titles) if by == "product" else _show_titles(request)
    if form == "csv":
        text = await asyncio.to_thread(_csv, found, by, titles, sales.zone)
        return web.Response(
            body=text.encode(),
            content_type="text/csv",
            charset="utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="gmv-by-{by}.csv"',
                "Cache-Control": "no-store",
            },
        )
    return answer(
        msgspec.Raw(await asyncio.to_thread(_json, found, by, wanted, titles, sales.zone))
    )


async def lives(request: web.Request) -> web.Response:
    """Our LIVEs, the latest first, and what TikTok says of them."""
    query = parameters(request, _PERIOD)
    commerce = request.app[COMMERCE]
    since, until = _period(query, commerce.sales.zone)
    async with commerce.sales.reading() as (book, known):
        sold = await asyncio.to_thread(rooms, book)
    chosen = sorted(
        (
            live
            for live in known.values()
            if (since is None or live.first_at >= since)
            and (until is None or live.first_at < until)
        ),
        key=lambda live: (-live.first_at, live.room),
    )
    said = Analytics()
    if chosen:
        said = await commerce.live_analytics.of(chosen[-1].first_at, chosen[0].first_at)
    titles = _show_titles(request)
    return answer(
        {
            "lives": [
                _live_view(live, sold.get(live.room, ()), titles)
                | _compared(sold.get(live.room, ()), said.lives.get(live.room))
                for live in chosen
            ],
            "tiktok": {"at": time_view(said.at), "reason": said.reason or None},
        }
    )


async def attribute(request: web.Request) -> web.Response:
    """A person says which show a LIVE was, or that it was none."""
    body = await read_json(request, Whose)
    sales, room = request.app[COMMERCE].sales, RoomId(request.match_info["room"])
    async with sales.reading() as (_, known):
        if room not in known:
            raise NotFound("LIVE with an order in the room", shown(room))
    if body.show is not None:
        await _check_show(request, body.show)
    await sales.say(room, Said(body.show, request[PRINCIPAL].who, request.app[COMMERCE].now()))
    async with sales.reading() as (book, known):
        sold = await asyncio.to_thread(rooms, book)
    return answer(_live_view(known[room], sold.get(room, ()), _show_titles(request)))


def _one_of(query: Mapping[str, str], name: str, allowed: Sequence[str]) -> str:
    """The first unless it is given. Raises BadRequest."""
    value = query.get(name, allowed[0])
    if value not in allowed:
        raise BadRequest(f"must be one of {', '.join(allowed)}, not {shown(value)!r}", name)
    return value


def _period(query: Mapping[str, str], zone: ZoneInfo) -> tuple[float | None, float | None]:
    """From when to before when (unix seconds). Raises BadRequest."""
    found: list[float | None] = []
    for name, read in (("from", begin_of), ("to", end_of)):
        try:
            found.append(read(query[name], zone) if name in query else None)
        except ValueError as error:
            raise BadRequest(str(error), name) from None
    since, until = found
    if since is not None and until is not None and since >= until:
        raise BadRequest("must be later than `from`", "to")
    return since, until


def _show(request: web.Request, query: Mapping[str, str], book: Book) -> str | None:
    """Raises BadRequest for a show that there is not, and was not when something was sold."""
    show = query.get("show")
    if show is not None and book.shows.known(show) is None and show not in _show_titles(request):
        raise BadRequest(f"there is no show {shown(show)!r}", "show")
    return show


def _channel(query: Mapping[str, str], book: Book) -> str | None:
    """Raises BadRequest."""
    channel = query.get("channel")
    known = list(dict.fromkeys([TIKTOK, OWN_SHOP, *filter(None, book.channels.all)]))
    if channel is not None and channel not in known:
        raise BadRequest(f"must be one of {', '.join(known)}, not {shown(channel)!r}", "channel")
    return channel


async def _check_show(request: web.Request, show: str) -> None:
    """Raises BadRequest where there is no such show."""
    try:
        await request.app[NODE].show(ShowId(show))
    except NotFound:
        raise BadRequest(f"there is no show {shown(show)!r}", "show") from None


def _show_titles(request: web.Request) -> Titles:
    return {show.id: show.record.title for show in request.app[NODE].known}


def _json(found: Report, by: By, wanted: Wanted, titles: Titles, zone: ZoneInfo) -> bytes:
    view: View = {
        "by": by,
        "time_zone": zone.key,
        "from": None if wanted.since is None else written(wanted.since, zone),
        "to": None if wanted.until is None else written(wanted.until, zone),
        "rows": [_key_view(row, by, titles, zone) | figures_view(row) for row in found.rows],
        "totals": [figures_view(row) for row in found.totals],
        "tiktok_share": share_view(found),
    }
    return msgspec.json.encode(view)


def _key_view(row: Row, by: By, titles: Titles, zone: ZoneInfo) -> View:
    if isinstance(row.key, int):
        return {by: written(row.key, zone)}
    return {by: row.key} | ({"title": titles.get(row.key)} if by in _TITLED else {})


def _csv(found: Report, by: By, titles: Titles, zone: ZoneInfo) -> str:
    """Money in decimals, text as no spreadsheet runs it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([by, *(["title"] if by in _TITLED else []), "currency", *_FIGURES])
    for row in found.rows:
        texts = [*_key_view(row, by, titles, zone).values(), row.currency]
        figures = figures_view(row)
        writer.writerow(
            [escaped(each or "") for each in texts]
            + [
                decimal(figures[name], row.currency) if name in _MONEY else figures[name]
                for name in _FIGURES
            ]
        )
    return text.getvalue()


def _live_view(live: Live, sold: Sequence[Row], titles: Titles) -> View:
    return {
        "room": live.room,
        "show": live.show,
        "title": titles.get(live.show),
        "confirmed": live.confirmed,
        "candidates": list(live.candidates),
        "first_order_at": time_view(live.first_at),
        "sales": [figures_view(row) for row in sold],
    }


def _compared(sold: Sequence[Row], said: wire.Live | None) -> View:
    """What TikTok says of a LIVE, and whether it counts something else than we do: null where it
    does not say."""
    if said is None:
        return {"tiktok": None, "differs": None}
    sales = said.sales_performance
    gmv = None if sales is None else _money_view(sales.gmv)
    units = None if sales is None else sales.items_sold
    ours = {row.currency: row.gmv for row in sold if row.gmv}
    theirs = {gmv["currency"]: gmv["amount"]} if gmv is not None and gmv["amount"] else {}
    differs = [ours != theirs] if gmv is not None else []
    differs += [sum(row.units for row in sold) != units] if units is not None else []
    return {
        "tiktok": {
            "title": said.title,
            "started_at": time_view(said.start_time),
            "ended_at": time_view(said.end_time),
            "gmv": gmv,
            "units": units,
            "sku_orders": None if sales is None else sales.sku_orders,
            "customers": None if sales is None else sales.customers,
        },
        "differs": any(differs) if differs else None,
    }


def _money_view(money: wire.Money | None) -> dict[str, Any] | None:
    """In minor units; None where TikTok says nothing that is an amount."""
    if money is None or money.amount is None or money.currency is None:
        return None
    try:
        amount = minor_units(money.amount, money.currency)
    except ValueError:
        return None
    return {"amount": amount, "currency": money.currency}
