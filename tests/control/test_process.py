"""The server as its operator runs it: a process that is started, and ended by a signal."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from mediaserver.app import End, serve
from mediaserver.redis_server import RedisServer
from mediaserver.settings import HttpSettings, RtmpSettings, Settings, StoreSettings
from tests.api.client import Client
from tests.control.servers import LANDSCAPE, Running
from tests.control.servers import SMALL as SMALL_CANVAS
from tests.control.until import until
from tests.peers.relay import relay
from tests.peers.rtmp_record import RtmpRecord
from tests.peers.rtmp_silent import rtmp_silent

START_TIMEOUT_S = 30.0
END_TIMEOUT_S = 5.0
SMALL = {"width": 320, "height": 180, "fps": 30, "video_bitrate": 200_000}


class ServerProcess:
    """`shopcast serve` on a free port with its data in `data_dir`."""

    def __init__(self, process: asyncio.subprocess.Process, data_dir: Path) -> None:
        self.process = process
        self.log: list[str] = []
        self._data_dir = data_dir

    @property
    def token(self) -> str:
        return (self._data_dir / "admin-token").read_text().strip()

    async def until_logged(self, event: str) -> str:
        """The value after `event`'s first `=`, once it is logged."""
        assert self.process.stderr is not None
        async with asyncio.timeout(START_TIMEOUT_S):
            while line := (await self.process.stderr.readline()).decode():
                self.log.append(line)
                if f" {event} " in line or line.rstrip().endswith(f" {event}"):
                    return line.rstrip().partition("=")[2]
        raise AssertionError("".join(self.log))

    async def ended(self, within_s: float) -> int:
        assert self.process.stderr is not None
        async with asyncio.timeout(within_s):
            self.log += (await self.process.stderr.read()).decode().splitlines(keepends=True)
            return await self.process.wait()


@asynccontextmanager
async def serving(
    data_dir: Path, *arguments: str, **environment: str
) -> AsyncIterator[ServerProcess]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mediaserver", "serve", *arguments),
        env=os.environ
        | {"SHOPCAST_PORT": "0", "SHOPCAST_RTMP_PORT": "0", "SHOPCAST_DATA_DIR": str(data_dir)}
        | {"SHOPCAST_X264_PRESET": "ultrafast", "SHOPCAST_KEYFRAME_INTERVAL_S": "0.5"}
        | environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield ServerProcess(process, data_dir)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


@asynccontextmanager
async def client_of(server: ServerProcess) -> AsyncIterator[Client]:
    url = await server.until_logged("listening")
    async with aiohttp.ClientSession() as http:
        yield Client(http, url, server.token)


def port_of(url: str) -> int:
    return int(url.split(":")[2].split("/")[0])


async def show_on_air(owner: Client, *urls: str) -> str:
    body: dict[str, Any] = {"title": "Autumn", "canvases": {"landscape": SMALL}}
    path = f"/api/v1/shows/{(await owner.post('/api/v1/shows', body, 201))['id']}"
    for url in urls:
        target = {"platform": "custom", "url": url, "stream_key": "the-key"}
        await owner.post(f"{path}/targets", target, 201)
    await owner.post(f"{path}/start")
    return path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_a_show_on_air_cleanly_and_leaves_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        destination = await stack.enter_async_context(RtmpRecord())
        silent = await stack.enter_async_context(rtmp_silent())
        server = await stack.enter_async_context(serving(tmp_path))
        owner = await stack.enter_async_context(client_of(server))
        path = await show_on_air(owner, destination.url, silent)
        recording = await destination.recording()
        await recording.until_messages(30)
        events = await stack.enter_async_context(owner.events(f"{path}/events"))
        await events.next()
        children = psutil.Process(server.process.pid).children(recursive=True)
        assert len(children) == 1

        server.process.send_signal(number)
        code = await server.ended(END_TIMEOUT_S)

        assert code == 0, server.log
        assert recording.is_clean is True
        assert not any(child.is_running() for child in children)
        assert not (tmp_path / "redis.sock").exists()
        assert not any(" ERROR " in line or "Traceback" in line for line in server.log)


