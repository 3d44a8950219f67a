"""One show on air for all faults: a host as a process, a destination that stays well."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio

from mediaserver.app import running
from mediaserver.rtmp.events import PublishRequested
from mediaserver.settings import (
    EncoderSettings,
    HttpSettings,
    RtmpSettings,
    Settings,
    StoreSettings,
)
from tests.api.client import Client
from tests.control.hosting import hosted
from tests.peers.rtmp_record import Recording, RtmpRecord

SMALL = {"width": 320, "height": 180, "fps": 30, "video_bitrate": 200_000}
AAC_FRAME_MS = 1024 * 1000 / 48_000


@dataclass
class Host:
    """A host's browser, as far as the server can tell."""

    whip_url: str
    token: str
    process: asyncio.subprocess.Process | None = None

    async def join(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.webrtc.publisher", self.whip_url, self.token, "VP8"),
            stdout=asyncio.subprocess.DEVNULL,
        )

    async def die(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            await self.process.wait()
            self.process = None


@dataclass
class OnAir:
    """The show. `witness` is what the destination that nothing happens to has got."""

    owner: Client
    path: str
    host: Host
    witness: Recording
    data_dir: Path

    async def feed(self) -> Any:
        return (await self.owner.get(self.path))["feeds"][0]

    async def target(self, url: str, name: str) -> str:
        """One more target, started; its address."""
        body = {"name": name, "platform": "custom", "url": url, "stream_key": name}
        target = await self.owner.post(f"{self.path}/targets", body, 201)
        path = f"{self.path}/targets/{target['id']}"
        await self.owner.post(f"{path}/start")
        return path

    @asynccontextmanager
    async def undisturbed(self, messages: int = 100) -> AsyncIterator[None]:
        """What happens inside, and some time after it, the witness must not notice: its sound
        has no gap, its pictures go on, on the connection that it has."""
        began = len(self.witness.media)
        yield
        await self.witness.until_messages(len(self.witness.media) + messages)
        assert self.witness.is_clean is None
        seen = self.witness.media[began:]
        sound = [each.timestamp_ms for each in seen if each.kind == "audio"]
        steps = [later - earlier for earlier, later in pairwise(sound)]
        assert set(steps) <= {int(AAC_FRAME_MS), int(AAC_FRAME_MS) + 1}
        pictures = [each.timestamp_ms for each in seen if each.kind == "video"]
        assert len(pictures) > len(sound) // 3
        assert pictures == sorted(set(pictures))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def on_air(tmp_path_factory: Any) -> AsyncIterator[OnAir]:
    data_dir = tmp_path_factory.mktemp("faults") / "data"
    settings = Settings(
        http=HttpSettings(port=0),
        rtmp=RtmpSettings(port=0),
        store=StoreSettings(data_dir=data_dir),
        encoder=EncoderSettings(x264_preset="ultrafast", keyframe_interval_s=0.5),
    )
    timeout = aiohttp.ClientTimeout(total=60)
    async with (
        RtmpRecord() as destination,
        hosted(running(settings)) as server,
        aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        owner = Client(http, server.base_url, server.owner_token.reveal())
        body = {"title": "Autumn", "canvases": {"landscape": SMALL}}
        show = await owner.post("/api/v1/shows", body, 201)
        path = f"/api/v1/shows/{show['id']}"
        feed = await owner.post(f"{path}/feeds", {"name": "Ann", "admitted": True}, 201)
        host = Host(feed["whip_url"], feed["token"])
        on_air = OnAir(owner, path, host, Recording(PublishRequested("", "")), data_dir)
        await on_air.target(destination.url, "witness")
        on_air.witness = await destination.recording()
        await host.join()
        try:
            yield on_air
        finally:
            await host.die()


def redis_of(data_dir: Path) -> int:
    """The process id of the server's own Redis."""
    (pidfile,) = data_dir.rglob("redis.pid")
    return int(pidfile.read_text())
