"""How many shows of J1 one server carries before their ticks come late, one more at a time.

Two feeds at 720p30 and three destinations each; hosts and destinations are on the same machine,
in a process of their own each. Hosts that are `obeying` send their feeds at the size of their
tiles.
"""

import asyncio
from contextlib import AsyncExitStack

from bench import j1
from bench.job import LAYOUT
from bench.process_cpu import tree_cpu_s
from bench.report import Figures, Options, Report, report, run
from bench.sender import Job, Sent
from mediaserver.demo.broadcast import Broadcast, NotReached
from mediaserver.demo.server import RunningServer, running_server

MOST_SHOWS = 8
"""As many as a server takes unless its settings say otherwise."""
KEYS = ("count-1", "count-2", "count-3")


async def measure(options: Options) -> Report:
    runs = []
    for _ in range(options.runs):
        full = await capacity(options.seconds)
        obeying = await capacity(options.seconds, obeying=True)
        runs.append(full | {f"obeying_{name}": figure for name, figure in obeying.items()})
    # Runs that came less far have fewer figures; the median is of what all have.
    shared = set.intersection(*(set(each) for each in runs))
    return report(
        "capacity",
        [{name: each[name] for name in runs[0] if name in shared} for each in runs],
        {},
        {},
    )


async def capacity(seconds: float, *, obeying: bool = False) -> Figures:
    """How many shows were in time, and what each cost as they grew."""
    figures: Figures = {"shows": 0}
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(j1.scratch())
        sinks = await stack.enter_async_context(j1.sinks(directory))
        hosts = await stack.enter_async_context(j1.hosts(directory))
        server = await stack.enter_async_context(running_server(directory))
        shows: list[Broadcast] = []
        for count in range(1, MOST_SHOWS + 1):
            try:
                shows.append(await one_more(server, hosts, sinks, str(count), obeying))
            except (NotReached, TimeoutError):
                break
            late, cpu = await lateness(shows, server.pid, seconds)
            figures[f"{count}_shows_cpu_pct_core"] = cpu
            figures[f"{count}_shows_late_ticks"] = late
            if late:
                break
            figures["shows"] = count
    return figures


async def one_more(
    server: RunningServer, hosts: j1.Hosts, sinks: j1.Sinks, name: str, obeying: bool
) -> Broadcast:
    """One more show on air. Raises NotReached or TimeoutError when it does not come about."""
    show = await Broadcast.create(server.api, name, ("left", "right"), LAYOUT)
    feeds = [Sent(clip, whip=of, obeys=obeying) for clip, of in enumerate(show.invitations)]
    await hosts.send(Job(feeds))
    await show.feeds_on(j1.ON_AIR_WITHIN_S)
    on_air = j1.OurShow(server.pid, show)
    await on_air.send_to(sinks, [f"{key}-{name}" for key in KEYS])
    await show.targets_live(j1.ON_AIR_WITHIN_S)
    if obeying:
        await on_air.feeds_fit(j1.CLIPS_WITHIN_S)
    await asyncio.sleep(j1.WARM_UP_S)
    return show


async def lateness(shows: list[Broadcast], pid: int, seconds: float) -> tuple[int, float]:
    """Ticks that come late in so many seconds, in all shows, and percent of a core for each."""
    late_before, cpu_before_s = await late_ticks(shows), tree_cpu_s(pid)
    await asyncio.sleep(seconds)
    cpu_s = tree_cpu_s(pid) - cpu_before_s
    late = await late_ticks(shows) - late_before
    return late, 100 * cpu_s / seconds / len(shows)


async def late_ticks(shows: list[Broadcast]) -> int:
    return sum([await j1.OurShow(0, show).late_ticks() for show in shows])


if __name__ == "__main__":
    run(__doc__ or "", 20.0, measure)
