"""Waiting for what no event tells."""

import asyncio
from collections.abc import Callable

TIMEOUT_S = 30.0


async def until(condition: Callable[[], bool]) -> None:
    """Let everything else go on until `condition` holds."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            if condition():
                return
            await asyncio.sleep(0)
