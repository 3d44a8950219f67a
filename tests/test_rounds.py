import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver import rounds

times_s = st.floats(0, 1e7)


@given(times_s)
def test_a_round_is_never_far(now_s: float) -> None:
    assert now_s < rounds.after(now_s) <= now_s + rounds.ROUND_S * 1.001


@given(times_s, st.integers(0, 1_000_000), st.sampled_from([30, 60]))
def test_ticks_follow_rounds(now_s: float, tick: int, fps: int) -> None:
    due_s = rounds.first_tick_s(now_s) + tick / fps
    before_s = due_s - rounds.TICK_AFTER_S
    assert before_s / rounds.ROUND_S == pytest.approx(round(before_s / rounds.ROUND_S), abs=1e-4)
