"""Feeds by RTMP: a studio's encoders, which publish under the token of a feed."""

import asyncio
import logging
import socket

from mediaserver.clock import Clock
from mediaserver.decoder import BT709
from mediaserver.errors import NodeFull, NotFound, TooManyRequests
from mediaserver.feed import Feed, Source
from mediaserver.flv import FlvError
from mediaserver.node import Node
from mediaserver.rate_limit import RateLimit
from mediaserver.rtmp.errors import PublishRefused
from mediaserver.rtmp.events import MediaReceived, PublishRequested
from mediaserver.rtmp.listener import Connection, RtmpServer
from mediaserver.rtmp.units import UnitReader
from mediaserver.secret import token_hash
from mediaserver.show import Show
from sync.errors import StoreUnavailable
from sync.secret import Secret

log = logging.getLogger(__name__)

SILENT_FOR_S = 10.0
"""An encoder that sends no media for this long is cut off; it comes back by itself."""

_WAITING = 64
"""Connections that may be before their publish at a time."""

_DEVICE = ""
"""Encoders send no secret to be known again by: all of them count as one device."""

_UNUSABLE_MEDIA = "NetStream.Publish.Rejected"


class RtmpSource:
    """One encoder's connection, the source of a feed while it lasts.

    Untagged pictures are BT.709, as studio encoders make them. RTMP has no way to ask for a
    keyframe: pictures begin with the next one that comes.
    """

    untagged_matrix = BT709

    def __init__(self, feed: Feed, connection: Connection, clock: Clock) -> None:
        self._feed = feed
        self._connection = connection
        self._clock = clock
        self._reader = UnitReader()

    def receive(self, media: MediaReceived) -> None:
        try:
            unit = self._reader.read(media, self._clock.now())
        except FlvError as error:
            log.info("rtmp_unusable feed=%s reason=%r", self._feed.id, str(error))
            raise PublishRefused(str(error), _UNUSABLE_MEDIA) from error
        if unit is not None and self._feed.source is self:
            self._feed.push(unit)

    def end(self, *, clean: bool) -> None:
        self._feed.detach(self, left=clean)
        log.info("rtmp_ended feed=%s left=%s", self._feed.id, clean)

    def request_keyframe(self) -> None:
        pass

    async def close(self) -> None:
        self._connection.abort()
        await self._connection.closed.wait()


class RtmpFeeds:
    """Takes encoders in. The stream key they publish under is a feed's token, of any show."""

    def __init__(
        self,
        node: Node,
        *,
        base_url: str,
        guesses: RateLimit,
        clock: Clock,
        most_feeds: int,
        silent_for_s: float = SILENT_FOR_S,
    ) -> None:
        self._node = node
        self._base_url = base_url
        self._guesses = guesses
        self._publish_limit = RateLimit(20, 1.0, clock)
        self._clock = clock
        self._retiring: set[asyncio.Task[None]] = set()
        self._server = RtmpServer(
            self._publish, max_connections=most_feeds + _WAITING, silent_for_s=silent_for_s
        )

    async def start(self, listener: socket.socket) -> None:
        await self._server.start(listener)

    async def stop(self) -> None:
        """Stop listening and break off every encoder's connection."""
        await self._server.stop()
        if self._retiring:
            await asyncio.wait(self._retiring)

    async def _publish(self, request: PublishRequested, connection: Connection) -> RtmpSource:
        address = connection.address
        try:
            show, feed = await self._welcome(request.key, address)
        except (NodeFull, NotFound, StoreUnavailable, TooManyRequests) as error:
            log.info("rtmp_refused address=%s reason=%r", address, str(error))
            raise PublishRefused(str(error)) from error
        except PublishRefused as error:
            log.info("rtmp_refused address=%s reason=%r", address, error.description)
            raise
        # No await from the welcome to here: what it saw still holds.
        source = RtmpSource(feed, connection, self._clock)
        previous = feed.join(source, _DEVICE)
        if previous is not None:
            self._retire(previous)
        log.info("rtmp_publishing show=%s feed=%s address=%s", show.id, feed.id, address)
        return source

    async def _welcome(self, key: str, address: str) -> tuple[Show, Feed]:
        """The feed that `key` is an invitation to, and its show."""
        self._publish_limit.take(address)
        hashed = token_hash(Secret(key.partition("?")[0].strip()))
        show = self._show_of(hashed)
        if show is None:
            self._guesses.take(address)
            raise PublishRefused("no feed has this stream key: copy it from the invitation again")
        await self._node.show(show.id)  # on another server it may have been invited anew
        there = self._node.elsewhere(show.id)
        if there not in (None, self._base_url):
            raise PublishRefused(f"the show is on air on another server: publish there, {there}")
        feed_id = show.feed_of(hashed)
        if feed_id is None:
            raise PublishRefused("this stream key is no longer good: ask for a new invitation")
        feed = show.feed(feed_id)
        if feed.source is None or feed.device not in (None, _DEVICE):
            self._node.reserve()
        show.stir()
        return show, feed

    def _show_of(self, hashed: str) -> Show | None:
        return next((s for s in self._node.known if s.feed_of(hashed) is not None), None)

    def _retire(self, source: Source) -> None:
        task: asyncio.Task[None] = asyncio.create_task(source.close())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
