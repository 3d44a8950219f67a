"""Job J2: four live 720p30 feeds into 1080p30 and 720×1280@30 at once, beside FFmpeg's CLI.

Ours and FFmpeg's encode with x264's `veryfast`, as the job says; `default` is our server with
the preset that it has by default (docs/adr/0008).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench import ffmpeg, j1
from bench.process_cpu import cpu_pct_core
from bench.report import Figures, Options, Report, medians, report, run
from bench.rtp import RtpPorts
from bench.sender import Job, Sent
from mediaserver.demo.broadcast import Broadcast, Invitation
from mediaserver.demo.server import running_server
from mediaserver.encoder import DEFAULT_PRESET

FEEDS = 4
CANVASES = {
    "landscape": {"width": 1920, "height": 1080, "fps": 30, "video_bitrate": 6_000_000},
    "portrait": {"width": 720, "height": 1280, "fps": 30, "video_bitrate": 3_000_000},
}
LAYOUT = {
    "background": "#000000",
    "slots": [
        {"auto": 1, "rect": [0, 0, 0.5, 0.5]},
        {"auto": 2, "rect": [0.5, 0, 0.5, 0.5]},
        {"auto": 3, "rect": [0, 0.5, 0.5, 0.5]},
        {"auto": 4, "rect": [0.5, 0.5, 0.5, 0.5]},
    ],
}
KEYS = {canvas: f"count-{canvas}" for canvas in CANVASES}

_TILES = {"landscape": "scale=960:540", "portrait": "crop=406:720:436:0,scale=360:640"}
_STACK = f"xstack=inputs={FEEDS}:layout=0_0|w0_0|0_h0|w0_h0"


async def measure(options: Options) -> Report:
    ours, default, theirs = [], [], []
    for _ in range(options.runs):
        async with j1.scratch() as directory, j1.sinks(directory) as sinks:
            ours.append(await our_cost(sinks, directory, options.seconds, j1.PRESET))
            default.append(await our_cost(sinks, directory, options.seconds, DEFAULT_PRESET))
            async with ffmpeg_show(sinks, directory) as pid:
                theirs.append(await cost(pid, sinks, options.seconds))
    cpu = "cpu_pct_core"
    both = {
        "ratio": medians(ours)[cpu] / medians(theirs)[cpu],
        "default_ratio": medians(default)[cpu] / medians(theirs)[cpu],
        "ratio_per_picture": cpu_per_picture(ours) / cpu_per_picture(theirs),
        "default_ratio_per_picture": cpu_per_picture(default) / cpu_per_picture(theirs),
        "late_ticks_worst_run": max(run["late_ticks"] for run in ours + default),
    }
    return report("two_canvases", ours, {"default": default, "ffmpeg": theirs}, both)


async def our_cost(sinks: j1.Sinks, directory: Path, seconds: float, preset: str) -> Figures:
    async with our_show(sinks, directory, preset) as show:
        late_before = await late_ticks(show.broadcast)
        figures = await cost(show.pid, sinks, seconds)
        return {**figures, "late_ticks": await late_ticks(show.broadcast) - late_before}


def cpu_per_picture(runs: Sequence[Figures]) -> float:
    """In percent of a core for one a second: FFmpeg delivers fewer where its one thread is busy."""
    figures = medians(runs)
    return figures["cpu_pct_core"] / sum(figures[f"{canvas}_fps"] for canvas in CANVASES)


async def cost(pid: int, sinks: j1.Sinks, seconds: float) -> Figures:
    """Percent of a core that the process and its children use, and pictures a second delivered.

    Raises RuntimeError if a destination got nothing.
    """
    await sinks.received()
    cpu = await cpu_pct_core(pid, seconds)
    received = await sinks.received()
    if received.keys() != set(KEYS.values()):
        raise RuntimeError(f"only these received: {sorted(received)}")
    rates = {f"{c}_fps": received[key]["frames"] / seconds for c, key in KEYS.items()}
    return {"cpu_pct_core": cpu, **rates}


async def late_ticks(broadcast: Broadcast) -> int:
    canvases = (await broadcast.state())["canvases"]
    return sum(int(canvases[canvas]["program"]["late_ticks"]) for canvas in CANVASES)


@asynccontextmanager
async def our_show(sinks: j1.Sinks, directory: Path, preset: str) -> AsyncIterator[j1.OurShow]:
    """The job by our server, feeds over WebRTC."""
    async with running_server(directory, SHOPCAST_X264_PRESET=preset) as server:
        api = server.api
        show = await api.request("POST", "/shows", {"title": "J2", "canvases": CANVASES})
        path = f"/shows/{show['id']}"
        feeds = []
        for number in range(FEEDS):
            body = {"name": f"camera {number + 1}", "admitted": True}
            feed = await api.request("POST", f"{path}/feeds", body)
            invitation = Invitation(feed["whip_url"], feed["token"])
            feeds.append(Sent(number % 2, whip=invitation))
        broadcast = Broadcast(api, show["id"], [])
        for canvas in CANVASES:
            await api.request("PUT", f"{path}/canvases/{canvas}/layout", LAYOUT)
        async with j1.sending(Job(feeds), directory):
            await broadcast.feeds_on(j1.ON_AIR_WITHIN_S)
            for canvas, name in KEYS.items():
                url, _, key = sinks.url(name).rpartition("/")
                target = {"name": name, "platform": "custom", "url": url, "stream_key": key}
                await api.request("POST", f"{path}/targets", {**target, "canvas": canvas})
            await broadcast.start()
            await broadcast.targets_live(j1.ON_AIR_WITHIN_S)
            await asyncio.sleep(j1.WARM_UP_S)
            yield j1.OurShow(server.pid, broadcast)


@asynccontextmanager
async def ffmpeg_show(sinks: j1.Sinks, directory: Path) -> AsyncIterator[int]:
    """The same by FFmpeg's command line, feeds as plain RTP; gives its process id."""
    ports = [RtpPorts(j1.free_rtp_port(), j1.free_rtp_port()) for _ in range(FEEDS)]
    feeds = [Sent(number % 2, rtp=of) for number, of in enumerate(ports)]

    def command(description: Path) -> list[str]:
        return ffmpeg_command(description, {c: sinks.url(key) for c, key in KEYS.items()})

    async with (
        ffmpeg.composing(ports, command, directory) as pid,
        j1.sending(Job(feeds), directory),
    ):
        waiting = set(KEYS.values())
        async with asyncio.timeout(j1.ON_AIR_WITHIN_S):
            while waiting:
                await asyncio.sleep(j1.POLL_S)
                waiting -= (await sinks.received()).keys()
        await asyncio.sleep(j1.WARM_UP_S)
        yield pid


