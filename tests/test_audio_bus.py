import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from mediaserver.audio_buffer import Samples
from mediaserver.clock import MonotonicClock
from mediaserver.feed import Feed
from mediaserver.mixer import AudioBus
from mediaserver.packet import FeedId

BLOCK = 1024


def fail(error: Exception) -> None:
    raise AssertionError(error)


def feed(name: str, level: float) -> Feed:
    """A feed with half a second of a constant, so that a mix can be told by one sample."""
    feed = Feed(FeedId(name), name, clock=MonotonicClock(), admitted=True)
    for position in range(0, 24_000, 960):
        feed.audio.write(position, np.full((2, 960), level, np.float32))
    return feed


class Ear:
    """Remembers the blocks it was given."""

    def __init__(self) -> None:
        self.blocks: list[tuple[int, Samples]] = []
        self._loop = asyncio.get_running_loop()
        self._heard = asyncio.Event()

    def hear(self, index: int, samples: Samples) -> None:
        self.blocks.append((index, samples))
        self._loop.call_soon_threadsafe(self._heard.set)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.blocks) < count:
                self._heard.clear()
                await self._heard.wait()


@pytest.fixture
async def bus() -> AsyncIterator[AudioBus]:
    bus = AudioBus("test", clock=MonotonicClock(), on_failure=fail)
    yield bus
    await bus.stop()


async def test_a_listener_gets_each_block_of_the_mix(bus: AudioBus) -> None:
    ear = Ear()
    bus.listen([feed("ann", 0.25), feed("bo", 0.5)])
    bus.listen_in(ear.hear, None)

    bus.start()
    await ear.until(6)

    assert [index for index, _ in ear.blocks[:6]] == [0, 1, 2, 3, 4, 5]
    assert all(samples.shape == (2, BLOCK) for _, samples in ear.blocks)
    assert all(samples.dtype == np.float32 for _, samples in ear.blocks)
    assert np.all(ear.blocks[4][1] == np.float32(0.75))


async def test_a_host_hears_the_others_and_not_their_own_voice(bus: AudioBus) -> None:
    ann, bo, all_ears = Ear(), Ear(), Ear()
    bus.listen([feed("ann", 0.25), feed("bo", 0.5)])
    bus.listen_in(ann.hear, FeedId("ann"))
    bus.listen_in(bo.hear, FeedId("bo"))
    bus.listen_in(all_ears.hear, None)

    bus.start()
    await all_ears.until(6)

    assert np.all(ann.blocks[4][1] == np.float32(0.5))
    assert np.all(bo.blocks[4][1] == np.float32(0.25))


async def test_a_listener_who_leaves_hears_no_more(bus: AudioBus) -> None:
    gone, stays = Ear(), Ear()
    bus.listen_in(gone.hear, None)
    bus.listen_in(stays.hear, None)
    bus.stop_listening(gone.hear)

    bus.start()
    await stays.until(3)

    assert gone.blocks == []
