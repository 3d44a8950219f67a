"""The shape that scripts read."""

import json

import pytest

from bench.report import percentile, report

OURS = [
    {"cpu_pct_core": 30.0, "fps": 30.0},
    {"cpu_pct_core": 50.0, "fps": 29.0},
    {"cpu_pct_core": 40.0, "fps": 30.0},
]
PEER = [{"cpu_pct_core": 60.0}, {"cpu_pct_core": 80.0}, {"cpu_pct_core": 70.0}]


def test_json_has_the_contracts_keys_and_the_medians() -> None:
    document = json.loads(report("show_cost", OURS, {"ffmpeg": PEER}, {"ratio": 0.5}).json())
    assert document["bench"] == "show_cost"
    assert document["runs"] == 3
    assert document["figures"] == {"cpu_pct_core": 40.0, "fps": 30.0, "ratio": 0.5}
    assert document["peers"] == {"ffmpeg": {"cpu_pct_core": 70.0}}
    assert document["machine"].keys() == {"processor", "cores", "memory_mib", "kernel"}
    assert {"python", "shopcast", "aiortc", "av", "ffmpeg_cli"} <= document["versions"].keys()
    assert document["each"][1] == {"cpu_pct_core": 50.0, "fps": 29.0, "ffmpeg cpu_pct_core": 80.0}


def test_text_has_the_peers_figure_beside_ours() -> None:
    text = report("show_cost", OURS, {"ffmpeg": PEER}, {"ratio": 0.5}).text()
    (row,) = (line for line in text.splitlines() if line.split()[0] == "cpu_pct_core")
    assert row.split() == ["cpu_pct_core", "40.00", "70.00"]
    assert "n = 3 runs" in text


def test_percentile_is_the_nearest_rank() -> None:
    values = [15, 20, 35, 40, 50]
    assert [percentile(values, p) for p in (5, 30, 40, 50, 95, 100)] == [15, 20, 20, 35, 50, 50]


def test_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)
