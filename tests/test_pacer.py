from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from mediaserver.pacer import Pacer

RATES = st.sampled_from([Fraction(25), Fraction(30), Fraction(60), Fraction(30_000, 1001)])


def test_every_due_time_is_computed_from_the_tick_number() -> None:
    pacer = Pacer(10.0, Fraction(30))

    assert pacer.due_s(0) == 10.0
    assert pacer.due_s(30 * 3600) == 10.0 + 3600


def test_program_clock_is_exact_for_ntsc_and_aac_rates() -> None:
    assert Pacer(0, Fraction(30_000, 1001)).dts(1000) == 3_003_000
    assert Pacer(0, Fraction(48_000, 1024)).dts(1) == 1920


def test_frame_given_before_the_next_tick_is_due_is_not_late() -> None:
    pacer = Pacer(0.0, Fraction(10))

    pacer.delivered(5, 0.599)

    assert pacer.late == 0
    assert pacer.following(5, 0.599) == 6


def test_frame_given_when_the_next_tick_is_due_is_late() -> None:
    pacer = Pacer(0.0, Fraction(10))

    pacer.delivered(5, 0.61)

    assert pacer.late == 1
    assert pacer.following(5, 0.61) == 6


def test_late_program_skips_ticks_counts_them_and_never_renders_twice() -> None:
    pacer = Pacer(0.0, Fraction(10))

    assert pacer.following(5, 0.95) == 9
    assert pacer.late == 3


@given(rate=RATES, now=st.floats(0, 100_000))
def test_first_tick_after_a_moment_is_the_earliest_one_not_due(rate: Fraction, now: float) -> None:
    pacer = Pacer(0.0, rate)

    tick = pacer.first_after(now)

    assert pacer.due_s(tick) > now
    assert tick == 0 or pacer.due_s(tick - 1) <= now
