import numpy as np

from mediaserver.mixer import mixed
from tests.media import tone

BLOCK = 1024


def test_unity_gain_is_bit_true() -> None:
    sound = tone(1)[:, :BLOCK]

    assert np.array_equal(mixed([(sound, 0.0)], BLOCK), sound)


def test_feeds_are_added_up() -> None:
    low, high = tone(1, 220, 0.25)[:, :BLOCK], tone(1, 880, 0.25)[:, :BLOCK]

    assert np.allclose(mixed([(low, 0.0), (high, 0.0)], BLOCK), low + high, atol=1e-6)


def test_gain_is_in_decibels() -> None:
    sound = tone(1)[:, :BLOCK]

    assert np.allclose(mixed([(sound, -20.0)], BLOCK), sound / 10, atol=1e-6)


def test_sum_stays_within_full_scale() -> None:
    loud = tone(1, level=0.9)[:, :BLOCK]

    assert np.abs(mixed([(loud, 0.0), (loud, 6.0)], BLOCK)).max() <= 1.0


def test_nobody_is_silence() -> None:
    assert not mixed([], BLOCK).any()
