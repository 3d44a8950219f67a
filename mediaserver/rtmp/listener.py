"""An RTMP server: `ServerSession` over asyncio's transports."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

from mediaserver.rtmp.errors import ProtocolError, PublishRefused
from mediaserver.rtmp.events import MediaReceived, PublishEnded, PublishRequested, ServerEvent
from mediaserver.rtmp.server import ServerSession, State

log = logging.getLogger(__name__)

PUBLISH_WITHIN_S = 10.0
"""From the connection to an accepted publish, and from an end to the next publish."""

SILENT_FOR_S = 30.0
"""A publisher that sends no media for this long is gone."""

PART_WITHIN_S = 3.0
"""How long one that is sent away may take to read why and to hang up."""


class Sink(Protocol):
    """Takes what one publisher sends."""

    def receive(self, media: MediaReceived) -> None:
        """Raises PublishRefused to send the publisher away; `end` is called then too."""

    def end(self, *, clean: bool) -> None:
        """The last call; `clean` if the publisher said goodbye."""


class RtmpServer:
    """Accepts publishers; `on_publish` gives each a sink, or raises PublishRefused.

    Of more than `max_connections` the one that has waited longest without publishing is closed;
    where all publish it is the newcomer.
    """

    def __init__(
        self,
        on_publish: Callable[[PublishRequested, "Connection"], Awaitable[Sink]],
        *,
        tls: ssl.SSLContext | None = None,
        max_connections: int = 200,
        publish_within_s: float = PUBLISH_WITHIN_S,
        silent_for_s: float = SILENT_FOR_S,
    ) -> None:
        self.on_publish = on_publish
        self.publish_within_s = publish_within_s
        self.silent_for_s = silent_for_s
        self.connections: dict[Connection, None] = {}
        self._max_connections = max_connections
        self._tls = tls
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket | None = None, *, port: int = 0) -> None:
        """Listen on a socket that is bound, or on a port of 127.0.0.1, of which 0 is a free one.

        Raises OSError.
        """
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self),
            sock=listener or socket.create_server(("127.0.0.1", port)),
            ssl=self._tls,
            ssl_handshake_timeout=self.publish_within_s if self._tls else None,
        )

    @property
    def port(self) -> int:
        """The port listened on, once started."""
        assert self._server is not None
        return cast(int, self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and break off every connection."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self.connections):
            connection.abort()
            await connection.closed.wait()

    def make_room(self) -> None:
        """Close a connection if there are too many."""
        if len(self.connections) > self._max_connections:
            idle = next(each for each in self.connections if not each.is_publishing)
            log.warning("rtmp_full connections=%d", self._max_connections)
            del self.connections[idle]
            idle.abort()


class Connection(asyncio.Protocol):
    """One publisher's connection. `address` is the host at its other end."""

    def __init__(self, server: RtmpServer) -> None:
        self.address = ""
        self.closed = asyncio.Event()
        self._server = server
        self._session = ServerSession()
        self._sink: Sink | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None
        self._heard = False
        self._is_parting = False

    @property
    def is_publishing(self) -> bool:
        return self._sink is not None

    def abort(self) -> None:
        """Break the connection off; `closed` is set when it is."""
        assert self._transport is not None
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if peer else ""
        self._set_timer(self._server.publish_within_s, self.abort)
        self._server.connections[self] = None
        self._server.make_room()

    def data_received(self, data: bytes) -> None:
        if self._is_parting:
            return
        try:
            for event in self._session.receive(data):
                self._take(event)
        except ProtocolError as error:
            log.info("rtmp_publisher_dropped reason=%r", str(error))
            self.abort()
            return
        except PublishRefused as refused:
            self._session.reject(refused.code, refused.description)
        self._answer()

    def pause_writing(self) -> None:
        # Who asks much and reads nothing is not listened to until it reads.
        assert self._transport is not None
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        assert self._transport is not None
        self._transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._asking is not None:
            self._asking.cancel()
        self._end(clean=False)
        self._server.connections.pop(self, None)
        self.closed.set()

    def _take(self, event: ServerEvent) -> None:
        match event:
            case MediaReceived():
                self._heard = self._heard or event.kind != "data"
                if self._sink is not None:
                    self._sink.receive(event)
            case PublishRequested():
                self._asking = asyncio.create_task(self._ask(event), name="rtmp-publish")
            case PublishEnded():
                self._end(clean=True)
                self._set_timer(self._server.publish_within_s, self.abort)

    def _answer(self) -> None:
        """Send what the session has to say, and part where it is over."""
        transport = self._transport
        assert transport is not None
        if transport.is_closing():
            return
        transport.write(self._session.data_to_send())
        if self._session.state is State.CLOSED:
            self._is_parting = True
            self._end(clean=False)
            self._set_timer(PART_WITHIN_S, self.abort)
            # Closing while the peer still sends would reset the connection, and a reset throws
            # away the words that tell why.
            if transport.can_write_eof():
                with contextlib.suppress(OSError):  # it has gone already
                    transport.write_eof()
            else:
                transport.close()

    async def _ask(self, request: PublishRequested) -> None:
        """Whether the publisher may begin; the timer of its connection bounds how long."""
        try:
            sink = await self._server.on_publish(request, self)
        except PublishRefused as refused:
            self._session.reject(refused.code, refused.description)
        except Exception:
            log.exception("rtmp_publish_failed")
            self.abort()
            return
        else:
            self._begin(sink)
        self._answer()

    def _begin(self, sink: Sink) -> None:
        self._session.accept()
        if self._session.state is not State.PUBLISHING:  # it has left meanwhile
            sink.end(clean=True)
            return
        self._sink = sink
        self._set_timer(self._server.silent_for_s, self._check_for_silence)

    def _end(self, *, clean: bool) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.end(clean=clean)

    def _check_for_silence(self) -> None:
        if self._heard:
            self._heard = False
            self._set_timer(self._server.silent_for_s, self._check_for_silence)
        else:
            log.info("rtmp_publisher_dropped reason='silent for %g s'", self._server.silent_for_s)
            self.abort()

    def _set_timer(self, delay_s: float, callback: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_s, callback)
