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


@given(times_s, st.floats(0, 1))
def test_what_is_read_in_its_round_was_there_when_it_came(came_s: float, late_s: float) -> None:
    in_time_s = rounds.after(came_s) + rounds.READ_S
    assert rounds.in_time_s(came_s, came_s) == came_s
    assert rounds.in_time_s(came_s, in_time_s) == pytest.approx(came_s, rel=0, abs=1e-6)
    assert rounds.in_time_s(came_s, in_time_s + late_s) == pytest.approx(
        came_s + late_s, rel=0, abs=1e-6
    )


@given(times_s)
def test_sound_is_mixed_when_all_of_it_that_has_come_is_read(over_s: float) -> None:
    assert rounds.in_time_s(over_s, rounds.mixed_s(over_s)) == pytest.approx(
        over_s, rel=0, abs=1e-6
    )
