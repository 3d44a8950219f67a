"""Servers as far as they connect TikTok Shop: without HTTP of their own, with a real Redis and the
sandbox, whose clock is theirs too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import aiohttp

from mediaserver.commerce import TikTokChannel, tiktok_channel
from mediaserver.settings import TikTokSettings
from sync.connecting.authorizing import Returned
from sync.connecting.outcome import Outcome
from sync.connection import Connection
from sync.model import TIKTOK, ChannelRecord
from sync.sandbox.server import Sandbox
from sync.secret import Secret, Vault
from sync.store.channel import Channels
from sync.tiktok.transport import App, Transport

START = 1_790_000_000.0
DAY_S = 24 * 3600.0


@dataclass
class Server:
    connection: Connection
    sandbox: Sandbox
    channels: Channels
    tiktok: TikTokChannel

    async def record(self) -> ChannelRecord:
        return await self.channels.get(TIKTOK)

    async def back(self, seller: str = "cedar", *, allow: bool = True) -> Returned:
        """What a seller comes back with who pressed connect here and consented there."""
        consent = await self.tiktok.authorizing.begin()
        (state,) = parse_qs(urlsplit(consent.url).query)["state"]
        redirect = (await self.sandbox.control.consent(seller, state, allow))["redirect"]
        query = {name: values[0] for name, values in parse_qs(urlsplit(redirect).query).items()}
        return Returned(
            state=query["state"],
            code=query.get("code", ""),
            error=query.get("error", ""),
            kept=consent.state_hash,
        )

    async def connect(self, seller: str = "cedar") -> Outcome:
        return await self.tiktok.authorizing.returned(await self.back(seller))

    async def requests(self, endpoint: str) -> dict[str, int]:
        """How often the sandbox has answered `endpoint` with each code."""
        return (await self.sandbox.control.requests()).get(endpoint, {})


@asynccontextmanager
async def server_on(redis_url: str, sandbox: Sandbox, vault: Vault) -> AsyncIterator[Server]:
    connection = Connection(redis_url)
    watching = asyncio.create_task(connection.watch(_nothing))
    app = App(sandbox.app_key, Secret(sandbox.app_secret), sandbox.url, sandbox.url)
    settings = TikTokSettings(
        app_key=app.key,
        app_secret=app.secret,
        service_id=sandbox.service_id,
        api_url=sandbox.url,
        auth_url=sandbox.url,
        authorize_url=sandbox.authorize_url,
    )
    now = sandbox.world.clock.now
    try:
        async with aiohttp.ClientSession() as session:
            transport = Transport(session, app, now=now, sleep=_at_once)
            tiktok = tiktok_channel(
                connection, vault, settings, app, transport, "http://127.0.0.1:1", now
            )
            yield Server(connection, sandbox, Channels(connection), tiktok)
            await tiktok.authorizing.close(5.0)
            await tiktok.tokens.close(5.0)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await connection.close()


async def _nothing() -> None:
    pass


async def _at_once(_seconds: float) -> None:
    await asyncio.sleep(0)
