"""The demo's lines, from what the server says."""

from typing import Any

from mediaserver.demo.status import bytes_sent, line, summary
from mediaserver.demo.verdict import Seen, Verdict

STATE: dict[str, Any] = {
    "canvases": {"landscape": {"id": "landscape", "program": {"fps": 29.97, "late_ticks": 2}}},
    "feeds": [{"name": "Studio", "state": "on"}, {"name": "Workshop", "state": "frozen"}],
    "targets": [
        {"id": "a", "name": "local", "status": "live", "bytes_sent": 700_000, "reason": None},
        {"id": "b", "name": "far", "status": "retrying", "bytes_sent": 0, "reason": "no answer"},
    ],
}

RUNDOWN = {
    "products": [
        {"badges": {"tiktok": {"eligibility": word}}}
        for word in ("unknown", "eligible", "eligible")
    ]
}


def test_line_says_what_is_on_air() -> None:
    assert line(3, STATE, {"a": 200_000, "b": 0}, 1.0, RUNDOWN) == (
        "    3 s | landscape 29.97 fps, 2 late | local live 4.00 Mbit/s | "
        "far retrying 0.00 Mbit/s (no answer) | Studio on, Workshop frozen | "
        "TikTok: 2 eligible, 1 unknown"
    )


def test_canvas_that_nobody_wants_has_no_frames() -> None:
    idle = {**STATE, "canvases": {"landscape": {"id": "landscape", "program": None}}}
    assert "landscape  0.00 fps, 0 late" in line(1, idle, {}, 1.0, RUNDOWN)


def test_counters_that_began_anew_are_no_negative_rate() -> None:
    assert "local live 0.00 Mbit/s" in line(1, STATE, {"a": 900_000, "b": 0}, 1.0, RUNDOWN)


def test_bytes_are_told_by_target() -> None:
    assert bytes_sent(STATE) == {"a": 700_000, "b": 0}


def test_summary_of_a_show_that_arrived() -> None:
    verdict = Verdict(180, 6.0, {"Studio": Seen(0.98, 1.0, 1.0)}, ())
    assert summary(verdict) == (
        "arrived: 180 frames, 6.0 s of sound\n"
        "  Studio: in its colour 98%, moving 100%, heard 100% of the time\n"
        "the show arrived"
    )


def test_summary_names_what_is_wrong() -> None:
    verdict = Verdict(0, 0.0, {}, ("0 frames arrived where 180 were due",))
    assert summary(verdict).splitlines()[1:] == [
        "  wrong: 0 frames arrived where 180 were due",
        "the show did not arrive as sent",
    ]
