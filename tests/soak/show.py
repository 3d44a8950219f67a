"""The show that is disturbed: two hosts in processes of their own, three destinations."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psutil

from mediaserver.demo.broadcast import Broadcast
from mediaserver.demo.child import Child
from mediaserver.demo.server import RunningServer, running_server
from tests.peers.relay import Relay, relay
from tests.soak.destinations import Destination

FEEDS = ("flash", "other")
"""Names and ids."""
READY_S = 30.0
POLL_S = 0.1
CALM = {"gain_db": 0, "muted": False, "solo": False, "admitted": True}
MOVE = {"duration_ms": 500}
SEEN_S = 1.0
SKEW_SETTLES_S = 1.0


@dataclass
class Host:
    """A host's browser, as far as the server can tell, or a player's."""

    name: str
    module: str
    arguments: tuple[str, ...]
    log: Path
    child: Child | None = None
    said: str = ""
    """The first line of its output, once there is media."""

    async def join(self) -> None:
        if self.child is None:
            self.child = await Child.start(self.name, self.module, *self.arguments, log=self.log)
            self.said = (await self.child.line(READY_S)).decode()

    def send(self, number: signal.Signals) -> None:
        if self.child is not None:
            os.kill(self.child.pid, number)

    async def die(self) -> None:
        """Without a word to anybody."""
        self.send(signal.SIGKILL)
        child, self.child = self.child, None
        if child is not None:
            await child.stop()


@dataclass
class Soaked:
    """What faults happen to, and what they have left to be tidied up."""

    server: RunningServer
    broadcast: Broadcast
    flash: Host
    other: Host
    witness: Destination
    relayed: Destination
    relay: Relay
    moody: Destination
    rng: random.Random
    directory: Path
    viewer: Host | None = None
    reader: asyncio.StreamWriter | None = None
    records: bool = False

    async def request(self, method: str, path: str, body: object = None) -> Any:
        """`path` is below the show's. Raises ApiError."""
        return await self.server.api.request(method, f"{self.broadcast.path}{path}", body)

    @property
    def hosts(self) -> tuple[Host, Host]:
        return self.flash, self.other

    def token(self) -> str:
        return self.server.token_file.read_text().strip()

    def redis(self) -> psutil.Process | None:
        """The server's own Redis while it runs."""
        for child in psutil.Process(self.server.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.name().startswith(("redis", "valkey")):
                    return child
        return None

    async def watch(self) -> None:
        url = f"{self.server.api.address}/whep/{self.broadcast.show}/landscape"
        log = self.directory / "viewer.log"
        self.viewer = Host("the viewer", "tests.webrtc.player", (url, self.token()), log)
        await self.viewer.join()

    async def stop_watching(self, *, says_so: bool) -> None:
        viewer, self.viewer = self.viewer, None
        if viewer is None:
            return
        if says_so:
            headers = {"Authorization": f"Bearer {self.token()}"}
            url = f"{self.server.api.address}{urlsplit(viewer.said).path}"
            async with aiohttp.ClientSession() as http, http.delete(url, headers=headers):
                pass
        await viewer.die()

    async def listen_without_reading(self) -> None:
        address = urlsplit(self.server.api.address)
        _, self.reader = await asyncio.open_connection(address.hostname, address.port, limit=1024)
        self.reader.write(
            f"GET /api/v1{self.broadcast.path}/events HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Authorization: Bearer {self.token()}\r\n\r\n".encode()
        )
        await self.reader.drain()

    async def stop_listening(self) -> None:
        reader, self.reader = self.reader, None
        if reader is not None:
            reader.transport.abort()

    async def record(self) -> None:
        await self.request("POST", "/canvases/landscape/recording/start")
        self.records = True

    async def stop_recording(self) -> None:
        """Stop it and delete the file."""
        if not self.records:
            return
        self.records = False
        await self.request("POST", "/canvases/landscape/recording/stop")
        for file in (await self.request("GET", "/recordings"))["recordings"]:
            await self.request("DELETE", f"/recordings/{file['name']}")

    async def until_durable(self) -> None:
        await self.until(lambda state: state["durable"])

    async def until(self, holds: Callable[[Any], bool]) -> None:
        """Wait until it holds of the show's state. Raises TimeoutError."""
        async with asyncio.timeout(READY_S):
            while not holds(await self.broadcast.state()):  # noqa: ASYNC110 - asked over HTTP
                await asyncio.sleep(POLL_S)

    async def calm(self) -> None:
        """Heal everything, and let the flashing host alone fill the canvas. It always comes to that
        in the same way, so that what the server keeps for transitions is alike.

        Raises NotReached where the show does not come back.
        """
        await self.until_durable()
        self.moody.refuses = False
        for host in self.hosts:
            host.send(signal.SIGCONT)
            await host.join()
        await self.stop_watching(says_so=True)
        await self.stop_listening()
        await self.stop_recording()
        for feed in FEEDS:
            await self.request("PATCH", f"/feeds/{feed}", CALM)
        await self.request("PUT", "/canvases/landscape/overlays", [])
        await self.request("POST", "/targets/moody/start")
        await self.broadcast.feeds_on(READY_S)
        for layout in (
            {"preset": "side-by-side"},
            {"slots": [{"feed": FEEDS[0], "rect": [0, 0, 1, 1]}], "transition": MOVE},
        ):
            await self.request("PUT", "/canvases/landscape/layout", layout)
            await asyncio.sleep(SEEN_S)
        await self.until(lambda state: state["feeds"][0]["skew_ms"] is not None)
        await asyncio.sleep(SKEW_SETTLES_S)


@asynccontextmanager
async def on_air(directory: Path, rng: random.Random) -> AsyncIterator[Soaked]:
    """The show while the block lasts; logs and data are in `directory`."""
    async with AsyncExitStack() as stack:
        witness, relayed, moody = [await stack.enter_async_context(Destination()) for _ in range(3)]
        way = await stack.enter_async_context(relay("127.0.0.1", relayed.port))
        server = await stack.enter_async_context(running_server(directory))
        broadcast = await Broadcast.create(server.api, "Soak", FEEDS, {"preset": "side-by-side"})
        flash, other = broadcast.invitations
        show = Soaked(
            server,
            broadcast,
            flash=Host(
                "the flashing host",
                "tests.webrtc.flash_and_beep",
                (flash.whip_url, flash.token),
                directory / "flash.log",
            ),
            other=Host(
                "the other host",
                "tests.webrtc.publisher",
                (other.whip_url, other.token, "VP8"),
                directory / "other.log",
            ),
            witness=witness,
            relayed=relayed,
            relay=way,
            moody=moody,
            rng=rng,
            directory=directory,
        )
        for host in show.hosts:
            stack.push_async_callback(host.die)
            await host.join()
        stack.push_async_callback(show.stop_watching, says_so=False)
        stack.push_async_callback(show.stop_listening)
        await broadcast.feeds_on(READY_S)
        await broadcast.add_target("Witness", witness.url, "witness")
        await broadcast.add_target("Relayed", way.url, "relayed")
        await broadcast.add_target("Moody", moody.url, "moody")
        await broadcast.start()
        await broadcast.targets_live(READY_S)
        yield show
