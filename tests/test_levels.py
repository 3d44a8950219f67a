import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mediaserver.audio_buffer import Samples
from mediaserver.levels import LevelMeter, decibels, measured
from tests.media import tone


def test_a_full_sine_peaks_at_0_dbfs_and_its_mean_is_3_db_lower() -> None:
    sound = tone(1, 1000, 1.0)
    meter = LevelMeter()
    for part in np.split(sound, 10, axis=1):
        meter.add(*measured(part), part.size)

    level = meter.take()

    assert decibels(level.peak) == pytest.approx(0.0, abs=0.001)
    assert decibels(level.rms) == pytest.approx(-3.01, abs=0.001)


def test_a_reading_is_of_what_came_since_the_one_before() -> None:
    meter = LevelMeter()
    meter.add(0.5, 20 * 0.25, 20)
    first = meter.take()
    meter.add(0.25, 0.0, 20)

    assert (first.peak, first.rms) == (0.5, 0.5)
    assert meter.take().peak == 0.25


def test_a_meter_that_was_given_nothing_says_silence() -> None:
    level = LevelMeter().take()

    assert (decibels(level.peak), decibels(level.rms)) == (-math.inf, -math.inf)


@given(
    arrays(
        np.float32,
        st.tuples(st.just(2), st.integers(0, 300)),
        elements=st.floats(-1000, 1000, width=32),
    )
)
def test_peak_and_energy_are_those_of_both_channels(samples: Samples) -> None:
    peak, energy = measured(samples)

    assert peak == np.abs(samples).max(initial=0)
    assert energy == pytest.approx(np.sum(samples.astype(float) ** 2))


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_shows_in_the_energy(odd: float) -> None:
    samples = np.zeros((2, 10), np.float32)
    samples[1, 3] = odd

    assert not measured(samples)[1] < math.inf
