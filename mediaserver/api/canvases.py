"""Canvases: the layout on them, and what they show now."""

from typing import Any

import av
from aiohttp import web

from mediaserver.api.bodies import answer, read_json
from mediaserver.api.keys import STILLS
from mediaserver.api.shows import show_of
from mediaserver.errors import Conflict
from mediaserver.packet import CanvasId


async def set_layout(request: web.Request) -> web.Response:
    document = await read_json(request, dict[str, Any])
    show = await show_of(request)
    canvas_id = CanvasId(request.match_info["canvas"])
    durable = await show.set_layout(canvas_id, document)
    return answer(show.canvas_view(canvas_id) | {"durable": durable})


async def snapshot(request: web.Request) -> web.Response:
    show = await show_of(request)
    canvas_id = CanvasId(request.match_info["canvas"])
    program = show.program(canvas_id)

    async def take() -> av.VideoFrame:
        try:
            return await program.snapshot()
        except TimeoutError as error:
            raise Conflict("the canvas gives no picture now: try again") from error

    return jpeg(await request.app[STILLS].jpeg((show.id, "canvas", canvas_id), take))


def jpeg(body: bytes) -> web.Response:
    """A still, new for a second."""
    return web.Response(
        body=body,
        content_type="image/jpeg",
        headers={"Cache-Control": "private, max-age=1"},
    )
