"""Orders of every channel, in one place."""

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from mediaserver.api.bodies import answer, read_json, shown
from mediaserver.api.keys import COMMERCE, PRINCIPAL
from mediaserver.api.products import DEFAULT_LIMIT, MAX_LIMIT, limit_of, parameters
from mediaserver.errors import BadRequest
from mediaserver.order_view import buyer_view, order_view
from sync.errors import Invalid
from sync.model import TIKTOK, ChannelId
from sync.orders.desk import Desk
from sync.orders.finding import Sought, find
from sync.orders.moves import GivenBack, Units
from sync.orders.order import OWN_SHOP, LineId, Order, OrderId
from sync.orders.order_draft import OrderDraft
from sync.orders.tiktok_desk import Parcel
from sync.store.orders import Filters, Idempotency
from sync.tiktok.wire import CancelWhy

log = logging.getLogger(__name__)

T = TypeVar("T")

IDEMPOTENCY_KEY = "Idempotency-Key"

_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_LISTING = ("channel", "status", "show", "q", "limit", "after")
_CHANNELS = (TIKTOK, OWN_SHOP)
_LONGEST = 200

Text = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class LineUnits(Struct, forbid_unknown_fields=True):
    line: LineId
    units: int = 1


class Some(Struct, forbid_unknown_fields=True):
    """Units of some lines; None: all that there are."""

    lines: tuple[LineUnits, ...] | None = None


class Sent(Some, forbid_unknown_fields=True):
    tracking_number: Text = ""
    carrier: Text = ""


class Cancelled(Some, forbid_unknown_fields=True):
    why: CancelWhy | None = None
    reason: Text = ""


class LineBack(Struct, forbid_unknown_fields=True):
    line: LineId
    units: int = 1
    refund: int | None = None


class Back(Struct, forbid_unknown_fields=True):
    lines: tuple[LineBack, ...]
    reason: Text = ""


async def listing(request: web.Request) -> web.Response:
    query = parameters(request, _LISTING)
    for name, text in query.items():
        if len(text) > _LONGEST:
            raise BadRequest(f"has more than {_LONGEST} characters", name)
    if query.get("channel", OWN_SHOP) not in _CHANNELS:
        allowed = ", ".join(_CHANNELS)
        raise BadRequest(f"must be one of {allowed}, not {shown(query['channel'])!r}", "channel")
    commerce = request.app[COMMERCE]
    orders = commerce.stores.orders
    filters = Filters(
        channel=ChannelId(query["channel"]) if "channel" in query else None,
        status=query.get("status"),
    )
    show = query.get("show")
    rooms = set()
    if show is not None:
        async with commerce.sales.reading() as (_, lives):
            rooms = {room for room, live in lives.items() if live.show == show}
    sought = Sought(filters, show, rooms, query.get("q", "").strip())
    after = OrderId(query["after"]) if "after" in query else None
    found = await find(orders, sought, after, limit_of(query, DEFAULT_LIMIT, MAX_LIMIT))
    return answer(
        {
            "orders": [order_view(each, found.held.get(each.id, {})) for each in found.orders],
            "next": found.next,
            "total": await orders.count(),
        }
    )


async def place(request: web.Request) -> web.Response:
    """201 for a new order, 200 for one that the same key has placed before."""
    key = request.headers.get(IDEMPOTENCY_KEY, "")
    if not _KEY.fullmatch(key):
        raise BadRequest(
            "send 1 to 128 printable characters without a blank, other ones for each order, so "
            "that one that is sent twice is placed once",
            IDEMPOTENCY_KEY,
        )
    draft = await read_json(request, OrderDraft)
    digest = hashlib.sha256(msgspec.json.encode(draft)).hexdigest()
    saved = await _desk(request).place(draft, Idempotency(key, digest), by=_who(request))
    return answer(
        order_view(saved.order, saved.held),
        201 if saved.is_new else 200,
        {"Location": f"/api/v1/orders/{saved.order.id}"},
    )


async def read(request: web.Request) -> web.Response:
    return await _answer(request, await request.app[COMMERCE].stores.orders.get(_order(request)))


async def pay(request: web.Request) -> web.Response:
    return await _answer(request, await _desk(request).pay(_order(request), by=_who(request)))


async def fulfil(request: web.Request) -> web.Response:
    body = await _body(request, Sent)
    parcel = Parcel(body.tracking_number, body.carrier) if body.tracking_number else None
    order = await _desk(request).fulfil(
        _order(request), _units(body.lines), parcel, by=_who(request)
    )
    return await _answer(request, order)


async def cancel(request: web.Request) -> web.Response:
    body = await _body(request, Cancelled)
    order = await _desk(request).cancel(
        _order(request), _units(body.lines), body.why, body.reason, by=_who(request)
    )
    return await _answer(request, order)


async def complete(request: web.Request) -> web.Response:
    return await _answer(request, await _desk(request).complete(_order(request), by=_who(request)))


async def give_back(request: web.Request) -> web.Response:
    body = await read_json(request, Back)
    back = [GivenBack(each.line, each.units, each.refund) for each in body.lines]
    order = await _desk(request).give_back(_order(request), back, body.reason, by=_who(request))
    return await _answer(request, order)


async def restock(request: web.Request) -> web.Response:
    body = await _body(request, Some)
    order = await _desk(request).restock(_order(request), _units(body.lines), by=_who(request))
    return await _answer(request, order)


async def buyer(request: web.Request) -> web.Response:
    found = await _desk(request).buyer(_order(request))
    log.info("buyer_read order=%s by=%s", _order(request), _who(request))
    return answer(buyer_view(found))


def _desk(request: web.Request) -> Desk:
    return request.app[COMMERCE].desk


def _order(request: web.Request) -> OrderId:
    return OrderId(request.match_info["order"])


def _who(request: web.Request) -> str:
    """Who asks, as the history of stock has it."""
    return request[PRINCIPAL].who


async def _answer(request: web.Request, order: Order) -> web.Response:
    held = await request.app[COMMERCE].stores.orders.held([order.id])
    return answer(order_view(order, held.get(order.id, {})))


async def _body(request: web.Request, kind: type[T]) -> T:
    """As read_json, where nothing need be said."""
    return await read_json(request, kind) if request.can_read_body else kind()


def _units(lines: Sequence[LineUnits] | None) -> Units | None:
    """Raises Invalid for a line that is named twice."""
    if lines is None:
        return None
    units: Mapping[LineId, int] = {each.line: each.units for each in lines}
    if len(units) < len(lines):
        raise Invalid("names a line twice", "lines")
    return units
