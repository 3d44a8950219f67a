"""A sandbox that runs: in a test or the demo, or as a process of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from aiohttp import web

from sync.sandbox.app import sandbox_app
from sync.sandbox.control import Control
from sync.sandbox.tasks import stop
from sync.sandbox.wire import AUTHORIZE
from sync.sandbox.world import SandboxSettings, World


class Sandbox:
    """TikTok Shop on a port of this machine while its context lasts.

    `control` does in this process what /_control does over HTTP.
    """

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self._settings = settings or SandboxSettings()
        self._stack = AsyncExitStack()
        self._port = 0

    async def __aenter__(self) -> "Sandbox":
        async with AsyncExitStack() as stack:
            self.world = World(self._settings)
            self.control = Control(self.world)
            await stack.enter_async_context(self.world.courier)
            await stack.enter_async_context(_running(self.world))
            runner = web.AppRunner(
                sandbox_app(self.world, self.control),
                access_log=None,
                handler_cancellation=True,
                shutdown_timeout=1.0,
            )
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            stack.callback(self.world.closing.set)
            site = web.TCPSite(runner, self._settings.host, self._settings.port)
            await site.start()
            self._port = runner.addresses[0][1]
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def url(self) -> str:
        """Of the API and of the tokens; no slash at the end."""
        return f"http://{self._settings.host}:{self._port}"

    @property
    def authorize_url(self) -> str:
        return f"{self.url}{AUTHORIZE}"

    @property
    def app_key(self) -> str:
        return self.world.app_key

    @property
    def app_secret(self) -> str:
        return self.world.app_secret

    @property
    def service_id(self) -> str:
        return self.world.service_id

    def environment(self) -> dict[str, str]:
        """The settings of Shopcast that make it use this sandbox."""
        return {
            "SHOPCAST_TIKTOK_APP_KEY": self.app_key,
            "SHOPCAST_TIKTOK_APP_SECRET": self.app_secret,
            "SHOPCAST_TIKTOK_SERVICE_ID": self.service_id,
            "SHOPCAST_TIKTOK_API_URL": self.url,
            "SHOPCAST_TIKTOK_AUTH_URL": self.url,
            "SHOPCAST_TIKTOK_AUTHORIZE_URL": self.authorize_url,
        }


@contextlib.asynccontextmanager
async def _running(world: World) -> AsyncIterator[None]:
    clock = asyncio.create_task(world.clock.run(), name="sandbox clock")
    try:
        yield
    finally:
        await stop(clock)
