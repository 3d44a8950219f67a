"""The server as a child process, on free ports and with a data directory of its own."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from mediaserver.demo.api import Api
from mediaserver.demo.child import Child

READY_WITHIN_S = 30.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class RunningServer:
    """`api` speaks with it as its owner; `token_file` lets others sign in."""

    pid: int
    api: Api
    token_file: Path


@asynccontextmanager
async def running_server(
    directory: Path, port: int | None = None, **settings: str
) -> AsyncIterator[RunningServer]:
    """A server that is ready, ended with the block. Its data and its log are in `directory`;
    `settings` are variables of its environment.

    Raises ChildFailed if it does not come up.
    """
    port = port or free_port()
    data = directory / "data"
    child = await Child.start(
        "the server",
        "mediaserver",
        "serve",
        log=directory / "server.log",
        environment={
            **without_settings(os.environ),
            "SHOPCAST_HOST": "127.0.0.1",
            "SHOPCAST_PORT": str(port),
            "SHOPCAST_RTMP_PORT": "0",
            "SHOPCAST_DATA_DIR": str(data),
            **settings,
        },
    )
    try:
        address = f"http://127.0.0.1:{port}"
        await _ready(child, address)
        token_file = data / "admin-token"
        async with Api(address, token_file.read_text().strip()) as api:
            yield RunningServer(child.pid, api, token_file)
    finally:
        await child.stop(by_signal=True)


async def _ready(child: Child, address: str) -> None:
    loop = asyncio.get_running_loop()
    give_up_s = loop.time() + READY_WITHIN_S
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(
                    f"{address}/readyz", timeout=aiohttp.ClientTimeout(2)
                ) as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass  # not listening yet
            if not child.running:
                raise child.failure("ended")
            if loop.time() > give_up_s:
                raise child.failure(f"was not ready within {READY_WITHIN_S:g} s")
            await asyncio.sleep(POLL_S)


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without the settings of the user's own server, whose Redis is not for us."""
    return {name: text for name, text in environment.items() if not name.startswith("SHOPCAST_")}


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
