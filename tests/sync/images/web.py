"""A web server with pictures, and names that lead to it: both as strange as a test wants."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from aiohappyeyeballs import AddrInfoType
from aiohttp import web

from sync.images.lookups import Resolve

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Web:
    """`answers` by path; `asked` are the requests that came, as host and path."""

    port: int
    answers: dict[str, Handler] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str, host: str = "cdn.example") -> str:
        return f"http://{host}:{self.port}{path}"

    def gives(
        self, path: str, body: bytes, content_type: str = "", status: int = 200, **headers: str
    ) -> None:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type:
            sent["Content-Type"] = content_type

        async def answer(_request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, body=body, headers=sent)

        self.answers[path] = answer

    def leads(self, path: str, to: str, status: int = 302) -> None:
        self.gives(path, b"", status=status, Location=to)


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Web]:
    """On this machine's loopback."""

    async def answer(request: web.Request) -> web.StreamResponse:
        here.asked.append(f"{request.url.host}{request.path}")
        if request.path not in here.answers:
            return web.Response(status=404)
        return await here.answers[request.path](request)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    here = Web(listener.getsockname()[1])
    try:
        await web.SockSite(runner, listener, ssl_context=tls).start()
        yield here
    finally:
        here.ended.set()
        await runner.cleanup()


class Names:
    """A resolver: a name to its addresses, each lookup the next of them; unknown names fail, and
    addresses are what they are."""

    def __init__(self, names: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._names = {name: list(answers) for name, answers in names.items()}
        self.looked_up: list[str] = []

    async def __call__(self, host: str, port: int) -> list[AddrInfoType]:
        self.looked_up.append(host)
        if host in self._names:
            answers = self._names[host]
            addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        else:
            addresses = [host]
        flags = socket.AI_NUMERICHOST
        found: list[AddrInfoType] = []
        for address in addresses:
            found += cast(
                list[AddrInfoType],
                socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=flags),
            )
        return found


def to_loopback(*names: str) -> Resolve:
    return Names({name: [["127.0.0.1"]] for name in names or ("cdn.example",)})
