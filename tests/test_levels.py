import math

import numpy as np
import pytest

from mediaserver.levels import LevelMeter, decibels, peak_of
from tests.media import tone


def test_a_full_sine_peaks_at_0_dbfs_and_its_mean_is_3_db_lower() -> None:
    sound = tone(1, 1000, 1.0)
    meter = LevelMeter()
    for part in np.split(sound, 10, axis=1):
        meter.add(part, peak_of(part))

    level = meter.take()

    assert decibels(level.peak) == pytest.approx(0.0, abs=0.001)
    assert decibels(level.rms) == pytest.approx(-3.01, abs=0.001)


def test_a_reading_is_of_what_came_since_the_one_before() -> None:
    meter = LevelMeter()
    meter.add(np.full((2, 10), -0.5, np.float32), 0.5)
    first = meter.take()
    meter.add(np.full((2, 10), 0.25, np.float32), 0.25)

    assert (first.peak, first.rms) == (0.5, 0.5)
    assert meter.take().peak == 0.25


def test_a_meter_that_was_given_nothing_says_silence() -> None:
    level = LevelMeter().take()

    assert (decibels(level.peak), decibels(level.rms)) == (-math.inf, -math.inf)
