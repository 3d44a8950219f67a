"""Whether a product's card may be seen on a canvas, and why not: pure, and one table."""

from collections.abc import Mapping
from typing import NamedTuple

from sync.eligibility.badges import Looked
from sync.model import TIKTOK, Badge, ChannelId


class Standing(NamedTuple):
    """What is known of a product: `looked` is None of one that was deleted or not looked at.
    `badges` are those of the show's channels as they count now."""

    is_on_rundown: bool
    is_looked_at: bool
    looked: Looked | None
    badges: Mapping[ChannelId, Badge]


class Hidden(NamedTuple):
    """Why it is not shown."""

    code: str
    text: str


def hidden(standing: Standing, to_tiktok: bool) -> Hidden | None:
    """Why the product is not shown on a canvas, which a TikTok target sends or not; None if it is.

    What is not known is off where TikTok sees it. Elsewhere the last word counts: a red badge that
    has become unknown is no reason to come back.
    """
    if not standing.is_on_rundown:
        return Hidden("not_on_rundown", "it is not on the show's rundown")
    if not standing.is_looked_at:
        return Hidden("not_looked", "the server has not looked at it yet")
    looked = standing.looked
    if looked is None:
        return Hidden("product_gone", "it was deleted")
    if looked.product.status != "active":
        return Hidden("not_active", f"it is {looked.product.status}, and only active ones are sold")
    if looked.available <= 0:
        return Hidden("sold_out", "none are left")
    for channel in standing.badges:
        last = looked.badges.get(channel)
        if last is not None and last.colour == "red":
            return Hidden("badge_red", f"its badge for {channel} is red")
    if not to_tiktok:
        return None
    badge = standing.badges.get(TIKTOK)
    if badge is None:
        return Hidden(
            "tiktok_not_a_channel",
            "a target on TikTok sends this canvas, and tiktok is not among the show's channels",
        )
    if badge.colour != "green":
        return Hidden(
            "tiktok_not_green",
            f"a target on TikTok sends this canvas, and its badge for tiktok is {badge.colour}",
        )
    return None
