"""The server is killed in mid-show, and comes back."""

import asyncio
from pathlib import Path

from playwright.async_api import Page

from tests.api.client import Client
from tests.control.test_process import END_TIMEOUT_S, client_of, port_of, serving, show_on_air
from tests.peers.rtmp_record import RtmpRecord

STEP_S = 60.0


async def until_on(owner: Client, path: str) -> None:
    """Wait until the show's one host is seen."""
    async with asyncio.timeout(STEP_S), owner.events(f"{path}/events") as events:
        _, _, show = await events.next()
        (feed,) = show["feeds"]
        while not (feed["connected"] and feed["state"] == "on" and feed["width"]):
            _, kind, _ = await events.next()
            if kind == "stats":
                (feed,) = (await owner.get(path))["feeds"]


async def test_host_is_back_by_itself_when_a_killed_server_is_back(
    page: Page, destination: RtmpRecord, tmp_path: Path
) -> None:
    async with serving(tmp_path) as server, client_of(server) as owner:
        path = await show_on_air(owner, destination.url)
        ann = await owner.post(f"{path}/feeds", {"name": "Ann", "admitted": True}, 201)
        port = str(port_of(owner.base_url))
        await page.goto(ann["join_url"])
        await page.get_by_role("button", name="Join").click()
        await until_on(owner, path)
        server.process.kill()
        await server.ended(END_TIMEOUT_S)

    async with serving(tmp_path, SHOPCAST_PORT=port) as again, client_of(again) as owner:
        await until_on(owner, path)
        (feed,) = (await owner.get(path))["feeds"]
        assert feed["contender"] is False
        await page.locator('body[data-state="onair"]').wait_for(timeout=STEP_S * 1000)
