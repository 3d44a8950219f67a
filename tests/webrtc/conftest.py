from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aioice import ice
from playwright.async_api import Page

from mediaserver.clock import MonotonicClock
from mediaserver.webrtc.transport import IceSettings
from tests.webrtc.chromium import FAKE_CAMERA, Launch, browsers, camera, write_busy_camera
from tests.webrtc.hosts import Hosts
from tests.webrtc.server import WhipServer


@pytest.fixture
async def whip_server() -> AsyncIterator[WhipServer]:
    server = WhipServer(IceSettings(), MonotonicClock())
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def hosts(whip_server: WhipServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hosts]:
    # aiortc leaves loopback out; these hosts have nothing else.
    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    hosts = Hosts(whip_server)
    yield hosts
    await hosts.close()


@pytest.fixture(scope="session")
def busy_camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("camera") / "busy720p.y4m"
    write_busy_camera(path)
    return path


@pytest.fixture
async def launch() -> AsyncIterator[Launch]:
    async with browsers() as launch:
        yield launch


@pytest.fixture
async def page(launch: Launch, busy_camera: Path) -> Page:
    browser = await launch(FAKE_CAMERA, camera(busy_camera))
    return await browser.new_page()
