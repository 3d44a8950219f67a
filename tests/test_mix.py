from collections.abc import Sequence

import numpy as np
import pytest

from mediaserver.audio_buffer import SAMPLE_RATE, Samples
from mediaserver.clock import ManualClock
from mediaserver.feed import Feed
from mediaserver.levels import Level
from mediaserver.mix import Mix, Mixed
from mediaserver.packet import FeedId
from tests.media import tone

BLOCK = 1024
PACKET = 960
BEGIN_S = 1000.0


class Studio:
    """Feeds that each bring 20 ms of sound at a time, and their mix, block by block."""

    def __init__(self, *sounds: Samples) -> None:
        self._clock = ManualClock(BEGIN_S)
        self.feeds = [
            Feed(FeedId(f"feed-{number}"), "Ann", clock=self._clock, admitted=True)
            for number in range(len(sounds))
        ]
        self._sounds = sounds
        self._mix = Mix()
        self._packets = 0

    def following(
        self, feeds: Sequence[Feed] | None = None, without: Sequence[FeedId] = ()
    ) -> Mixed:
        """The next block of `feeds`, of all of them unless said."""
        mixed = self._mix.following(self.feeds if feeds is None else feeds, without)
        self._clock.advance(BLOCK / SAMPLE_RATE)
        while self._clock.now() - BEGIN_S >= (self._packets + 1) * PACKET / SAMPLE_RATE:
            begin = self._packets * PACKET
            for feed, sound in zip(self.feeds, self._sounds, strict=True):
                feed.audio.write(begin, sound[:, begin : begin + PACKET])
            self._packets += 1
        return mixed

    def mixed(self, blocks: int, feeds: Sequence[Feed] | None = None) -> Samples:
        return np.concatenate([self.following(feeds).block for _ in range(blocks)], axis=1)


def steady(level: float) -> Samples:
    return np.full((2, 48_000), level, np.float32)


def test_a_wave_file_at_full_scale_comes_out_bit_true_at_unity_gain() -> None:
    rng = np.random.default_rng(1)
    pcm = rng.integers(-(2**15), 2**15, (2, 48_000), np.int16, endpoint=False)

    mixed = Studio((pcm / 2**15).astype(np.float32)).mixed(40)

    out = np.round(mixed * 2**15).astype(np.int16)
    begin = int(np.flatnonzero(out.any(axis=0))[0])
    assert np.array_equal(out[:, begin:], pcm[:, : out.shape[1] - begin])
    assert begin < 5 * BLOCK


def test_feeds_are_added_up() -> None:
    one, two, both = steady(0.25), steady(0.5), Studio(steady(0.25), steady(0.5))

    assert np.all(both.mixed(10)[:, -BLOCK:] == (one + two)[:, :BLOCK])


def test_gain_is_in_decibels() -> None:
    studio = Studio(steady(0.5))
    studio.feeds[0].gain_db = -20

    assert np.allclose(studio.mixed(10)[:, -BLOCK:], 0.05)


def test_what_is_too_loud_together_is_turned_down_and_not_clipped() -> None:
    studio = Studio(tone(1, 440, 0.9), tone(1, 440, 0.9))

    settled = studio.mixed(40)[0, -4 * BLOCK :]

    flat = np.sum(np.abs(settled) > 0.999) / settled.size
    assert np.abs(settled).max() <= 1.0
    assert flat < 0.05  # a sine clipped from 1.8 to 1 is flat for more than half of the time


def test_muted_and_waiting_feeds_are_not_heard() -> None:
    studio = Studio(steady(0.25), steady(0.5))
    studio.feeds[0].muted = True
    studio.feeds[1].admitted = False

    assert not studio.mixed(10).any()


