"""A server that takes webhooks, checks their signatures, and answers as it is told."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

from aiohttp import web

from sync.sandbox.wire import EVENT_TYPES
from tests.sync.sandbox.caller import Caller


class Mailbox:
    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.signed: list[bool] = []
        self.answer = 200
        self.silent = False
        self.arrived = asyncio.Event()
        """Set since one came."""
        self.url = ""
        self._secrets = ("", "")
        self._closing = asyncio.Event()

    async def __aenter__(self) -> "Mailbox":
        app = web.Application()
        app.router.add_post("/webhooks", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/webhooks"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self._runner.cleanup()

    async def subscribe(self, caller: Caller, *events: str) -> None:
        """Take these events (none named: all) of the caller's shop."""
        self._secrets = (caller.sandbox.app_key, caller.sandbox.app_secret)
        for event in events or EVENT_TYPES:
            await caller.data(
                "PUT", "/event/202309/webhooks", {"address": self.url, "event_type": event}
            )

    def of(self, number: int) -> list[dict[str, Any]]:
        """The data of the webhooks of a type, as they came."""
        return [each["data"] for each in self.received if each["type"] == number]

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        key, secret = self._secrets
        expected = hmac.new(secret.encode(), key.encode() + body, hashlib.sha256).hexdigest()
        self.signed.append(request.headers.get("Authorization") == expected)
        self.bodies.append(body)
        self.received.append(json.loads(body))
        self.arrived.set()
        if self.silent:
            await self._closing.wait()
        return web.Response(status=self.answer)
