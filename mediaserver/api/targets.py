"""Targets: where canvases are sent."""

from typing import Annotated, Any, Literal

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from mediaserver.api.bodies import answer, read_json
from mediaserver.api.keys import NODE
from mediaserver.api.shows import show_of
from mediaserver.errors import BadRequest
from mediaserver.packet import CanvasId, TargetId
from mediaserver.show import Show
from sync.secret import Secret

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Platform = Literal["tiktok", "youtube", "facebook", "instagram", "twitch", "custom"]
Url = Annotated[str, Meta(max_length=1000)]
StreamKey = Annotated[str, Meta(max_length=1000)]
Bitrate = Annotated[int, Meta(ge=100_000, le=50_000_000)]


class NewTarget(Struct, forbid_unknown_fields=True):
    platform: Platform
    name: Name | None = None
    url: Url | None = None
    stream_key: StreamKey | None = None
    canvas: str | None = None
    max_video_bitrate: Bitrate | None = None


class TargetChange(Struct, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    platform: Platform | UnsetType = UNSET
    url: Url | UnsetType | None = UNSET
    stream_key: StreamKey | UnsetType | None = UNSET
    canvas: str | UnsetType = UNSET
    max_video_bitrate: Bitrate | UnsetType | None = UNSET


async def create(request: web.Request) -> web.Response:
    body = await read_json(request, NewTarget)
    show = await show_of(request)
    target_id, durable = await show.add_target(
        body.name or body.platform,
        body.platform,
        CanvasId(body.canvas) if body.canvas else None,
        _url(body.url),
        _key(body.stream_key),
        body.max_video_bitrate,
    )
    return answer(show.target_view(target_id) | {"durable": durable}, 201)


async def change(request: web.Request) -> web.Response:
    body = await read_json(request, TargetChange)
    show, target_id = await _target_of(request)
    named = {
        "name": body.name,
        "platform": body.platform,
        "canvas": body.canvas,
        "max_video_bitrate": body.max_video_bitrate,
    }
    changes: dict[str, Any] = {field: value for field, value in named.items() if value is not UNSET}
    if body.url is not UNSET:
        changes["url"] = _url(body.url)
    key = UNSET if body.stream_key is UNSET else _key(body.stream_key)
    durable = await show.change_target(target_id, stream_key=key, **changes)
    return answer(show.target_view(target_id) | {"durable": durable})


async def delete(request: web.Request) -> web.Response:
    show, target_id = await _target_of(request)
    return answer({"durable": await show.remove_target(target_id)})


async def start(request: web.Request) -> web.Response:
    show, target_id = await _target_of(request)
    durable = await request.app[NODE].start_target(show, target_id)
    return answer(show.target_view(target_id) | {"durable": durable})


async def stop(request: web.Request) -> web.Response:
    show, target_id = await _target_of(request)
    durable = await show.stop_target(target_id)
    return answer(show.target_view(target_id) | {"durable": durable})


async def _target_of(request: web.Request) -> tuple[Show, TargetId]:
    return await show_of(request), TargetId(request.match_info["target"])


def _url(text: str | None) -> str | None:
    """Addresses are pasted: with blanks around them, or not at all yet."""
    return (text or "").strip() or None


def _key(text: str | None) -> Secret | None:
    key = (text or "").strip()
    if any(not character.isprintable() for character in key):
        raise BadRequest("the stream key contains a character that cannot be printed", "stream_key")
    return Secret(key) if key else None
