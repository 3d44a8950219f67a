"""How late the server's event loop is during J1, as its own /metrics say, to the quantile.

Beside it stands an event loop that does nothing, on the same machine at the same time: what of the
lag is the machine's.
"""

import asyncio
import re

from bench import j1
from bench.report import Figures, Options, Report, report, run
from mediaserver.loop_lag import LoopLag

KEYS = ("count-1", "count-2", "count-3")
SAMPLE = re.compile(r'^shopcast_loop_lag_seconds\{quantile="([01]\.\d+)"\} (\S+)$', re.MULTILINE)
PERCENTS = (50, 95, 99, 100)


async def measure(options: Options) -> Report:
    ours, idle = [], []
    for _ in range(options.runs):
        async with (
            j1.scratch() as directory,
            j1.sinks(directory) as sinks,
            j1.our_show(sinks, KEYS, directory) as show,
        ):
            idle.append(figures(await idle_lags_ms(options.seconds)))
            ours.append(figures(quantiles_ms(await show.broadcast.api.metrics())))
    return report("loop_lag", ours, {"idle_loop": idle}, {})


def quantiles_ms(metrics: str) -> dict[int, float]:
    """Lag in ms by percent, from the text of /metrics. Raises RuntimeError if it is not there."""
    lags_ms = {round(100 * float(q)): 1000 * float(lag) for q, lag in SAMPLE.findall(metrics)}
    if not lags_ms.keys() >= set(PERCENTS):
        raise RuntimeError("/metrics has no shopcast_loop_lag_seconds of these quantiles")
    return lags_ms


def figures(lags_ms: dict[int, float]) -> Figures:
    return {f"loop_lag_p{percent}_ms": lags_ms[percent] for percent in PERCENTS}


async def idle_lags_ms(seconds: float) -> dict[int, float]:
    """How late this process's own loop is, measured as the server measures its own."""
    lag = LoopLag()
    await asyncio.sleep(seconds)
    lag.stop()
    lags_s = lag.quantiles(*(percent / 100 for percent in PERCENTS))
    return {percent: 1000 * value for percent, value in zip(PERCENTS, lags_s, strict=True)}


if __name__ == "__main__":
    run(__doc__ or "", 60.0, measure)
