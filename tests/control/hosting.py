"""Runs a context in a task of its own: a fixture's two halves run in different tasks, which
task groups do not allow."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

T = TypeVar("T")


@contextlib.asynccontextmanager
async def hosted(context: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
    """What `context` gives, while it lasts."""
    entered: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    leave = asyncio.Event()

    async def host() -> None:
        async with context as value:
            entered.set_result(value)
            await leave.wait()

    def failed(task: asyncio.Task[None]) -> None:
        if not entered.done() and (error := task.exception()) is not None:
            entered.set_exception(error)

    task = asyncio.create_task(host())
    task.add_done_callback(failed)
    value = await entered
    try:
        yield value
    finally:
        leave.set()
        await task
