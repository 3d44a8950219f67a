"""Ends a sidecar at a given moment: its awaits of Redis and TikTok are counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.sync.sidecar.rig import Rig


class Crashed(BaseException):
    """The process is no more."""


@asynccontextmanager
async def crashing(rig: Rig, at: int, *, after: bool) -> AsyncIterator[None]:
    """Within it, the `at`-th time that anything is asked of Redis or TikTok is the last; it is
    still done, but nobody hears of it, if it crashes `after`."""
    count = 0
    asked, sent = rig.connection.asked, rig.transport.ask
    script, scripts = rig.connection.script, rig.connection.scripts

    async def counted(call: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal count
        count += 1
        if count == at and after:
            await call(*arguments, **named)
        if count >= at:
            raise Crashed
        return await call(*arguments, **named)

    async def asking(*arguments: Any, **named: Any) -> Any:
        if asyncio.current_task() in rig.connection._running:  # a script, which was counted
            return await asked(*arguments, **named)
        return await counted(asked, *arguments, **named)

    async def running(*arguments: Any, **named: Any) -> Any:
        return await counted(script, *arguments, **named)

    async def running_some(*arguments: Any, **named: Any) -> Any:
        return await counted(scripts, *arguments, **named)

    async def sending(*arguments: Any, **named: Any) -> Any:
        return await counted(sent, *arguments, **named)

    rig.connection.asked = asking  # type: ignore[method-assign]
    rig.connection.script = running  # type: ignore[method-assign]
    rig.connection.scripts = running_some  # type: ignore[method-assign]
    rig.tiktok._ask = sending
    try:
        yield
    finally:
        del rig.connection.asked, rig.connection.script, rig.connection.scripts
        rig.tiktok._ask = sent
