import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.audio_buffer import Samples
from mediaserver.fader import RAMP_SAMPLES, Fader

BLOCK = 1024
ONES: Samples = np.ones((2, BLOCK), np.float32)
gains = st.one_of(st.just(0.0), st.just(1.0), st.floats(0.001, 10))


def curve(fader: Fader, gain: float) -> Samples:
    """What `fader` does to one block."""
    faded = fader.faded(ONES, gain)
    return np.zeros_like(ONES) if faded is None else faded


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


def test_at_unity_samples_go_through_as_they_are() -> None:
    fader = Fader()
    fader.faded(ONES, 1.0)

    assert fader.faded(ONES, 1.0) is ONES


def test_of_a_closed_fader_nothing_is_heard() -> None:
    fader = Fader()
    fader.faded(ONES, 1.0)
    fading = fader.faded(ONES, 0.0)

    assert fading is not None
    assert fading[0, -1] == 0
    assert fader.faded(ONES, 0.0) is None
