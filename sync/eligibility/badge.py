"""Badges: what the dashboard shows of a product on a channel."""

from collections.abc import Sequence

from sync.eligibility.local_rules import is_sold_out
from sync.eligibility.reasons import REASONS, reason
from sync.eligibility.verdict import ShopVerdict, Subject, verdict
from sync.model import TIKTOK, Badge, ChannelId, Colour, Eligibility, Reason

COLOURS: dict[Eligibility, Colour] = {
    "eligible": "green",
    "pending": "amber",
    "ineligible": "red",
    "unknown": "grey",
}


def badge(channel: ChannelId, subject: Subject, shop: ShopVerdict, now: float) -> Badge:
    """The badge of a product on a channel. On any but TikTok the shop sells by itself: nobody
    else is asked."""
    if channel != TIKTOK:
        return _own(channel, subject)
    found = verdict(subject, shop, now)
    return Badge(
        channel=channel,
        eligibility=found.eligibility,
        colour=COLOURS[found.eligibility],
        sold_out=found.sold_out,
        reasons=found.reasons,
        known_at=found.known_at,
        stale_at=found.stale_at,
    )


def unread(channel: ChannelId, code: str) -> Badge:
    """The badge of a product that could not be looked at, with the reason of that code."""
    return _of(channel, [reason(code)], sold_out=False, known_at=None)


def _own(channel: ChannelId, subject: Subject) -> Badge:
    product = subject.product
    reasons = []
    if product.status != "active":
        reasons.append(reason("not_active", status=product.status))
    if channel in product.left_out:
        reasons.append(reason("left_out"))
    if not product.skus:
        reasons.append(reason("skus_none"))
    sold_out = is_sold_out(product, subject.stocks)
    if sold_out:
        reasons.append(reason("sold_out"))
    return _of(channel, reasons or [reason("sold_here")], sold_out, product.updated_at)


def _of(
    channel: ChannelId, reasons: Sequence[Reason], sold_out: bool, known_at: float | None
) -> Badge:
    """By the first of `reasons`."""
    eligibility = REASONS[reasons[0].code].eligibility
    return Badge(
        channel, eligibility, COLOURS[eligibility], sold_out, tuple(reasons), known_at=known_at
    )
