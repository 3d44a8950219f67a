"""How late the server's event loop is during J1, as its own /metrics say, to the quantile.

Beside it stands an event loop that does nothing, on the same machine at the same time: what of the
lag is the machine's.
"""

import asyncio
import re

from bench import j1
from bench.report import Figures, Options, Report, percentile, report, run
from mediaserver.loop_lag import INTERVAL_S

KEYS = ("count-1", "count-2", "count-3")
SAMPLE = re.compile(r'^shopcast_loop_lag_seconds\{quantile="(0\.\d+)"\} (\S+)$', re.MULTILINE)
PERCENTS = (50, 95, 99)


async def measure(options: Options) -> Report:
    ours, idle = [], []
    for _ in range(options.runs):
        async with (
            j1.scratch() as directory,
            j1.sinks(directory) as sinks,
            j1.our_show(sinks, KEYS, directory) as show,
        ):
            idle.append(figures(percentiles_ms(await idle_lags_s(options.seconds))))
            ours.append(figures(quantiles_ms(await show.broadcast.api.metrics())))
    return report("loop_lag", ours, {"idle_loop": idle}, {})


def quantiles_ms(metrics: str) -> dict[int, float]:
    """Lag in ms by percent, from the text of /metrics. Raises RuntimeError if it is not there."""
    lags_ms = {round(100 * float(q)): 1000 * float(lag) for q, lag in SAMPLE.findall(metrics)}
    if not lags_ms.keys() >= set(PERCENTS):
        raise RuntimeError("/metrics has no shopcast_loop_lag_seconds of these quantiles")
    return lags_ms


def percentiles_ms(lags_s: list[float]) -> dict[int, float]:
    return {percent: 1000 * percentile(lags_s, percent) for percent in PERCENTS}


def figures(lags_ms: dict[int, float]) -> Figures:
    return {f"loop_lag_p{percent}_ms": lags_ms[percent] for percent in PERCENTS}


async def idle_lags_s(seconds: float) -> list[float]:
    """How late this process's own loop wakes up, at the server's interval."""
    loop = asyncio.get_running_loop()
    lags_s: list[float] = []
    end_s = loop.time() + seconds
    while (now_s := loop.time()) < end_s:
        await asyncio.sleep(INTERVAL_S)
        lags_s.append(loop.time() - now_s - INTERVAL_S)
    return lags_s


if __name__ == "__main__":
    run(__doc__ or "", 60.0, measure)
