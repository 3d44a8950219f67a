import asyncio

from mediaserver.loop_lag import LoopLag


async def test_a_callback_that_holds_the_loop_shows_as_lag() -> None:
    loop = asyncio.get_running_loop()
    lag = LoopLag()
    done = loop.create_future()

    def hold() -> None:
        until = loop.time() + 0.1
        while loop.time() < until:
            pass
        loop.call_later(0.03, done.set_result, None)

    loop.call_later(0.03, hold)
    await asyncio.wait_for(done, 5)
    lag.stop()

    (median, worst) = lag.quantiles(0.5, 1.0)
    assert worst >= 0.05
    assert median >= 0.01  # the calls that fell into the stall count, not just the first


async def test_no_sample_yet_is_no_lag() -> None:
    lag = LoopLag()
    lag.stop()

    assert lag.quantiles(0.5, 0.99) == [0.0, 0.0]
