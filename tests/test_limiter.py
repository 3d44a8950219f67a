import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mediaserver.audio_buffer import Samples
from mediaserver.limiter import CEILING, LONGEST_ATTACK, SHORTEST_ATTACK, Limiter
from tests.media import tone

BLOCK = 1024
STEEPEST = np.pi / 2 / SHORTEST_ATTACK
"""The most of its way that a raised cosine of a millisecond goes in one sample."""

amplitudes = st.floats(-1000, 1000, width=32)
blocks = st.lists(
    st.one_of(
        arrays(np.float32, (2, BLOCK), elements=amplitudes, fill=amplitudes),
        st.floats(0, 1000, width=32).map(lambda level: np.full((2, BLOCK), level, np.float32)),
    ),
    min_size=1,
    max_size=5,
)


def limited(sound: Samples) -> Samples:
    """`sound`, in blocks through one limiter."""
    limiter = Limiter()
    parts = np.split(sound, sound.shape[1] // BLOCK, axis=1)
    return np.concatenate([limiter.limited(part) for part in parts], axis=1)


def sine(hertz: float, level: float, blocks: int) -> Samples:
    return tone(2, hertz, level)[:, : blocks * BLOCK]


def steps(sound: Samples) -> float:
    """The largest step from one sample to the next."""
    return float(np.abs(np.diff(sound.astype(float), axis=1)).max())


@given(blocks)
def test_nothing_goes_over_the_ceiling(sound: list[Samples]) -> None:
    limiter = Limiter()

    for block in sound:
        assert np.abs(limiter.limited(block)).max() <= CEILING


@given(arrays(np.float32, (2, BLOCK), elements=st.floats(-1, 1, width=32)))
def test_what_is_within_the_ceiling_goes_through_bit_by_bit(sound: Samples) -> None:
    assert limited(sound).tobytes() == sound.tobytes()


@given(st.floats(40, 2000), st.floats(0, 20), st.integers(0, 4 * BLOCK))
def test_no_click_is_made_where_a_sound_becomes_too_loud(
    hertz: float, level: float, begin: int
) -> None:
    sound = sine(hertz, level, 8) * (np.arange(8 * BLOCK) >= begin)

    own = steps(sound)

    assert steps(limited(sound)) <= own + STEEPEST * float(np.abs(sound).max())


def test_a_steady_tone_that_is_too_loud_keeps_its_shape() -> None:
    quiet, loud = sine(437.3, 1.0, 40), sine(437.3, 2.0, 40)

    settled = slice(20 * BLOCK, None)

    assert np.abs(limited(loud)[:, settled] - quiet[:, settled]).max() < 1e-3  # -60 dB


def test_the_gain_comes_down_before_the_peak() -> None:
    sound = np.full((2, BLOCK), 0.9, np.float32)
    sound[:, 600:] = 1.8

    out = limited(sound)

    assert np.array_equal(out[:, : 600 - LONGEST_ATTACK], sound[:, : 600 - LONGEST_ATTACK])
    assert np.all(np.diff(out[0, 600 - LONGEST_ATTACK : 600]) <= 0)
    assert np.allclose(out[:, 600:], 1.0)


def test_the_gain_comes_back_by_40_db_a_second_and_then_all_is_bit_true() -> None:
    loud, quiet = np.full((2, BLOCK), 2.0, np.float32), sine(440, 0.5, 20)

    out = limited(np.concatenate([loud, quiet], axis=1))[:, BLOCK:]

    gain = np.abs(out[0]).reshape(20, BLOCK).max(axis=1) * 2
    assert np.all(np.diff(gain) >= -1e-3)
    assert gain[5] < 0.98  # 6 dB take 150 ms, seven blocks
    assert np.array_equal(out[:, 8 * BLOCK :], quiet[:, 8 * BLOCK :])


def test_both_channels_are_turned_down_together() -> None:
    sound = np.stack([np.full(BLOCK, 2.0), np.full(BLOCK, 0.5)]).astype(np.float32)

    out = limited(np.concatenate([sound, sound], axis=1))

    assert np.allclose(out[1, BLOCK:], 0.25)


def test_the_same_sound_comes_out_the_same() -> None:
    sound = sine(97, 3.0, 10)

    assert limited(sound).tobytes() == limited(sound.copy()).tobytes()
