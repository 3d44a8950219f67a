"""What a feed is to the show, from what is known of its host's connection."""

from typing import Literal

FeedState = Literal["waiting", "on", "frozen", "away", "gone"]

FROZEN_AFTER_S = 0.5
AWAY_AFTER_S = 1.5
GONE_AFTER_S = 15.0


def feed_state(
    *, admitted: bool, connected: bool, seen_at_s: float | None, now_s: float
) -> FeedState:
    """The state of a feed whose last sign of life was at `seen_at_s`.

    A sign of life is a picture, or the moment of joining before there was one; None means
    that the host never joined or has left.
    """
    if seen_at_s is None:
        return "gone"
    silent_s = now_s - seen_at_s
    if silent_s >= GONE_AFTER_S:
        return "waiting" if connected and not admitted else "gone"
    if not admitted:
        return "waiting"
    if silent_s >= AWAY_AFTER_S:
        return "away"
    return "frozen" if silent_s >= FROZEN_AFTER_S else "on"
