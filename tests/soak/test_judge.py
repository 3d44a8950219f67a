import dataclasses
from typing import Any

import pytest

from tests.soak.judge import Minute, complaints, growth

WELL = Minute(
    number=1,
    frames=1800,
    sound_gaps=0,
    late_ticks=7,
    skew_p50_ms=4.0,
    skew_p95_ms=12.0,
    server_mib=200.0,
    redis_mib=12.0,
    faults=15,
)


def minutes(*server_mib: float) -> list[Minute]:
    return [
        dataclasses.replace(WELL, number=number, server_mib=mib)
        for number, mib in enumerate(server_mib, start=1)
    ]


def judged(*measured: Minute, witnesses: int = 1, tracebacks: int = 0) -> list[str]:
    return complaints(measured, witnesses=witnesses, refusals=[], tracebacks=tracebacks)


def test_late_ticks_and_memory_that_grows_in_the_first_two_minutes_are_no_complaint() -> None:
    assert judged(*minutes(150, 200, 205, 203)) == []
    assert growth(minutes(150, 200, 205, 203)) == pytest.approx(0.015)


def test_growth_after_minute_2_is() -> None:
    assert judged(*minutes(150, 200, 203, 206)) == ["memory grew by 3.0% after minute 2, over 2%"]


@pytest.mark.parametrize("count", [1, 2])
def test_growth_cannot_be_judged_before_minute_3(count: int) -> None:
    assert growth(minutes(*(100.0 * 2**number for number in range(count)))) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sound_gaps": 2}, "the witness has 2 gaps in its sound"),
        ({"skew_p95_ms": 40.1}, "minute 1: skew is 40.1 ms at p95, over 40 ms"),
        (
            {"skew_p50_ms": None, "skew_p95_ms": None},
            "minute 1: neither flash nor beep was seen",
        ),
    ],
)
def test_sound_with_gaps_and_skew_are(change: dict[str, Any], words: str) -> None:
    assert judged(dataclasses.replace(WELL, **change)) == [words]


def test_a_witness_that_was_cut_off_tracebacks_and_refusals_are() -> None:
    assert judged(WELL, witnesses=2) == ["the witness was connected 2 times, not once"]
    assert judged(WELL, tracebacks=3) == ["the server logged 3 tracebacks"]
    refused = complaints([WELL], witnesses=1, refusals=["GET /: 500"], tracebacks=0)
    assert refused == ["a request failed: GET /: 500"]


def test_a_minute_is_a_line() -> None:
    assert str(WELL) == (
        "minute 1: 1800 frames out, 0 gaps in sound, 7 late ticks, skew p50 / p95 4.0 / 12.0 ms, "
        "memory 200.0 MiB (Redis 12.0), 15 faults"
    )
