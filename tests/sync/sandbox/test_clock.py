"""The clock that can be moved."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.sandbox.clock import SandboxClock
from sync.sandbox.server import Sandbox
from sync.sandbox.world import SandboxSettings


async def test_what_is_due_happens_in_its_order_at_its_time() -> None:
    clock = SandboxClock(start=100.0, manual=True)
    seen: list[tuple[str, float]] = []
    clock.after(20, lambda: seen.append(("second", clock.now())))
    clock.after(10, lambda: seen.append(("first", clock.now())))
    clock.after(31, lambda: seen.append(("later", clock.now())))

    await clock.advance(30)

    assert seen == [("first", 110.0), ("second", 120.0)]
    assert clock.now() == 130.0


async def test_what_falls_due_on_the_way_happens_on_the_way() -> None:
    clock = SandboxClock(start=0.0, manual=True)
    seen: list[float] = []

    def again() -> None:
        seen.append(clock.now())
        clock.after(10, again)

    clock.after(10, again)
    await clock.advance(35)

    assert seen == [10.0, 20.0, 30.0]


async def test_what_is_past_happens_without_a_move_while_the_clock_runs() -> None:
    clock = SandboxClock(start=0.0, manual=True)
    happened = asyncio.Event()
    running = asyncio.create_task(clock.run())
    clock.at(-5, happened.set)

    await asyncio.wait_for(happened.wait(), 5)
    assert clock.now() == 0.0
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_what_is_put_in_while_the_clock_waits_is_seen() -> None:
    clock = SandboxClock(start=0.0, manual=True)
    first, second = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(clock.run())
    clock.at(0, first.set)
    await asyncio.wait_for(first.wait(), 5)
    clock.at(0, second.set)

    await asyncio.wait_for(second.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_clock_that_runs_by_itself_is_moved_all_the_same() -> None:
    clock = SandboxClock(start=1000.0)
    seen: list[float] = []
    clock.after(3600, lambda: seen.append(clock.now()))
    await clock.advance(7200)

    assert len(seen) == 1
    assert seen[0] >= 1000.0 + 3600
    assert clock.now() >= 1000.0 + 7200


async def test_a_clock_that_runs_by_itself_does_what_is_due_when_it_is() -> None:
    clock = SandboxClock()
    happened = asyncio.Event()
    running = asyncio.create_task(clock.run())
    clock.after(0.01, happened.set)

    await asyncio.wait_for(happened.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
async def test_time_goes_forward_only(seconds: float) -> None:
    with pytest.raises(ValueError, match="forward"):
        await SandboxClock(manual=True).advance(seconds)


@given(st.lists(st.floats(0, 100), max_size=8), st.lists(st.floats(0, 40), min_size=1, max_size=6))
def test_moving_in_steps_does_what_moving_at_once_does(
    delays: list[float], steps: list[float]
) -> None:
    def fired(moves: list[float]) -> list[int]:
        async def run() -> list[int]:
            clock = SandboxClock(start=0.0, manual=True)
            seen: list[int] = []
            for number, delay in enumerate(delays):
                clock.at(delay, lambda number=number: seen.append(number))  # type: ignore[misc]
            for move in moves:
                await clock.advance(move)
            total = clock.now()
            assert seen == sorted(
                (each for each in range(len(delays)) if delays[each] <= total),
                key=lambda each: (delays[each], each),
            )
            return seen

        return asyncio.run(run())

    fired(steps)


async def test_what_fails_in_a_sandbox_shows_at_its_end() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    async def failing() -> None:
        async with Sandbox(SandboxSettings(manual_clock=True)) as sandbox:
            failed = asyncio.Event()
            sandbox.world.clock.at(0, failed.set)
            sandbox.world.clock.at(0, fail)
            await asyncio.wait_for(failed.wait(), 5)

    with pytest.raises(ZeroDivisionError):
        await failing()