@pytest.mark.parametrize(
    ("solo", "muted", "waiting", "heard"),
    [
        ((0,), (), (), 0.25),
        ((0, 1), (), (), 0.375),
        ((0,), (0,), (), 0.0),
        ((0,), (1,), (), 0.25),
        ((0,), (), (0,), 0.625),
    ],
    ids=["one", "two", "muted wins", "another muted", "not admitted does not count"],
)
def test_while_one_is_soloed_only_soloed_ones_are_heard(
    solo: Sequence[int], muted: Sequence[int], waiting: Sequence[int], heard: float
) -> None:
    studio = Studio(steady(0.25), steady(0.125), steady(0.5))
    for number, feed in enumerate(studio.feeds):
        feed.solo = number in solo
        feed.muted = number in muted
        feed.admitted = number not in waiting

    assert np.all(studio.mixed(10)[:, -BLOCK:] == np.float32(heard))


SMOOTH = 0.5 * np.pi / 2 / 960 + 1e-6
"""The steepest step of a fade between 0.5 and 0 in 20 ms, a raised cosine."""


def steepest(mixed: Samples) -> float:
    return float(np.abs(np.diff(mixed[0].astype(float))).max())


@pytest.mark.parametrize("change", ["mute", "gain", "solo another", "send back"])
def test_every_change_is_a_ramp_there_and_back(change: str) -> None:
    studio = Studio(steady(0.5), steady(0.0))
    feed, other = studio.feeds
    before = studio.mixed(10)
    match change:
        case "mute":
            feed.muted = True
        case "gain":
            feed.gain_db = -60
        case "solo another":
            other.solo = True
        case "send back":
            feed.admitted = False
    changed = studio.mixed(10)
    feed.muted, feed.gain_db, feed.admitted, other.solo = False, 0.0, True, False
    back = studio.mixed(10)

    path = np.concatenate([before[:, -BLOCK:], changed, back], axis=1)
    assert steepest(path) < SMOOTH
    assert np.abs(changed[:, -BLOCK:]).max() <= 0.001
    assert np.all(back[:, -BLOCK:] == 0.5)


def test_a_feed_that_is_taken_away_fades_out() -> None:
    studio = Studio(steady(0.5))

    path = np.concatenate([studio.mixed(10)[:, -BLOCK:], studio.mixed(2, [])], axis=1)

    assert steepest(path) < SMOOTH
    assert not path[:, -BLOCK:].any()


def test_silence_fills_the_gap_of_a_feed_that_sends_nothing() -> None:
    studio = Studio(steady(0.25), steady(0.5))
    studio.mixed(10)
    silent = Feed(FeedId("silent"), "Silent", clock=ManualClock(), admitted=True)

    assert np.all(studio.mixed(1, [*studio.feeds, silent]) == 0.75)
    assert not Mix().following([silent]).block.any()


def test_numbers_that_are_no_sound_are_silence_and_harm_no_other_feed() -> None:
    studio = Studio(steady(0.25), steady(np.nan), steady(np.inf), steady(3e38))

    assert np.all(studio.mixed(10)[:, -BLOCK:] == 0.25)


def test_the_mix_without_a_voice_has_a_limiter_of_its_own() -> None:
    studio = Studio(steady(0.75), steady(0.5))
    loud, quiet = (feed.id for feed in studio.feeds)

    mixed = [studio.following(without=[loud, quiet]) for _ in range(10)][-1]

    assert np.allclose(mixed.block, 1.0)
    assert np.all(mixed.without[loud] == 0.5)
    assert np.all(mixed.without[quiet] == 0.75)


def test_levels_of_each_feed_and_of_the_mix_come_ten_times_a_second() -> None:
    studio = Studio(steady(0.5), steady(0.5))
    ann, bo = studio.feeds
    ann.gain_db, bo.muted = -20, True

    levels = [studio.following().levels for _ in range(47)]

    readings = [reading for reading in levels if reading is not None]
    last = readings[-1]
    assert len(readings) == 10
    assert last.feeds.keys() == {ann.id, bo.id}
    assert (last.feeds[ann.id].peak, last.master.peak) == pytest.approx((0.05, 0.05))
    assert last.feeds[bo.id] == Level(0.5, 0.5)  # muted, and yet it shows
    assert last.master.rms == pytest.approx(0.05)
