"""A server whose TikTok Shop is the sandbox, and a seller with a browser."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mediaserver.commerce import CALLBACK_PATH
from mediaserver.settings import Settings, TikTokSettings
from sync.sandbox.server import Sandbox
from sync.secret import Secret
from tests.api.client import Answer, Client

CHANNEL = "/api/v1/channels/tiktok"


def with_tiktok(settings: Settings, sandbox: Sandbox) -> Settings:
    return replace(
        settings,
        tiktok=TikTokSettings(
            app_key=sandbox.app_key,
            app_secret=Secret(sandbox.app_secret),
            service_id=sandbox.service_id,
            api_url=sandbox.url,
            auth_url=sandbox.url,
            authorize_url=sandbox.authorize_url,
        ),
    )


@dataclass
class Browser:
    """What a seller's browser keeps and follows: the one cookie of the connection."""

    client: Client
    cookie: str = ""

    async def begin(self, owner: Client) -> str:
        """Press connect; the address of the consent page."""
        answer = await owner.call("POST", f"{CHANNEL}/connect")
        assert answer.status == 200, answer.body
        ((name, morsel),) = SimpleCookie(answer.headers["Set-Cookie"]).items()
        self.cookie = f"{name}={morsel.value}"
        return str(answer.json["authorize_url"])

    async def come_back(self, redirect: str) -> Answer:
        """Follow TikTok's redirect."""
        path = redirect.removeprefix(self.client.base_url)
        headers = {"Cookie": self.cookie} if self.cookie else {}
        return await self.client.call("GET", path, headers=headers)


def state_of(authorize_url: str) -> str:
    (state,) = parse_qs(urlsplit(authorize_url).query)["state"]
    return state


@dataclass
class Connecting:
    """A seller on the way: the server's owner and their browser, and the sandbox."""

    owner: Client
    sandbox: Sandbox

    def browser(self) -> Browser:
        return Browser(self.owner.as_(None))

    async def agreed(self, browser: Browser, seller: str = "cedar", allow: bool = True) -> str:
        """Connect and consent; where TikTok sends the browser."""
        state = state_of(await browser.begin(self.owner))
        answer = await self.sandbox.control.consent(seller, state, allow)
        return str(answer["redirect"])

    async def connect(self, seller: str = "cedar") -> Answer:
        browser = self.browser()
        return await browser.come_back(await self.agreed(browser, seller))

    async def channel(self) -> Any:
        return await self.owner.get(CHANNEL)

    async def until(self, condition: Callable[[Any], bool]) -> Any:
        """The channel once `condition` holds of it."""
        async with asyncio.timeout(30):
            while True:
                channel = await self.channel()
                if condition(channel):
                    return channel


async def connecting(owner: Client, sandbox: Sandbox) -> Connecting:
    await sandbox.control.app(redirect_url=owner.base_url + CALLBACK_PATH)
    return Connecting(owner, sandbox)


def outcome_of(answer: Answer) -> str:
    """The outcome that a page of the callback tells."""
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return answer.body.decode().partition('data-outcome="')[2].partition('"')[0]
