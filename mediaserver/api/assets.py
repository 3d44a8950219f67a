"""Assets: a show's own images and fonts."""

import asyncio

from aiohttp import web

from mediaserver.api.bodies import answer, read_bytes
from mediaserver.api.shows import show_of
from mediaserver.assets import MAX_ASSET_BYTES, asset_id, inspected
from mediaserver.errors import BadRequest
from mediaserver.packet import AssetId
from mediaserver.view import asset_view

LONGEST_NAME = 100
UPLOAD_TIMEOUT_S = 60.0


async def listing(request: web.Request) -> web.Response:
    show = await show_of(request)
    kept = show.record.assets
    return answer({"assets": [asset_view(key, record) for key, record in kept.items()]})


async def upload(request: web.Request) -> web.Response:
    """The body is the file itself; `?name=` is what people call it."""
    name = request.query.get("name", "").strip()
    if len(name) > LONGEST_NAME:
        raise BadRequest(f"must be at most {LONGEST_NAME} characters", "name")
    show = await show_of(request)
    data = await read_bytes(request, MAX_ASSET_BYTES, UPLOAD_TIMEOUT_S)
    record = await asyncio.to_thread(inspected, name, data)
    key = asset_id(data)
    durable = await show.add_asset(key, record, data)
    return answer(
        asset_view(key, show.asset(key)) | {"durable": durable},
        201,
        {"Location": f"/api/v1/shows/{show.id}/assets/{key}"},
    )


async def read(request: web.Request) -> web.Response:
    show = await show_of(request)
    key = _asset_id(request)
    record = show.asset(key)
    return web.Response(
        body=await show.asset_bytes(key),
        content_type=record.content_type,
        headers={"Cache-Control": "private, max-age=31536000, immutable"},
    )


async def delete(request: web.Request) -> web.Response:
    show = await show_of(request)
    durable = await show.remove_asset(_asset_id(request))
    return answer({"durable": durable})


def _asset_id(request: web.Request) -> AssetId:
    return AssetId(request.match_info["asset"])
