import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.stretch import BEFORE, TAPS, stretched

BLOCK = 1024
RATE = 48_000


@pytest.mark.parametrize("more", [-5, -2, 2, 5])
@pytest.mark.parametrize(("hertz", "error"), [(440, 3e-4), (4_000, 1e-3), (12_000, 4e-3)])
def test_stretched_tone_is_the_same_tone_a_little_higher_or_lower(
    more: int, hertz: int, error: float
) -> None:
    used = BLOCK + more
    times = np.arange(-BEFORE, used + TAPS - BEFORE) / RATE
    window = np.tile(np.sin(2 * np.pi * hertz * times).astype(np.float32), (2, 1))

    heard = stretched(window, BLOCK)

    expected = np.sin(2 * np.pi * hertz * np.arange(BLOCK) * used / BLOCK / RATE)
    assert np.abs(heard - expected).max() < error


@given(st.integers(-5, 5), st.integers(0, 1 << 32))
def test_block_begins_with_the_sample_itself_so_that_blocks_join(more: int, seed: int) -> None:
    window = np.random.default_rng(seed).uniform(-1, 1, (2, BLOCK + more + TAPS))

    heard = stretched(window.astype(np.float32), BLOCK)

    assert heard[:, 0] == pytest.approx(window[:, BEFORE], abs=1e-6)
    if more == 0:
        assert np.allclose(heard, window[:, BEFORE : BEFORE + BLOCK], atol=1e-6)


def test_silence_and_a_constant_stay_what_they_are() -> None:
    window = np.full((2, BLOCK + 3 + TAPS), 0.25, np.float32)

    assert np.allclose(stretched(window, BLOCK), 0.25, atol=1e-6)
    assert not stretched(0 * window, BLOCK).any()
