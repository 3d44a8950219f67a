"""TikTok's probation: how many products and orders a day each tier allows."""

from datetime import UTC, datetime, timedelta

import msgspec

from sync.model import ChannelRecord, Tier


class TierLimits(msgspec.Struct, frozen=True):
    """None is no limit."""

    products: int | None
    orders_a_day: int | None


TIERS: dict[Tier, TierLimits] = {
    "beginner": TierLimits(products=100, orders_a_day=50),
    "standard": TierLimits(products=200, orders_a_day=100),
    "premium": TierLimits(products=1000, orders_a_day=200),
    "pro": TierLimits(products=None, orders_a_day=None),
}
"""Source: TikTok Shop Academy (US), "Shop Probation Program", as of October 2025."""


class OrdersLeft(msgspec.Struct, frozen=True):
    left: int
    limit: int


def product_limit(tier: Tier | None) -> int | None:
    """How many products may be listed; None is no limit, as while the tier is not declared."""
    return TIERS[tier].products if tier else None


def orders_left(channel: ChannelRecord, now: float) -> OrdersLeft | None:
    """What is left of the orders of the day; None where the tier sets no limit."""
    limit = TIERS[channel.tier].orders_a_day if channel.tier else None
    if limit is None:
        return None
    counted = channel.orders_count if channel.orders_day == order_day(now) else 0
    return OrdersLeft(max(0, limit - counted), limit)


def order_day(now: float) -> str:
    """The day that an order of `now` counts in, as 2026-11-23. TikTok does not say where its
    day turns, so it is that of UTC."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def next_day(now: float) -> float:
    """When the day after that begins, in unix seconds."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today + timedelta(days=1)).timestamp()
