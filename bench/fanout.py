"""What each more target costs: J1 sent to 1, 10 and 100 destinations, one of which stops reading.

FFmpeg's command line sends to as many, all of which read.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import j1
from bench.process_cpu import cpu_pct_core
from bench.report import Figures, Options, Report, report, run

COUNTS = (1, 10, 100)
STALL_S = 10.0
"""Until the stalled target's buffers are full."""


async def measure(options: Options) -> Report:
    ours, ffmpeg = [], []
    for _ in range(options.runs):
        async with j1.scratch() as directory, j1.sinks(directory) as sinks:
            ours.append(await our_costs(sinks, directory, options.seconds))
            ffmpeg.append(await ffmpeg_costs(sinks, directory, options.seconds))
    return report("fanout", ours, {"ffmpeg": ffmpeg}, {})


async def our_costs(sinks: j1.Sinks, directory: Path, seconds: float) -> Figures:
    """One show, to which targets are added; the second one stalls."""
    keys = ["count-1", "stall-2", *(f"count-{number}" for number in range(3, COUNTS[-1] + 1))]
    costs: dict[int, float] = {}
    async with j1.our_show(sinks, keys[:1], directory) as show:
        started = 1
        for count in COUNTS:
            await show.send_to(sinks, keys[started:count])
            if count > started:
                await asyncio.sleep(STALL_S)
            started = count
            await sinks.received()
            costs[count] = await cpu_pct_core(show.pid, seconds)
        received = await sinks.received()
        targets = (await show.broadcast.state())["targets"]
    dropped = {target["name"]: target["frames_dropped"] for target in targets}
    stalled_dropped = dropped.pop("stall-2")
    return {
        **per_target(costs),
        **delivered(received, [key for key in keys if key != "stall-2"], seconds),
        "reading_targets_frames_dropped": sum(dropped.values()),
        "stalled_target_frames_dropped": stalled_dropped,
    }


async def ffmpeg_costs(sinks: j1.Sinks, directory: Path, seconds: float) -> Figures:
    """A process of its own for each number of outputs."""
    costs: dict[int, float] = {}
    arrived: Figures = {}
    for count in COUNTS:
        keys = [f"count-{number}" for number in range(1, count + 1)]
        async with j1.ffmpeg_show(sinks, keys, directory) as pid:
            await sinks.received()
            costs[count] = await cpu_pct_core(pid, seconds)
            arrived = delivered(await sinks.received(), keys, seconds)
    return {**per_target(costs), **arrived}


def delivered(received: Mapping[str, Any], keys: Sequence[str], seconds: float) -> Figures:
    """What the worst served of all reading destinations got, with the most targets."""
    none = {"frames": 0, "bytes": 0}
    return {
        "worst_target_fps": min(received.get(key, none)["frames"] for key in keys) / seconds,
        "worst_target_mbit_s": min(received.get(key, none)["bytes"] for key in keys)
        * 8e-6
        / seconds,
    }


def per_target(costs: Mapping[int, float]) -> Figures:
    """The CPU with each number of targets, and what each one more than the first cost."""
    (first, alone), *others = costs.items()
    return {
        **{f"cpu_with_{count}_targets_pct_core": cost for count, cost in costs.items()},
        **{
            f"cpu_each_more_of_{count}_pct_core": (cost - alone) / (count - first)
            for count, cost in others
        },
    }


if __name__ == "__main__":
    run(__doc__ or "", 15.0, measure)
