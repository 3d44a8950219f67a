"""What the demo prints, from what the server says: pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mediaserver.demo.verdict import Verdict

ELIGIBILITIES = ("eligible", "pending", "ineligible", "unknown")


def bytes_sent(state: Mapping[str, Any]) -> dict[str, int]:
    """Of each target, by its id."""
    return {target["id"]: target["bytes_sent"] for target in state["targets"]}


def line(
    on_air_s: float,
    state: Mapping[str, Any],
    before: Mapping[str, int],
    interval_s: float,
    rundown: Mapping[str, Any],
) -> str:
    """One line of what is on air; `before` is what `bytes_sent` gave `interval_s` ago."""
    parts = [f"{on_air_s:5.0f} s"]
    for canvas in state["canvases"].values():
        program = canvas["program"] or {"fps": 0.0, "late_ticks": 0}
        parts.append(f"{canvas['id']} {program['fps']:5.2f} fps, {program['late_ticks']} late")
    for target in state["targets"]:
        sent = target["bytes_sent"] - before.get(target["id"], 0)
        parts.append(
            f"{target['name']} {target['status']} {8 * max(sent, 0) / interval_s / 1e6:.2f} Mbit/s"
            + (f" ({target['reason']})" if target["reason"] else "")
        )
    parts.append(", ".join(f"{feed['name']} {feed['state']}" for feed in state["feeds"]))
    parts.append(f"TikTok: {badges(rundown)}")
    return " | ".join(parts)


def badges(rundown: Mapping[str, Any]) -> str:
    """How many of the rundown's products may be sold on TikTok, in words."""
    found = Counter(product["badges"]["tiktok"]["eligibility"] for product in rundown["products"])
    return ", ".join(f"{found[name]} {name}" for name in ELIGIBILITIES if found[name])


def summary(verdict: Verdict) -> str:
    """What arrived at the destination, and whether that is what was sent."""
    lines = [f"arrived: {verdict.frames} frames, {verdict.sound_s:.1f} s of sound"]
    lines += [
        f"  {name}: in its colour {seen.coloured:.0%}, moving {seen.moving:.0%}, "
        f"heard {seen.sounding:.0%} of the time"
        for name, seen in verdict.feeds.items()
    ]
    lines += [f"  wrong: {fault}" for fault in verdict.faults]
    lines.append("the show did not arrive as sent" if verdict.faults else "the show arrived")
    return "\n".join(lines)


def table(rows: Sequence[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)
