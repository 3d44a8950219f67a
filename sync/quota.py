"""How many units of a SKU TikTok is to be offered, and what has to be sent for that. Pure.

In escrow what is offered at TikTok is set aside for it. A shop that has never sold elsewhere
offers all it has there; others divide it by where it is sold of late. A division that is near
enough is left alone, so that sales do not make requests.
"""

from collections.abc import Mapping

import msgspec

from sync.model import TIKTOK, ChannelId, Stock, StockPolicy

MOST = 99_999
"""TikTok takes no larger stock (Set stock of its product API)."""

HALF_LIFE_S = 900.0
"""A sale that old counts half as much as one now."""

REMEMBERED = 10.0
"""Units that all sales of before together count as, when nothing is known of their times."""

LEAST_SHARE = 0.2
"""Of TikTok, whatever was sold there."""


class Trend(msgspec.Struct, frozen=True):
    """Units of a SKU sold ever (Stock.sold) up to `at`, and their weights by channel, of which
    those of late have most."""

    sold: dict[ChannelId, int]
    weights: dict[ChannelId, float]
    at: float


def followed(before: Trend | None, sold: Mapping[ChannelId, int], now: float) -> Trend:
    """The trend with what was sold since."""
    if before is None:
        scale = min(1.0, REMEMBERED / max(1, sum(sold.values())))
        return Trend(dict(sold), {each: units * scale for each, units in sold.items()}, now)
    if before.sold == sold:
        return before
    kept = 0.5 ** (max(0.0, now - before.at) / HALF_LIFE_S)
    weights = {
        each: before.weights.get(each, 0.0) * kept + max(0, units - before.sold.get(each, 0))
        for each, units in sold.items()
    }
    return Trend(dict(sold), weights, now)


def share(trend: Trend) -> float:
    """TikTok's part of what can be sold, from 0 to 1."""
    if not any(units for channel, units in trend.sold.items() if channel != TIKTOK):
        return 1.0
    total = sum(trend.weights.values())
    return max(LEAST_SHARE, trend.weights.get(TIKTOK, 0.0) / total if total else 0.0)


def offered(stock: Stock, policy: StockPolicy, trend: Trend, now: float) -> int:
    """The level that TikTok is to have."""
    if policy.mode == "buffered":
        return min(MOST, max(0, stock.available - policy.buffer))
    quota = stock.quotas.get(TIKTOK, 0)
    there = max(0, stock.free + quota)
    wanted = stock.wanted if stock.wanted_until > now else 0
    most = min(MOST, max(0, there - wanted))
    part = share(trend) if policy.share is None else policy.share / 100
    if part >= 1.0:
        return most
    level = min(most, _divided(there, part))
    if quota <= most and _is_near(quota, level, there):
        return quota
    return level


def due(stock: Stock | None, level: int, said: int | None) -> int | None:
    """The level to send now, so that TikTok offers `level` in the end; None for none, as yet or
    at all. `said` is the one that it took last, None where that is not known.

    `stock` is None where nothing is set aside: then what was said is there. Else what is set
    aside says what is there. A channel in doubt is waited for, unless it is to sell nothing; one
    that is not bounded, or never was, goes through 0.
    """
    if stock is None:
        return None if said == level else level
    quota = stock.quotas.get(TIKTOK)
    if quota is None:
        return 0
    if TIKTOK in stock.unbound:
        return None if said == 0 else 0
    if TIKTOK in stock.doubts:
        return None if level > 0 or said == 0 else 0
    return None if quota == level else level


def _divided(units: int, part: float) -> int:
    """`part` of `units`: of two or more, one at least is left for each side."""
    level = round(units * part)
    return min(max(level, 1), units - 1) if part > 0.0 and units > 1 else level


def _is_near(quota: int, level: int, there: int) -> bool:
    """Whether `quota` may stay: neither side is without units that should have some, and not many
    are on the wrong one."""
    if (quota == 0) != (level == 0) or (quota == there) != (level == there):
        return False
    return abs(quota - level) <= max(1, there // 4)
