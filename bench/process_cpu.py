"""CPU time of a process and everything it started, dead children included."""

import os
from collections.abc import Iterator
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def tree_cpu_s(pid: int) -> float:
    """User + system seconds of `pid`, its descendants, and those of its session; proc(5) 14-17.

    A child that a process waited for is in its parent's account. A process that outlived its
    parent is found by the session, so the root must lead one.
    """
    stats = {int(stat[0]): stat for stat in _stats()}
    members = {pid}
    while True:
        found = {
            child
            for child, stat in stats.items()
            if child not in members and (int(stat[2]) in members or int(stat[4]) == pid)
        }
        if not found:
            break
        members |= found
    return sum(
        sum(map(int, stats[member][12:16])) for member in members if member in stats
    ) / TICKS_PER_S


def _stats() -> Iterator[list[str]]:
    """Fields of /proc/PID/stat without the name: pid, state, ppid, pgrp, session, …"""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile; its parent's account has it
        head, _, tail = text.rpartition(")")
        yield [head.split(" ", 1)[0], *tail.split()]
