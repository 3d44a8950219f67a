"""The catalogue: products, found and changed, and the stock of their SKUs."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, cast, get_args

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from mediaserver.api.bodies import answer, read_json, shown
from mediaserver.api.keys import COMMERCE, PRINCIPAL
from mediaserver.api.revisions import etag, expected_revision, needed_revision
from mediaserver.errors import BadRequest
from mediaserver.product_view import product_views, stock_change_view, stock_view
from sync.catalogue.catalogue import Catalogue, Item
from sync.catalogue.product_draft import ProductDraft
from sync.catalogue.search import Search
from sync.model import ProductId, ProductStatus, SkuId, Stock

MAX_PRODUCT_BYTES = 1024 * 1024
DEFAULT_LIMIT, MAX_LIMIT = 50, 100
MAX_HISTORY = 1000
LONGEST_WORDS = 300

_NUMBER = re.compile(r"[0-9]{1,9}")
_PRODUCT_ID = re.compile(r"p_[0-9a-z]{1,40}")
_PRICE = re.compile(r"skus\[[0-9]+\]\.price")
_LISTING = ("q", "type", "tag", "status", "limit", "after")

Why = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class NewStock(Struct, forbid_unknown_fields=True):
    on_hand: int
    reason: Why = "set"


class Adjustment(Struct, forbid_unknown_fields=True):
    delta: int
    reason: Why


async def listing(request: web.Request) -> web.Response:
    """A page of products; it is made in steps, between which the event loop turns."""
    query = parameters(request, _LISTING)
    page = await _catalogue(request).page(
        _after(query),
        limit_of(query, DEFAULT_LIMIT, MAX_LIMIT),
        _search(query),
    )
    products = []
    for view in (await product_views(request.app[COMMERCE], page.items)).values():
        products.append(msgspec.Raw(msgspec.json.encode(view)))
        await asyncio.sleep(0)
    return answer({"products": products, "next": page.next, "total": page.total})


async def create(request: web.Request) -> web.Response:
    draft = await _draft(request)
    item = await _catalogue(request).create(draft, by=_who(request))
    location = {"Location": f"/api/v1/products/{item.product.id}"}
    return await _item_answer(request, item, 201, location)


async def read(request: web.Request) -> web.Response:
    return await _item_answer(request, await _catalogue(request).get(_product(request)))


async def change(request: web.Request) -> web.Response:
    revision = expected_revision(request)
    draft = await _draft(request)
    item = await _catalogue(request).change(_product(request), draft, revision, by=_who(request))
    return await _item_answer(request, item)


async def delete(request: web.Request) -> web.Response:
    await _catalogue(request).delete(_product(request), expected_revision(request))
    return web.Response(status=204)


async def read_stock(request: web.Request) -> web.Response:
    return _stock_answer(await _catalogue(request).stock(*_sku(request)))


async def set_stock(request: web.Request) -> web.Response:
    revision = needed_revision(request)
    body = await read_json(request, NewStock)
    stock = await _catalogue(request).set_stock(
        *_sku(request), body.on_hand, revision, by=_who(request), reason=body.reason
    )
    return _stock_answer(stock)


async def adjust_stock(request: web.Request) -> web.Response:
    revision = expected_revision(request)
    body = await read_json(request, Adjustment)
    stock = await _catalogue(request).adjust_stock(
        *_sku(request), body.delta, revision, by=_who(request), reason=body.reason
    )
    return _stock_answer(stock)


async def stock_history(request: web.Request) -> web.Response:
    limit = limit_of(parameters(request, ("limit",)), MAX_HISTORY // 10, MAX_HISTORY)
    changes = await _catalogue(request).stock_history(*_sku(request), limit)
    return answer({"changes": [stock_change_view(change) for change in changes]})


def _catalogue(request: web.Request) -> Catalogue:
    return request.app[COMMERCE].catalogue


def _product(request: web.Request) -> ProductId:
    return ProductId(request.match_info["product"])


def _sku(request: web.Request) -> tuple[ProductId, SkuId]:
    """The SKU of the address, and whose it is."""
    return _product(request), SkuId(request.match_info["sku"])


def _who(request: web.Request) -> str:
    """Who asks, as the history of stock has it."""
    return request[PRINCIPAL].who


async def _draft(request: web.Request) -> ProductDraft:
    """Raises what read_json does."""
    try:
        return await read_json(request, ProductDraft, MAX_PRODUCT_BYTES)
    except BadRequest as error:
        if error.path is not None and _PRICE.fullmatch(error.path):
            raise BadRequest(
                "must be a whole number of minor units, such as 1250 for 12.50 USD", error.path
            ) from None
        raise


async def _item_answer(
    request: web.Request, item: Item, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    (view,) = (await product_views(request.app[COMMERCE], [item])).values()
    return answer(view, status, headers={**etag(item.product.revision), **(headers or {})})


def _stock_answer(stock: Stock) -> web.Response:
    return answer(stock_view(stock), headers=etag(stock.revision))


def parameters(request: web.Request, known: Sequence[str]) -> dict[str, str]:
    """The parameters of the address. Raises BadRequest for those that would go unheard."""
    for name in request.query:
        if name not in known:
            there = f": {', '.join(known)} there are" if known else ""
            raise BadRequest(f"there is no such parameter here{there}", shown(name))
        if len(request.query.getall(name)) > 1:
            raise BadRequest("is given more than once", name)
    return dict(request.query)


def _after(query: Mapping[str, str]) -> ProductId | None:
    """Raises BadRequest."""
    after = query.get("after")
    if after is not None and not _PRODUCT_ID.fullmatch(after):
        raise BadRequest(f"must be the `next` of a page, not {shown(after)!r}", "after")
    return None if after is None else ProductId(after)


def limit_of(query: Mapping[str, str], usual: int, most: int) -> int:
    """Raises BadRequest."""
    text = query.get("limit", str(usual))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise BadRequest(f"must be a number from 1 to {most}, not {shown(text)!r}", "limit")
    return int(text)


def _search(query: Mapping[str, str]) -> Search | None:
    """What is sought, None for everything. Raises BadRequest."""
    words = query.get("q", "")
    if len(words) > LONGEST_WORDS:
        raise BadRequest(f"has more than {LONGEST_WORDS} characters", "q")
    status = query.get("status")
    if status is not None and status not in get_args(ProductStatus):
        allowed = ", ".join(get_args(ProductStatus))
        raise BadRequest(f"must be one of {allowed}, not {shown(status)!r}", "status")
    search = Search(
        words=tuple(words.split()),
        type=query.get("type"),
        tag=query.get("tag"),
        status=cast(ProductStatus | None, status),
    )
    return None if search == Search() else search
