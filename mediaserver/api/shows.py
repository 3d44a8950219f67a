"""Shows: made, listed, changed, started and ended."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Annotated

from aiohttp import web
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from mediaserver.api.bodies import answer, decoded, read_json, shown
from mediaserver.api.keys import NODE, RECORDINGS, RUNDOWNS, SHOW_SALES
from mediaserver.errors import BadRequest, Conflict
from mediaserver.media import FRAME_RATES
from mediaserver.packet import CanvasId, ShowId
from mediaserver.show import DEFAULT_CANVAS, MAX_CANVASES, Show, default_layout
from mediaserver.state import CanvasRecord

Title = Annotated[str, Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, Meta(tz=True)]
Channel = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}$")]
Channels = Annotated[list[Channel], Meta(max_length=16)]
CANVAS_NAME = re.compile(r"[a-z0-9-]{1,32}")

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)
SMALLEST_SIDE, LARGEST_SIDE = 64, 4096
LARGEST_AREA = 3840 * 2160
BITRATES_BPS = (100_000, 50_000_000)


class Canvas(Struct, forbid_unknown_fields=True):
    width: int
    height: int
    fps: int | float = 30
    video_bitrate: int = 3_000_000


class NewShow(Struct, forbid_unknown_fields=True):
    title: Title
    starts_at: Moment | None = None
    channels: Channels = []
    canvases: dict[str, Raw] | None = None


class ShowChange(Struct, forbid_unknown_fields=True):
    title: Title | UnsetType = UNSET
    starts_at: Moment | UnsetType | None = UNSET
    channels: Channels | UnsetType = UNSET
    canvases: dict[str, Raw] | UnsetType = UNSET


async def create(request: web.Request) -> web.Response:
    body = await read_json(request, NewShow)
    if body.canvases is None:
        canvases = {DEFAULT_CANVAS: canvas_record(DEFAULT_CANVAS, Canvas(1280, 720))}
    else:
        canvases = {
            canvas_id(name): _canvas(name, canvas) for name, canvas in body.canvases.items()
        }
    if not 1 <= len(canvases) <= MAX_CANVASES:
        raise BadRequest(f"a show has 1 to {MAX_CANVASES} canvases", "canvases")
    show = await request.app[NODE].create(
        body.title,
        canvases,
        starts_at=_unix_s(body.starts_at) if body.starts_at else None,
        channels=tuple(body.channels),
    )
    return answer(show.view(), 201, {"Location": f"/api/v1/shows/{show.id}"})


async def listing(request: web.Request) -> web.Response:
    shows = await request.app[NODE].shows()
    return answer({"shows": [show.view() for show in shows]})


async def read(request: web.Request) -> web.Response:
    show = await show_of(request)
    await request.app[RUNDOWNS].refresh(show)
    request.app[SHOW_SALES].refresh(show)
    return answer(show.view())


async def change(request: web.Request) -> web.Response:
    body = await read_json(request, ShowChange)
    show = await show_of(request)
    canvases: dict[CanvasId, CanvasRecord | None] = {}
    for name, raw in (body.canvases or {}).items():
        key, removed = canvas_id(name), bytes(raw) == b"null"
        canvases[key] = None if removed else _canvas(name, raw)
    await show.change(
        title=body.title or None,
        starts_at=(
            _unix_s(body.starts_at) if isinstance(body.starts_at, datetime) else body.starts_at
        ),
        channels=None if body.channels is UNSET else tuple(body.channels),
        canvases=canvases,
    )
    await request.app[RUNDOWNS].refresh(show)
    return answer(show.view())


async def delete(request: web.Request) -> web.Response:
    show_id = ShowId(request.match_info["show"])
    kept = await asyncio.to_thread(request.app[RECORDINGS].files, show_id)
    if kept:
        raise Conflict(f"the show has recordings ({len(kept)} files): fetch and delete them first")
    await request.app[NODE].delete(show_id)
    return web.Response(status=204)


async def start(request: web.Request) -> web.Response:
    show = await show_of(request)
    await request.app[NODE].start(show)
    return answer(show.view())


async def end(request: web.Request) -> web.Response:
    show = await show_of(request)
    await show.end()
    return answer(show.view())


async def show_of(request: web.Request) -> Show:
    """The show that the address names. Raises NotFound."""
    return await request.app[NODE].show(ShowId(request.match_info["show"]))


def _unix_s(starts_at: datetime) -> float:
    """Raises BadRequest for years that no show is in."""
    if not EARLIEST <= starts_at < LATEST:
        raise BadRequest("must be in the years 2000 to 2100", "starts_at")
    return starts_at.timestamp()


def canvas_id(name: str) -> CanvasId:
    """Raises BadRequest."""
    if not CANVAS_NAME.fullmatch(name):
        raise BadRequest(
            f"a canvas is named with 1 to 32 of a-z, 0-9 and -, not {shown(name)!r}", "canvases"
        )
    return CanvasId(name)


def _canvas(name: str, raw: Raw) -> CanvasRecord:
    return canvas_record(name, decoded(raw, Canvas, f"canvases.{name}"))


def canvas_record(name: str, canvas: Canvas) -> CanvasRecord:
    """Raises BadRequest for sizes, rates and bit rates that no encoder should be asked for."""
    for field, side in (("width", canvas.width), ("height", canvas.height)):
        if side % 2 or not SMALLEST_SIDE <= side <= LARGEST_SIDE:
            raise BadRequest(
                f"must be an even number from {SMALLEST_SIDE} to {LARGEST_SIDE}, not {shown(side)}",
                f"canvases.{name}.{field}",
            )
    if canvas.width * canvas.height > LARGEST_AREA:
        raise BadRequest(
            f"{canvas.width}×{canvas.height} is more than 3840×2160 pixels", f"canvases.{name}"
        )
    if canvas.fps not in FRAME_RATES:
        rates = ", ".join(f"{rate:g}" for rate in sorted(FRAME_RATES))
        raise BadRequest(f"must be one of {rates}, not {shown(canvas.fps)}", f"canvases.{name}.fps")
    low, high = BITRATES_BPS
    if not low <= canvas.video_bitrate <= high:
        raise BadRequest(
            f"must be from {low} to {high} bits a second, not {shown(canvas.video_bitrate)}",
            f"canvases.{name}.video_bitrate",
        )
    return CanvasRecord(
        width=canvas.width,
        height=canvas.height,
        fps=canvas.fps,
        video_bitrate=canvas.video_bitrate,
        layout=default_layout(canvas.width, canvas.height),
    )
