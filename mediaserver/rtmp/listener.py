"""An RTMP server: `ServerSession` over asyncio's transports."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Protocol, cast

from mediaserver.rtmp.errors import ProtocolError, PublishRefused
from mediaserver.rtmp.events import MediaReceived, PublishEnded, PublishRequested
from mediaserver.rtmp.server import ServerSession, State

log = logging.getLogger(__name__)

PUBLISH_WITHIN_S = 10.0
"""From the connection to an accepted publish."""

SILENT_FOR_S = 30.0
"""A publisher that sends nothing for this long is gone."""


class Sink(Protocol):
    """Takes what one publisher sends."""

    def receive(self, media: MediaReceived) -> None: ...

    def end(self, *, clean: bool) -> None:
        """The last call; `clean` if the publisher said goodbye."""


class RtmpServer:
    """Accepts publishers; `on_publish` gives each a sink, or raises PublishRefused."""

    def __init__(
        self,
        on_publish: Callable[[PublishRequested], Sink],
        *,
        tls: ssl.SSLContext | None = None,
        max_connections: int = 200,
        publish_within_s: float = PUBLISH_WITHIN_S,
        silent_for_s: float = SILENT_FOR_S,
    ) -> None:
        self.on_publish = on_publish
        self.max_connections = max_connections
        self.publish_within_s = publish_within_s
        self.silent_for_s = silent_for_s
        self.connections: set[_Connection] = set()
        self._tls = tls
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 1935) -> None:
        """Listen; port 0 takes a free one. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self),
            host,
            port,
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


class _Connection(asyncio.Protocol):
    """One publisher's connection."""

    def __init__(self, server: RtmpServer) -> None:
        self.closed = asyncio.Event()
        self._server = server
        self._session = ServerSession()
        self._sink: Sink | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard = False

    def abort(self) -> None:
        assert self._transport is not None
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)
        if len(self._server.connections) > self._server.max_connections:
            log.warning("rtmp_full connections=%d", self._server.max_connections)
            self.abort()
            return
        self._set_timer(self._server.publish_within_s, self.abort)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._heard = True
        try:
            events = self._session.receive(data)
        except ProtocolError as error:
            log.info("rtmp_publisher_dropped reason=%r", str(error))
            self.abort()
            return
        for event in events:
            match event:
                case MediaReceived():
                    if self._sink is not None:
                        self._sink.receive(event)
                case PublishRequested():
                    self._ask(event)
                case PublishEnded():
                    self._end(clean=True)
        self._transport.write(self._session.data_to_send())
        if self._session.state is State.CLOSED:
            self._transport.close()

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
        self._end(clean=False)
        self._server.connections.discard(self)
        self.closed.set()

    def _ask(self, request: PublishRequested) -> None:
        try:
            self._sink = self._server.on_publish(request)
        except PublishRefused as refused:
            self._session.reject(refused.code, refused.description)
            return
        self._session.accept()
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
