"""Products as files: Shopify's product CSV in and out."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiohttp import web

from mediaserver.api.bodies import answer, shown
from mediaserver.api.keys import COMMERCE, PRINCIPAL
from mediaserver.api.products import parameters
from mediaserver.errors import BadRequest, PayloadTooLarge
from mediaserver.imports import MAX_FILE_BYTES, Asked, ImportDesk
from mediaserver.view import time_view
from sync.catalogue.catalogue import Item
from sync.catalogue.csv_records import Fault
from sync.catalogue.shopify_csv import heading_row, rows
from sync.errors import StoreUnavailable
from sync.model import ProductId
from sync.store.imports import ImportId, ImportRecord, StockMode

CHUNK_TIMEOUT_S = 30.0
"""How long a sender may pause, and a reader may take nothing."""

UPLOAD_TIMEOUT_S = 600.0

_PAGE = 50
_STOCK: Mapping[str, StockMode] = {"new": "new", "overwrite": "overwrite"}
_OTHER_BODIES = ("multipart/form-data", "application/x-www-form-urlencoded", "application/json")


async def begin(request: web.Request) -> web.Response:
    """The body is the file itself."""
    query = parameters(request, ("stock", "currency"))
    stock = _STOCK.get(query.get("stock", "new"))
    if stock is None:
        raise BadRequest(f"must be new or overwrite, not {shown(query['stock'])!r}", "stock")
    if request.content_type in _OTHER_BODIES:
        raise web.HTTPUnsupportedMediaType(text="send the file itself, as Content-Type: text/csv")
    if (request.content_length or 0) > MAX_FILE_BYTES:
        raise PayloadTooLarge(MAX_FILE_BYTES)
    asked = Asked(stock, query.get("currency"), request[PRINCIPAL].who)
    try:
        async with asyncio.timeout(UPLOAD_TIMEOUT_S):
            record = await _desk(request).take(_chunks(request), asked)
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the file did not come") from None
    return answer(
        import_view(record, is_cut_short=False),
        202,
        {"Location": f"/api/v1/products/imports/{record.id}"},
    )


async def read(request: web.Request) -> web.Response:
    desk = _desk(request)
    record = await desk.get(ImportId(request.match_info["import"]))
    return answer(import_view(record, is_cut_short=desk.is_cut_short(record)))


async def export(request: web.Request) -> web.StreamResponse:
    """The whole catalogue, a page at a time. Where that cannot go on, the connection breaks off, so
    that nobody takes a part for the whole."""
    parameters(request, ())
    catalogue = request.app[COMMERCE].catalogue
    page = await catalogue.page(None, _PAGE, None)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="products.csv"',
            "Cache-Control": "no-store",
        }
    )
    await response.prepare(request)
    try:
        await _send(response, heading_row())
        while True:
            await _send(response, await asyncio.to_thread(_written, page.items))
            if page.next is None:
                break
            page = await catalogue.page(ProductId(page.next), _PAGE, None)
    except (StoreUnavailable, TimeoutError):
        if request.transport is not None:
            request.transport.abort()
    return response


def import_view(record: ImportRecord, *, is_cut_short: bool) -> dict[str, Any]:
    return {
        "id": record.id,
        "state": "cut_short" if is_cut_short else record.state,
        "stock": record.stock,
        "currency": record.currency,
        "lines": record.lines,
        "line": record.line,
        "rows": {"taken": record.rows, "left_out": record.failed},
        "products": {
            "created": record.created,
            "changed": record.changed,
            "unchanged": record.unchanged,
        },
        "stocks_set": record.stocks_set,
        "faults": _faults(record.faults),
        "fault_count": record.fault_count,
        "notes": _faults(record.notes),
        "note_count": record.note_count,
        "ignored_columns": list(record.ignored),
        "began_at": time_view(record.began_at),
        "ended_at": time_view(record.ended_at),
    }


def _faults(faults: Sequence[Fault]) -> list[dict[str, Any]]:
    return [
        {"line": fault.line, "column": fault.column or None, "reason": fault.reason}
        for fault in faults
    ]


def _written(items: Sequence[Item]) -> str:
    return "".join(
        rows(product, {sku: stock.on_hand for sku, stock in stocks.items()})
        for product, stocks in items
    )


async def _send(response: web.StreamResponse, text: str) -> None:
    """Raises TimeoutError for a reader that takes nothing."""
    async with asyncio.timeout(CHUNK_TIMEOUT_S):
        await response.write(text.encode())


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    """The body as it comes. Raises TimeoutError for a sender that pauses for too long."""
    while True:
        async with asyncio.timeout(CHUNK_TIMEOUT_S):
            chunk = await request.content.readany()
        if not chunk:
            return
        yield chunk


def _desk(request: web.Request) -> ImportDesk:
    return request.app[COMMERCE].imports
