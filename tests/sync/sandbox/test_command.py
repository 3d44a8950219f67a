"""`shopcast sandbox` as a process."""

import asyncio
import signal
import sys

import aiohttp

from sync.sandbox.command import main


async def test_the_process_says_how_to_use_it_and_ends_when_told() -> None:
    command = (sys.executable, "-m", "mediaserver", "sandbox", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    lines: dict[str, str] = {}
    async with asyncio.timeout(30):
        while "SHOPCAST_TIKTOK_AUTHORIZE_URL" not in lines:
            name, _, value = (await process.stdout.readline()).decode().strip().partition("=")
            lines[name.removeprefix("export ")] = value
        query = {"service_id": lines["SHOPCAST_TIKTOK_SERVICE_ID"], "state": "s"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(lines["SHOPCAST_TIKTOK_AUTHORIZE_URL"], params=query) as response,
        ):
            assert response.status == 200
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


def test_a_rate_that_is_none_is_refused() -> None:
    assert main(["--requests-per-second", "0"]) == 2


async def test_a_port_that_is_taken_is_said_so() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        command = (sys.executable, "-m", "sync.sandbox", "--port", str(port))
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        async with asyncio.timeout(30):
            _, told = await process.communicate()
    finally:
        server.close()
        await server.wait_closed()
    assert process.returncode == 2
    assert f"127.0.0.1:{port}" in told.decode()
