"""How old a picture is when the RTMP destination has decoded it: ours, and FFmpeg's command line.

The feeds carry the time of their capture in every picture; both tiles of every picture that
arrives count. A picture that is shown twice counts twice.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from bench import j1
from bench.report import Figures, Options, Report, percentile, report, run

KEY = "timecode-1"


async def measure(options: Options) -> Report:
    ours, ffmpeg = [], []
    for _ in range(options.runs):
        async with j1.scratch() as directory, j1.sinks(directory) as sinks:
            async with j1.our_show(sinks, [KEY], directory, live=True):
                ours.append(await ages(sinks, options.seconds))
            async with j1.ffmpeg_show(sinks, [KEY], directory, live=True):
                ffmpeg.append(await ages(sinks, options.seconds))
    return report("glass_to_glass", ours, {"ffmpeg": ffmpeg}, {})


async def ages(sinks: j1.Sinks, seconds: float) -> Figures:
    await sinks.received()
    await asyncio.sleep(seconds)
    return figures((await sinks.received())[KEY])


def figures(received: Mapping[str, Any]) -> Figures:
    """Percentiles over both tiles and the median of each, from what one sink received."""
    left, right = received["ages_ms"]
    both = left + right
    return {
        **{f"glass_to_glass_p{percent}_ms": percentile(both, percent) for percent in (50, 95, 99)},
        "left_tile_p50_ms": percentile(left, 50),
        "right_tile_p50_ms": percentile(right, 50),
        "pictures": received["frames"],
        "unread_tiles": 2 * received["frames"] - len(both),
    }


if __name__ == "__main__":
    run(__doc__ or "", 20.0, measure)