async def test_a_server_whose_peers_all_hang_ends_in_time(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        destination = await stack.enter_async_context(RtmpRecord())
        hole = await stack.enter_async_context(relay("127.0.0.1", port_of(destination.url)))
        silent = await stack.enter_async_context(rtmp_silent())
        server = await stack.enter_async_context(serving(tmp_path))
        owner = await stack.enter_async_context(client_of(server))
        path = await show_on_air(owner, hole.url, silent)
        await (await destination.recording()).until_messages(30)
        host, port = owner.base_url.removeprefix("http://").split(":")
        _, caller = await asyncio.open_connection(host, int(port))
        stack.callback(caller.transport.abort)
        head = (
            f"POST /api/v1/shows HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        )
        caller.write(head.encode())
        events = await stack.enter_async_context(owner.events(f"{path}/events"))
        await events.next()
        (redis,) = psutil.Process(server.process.pid).children()

        hole.swallow()
        redis.suspend()
        server.process.terminate()
        code = await server.ended(END_TIMEOUT_S)

        assert code == 0, server.log
        assert not redis.is_running()
        assert not any("Traceback" in line for line in server.log)


async def test_a_server_that_starts_again_knows_its_shows(tmp_path: Path) -> None:
    async with RtmpRecord() as destination:
        async with serving(tmp_path) as server, client_of(server) as owner:
            path = await show_on_air(owner, destination.url)
            await (await destination.recording()).until_messages(10)
            server.process.terminate()
            await server.ended(END_TIMEOUT_S)
        async with serving(tmp_path) as again, client_of(again) as owner:
            show = await owner.get(path)
            await owner.post(f"{path}/start")
            recording = await destination.recording(1)
            await recording.until_messages(10)

    assert (show["title"], show["status"]) == ("Autumn", "idle")
    assert show["targets"][0]["status"] == "idle"
    assert recording.key == "the-key"


async def test_a_server_that_was_killed_leaves_a_redis_that_the_next_one_takes_over(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as server, client_of(server) as owner:
        path = await show_on_air(owner)
        (redis,) = psutil.Process(server.process.pid).children()
        server.process.kill()
        await server.ended(END_TIMEOUT_S)
        assert redis.is_running()

    async with serving(tmp_path) as again, client_of(again) as owner:
        assert (await owner.get(path))["title"] == "Autumn"
        assert any("redis_left_behind" in line for line in again.log)
        await asyncio.to_thread(psutil.wait_procs, [redis], END_TIMEOUT_S)
        assert not redis.is_running()


async def test_a_lease_in_a_redis_that_others_use_too_is_left_alone(
    tmp_path: Path, redis_server: RedisServer, running: Running
) -> None:
    show = await running.node.create(
        "Autumn", {LANDSCAPE: SMALL_CANVAS}, starts_at=None, channels=()
    )
    await running.node.start(show)
    url = redis_server.url
    async with (
        serving(tmp_path / "other", SHOPCAST_REDIS_URL=url) as server,
        client_of(server) as owner,
    ):
        status = (await owner.get(f"/api/v1/shows/{show.id}"))["status"]
        start = await owner.call("POST", f"/api/v1/shows/{show.id}/start")

    assert (status, start.status) == ("on_air_elsewhere", 409)


@pytest.mark.parametrize("place", ["a file", "not to be made", "not to be written"])
async def test_a_data_dir_that_cannot_be_used_is_a_fault_in_words(
    place: str, tmp_path: Path
) -> None:
    data_dir = {
        "a file": tmp_path / "file",
        "not to be made": Path("/proc/x"),
        "not to be written": Path("/proc"),
    }[place]
    (tmp_path / "file").write_text("")

    async with serving(data_dir) as server:
        assert await server.ended(START_TIMEOUT_S) == 2

    (line,) = server.log
    assert line.startswith(f"shopcast: SHOPCAST_DATA_DIR: {data_dir} cannot be used as a directory")


@pytest.mark.parametrize("name", ["admin-token", "secret-keys"])
async def test_a_secret_that_cannot_be_read_is_a_fault_in_words(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir(mode=0o700)

    async with serving(tmp_path) as server:
        assert await server.ended(START_TIMEOUT_S) == 2

    assert server.log == [f"shopcast: {tmp_path / name}: Is a directory\n"]


async def test_a_second_server_on_the_same_data_dir_does_not_start(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, client_of(server), serving(tmp_path) as second:
        assert await second.ended(START_TIMEOUT_S) == 2

    assert second.log == [
        f"shopcast: SHOPCAST_DATA_DIR: {tmp_path} is in use by process {server.process.pid}\n"
    ]


async def test_a_port_that_is_taken_is_a_fault_in_words(tmp_path: Path) -> None:
    async with RtmpRecord() as taken:
        port = port_of(taken.url)
        async with serving(tmp_path, SHOPCAST_PORT=str(port)) as server:
            assert await server.ended(START_TIMEOUT_S) == 2

        async with serving(tmp_path, SHOPCAST_RTMP_PORT=str(port)) as encoders:
            assert await encoders.ended(START_TIMEOUT_S) == 2

    in_use = f"127.0.0.1 port {port}: Address already in use"
    assert server.log == [f"shopcast: SHOPCAST_HOST, SHOPCAST_PORT: {in_use}\n"]
    assert encoders.log == [
        f"shopcast: SHOPCAST_HOST, SHOPCAST_RTMP_PORT: {in_use}; set another port, or off\n"
    ]


async def test_faulty_settings_are_all_listed_with_exit_code_2(tmp_path: Path) -> None:
    config = tmp_path / "shop.toml"
    config.write_text('[http]\nprot = 1\n[log]\nlevel = "loud"\n')

    async with serving(tmp_path, "--config", str(config), SHOPCAST_PORT="x") as server:
        assert await server.ended(START_TIMEOUT_S) == 2

    assert server.log == [
        f"shopcast: http.prot in {config}: there is no such setting; did you mean port?\n",
        "shopcast: SHOPCAST_PORT: must be a number, not 'x'\n",
        f"shopcast: log.level in {config}: must be one of debug, info, warning, error, "
        "not 'loud'\n",
    ]
    assert not (tmp_path / "redis").exists()


async def test_what_was_imported_is_kept_from_the_garbage_collector(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings = Settings(
        http=HttpSettings(port=0),
        rtmp=RtmpSettings(port=0),
        store=StoreSettings(data_dir=tmp_path),
    )
    before = gc.get_freeze_count()
    try:
        server = asyncio.create_task(serve(settings))
        await until(lambda: "listening url=" in caplog.text)
        assert gc.get_freeze_count() - before > 10_000
        os.kill(os.getpid(), signal.SIGTERM)
        await server
    finally:
        gc.unfreeze()


async def test_the_stages_of_the_end_share_one_deadline(caplog: pytest.LogCaptureFixture) -> None:
    end = End()
    await end.stage("quick", 20.0, asyncio.sleep(0))

    await end.stage("hung", 0.5, asyncio.Event().wait())

    assert [r.getMessage() for r in caplog.records] == ["did_not_end what=hung"]
    assert 0.2 < end.left_s(20.0) <= 19.5
    assert end.left_s(0.5) == 0.2
