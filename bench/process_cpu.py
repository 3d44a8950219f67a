"""CPU time of a process and everything it started, dead children included."""

import asyncio
import os
import time
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


async def cpu_pct_core(pid: int, seconds: float) -> float:
    """Percent of a core that the process and its children use."""
    cpu_s, start_s = tree_cpu_s(pid), time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (tree_cpu_s(pid) - cpu_s) / (time.monotonic() - start_s)


def tree_cpu_s(pid: int) -> float:
    """User + system seconds of `pid` and its descendants; proc(5), fields 14 to 17.

    A child that a process has waited for is in its parent's account. Raises ProcessLookupError
    if the process itself has ended.
    """
    stats = _stats()
    if pid not in stats:
        raise ProcessLookupError(f"process {pid} has ended")
    members = [pid]
    for member in members:
        members += [child for child, stat in stats.items() if int(stat[1]) == member]
    return sum(int(ticks) for member in members for ticks in stats[member][11:15]) / TICKS_PER_S


def _stats() -> dict[int, list[str]]:
    """/proc/PID/stat of every process, without PID and name: state, ppid, …"""
    stats: dict[int, list[str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile; its parent's account has it
        stats[int(path.parent.name)] = text.rpartition(")")[2].split()
    return stats
