from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from mediaserver.app import Server, running
from mediaserver.redis_server import RedisServer
from mediaserver.settings import (
    EncoderSettings,
    HttpSettings,
    RtmpSettings,
    Settings,
    StoreSettings,
)
from sync.connection import Connection
from sync.sandbox.server import Sandbox
from sync.sandbox.world import SandboxSettings
from tests.api.client import Client
from tests.control.hosting import hosted
from tests.peers.rtmp_record import RtmpRecord

SMALL = {"width": 320, "height": 180, "fps": 30, "video_bitrate": 200_000}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def settings(data_dir: Path) -> Settings:
    return Settings(
        http=HttpSettings(port=0),
        rtmp=RtmpSettings(port=0),
        store=StoreSettings(data_dir=data_dir),
        encoder=EncoderSettings(x264_preset="ultrafast", keyframe_interval_s=0.5),
    )


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Server]:
    async with hosted(running(settings)) as server:
        yield server


@pytest.fixture
async def owner(server: Server) -> AsyncIterator[Client]:
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Client(http, server.base_url, server.owner_token.reveal())


@dataclass(frozen=True)
class Invited:
    """A show with a feed, as tests begin with it."""

    show: str
    feed: str
    token: str

    @property
    def path(self) -> str:
        return f"/api/v1/shows/{self.show}"

    @property
    def feed_path(self) -> str:
        return f"{self.path}/feeds/{self.feed}"


@pytest.fixture
async def invited(owner: Client) -> Invited:
    body = {"title": "Autumn", "canvases": {"landscape": SMALL}}
    show = await owner.post("/api/v1/shows", body, 201)
    feed = await owner.post(f"/api/v1/shows/{show['id']}/feeds", {"name": "Ann"}, 201)
    return Invited(show["id"], feed["id"], feed["token"])


@pytest.fixture
async def producer(owner: Client) -> Client:
    minted = await owner.post("/api/v1/tokens", {"name": "Pia"}, 201)
    return owner.as_(minted["token"])


@pytest.fixture
async def redis_server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A Redis that is not the server's own."""
    async with RedisServer(tmp_path / "elsewhere") as redis:
        yield redis


@pytest.fixture
async def destination() -> AsyncIterator[RtmpRecord]:
    async with RtmpRecord() as record:
        yield record


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """TikTok Shop, with audits that take no time."""
    async with Sandbox(SandboxSettings(audit_s=0.0)) as sandbox:
        yield sandbox


@pytest.fixture
async def store(server: Server, data_dir: Path) -> AsyncIterator[Connection]:
    """The server's own Redis, seen past the server."""
    connection = Connection(f"unix://{data_dir}/redis.sock")
    yield connection
    await connection.close()
