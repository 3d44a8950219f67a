"""Server-sent events: the state first, then every change."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from mediaserver.api.keys import CLOCK, RUNDOWNS, SHOP_NEWS, SHOW_SALES
from mediaserver.api.roles import authorized
from mediaserver.api.shows import show_of
from mediaserver.broadcast import Broadcast, Event
from mediaserver.errors import Forbidden, Unauthorized
from mediaserver.packet import FeedId

HEARTBEAT_S = 15.0
WRITE_TIMEOUT_S = 30.0
"""A reader that takes nothing for so long has gone."""

Select = Callable[[Event], dict[str, Any] | None]
"""What of an event a reader gets; None is nothing."""


async def show_events(request: web.Request) -> web.StreamResponse:
    show = await show_of(request)
    await request.app[RUNDOWNS].refresh(show)
    request.app[SHOW_SALES].refresh(show)
    return await _stream(request, show.events, _everything, levels=True)


async def shop_events(request: web.Request) -> web.StreamResponse:
    """What happens in the shop, whoever does it."""
    news = request.app[SHOP_NEWS]
    await news.refresh()
    return await _stream(request, news.events, _everything)


async def feed_events(request: web.Request) -> web.StreamResponse:
    """The show as its host may see it: title and status, the rundown, and their own feed."""
    show = await show_of(request)
    feed_id = FeedId(request.match_info["feed"])
    show.feed(feed_id)
    await request.app[RUNDOWNS].refresh(show)

    def select(event: Event) -> dict[str, Any] | None:
        match event.kind:
            case "state":
                feed = next((feed for feed in event.data["feeds"] if feed["id"] == feed_id), None)
                rundown = event.data["rundown"]
                return {**_outline(event.data), "feed": feed, "rundown": rundown}
            case "show":
                return _outline(event.data)
            case "rundown":
                return dict(event.data)
            case "feed" | "feed_removed" if event.data["id"] == feed_id:
                return dict(event.data)
        return None

    return await _stream(request, show.events, select)


def _everything(event: Event) -> dict[str, Any]:
    return dict(event.data)


def _outline(show: Any) -> dict[str, Any]:
    return {name: show[name] for name in ("id", "title", "starts_at", "status")}


async def _stream(
    request: web.Request, broadcast: Broadcast, select: Select, *, levels: bool = False
) -> web.StreamResponse:
    """Write events until the reader goes, may no longer read, or nothing more happens."""
    clock = request.app[CLOCK]
    listener = broadcast.listen(levels=levels)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",  # nginx in front would keep events back
        }
    )
    try:
        await response.prepare(request)
        checked_s = clock.now()
        while True:
            if clock.now() - checked_s >= HEARTBEAT_S:
                await authorized(request)
                checked_s = clock.now()
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    text = _text(await anext(listener), select)
            except TimeoutError:
                text = b": \n\n"
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await response.write(text)
    except (StopAsyncIteration, Unauthorized, Forbidden, TimeoutError, ConnectionError):
        return response
    finally:
        listener.close()


def _text(event: Event, select: Select) -> bytes:
    data = select(event)
    if data is None:
        return b""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (
        event.id,
        event.kind.encode(),
        msgspec.json.encode(data),
    )
