"""Canvases: the layout on them, and what they show now."""

import contextlib
from collections.abc import Iterator
from typing import Any

import av
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from compositor.errors import LayoutError
from compositor.geometry import Size
from mediaserver.api.bodies import answer, read_json
from mediaserver.api.keys import PREVIEWS, PRODUCT_PICTURES, RUNDOWNS, STILLS
from mediaserver.api.shows import show_of
from mediaserver.composition import Composition
from mediaserver.errors import Conflict
from mediaserver.packet import CanvasId
from sync.errors import StoreUnavailable


async def set_layout(request: web.Request) -> web.Response:
    document = await read_json(request, dict[str, Any])
    show = await show_of(request)
    canvas_id = CanvasId(request.match_info["canvas"])
    durable = await show.set_layout(canvas_id, document)
    return answer(show.canvas_view(canvas_id) | {"durable": durable})


async def set_overlays(request: web.Request) -> web.Response:
    document = await read_json(request, list[Any])
    show = await show_of(request)
    canvas_id = CanvasId(request.match_info["canvas"])
    durable = await show.set_overlays(canvas_id, document)
    return answer(show.canvas_view(canvas_id) | {"durable": durable})


class Untaken(Struct, forbid_unknown_fields=True):
    """What is left out is as it is on the canvas."""

    layout: dict[str, Any] | UnsetType = UNSET
    overlays: list[Any] | UnsetType = UNSET


async def preview(request: web.Request) -> web.Response:
    body = await read_json(request, Untaken)
    show = await show_of(request)
    canvas_id = CanvasId(request.match_info["canvas"])
    canvas = show.canvas(canvas_id)
    taken = composition = Composition.of(canvas)
    if body.layout is not UNSET:
        with below("layout"):
            composition = composition.with_layout(body.layout)
            composition.check_layout(show.record, taken.layout)
    if body.overlays is not UNSET:
        with below("overlays"):
            composition = composition.with_overlays(body.overlays)
            composition.check_overlays(show.record, taken)
    await request.app[RUNDOWNS].refresh(show)
    with contextlib.suppress(StoreUnavailable):
        await request.app[PRODUCT_PICTURES].load(show)
    scene = await show.scene(canvas_id, composition)
    png = await request.app[PREVIEWS].png(Size(canvas.width, canvas.height), scene)
    return web.Response(body=png, content_type="image/png", headers={"Cache-Control": "no-store"})


@contextlib.contextmanager
def below(key: str) -> Iterator[None]:
    """Name the paths of faults from one object higher up."""
    try:
        yield
    except LayoutError as error:
        dot = "." if error.path and not error.path.startswith("[") else ""
        raise LayoutError(f"{key}{dot}{error.path}", error.reason) from error


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
