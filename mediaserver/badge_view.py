"""What the outside sees of badges and rundowns: plain JSON."""

from collections.abc import Mapping
from typing import Any

from mediaserver.view import time_view
from sync.model import Badge, ChannelId

View = dict[str, Any]


def badges_view(badges: Mapping[ChannelId, Badge]) -> View:
    return {channel: badge_view(badge) for channel, badge in badges.items()}


def badge_view(badge: Badge) -> View:
    return {
        "eligibility": badge.eligibility,
        "colour": badge.colour,
        "sold_out": badge.sold_out,
        "reasons": [
            {"code": reason.code, "text": reason.text, "mend": reason.mend}
            for reason in badge.reasons
        ],
        "known_at": time_view(badge.known_at),
        "stale_at": time_view(badge.stale_at),
    }
