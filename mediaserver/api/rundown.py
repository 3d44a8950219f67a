"""A show's rundown: the products to come, and which of them is pinned."""

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from mediaserver.api.bodies import answer, read_json
from mediaserver.api.keys import RUNDOWNS
from mediaserver.api.shows import show_of
from mediaserver.errors import BadRequest
from mediaserver.show import Show
from sync.model import ProductId

Id = Annotated[str, Meta(min_length=1, max_length=100)]


class NewRundown(Struct, forbid_unknown_fields=True):
    products: Annotated[list[Id], Meta(max_length=5_000)]


class Pinned(Struct, forbid_unknown_fields=True):
    product: Id | None


async def read(request: web.Request) -> web.Response:
    show = await show_of(request)
    await request.app[RUNDOWNS].refresh(show)
    return _answer(show, show.durable)


async def replace(request: web.Request) -> web.Response:
    body = await read_json(request, NewRundown)
    show = await show_of(request)
    products = list(map(ProductId, body.products))
    seen: set[ProductId] = set()
    for number, product in enumerate(products):
        if product in seen:
            raise BadRequest(f"{product!r} is on it twice", f"products[{number}]")
        seen.add(product)
    return _answer(show, await request.app[RUNDOWNS].put(show, products))


async def pin(request: web.Request) -> web.Response:
    body = await read_json(request, Pinned)
    show = await show_of(request)
    await request.app[RUNDOWNS].refresh(show)
    return _answer(show, await show.pin(None if body.product is None else ProductId(body.product)))


def _answer(show: Show, durable: bool) -> web.Response:
    return answer(show.rundown_view() | {"durable": durable})
