import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mediaserver.audio_buffer import Samples
from mediaserver.fader import RAMP_SAMPLES, Fader

BLOCK = 1024
ONES: Samples = np.ones((2, BLOCK), np.float32)
gains = st.one_of(st.just(0.0), st.just(1.0), st.floats(0.001, 10))


def curve(fader: Fader, gain: float) -> Samples:
    """What `fader` does to one block."""
    total: Samples = np.zeros((2, BLOCK), np.float32)
    fader.turn(gain)
    fader.add(ONES, total)
    return total


@given(st.lists(gains, min_size=2, max_size=8))
def test_every_change_is_a_monotone_ramp_of_20_ms_from_where_the_last_one_ended(
    wanted: list[float],
) -> None:
    fader, before = Fader(), 0.0
    for gain in wanted:
        path = curve(fader, gain)[0]
        whole = np.concatenate([[np.float32(before)], path]).astype(float)
        changes = np.diff(whole) * np.sign(gain - before)

        assert np.all(changes >= 0)
        assert changes.max() <= np.pi / 2 / RAMP_SAMPLES * abs(gain - before) + 1e-6
        assert np.allclose(path[RAMP_SAMPLES:], gain, rtol=0, atol=1e-6)
        before = gain


@given(arrays(np.float32, (2, BLOCK), elements=st.floats(-10, 10, width=32)))
def test_at_unity_samples_are_added_as_they_are(sound: Samples) -> None:
    fader, total = Fader(), np.full((2, BLOCK), 0.5, np.float32)
    fader.turn(1.0)
    fader.turn(1.0)

    fader.add(sound, total)

    assert np.array_equal(total, sound + np.float32(0.5))


def test_a_fader_is_closed_when_its_ramp_is_over() -> None:
    fader = Fader()
    assert fader.is_closed

    fader.turn(1.0)
    fader.turn(0.0)
    assert not fader.is_closed

    fader.turn(0.0)
    assert fader.is_closed
