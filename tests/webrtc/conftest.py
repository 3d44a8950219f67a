from collections.abc import AsyncIterator

import pytest
from aioice import ice

from mediaserver.clock import MonotonicClock
from mediaserver.webrtc.transport import IceSettings
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
