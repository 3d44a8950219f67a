"""glibc's malloc, told to suit a process of many threads that come and go."""

import asyncio
import ctypes
from collections.abc import Callable
from typing import Any, cast

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""malloc.h, mallopt(3)."""
_MAPPED_FROM_BYTES = 128 << 10
"""glibc's own threshold, before it moves."""
_EVERY_S = 10.0


def keep_memory_together() -> None:
    """Let all threads take memory from one arena, and pictures from none.

    Otherwise there are up to eight arenas for each core, and what a thread leaves in one of them
    is of no use to threads of another: a show that is changed a lot grew by 10 MiB a minute. And
    once a picture was freed, glibc would take those to come from the arena, where small things
    between them keep their memory: 3 MiB a minute. To be called before threads are there; does
    nothing on other C libraries.
    """
    mallopt = _function("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM_BYTES)  # set, it no longer moves


async def give_memory_back() -> None:
    """Return to the system every now and then what lies free between used memory; until it is
    cancelled. Takes 2 ms for 10 MiB, on a thread."""
    trim = _function("malloc_trim")
    while trim is not None:
        await asyncio.sleep(_EVERY_S)
        await asyncio.to_thread(trim, 0)


def _function(name: str) -> Callable[..., Any] | None:
    return cast(Callable[..., Any] | None, getattr(ctypes.CDLL(None), name, None))
