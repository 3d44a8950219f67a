"""TikTok's categories, and which of them the shop has chosen for each type of its products."""

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from mediaserver.api.bodies import answer, read_json
from mediaserver.api.keys import COMMERCE
from mediaserver.view import View, time_view
from sync.eligibility.categories import LONGEST_MAPPING, checked_mapping
from sync.model import Category

_MOST_BYTES = 1 << 20
_CategoryId = Annotated[str, Meta(min_length=1, max_length=40)]


class Mapping(Struct, forbid_unknown_fields=True):
    mapping: Annotated[dict[str, _CategoryId], Meta(max_length=LONGEST_MAPPING)]


async def tree(request: web.Request) -> web.Response:
    """All categories, parents and leaves in one list, as TikTok was last asked for them."""
    known = await request.app[COMMERCE].stores.categories.tree()
    return answer(
        {
            "categories": [_view(each) for each in known.categories],
            "at": time_view(known.at or None),
        }
    )


async def read_mapping(request: web.Request) -> web.Response:
    return answer({"mapping": await request.app[COMMERCE].stores.categories.mapping()})


async def save_mapping(request: web.Request) -> web.Response:
    """All of the mapping anew."""
    body = await read_json(request, Mapping, _MOST_BYTES)
    store = request.app[COMMERCE].stores.categories
    known = await store.tree()
    await store.save_mapping(checked_mapping(body.mapping, known.categories))
    return answer({"mapping": await store.mapping()})


def _view(category: Category) -> View:
    return {
        "id": category.id,
        "parent": category.parent_id or None,
        "name": category.name,
        "is_leaf": category.is_leaf,
        "permission": category.permission,
    }
