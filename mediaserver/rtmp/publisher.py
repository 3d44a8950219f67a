"""A connection that publishes: `ClientSession` over asyncio's transports."""

import asyncio
import functools
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from aiohappyeyeballs import start_connection

from mediaserver.errors import (
    TargetClosed,
    TargetError,
    TargetRejected,
    TargetStalled,
    TargetUnreachable,
)
from mediaserver.rtmp.client import ClientSession
from mediaserver.rtmp.errors import ProtocolError
from mediaserver.rtmp.events import MediaKind, PublishStarted
from mediaserver.rtmp.reasons import connect_failure, refusal
from mediaserver.rtmp.resolve import resolve
from mediaserver.rtmp.url import TargetUrl

_UNSENT_HIGH = 64 << 10
_UNSENT_LOW = 16 << 10
"""Bytes that may wait in the transport before `writable` ends, and at which it begins again.

As many wait unsent in the kernel, 0.17 s each at 3 Mbit/s: what waits in the fan-out's queue
instead can still be dropped.
"""

_HAPPY_EYEBALLS_DELAY_S = 0.25
"""RFC 8305 §8."""


MediaMessage = tuple[MediaKind, int, bytes]
"""Kind, timestamp in milliseconds, payload."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a peer may take; `answer_s` is from the connection to NetStream.Publish.Start."""

    connect_s: float = 10.0
    answer_s: float = 10.0
    stall_s: float = 10.0
    close_s: float = 2.0


async def publish(
    url: TargetUrl, key: str, *, tls: ssl.SSLContext | None = None, timeouts: Timeouts | None = None
) -> "Publisher":
    """Connect to `url` and publish under `key`; returns once the server has said Publish.Start.

    `tls` is for rtmps and defaults to the system's authorities. Raises TargetError.
    """
    timeouts = timeouts or Timeouts()
    publisher = Publisher(ClientSession(url.app, url.tc_url, key), key, timeouts)
    try:
        async with asyncio.timeout(timeouts.connect_s):
            await _connect(url, publisher, tls)
    except TimeoutError as error:
        after_s = timeouts.connect_s
        raise TargetStalled(f"the server did not answer within {after_s:g} s", after_s) from error
    except OSError as error:
        raise TargetUnreachable(connect_failure(error, url.host, url.port)) from error
    try:
        await publisher.started()
    except BaseException:
        await publisher.close()
        raise
    return publisher


@functools.cache
def default_tls() -> ssl.SSLContext:
    """Trusts the system's authorities. Takes some 30 ms, so not on the loop."""
    return ssl.create_default_context()


async def _connect(url: TargetUrl, publisher: "Publisher", tls: ssl.SSLContext | None) -> None:
    if url.secure:
        tls = tls or await asyncio.to_thread(default_tls)
    addresses = await resolve(url.host, url.port)
    sock = await start_connection(addresses, happy_eyeballs_delay=_HAPPY_EYEBALLS_DELAY_S)
    await asyncio.get_running_loop().create_connection(
        lambda: publisher,
        sock=sock,
        ssl=tls if url.secure else None,
        server_hostname=url.host if url.secure else None,
    )


