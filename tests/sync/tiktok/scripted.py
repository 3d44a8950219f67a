"""A TikTok Shop that answers what it is told to, over real HTTP, and time that stands still."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from sync.secret import Secret
from sync.tiktok.transport import App, Transport

APP_KEY = "29a39d"
APP_SECRET = Secret("e59af819cc-secret")


@dataclass
class Time:
    """Seconds that pass only while someone sleeps."""

    now_s: float = 1_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """`late` ones come after the request is done, and after the caller has gone."""

    data: Any = None
    code: int = 0
    message: str = "Success"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    late: bool = False
    drop: bool = False


@dataclass
class Scripted:
    """Gives `answers` one after the other; `otherwise` when there are no more."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    otherwise: Callable[[Asked], Answer] = lambda asked: Answer({})
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(
            request.method,
            request.path,
            dict(request.query),
            dict(request.headers),
            await request.read(),
        )
        self.asked.append(asked)
        answer = self.answers.pop(0) if self.answers else self.otherwise(asked)
        if answer.late:
            await self.gone.wait()
        if answer.drop:
            assert request.transport is not None
            request.transport.close()
        envelope = {
            "code": answer.code,
            "message": answer.message,
            "request_id": f"r{len(self.asked)}",
            "data": answer.data,
        }
        body = json.dumps(envelope).encode() if answer.raw is None else answer.raw
        return web.Response(
            body=body,
            status=answer.status,
            headers=answer.headers,
            content_type="application/json",
        )


@asynccontextmanager
async def serving() -> AsyncIterator[Scripted]:
    scripted = Scripted()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{path:.*}", scripted.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    scripted.url = f"http://{host}:{port}"
    try:
        yield scripted
    finally:
        scripted.gone.set()
        await runner.cleanup()


class Tokens:
    """Gives out `first`, and another one each time that one is called stale."""

    def __init__(self, first: str = "first-access-token") -> None:
        self.current = Secret(first)
        self.renewals = 0

    async def access_token(self) -> Secret:
        return self.current

    async def renewed(self, stale: Secret) -> Secret:
        if stale == self.current:
            self.renewals += 1
            self.current = Secret(f"access-token-{self.renewals}")
        return self.current


def transport(
    session: aiohttp.ClientSession, url: str, time: Time, timeout_s: float | None = None
) -> Transport:
    app = App(APP_KEY, APP_SECRET, api_url=url, auth_url=url)
    return Transport(
        session,
        app,
        now=lambda: 1_700_000_000.0,
        clock=time.now,
        sleep=time.sleep,
        jitter=lambda: 0.5,
        timeout_s=timeout_s,
    )
