"""What the benchmarks make of what they read."""

import pytest

from bench import fanout, glass_to_glass, loop_lag

METRICS = """\
# HELP shopcast_loop_lag_seconds How late the event loop is
# TYPE shopcast_loop_lag_seconds gauge
shopcast_loop_lag_seconds{quantile="0.5"} 0.0002
shopcast_loop_lag_seconds{quantile="0.95"} 0.004
shopcast_loop_lag_seconds{quantile="0.99"} 0.0125
shopcast_loop_lag_seconds{quantile="1.0"} 0.02
shopcast_shows 1.0
"""


def test_loop_lag_is_read_from_the_metrics() -> None:
    assert loop_lag.figures(loop_lag.quantiles_ms(METRICS)) == pytest.approx(
        {
            "loop_lag_p50_ms": 0.2,
            "loop_lag_p95_ms": 4.0,
            "loop_lag_p99_ms": 12.5,
            "loop_lag_p100_ms": 20,
        }
    )


def test_metrics_without_the_lag_are_an_error() -> None:
    with pytest.raises(RuntimeError, match="no shopcast_loop_lag_seconds"):
        loop_lag.quantiles_ms("shopcast_shows 1.0\n")


def test_each_more_target_is_compared_with_the_first() -> None:
    assert fanout.per_target({1: 40.0, 10: 44.5, 100: 59.8}) == pytest.approx(
        {
            "cpu_with_1_targets_pct_core": 40.0,
            "cpu_with_10_targets_pct_core": 44.5,
            "cpu_with_100_targets_pct_core": 59.8,
            "cpu_each_more_of_10_pct_core": 0.5,
            "cpu_each_more_of_100_pct_core": 0.2,
        }
    )


def test_target_that_got_nothing_is_the_worst_served() -> None:
    received = {"a": {"frames": 300, "bytes": 3_750_000}}
    assert fanout.delivered(received, ["a"], 10) == {
        "worst_target_fps": 30.0,
        "worst_target_mbit_s": 3.0,
    }
    assert fanout.delivered(received, ["a", "b"], 10) == {
        "worst_target_fps": 0.0,
        "worst_target_mbit_s": 0.0,
    }


def test_ages_are_those_of_both_tiles() -> None:
    left, right = list(range(1, 51)), list(range(51, 101))
    received = {"frames": 51, "ages_ms": [left, right]}
    assert glass_to_glass.figures(received) == {
        "glass_to_glass_p50_ms": 50,
        "glass_to_glass_p95_ms": 95,
        "glass_to_glass_p99_ms": 99,
        "left_tile_p50_ms": 25,
        "right_tile_p50_ms": 75,
        "pictures": 51,
        "unread_tiles": 2,
    }