class Publisher(asyncio.Protocol):
    """One connection to one destination, made by `publish`.

    `on_writable` is called whenever `writable` becomes true again.
    """

    def __init__(self, session: ClientSession, key: str, timeouts: Timeouts) -> None:
        self._loop = asyncio.get_running_loop()
        self.on_writable: Callable[[], None] | None = None
        self.writable = False
        self._session = session
        self._key = key
        self._timeouts = timeouts
        self._transport: asyncio.Transport | None = None
        self._live: asyncio.Future[None] = self._loop.create_future()
        self._failure: asyncio.Future[TargetError] = self._loop.create_future()
        self._closed = asyncio.Event()
        self._is_paused = False
        self._written = 0
        self._stall_timer: asyncio.TimerHandle | None = None

    @property
    def bytes_sent(self) -> int:
        """Bytes that have left this process."""
        if self._transport is None or self._closed.is_set():
            return self._written
        return self._written - self._transport.get_write_buffer_size()

    def send(self, *messages: MediaMessage) -> None:
        """Send messages in one write. While not `writable` they are kept in memory: ask first."""
        self._write(b"".join([self._session.media(*message) for message in messages]))

    async def started(self) -> None:
        """Wait for NetStream.Publish.Start. Raises TargetError."""
        after_s = self._timeouts.answer_s
        await asyncio.wait(
            (self._live, self._failure), timeout=after_s, return_when=asyncio.FIRST_COMPLETED
        )
        if self._failure.done():
            raise self._failure.result()
        if not self._live.done():
            raise TargetStalled(
                f"the server took the connection, but did not answer within {after_s:g} s", after_s
            )

    async def failure(self) -> TargetError:
        """Wait until the connection has failed; why."""
        return await asyncio.shield(self._failure)

    async def close(self) -> None:
        """Say goodbye and close, within `Timeouts.close_s`."""
        transport = self._transport
        if transport is None:
            return
        self.writable = False
        self._cancel_stall_timer()
        self._session.close()
        goodbye = self._session.data_to_send()
        try:
            if goodbye and not self._failure.done():
                self._write(goodbye)
                # Closing at once would reset a connection on which the server still writes, and
                # a reset throws away the goodbye.
                if transport.can_write_eof():
                    transport.write_eof()
                else:
                    transport.close()
                await asyncio.wait_for(self._closed.wait(), self._timeouts.close_s)
        except OSError:  # the server does not wait for it; TimeoutError is one of them
            pass
        finally:
            transport.abort()
        await self._closed.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(_UNSENT_HIGH, _UNSENT_LOW)
        sock = transport.get_extra_info("socket")
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_HIGH)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # A dead network shows even when too little is sent to fill the buffers.
            stall_ms = int(self._timeouts.stall_s * 1000)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, stall_ms)
        self._write(self._session.data_to_send())

    def data_received(self, data: bytes) -> None:
        try:
            events = self._session.receive(data)
        except ProtocolError as error:
            self._fail(TargetUnreachable(f"the server's answer cannot be understood: {error}"))
            return
        answers = self._session.data_to_send()
        if not self._is_paused:  # who reads nothing gets no answers to its pings piled up
            self._write(answers)
        for event in events:
            if isinstance(event, PublishStarted):
                self.writable = True
                self._live.set_result(None)
            else:
                self._fail(TargetRejected(refusal(event, self._key), event.code))

    def connection_lost(self, error: Exception | None) -> None:
        if isinstance(error, TimeoutError):
            self._stalled()
        elif self._live.done():
            self._fail(TargetClosed("the server closed the connection"))
        else:
            self._fail(
                TargetClosed(
                    "the server closed the connection before the stream began; "
                    "are the address and the stream key right?"
                )
            )
        self._closed.set()

    def pause_writing(self) -> None:
        self._is_paused = True
        self.writable = False
        self._watch_for_stall()

    def resume_writing(self) -> None:
        self._is_paused = False
        self._cancel_stall_timer()
        self.writable = self._live.done() and not self._failure.done()
        if self.writable and self.on_writable is not None:
            self.on_writable()

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if not data or transport is None:
            return
        if transport.is_closing():
            # A write that failed is told to us on the loop's next round.
            self.writable = False
            return
        self._written += len(data)
        transport.write(data)

    def _watch_for_stall(self) -> None:
        self._stall_timer = self._loop.call_later(
            self._timeouts.stall_s, self._check_for_stall, self.bytes_sent
        )

    def _check_for_stall(self, sent_before: int) -> None:
        if self.bytes_sent == sent_before:
            self._stalled()
        else:
            self._watch_for_stall()

    def _cancel_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _stalled(self) -> None:
        after_s = self._timeouts.stall_s
        self._fail(
            TargetStalled(f"the server stopped taking the stream for {after_s:g} s", after_s)
        )

    def _fail(self, error: TargetError) -> None:
        """End the connection; the first error is the one that counts."""
        self.writable = False
        self._cancel_stall_timer()
        if not self._failure.done():
            self._failure.set_result(error)
        if self._transport is not None:
            self._transport.abort()
