"""A real browser with a file for a camera, and the host's page in it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from av.filter import Graph
from playwright.async_api import Browser, Page, Route, async_playwright

from tests.webrtc.relay import (
    CLEAR,
    Line,
    UdpRelay,
    rerouted,
    server_address,
    without_candidates,
)
from tests.webrtc.server import SHOW, TOKEN, RecordingFeed, WhipServer

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
FAKE_CAMERA = "--use-fake-device-for-media-stream"

Launch = Callable[..., Awaitable[Browser]]


def camera(path: Path) -> str:
    """The flag for a camera that shows the file."""
    return f"--use-file-for-fake-video-capture={path}"


def write_busy_camera(path: Path) -> None:
    """A second of 720p that takes some 3 Mbit/s: moving patterns under noise."""
    graph = Graph()
    source = graph.add("testsrc2", "size=1280x720:rate=30")
    noise = graph.add("noise", "alls=3:allf=t")
    planar = graph.add("format", "yuv420p")
    sink = graph.add("buffersink")
    source.link_to(noise)
    noise.link_to(planar)
    planar.link_to(sink)
    graph.configure()
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W1280 H720 F30:1 Ip A1:1 C420jpeg\n")
        for _ in range(30):
            file.write(b"FRAME\n" + graph.pull().to_ndarray().tobytes())


@asynccontextmanager
async def browsers() -> AsyncIterator[Launch]:
    """A way to start browsers with flags of their own; they end together."""
    async with async_playwright() as playwright:
        started: list[Browser] = []

        async def launch(*flags: str) -> Browser:
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=[*FLAGS, *flags]
            )
            started.append(browser)
            return browser

        yield launch
        for browser in started:
            await browser.close()


async def join(page: Page, server: WhipServer) -> None:
    await page.goto(f"{server.origin}/host#show={SHOW}&token={TOKEN}")
    await page.get_by_role("button", name="Join").click()


async def leave(page: Page, feed: RecordingFeed) -> None:
    await page.get_by_role("button", name="Leave").click()
    await feed.until(lambda: feed.source is None)


@asynccontextmanager
async def behind(page: Page, up: Line, down: Line = CLEAR) -> AsyncIterator[list[UdpRelay]]:
    """Every session that the page begins goes through a relay of its own, added to the list."""
    relays: list[UdpRelay] = []

    async def through_relay(route: Route) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        offer = without_candidates(route.request.post_data or "")
        response = await route.fetch(post_data=offer)
        answer = await response.text()
        relay = UdpRelay(server_address(answer), up=up, down=down)
        relays.append(relay)
        await route.fulfill(response=response, body=rerouted(answer, await relay.start()))

    await page.route("**/{whip,whep}/**", through_relay)
    try:
        yield relays
    finally:
        await page.unroute("**/{whip,whep}/**", through_relay)
        for relay in relays:
            await relay.close()
