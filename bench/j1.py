"""Job J1: two live 720p30 feeds into two tiles of a 1280×720@30 canvas, sent to RTMP targets."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bench import ffmpeg
from bench.job import LAYOUT
from bench.rtp import RtpPorts
from bench.sender import Job, Sent
from mediaserver.demo.broadcast import Broadcast
from mediaserver.demo.child import Child
from mediaserver.demo.server import RunningServer, running_server
from mediaserver.encoder import DEFAULT_PRESET

PRESET = "veryfast"
"""Of x264, as the job says."""

ON_AIR_WITHIN_S = 30.0
CLIPS_WITHIN_S = 120.0
WARM_UP_S = 5.0
POLL_S = 0.2


class Sinks:
    """The process that plays the destinations."""

    def __init__(self, child: Child, port: int) -> None:
        self._child = child
        self._port = port

    def url(self, key: str) -> str:
        return f"rtmp://127.0.0.1:{self._port}/live/{key}"

    async def received(self) -> dict[str, Any]:
        """What each stream brought since this was last called: see bench.sink."""
        await self._child.tell(b"")
        received: dict[str, Any] = msgspec.json.decode(await self._child.line(timeout_s=10))
        return received


class Hosts:
    """The process that plays the hosts."""

    def __init__(self, child: Child) -> None:
        self._child = child

    async def send(self, job: Job) -> None:
        """Send the feeds of `job` too, until the process ends."""
        await self._child.tell(msgspec.json.encode(job))
        await self._child.line(CLIPS_WITHIN_S)


@dataclass(frozen=True, slots=True)
class OurShow:
    """The show on air on our server; `pid` is the root of what is measured."""

    pid: int
    broadcast: Broadcast

    async def send_to(self, sinks: Sinks, keys: Sequence[str]) -> None:
        """Add a target for each key and start it."""
        for name in keys:
            url, _, key = sinks.url(name).rpartition("/")
            target = await self.broadcast.add_target(name, url, key)
            await self.broadcast.start_target(target)

    async def feeds_fit(self, timeout_s: float) -> None:
        """Wait until each feed comes as large as is wanted of it. Raises TimeoutError."""
        fit = False
        async with asyncio.timeout(timeout_s):
            while not fit:
                await asyncio.sleep(POLL_S)
                fit = all(map(_fits, (await self.broadcast.state())["feeds"]))

    async def late_ticks(self) -> int:
        """Of the canvas since it began."""
        state = await self.broadcast.state()
        return int(state["canvases"]["landscape"]["program"]["late_ticks"])


@asynccontextmanager
async def scratch() -> AsyncIterator[Path]:
    """A directory for logs and data, removed with the block."""
    with tempfile.TemporaryDirectory(prefix="shopcast-bench-") as directory:
        yield Path(directory)


@asynccontextmanager
async def sinks(directory: Path) -> AsyncIterator[Sinks]:
    child = await Child.start("the sinks", "bench.sink", log=directory / "sink.log")
    try:
        yield Sinks(child, int(await child.line(timeout_s=20)))
    finally:
        await child.stop()


@asynccontextmanager
async def hosts(directory: Path) -> AsyncIterator[Hosts]:
    child = await Child.start("the sender", "bench.sender", log=directory / "sender.log")
    try:
        yield Hosts(child)
    finally:
        await child.stop()


@asynccontextmanager
async def sending(job: Job, directory: Path) -> AsyncIterator[None]:
    """A process that plays the hosts of `job` alone, sending."""
    async with hosts(directory) as process:
        await process.send(job)
        yield


@asynccontextmanager
async def our_show(
    to: Sinks,
    keys: Sequence[str],
    directory: Path,
    *,
    live: bool = False,
    obeying: bool = False,
    preset: str = DEFAULT_PRESET,
) -> AsyncIterator[OurShow]:
    """J1 by our server, feeds over WebRTC, on air at every key. `live`: with time codes;
    `obeying`: feeds come at the size of their tiles."""
    async with (
        running_server(directory, SHOPCAST_X264_PRESET=preset) as server,
        on_air(server, to, keys, directory, live=live, obeying=obeying) as show,
    ):
        yield show


@asynccontextmanager
async def on_air(
    server: RunningServer,
    to: Sinks,
    keys: Sequence[str],
    directory: Path,
    *,
    live: bool = False,
    obeying: bool = False,
    channels: Sequence[str] = (),
) -> AsyncIterator[OurShow]:
    """The same on a server that runs, for a show that sells on `channels`."""
    broadcast = await Broadcast.create(server.api, "J1", ("left", "right"), LAYOUT, channels)
    feeds = [
        Sent(number, live, whip=invitation, obeys=obeying)
        for number, invitation in enumerate(broadcast.invitations)
    ]
    async with sending(Job(feeds), directory):
        show = OurShow(server.pid, broadcast)
        await broadcast.feeds_on(ON_AIR_WITHIN_S)
        await show.send_to(to, keys)
        await broadcast.targets_live(ON_AIR_WITHIN_S)
        if obeying:
            await show.feeds_fit(CLIPS_WITHIN_S)
        await asyncio.sleep(WARM_UP_S)
        yield show


@asynccontextmanager
async def ffmpeg_show(
    to: Sinks, keys: Sequence[str], directory: Path, *, live: bool = False
) -> AsyncIterator[int]:
    """J1 by FFmpeg's command line, feeds as plain RTP; gives its process id."""
    ports = [RtpPorts(free_rtp_port(), free_rtp_port()) for _ in range(2)]
    feeds = [Sent(number, live, rtp=of) for number, of in enumerate(ports)]
    urls = [to.url(key) for key in keys]
    command = partial(ffmpeg.command, urls=urls)
    async with ffmpeg.composing(ports, command, directory) as pid, sending(Job(feeds), directory):
        waiting = set(keys)
        async with asyncio.timeout(ON_AIR_WITHIN_S):
            while waiting:
                await asyncio.sleep(POLL_S)
                waiting -= (await to.received()).keys()
        await asyncio.sleep(WARM_UP_S)
        yield pid


def _fits(feed: dict[str, Any]) -> bool:
    wanted = feed["wanted"]
    return bool(wanted) and all(feed[side] == wanted[side] for side in ("width", "height"))


def free_rtp_port() -> int:
    """An even UDP port of 127.0.0.1 that is free together with the next one."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp:
            rtp.bind(("127.0.0.1", 0))
            port = int(rtp.getsockname()[1])
            if port % 2:
                continue
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtcp:
                try:
                    rtcp.bind(("127.0.0.1", port + 1))
                except OSError:
                    continue
                return port