def ffmpeg_command(description: Path, urls: dict[str, str]) -> list[str]:
    """Every feed decoded once, two grids of four, each encoded once, one sound for both."""
    inputs = range(FEEDS)
    filters = [f"[0:v:{n}]fps=30,split[landscape{n}][portrait{n}]" for n in inputs]
    for canvas, tile in _TILES.items():
        filters += [f"[{canvas}{n}]{tile}:flags=bilinear[{canvas}-{n}]" for n in inputs]
        filters.append("".join(f"[{canvas}-{n}]" for n in inputs) + f"{_STACK}[{canvas}]")
    filters += [f"[0:a:{n}]aresample=48000:async=1[sound{n}]" for n in inputs]
    sounds = "".join(f"[sound{n}]" for n in inputs)
    mix = f"{sounds}amix=inputs={FEEDS}:normalize=0,asplit"
    filters.append(mix + "".join(f"[{canvas}-sound]" for canvas in CANVASES))
    command = ["ffmpeg", *ffmpeg.INPUT.split(), "-i", str(description)]
    command += ["-filter_complex", ";".join(filters)]
    for canvas, of in CANVASES.items():
        rate = of["video_bitrate"] // 1000
        command += ["-map", f"[{canvas}]", "-map", f"[{canvas}-sound]"]
        command += (
            "-c:v libx264 -preset veryfast -tune zerolatency "
            f"-b:v {rate}k -maxrate {rate}k -bufsize {rate}k -g 60 -keyint_min 60 "
            f"-sc_threshold 0 -threads:v 1 -c:a aac -b:a 128k -f flv {urls[canvas]}"
        ).split()
    return command


if __name__ == "__main__":
    run(__doc__ or "", 60.0, measure)
