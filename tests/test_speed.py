"""What a block of sound costs, 47 times a second; timed with --benchmark-enable."""

from itertools import count

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mediaserver.audio_buffer import Samples
from mediaserver.clock import ManualClock
from mediaserver.encoder import AudioEncoder
from mediaserver.feed import Feed
from mediaserver.loudness import LoudnessMeter
from mediaserver.mix import Mix, Mixed
from mediaserver.packet import FeedId

BLOCK, BLOCK_S = 1024, 1024 / 48_000


def noise(level: float) -> Samples:
    return np.random.default_rng(1).normal(0, level, (2, BLOCK)).astype(np.float32)


@pytest.mark.parametrize("level", [0.1, 2.0], ids=["as it is", "limited"])
@pytest.mark.parametrize("gain_db", [0.0, -6.0], ids=["unity", "with gain"])
@pytest.mark.parametrize("minus", [0, 2], ids=["mix", "mix and two without a voice"])
def test_mix_of_two_feeds_with_levels(
    benchmark: BenchmarkFixture, level: float, gain_db: float, minus: int
) -> None:
    clock, mix, blocks, sound = ManualClock(), Mix(), count(), noise(level)
    feeds = [Feed(FeedId(name), name, clock=clock, admitted=True) for name in ("ann", "bo")]
    without = [feed.id for feed in feeds][:minus]

    def bring() -> None:
        number = next(blocks)
        for feed in feeds:
            feed.gain_db = gain_db
            feed.audio.write(number * BLOCK, sound)
        clock.advance(BLOCK_S)

    def read() -> Mixed:
        return mix.following(feeds, without)

    mixed = benchmark.pedantic(read, setup=bring, rounds=2_000)  # type: ignore[no-untyped-call]
    assert np.abs(mixed.block).max() <= 1


def test_loudness_of_a_block(benchmark: BenchmarkFixture) -> None:
    meter, sound = LoudnessMeter(), noise(0.1)
    benchmark(meter.add, sound)


def test_encoding_of_a_block(benchmark: BenchmarkFixture) -> None:
    encoder, sound, blocks = AudioEncoder(), noise(0.1), count()
    benchmark(lambda: encoder.encode(sound, next(blocks)))
