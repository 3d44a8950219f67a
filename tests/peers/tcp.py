"""Listening sockets for peers that are less than an RTMP server."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager

SMALL_BUFFER = 16 << 10
"""A receive buffer, in bytes, that is full soon when nobody reads."""


class Kept(asyncio.Protocol):
    """A connection that its listener closes at the latest."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.closed.set()


def listening(receive_buffer: int | None = None) -> socket.socket:
    """A socket that listens on a free port; `receive_buffer` bytes are taken before it reads."""
    sock = socket.socket()
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    return sock


@asynccontextmanager
async def listener(
    make: Callable[[], Kept],
    receive_buffer: int | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[str]:
    """Accepts with `make`; gives the URL."""
    connections: list[Kept] = []

    def accept() -> Kept:
        connections.append(make())
        return connections[-1]

    sock = listening(receive_buffer)
    port = sock.getsockname()[1]
    server = await asyncio.get_running_loop().create_server(accept, sock=sock, ssl=tls)
    try:
        yield f"rtmps://localhost:{port}/live" if tls else f"rtmp://127.0.0.1:{port}/live"
    finally:
        server.close()
        for connection in connections:
            if connection.transport is not None:
                connection.transport.abort()
                await connection.closed.wait()
        await server.wait_closed()


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [int(sock.getsockname()[1]) for sock in sockets]
