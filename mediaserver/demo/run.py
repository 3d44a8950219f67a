"""The demo's story: a server, two cameras, a show on air, and a look at what arrived."""

import asyncio
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import msgspec

from compositor.geometry import Fractions
from mediaserver.demo import shop, status
from mediaserver.demo.api import ApiError
from mediaserver.demo.broadcast import Broadcast, NotReached
from mediaserver.demo.camera import CAMERAS, FPS
from mediaserver.demo.child import Child, ChildFailed
from mediaserver.demo.destination import Destination, destination
from mediaserver.demo.server import RunningServer, free_port, running_server
from mediaserver.demo.verdict import Expected, judge

CAMERAS_WITHIN_S = 30.0
ON_AIR_WITHIN_S = 20.0
ENDED_WITHIN_S = 5.0
INTERRUPTED = 130
"""What a shell says of a program ended by SIGINT."""

TILES: tuple[Fractions, ...] = ((0.1, 0.3, 0.3, 0.4), (0.6, 0.3, 0.3, 0.4))
"""Well inside the two tiles of `side-by-side`."""


def run(seconds: float | None) -> int:
    """Put a show on air for `seconds`, or until Ctrl-C; the exit code.

    With `seconds` it is 0 only if what the cameras sent arrived at the destination.
    """
    try:
        return asyncio.run(_run(seconds))
    except (ApiError, ChildFailed, NotReached) as error:
        print(f"the demo failed: {error}", file=sys.stderr)
        return 1


async def _run(seconds: float | None) -> int:
    directory = Path(tempfile.mkdtemp(prefix="shopcast-demo-"))
    recording = directory / "on-air.flv"
    story = asyncio.create_task(_story(directory, recording, seconds))

    def interrupt() -> None:
        if not story.cancelling():
            story.cancel()

    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, interrupt)
    try:
        await story
    except asyncio.CancelledError:
        print("\nended", flush=True)
        return 0 if seconds is None else INTERRUPTED
    finally:
        shutil.rmtree(directory / "data", ignore_errors=True)
        print(f"recording and logs are kept in {directory}", flush=True)
    if seconds is None:
        return 0
    verdict = await asyncio.to_thread(judge, recording, expected(), seconds, FPS)
    print(status.summary(verdict), flush=True)
    return 1 if verdict.faults else 0


async def _story(directory: Path, recording: Path, seconds: float | None) -> None:
    """From nothing to a show that has ended, with what arrived in `recording`."""
    print("starting the server …", flush=True)
    port = free_port()
    async with (
        destination(recording) as local,
        shop.sandbox(directory, f"http://127.0.0.1:{port}") as tiktok,
        shop.pictures() as pictures_url,
        running_server(directory, port, **tiktok.settings, **shop.SETTINGS) as server,
    ):
        names = [camera.name for camera in CAMERAS]
        layout = {"preset": "side-by-side"}
        broadcast = await Broadcast.create(server.api, "Demo", names, layout, ["tiktok"])
        await broadcast.add_target("local", local.url, "demo")
        print("opening the shop …", flush=True)
        products = await shop.fill(server.api, pictures_url)
        await shop.connect(server.api)
        await server.api.request("PUT", f"{broadcast.path}/rundown", {"products": products})
        print("starting two cameras …", flush=True)
        log = directory / "cameras.log"
        cameras = await Child.start("the cameras' process", "mediaserver.demo.cameras", log=log)
        try:
            await cameras.tell(msgspec.json.encode(broadcast.invitations))
            await cameras.line(CAMERAS_WITHIN_S)
            await broadcast.feeds_on(CAMERAS_WITHIN_S)
            await broadcast.start()
            await broadcast.targets_live(ON_AIR_WITHIN_S)
            print(_where_to_look(server, broadcast, tiktok, local), flush=True)
            await _watch(broadcast, cameras, seconds)
            await broadcast.end()
            await local.ended(ENDED_WITHIN_S)
        finally:
            await cameras.stop()


async def _watch(broadcast: Broadcast, cameras: Child, seconds: float | None) -> None:
    """Print a line a second. Raises ChildFailed if the cameras' process ends."""
    loop = asyncio.get_running_loop()
    start_s = before_s = loop.time()
    sent = status.bytes_sent(await broadcast.state())
    second = 0
    while seconds is None or second < seconds:
        second += 1
        on_air_s = second if seconds is None else min(second, seconds)
        await asyncio.sleep(start_s + on_air_s - loop.time())
        if not cameras.running:
            raise cameras.failure("ended")
        state = await broadcast.state()
        now_s = loop.time()
        rundown = await broadcast.rundown()
        print(status.line(on_air_s, state, sent, now_s - before_s, rundown), flush=True)
        sent, before_s = status.bytes_sent(state), now_s


def _where_to_look(
    server: RunningServer, broadcast: Broadcast, tiktok: shop.Sandbox, local: Destination
) -> str:
    show = f"{server.api.address}/api/v1{broadcast.path}"
    token = f"Authorization: Bearer $(cat {server.token_file})"
    return "on air:\n" + status.table(
        [
            ("show", show),
            ("token", f'{server.token_file}: sign in with it, or `curl -H "{token}" {show}`'),
            ("picture", f"{show}/canvases/landscape/snapshot.jpg"),
            ("rundown", f"{show}/rundown"),
            ("sandbox", f"{tiktok.url}/_control/: TikTok Shop, played by this machine"),
            ("sent to", local.url),
            ("play it", f"ffplay {local.path}"),
        ]
    )


def expected() -> list[Expected]:
    return [
        Expected(camera.name, tile, camera.chroma, camera.tone_hz)
        for camera, tile in zip(CAMERAS, TILES, strict=True)
    ]
