"""The end of the tasks that a sandbox runs."""

import asyncio


async def stop(*tasks: asyncio.Task[None]) -> None:
    """Cancel `tasks` and wait for them. Raises what one of them has failed with before."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
