"""What J1 costs: our server with feeds over WebRTC, FFmpeg's command line, and x264 alone.

Ours and FFmpeg's encode with x264's `veryfast`, as the job says; `default` is our server with
the preset that it has by default (docs/adr/0008), `obeying` that with feeds at the size of their
tiles, as browsers send them.
"""

from pathlib import Path

from bench import j1, x264
from bench.process_cpu import cpu_pct_core
from bench.report import Figures, Options, Report, medians, report, run
from mediaserver.encoder import DEFAULT_PRESET

KEYS = ("count-1", "count-2", "count-3")


async def measure(options: Options) -> Report:
    ours, default, obeying, ffmpeg, encoder = [], [], [], [], []
    pictures = x264.composed()
    for _ in range(options.runs):
        async with j1.scratch() as directory, j1.sinks(directory) as sinks:
            ours.append(await our_cost(sinks, directory, options.seconds, j1.PRESET))
            default.append(await our_cost(sinks, directory, options.seconds, DEFAULT_PRESET))
            obeying.append(
                await our_cost(sinks, directory, options.seconds, DEFAULT_PRESET, obeying=True)
            )
            ffmpeg.append(await ffmpeg_cost(sinks, directory, options.seconds))
        encoder.append(
            {
                "cpu_pct_core": x264.cost(pictures, options.seconds, j1.PRESET),
                "default_cpu_pct_core": x264.cost(pictures, options.seconds, DEFAULT_PRESET),
            }
        )
    peer = medians(ffmpeg)["cpu_pct_core"]
    cpu = {
        "server_cpu_pct_core": medians(ours)["cpu_pct_core"],
        "default_cpu_pct_core": medians(default)["cpu_pct_core"],
        "obeying_cpu_pct_core": medians(obeying)["cpu_pct_core"],
        "ffmpeg_cpu_pct_core": peer,
        "x264_cpu_pct_core": medians(encoder)["cpu_pct_core"],
        "x264_default_cpu_pct_core": medians(encoder)["default_cpu_pct_core"],
    }
    both = {
        **cpu,
        "ratio": cpu["server_cpu_pct_core"] / peer,
        "default_ratio": cpu["default_cpu_pct_core"] / peer,
        "obeying_ratio": cpu["obeying_cpu_pct_core"] / peer,
        "late_ticks_worst_run": max(run["late_ticks"] for run in ours + default + obeying),
    }
    others = {"default": default, "obeying": obeying, "ffmpeg": ffmpeg, "x264": encoder}
    return report("show_cost", ours, {**others}, both)


async def our_cost(
    sinks: j1.Sinks, directory: Path, seconds: float, preset: str, *, obeying: bool = False
) -> Figures:
    async with j1.our_show(sinks, KEYS, directory, obeying=obeying, preset=preset) as show:
        late_before = await show.late_ticks()
        cpu, fps = await cost(show.pid, sinks, seconds)
        late = await show.late_ticks() - late_before
        return {"cpu_pct_core": cpu, "fps": fps, "late_ticks": late}


async def ffmpeg_cost(sinks: j1.Sinks, directory: Path, seconds: float) -> Figures:
    async with j1.ffmpeg_show(sinks, KEYS, directory) as pid:
        cpu, fps = await cost(pid, sinks, seconds)
        return {"cpu_pct_core": cpu, "fps": fps}


async def cost(pid: int, sinks: j1.Sinks, seconds: float) -> tuple[float, float]:
    """Percent of a core that the process and its children use, and pictures a second delivered.

    Raises RuntimeError if a destination got nothing.
    """
    await sinks.received()
    cpu = await cpu_pct_core(pid, seconds)
    received = await sinks.received()
    if received.keys() != set(KEYS):
        raise RuntimeError(f"of {', '.join(KEYS)} only these received: {sorted(received)}")
    return cpu, min(received[key]["frames"] for key in KEYS) / seconds


if __name__ == "__main__":
    run(__doc__ or "", 60.0, measure)
