"""Recordings: begun and stopped by canvas, and the files they leave."""

import asyncio

from aiohttp import web

from mediaserver.api.bodies import answer
from mediaserver.api.keys import RECORDINGS
from mediaserver.api.shows import show_of
from mediaserver.errors import Conflict
from mediaserver.packet import CanvasId
from mediaserver.show import Show
from mediaserver.view import recorded_file_view


async def start(request: web.Request) -> web.Response:
    show, canvas_id = await show_of(request), CanvasId(request.match_info["canvas"])
    durable = await show.start_recording(canvas_id)
    return answer(show.canvas_view(canvas_id) | {"durable": durable})


async def stop(request: web.Request) -> web.Response:
    show, canvas_id = await show_of(request), CanvasId(request.match_info["canvas"])
    durable = await show.stop_recording(canvas_id)
    return answer(show.canvas_view(canvas_id) | {"durable": durable})


async def listing(request: web.Request) -> web.Response:
    show = await show_of(request)
    files = await asyncio.to_thread(request.app[RECORDINGS].files, show.id)
    return answer(
        {"recordings": [recorded_file_view(file, file.name in _growing(show)) for file in files]}
    )


async def read(request: web.Request) -> web.StreamResponse:
    """The file, or the range of it that is asked for; one that still grows as far as it is."""
    show = await show_of(request)
    name = request.match_info["recording"]
    path = await asyncio.to_thread(request.app[RECORDINGS].path, show.id, name)
    return web.FileResponse(
        path,
        headers={
            "Content-Type": "video/mp4",
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


async def delete(request: web.Request) -> web.Response:
    show = await show_of(request)
    name = request.match_info["recording"]
    path = await asyncio.to_thread(request.app[RECORDINGS].path, show.id, name)
    if name in _growing(show):
        raise Conflict("this file is being written: stop the recording first")
    await asyncio.to_thread(path.unlink, missing_ok=True)
    return web.Response(status=204)


def _growing(show: Show) -> set[str]:
    """The names of the files that are being written."""
    statuses = show.recording_statuses().values()
    return {each.file for each in statuses if each.status == "recording" and each.file}
