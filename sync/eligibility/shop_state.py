"""Where the shop stands with a channel, from what is known of it: pure.

not_connected → connecting → choosing_shop → authorized → prerequisites_failing → kyc_pending →
probation → live, and deauthorized, from which it is connected again. What may hold beside a state
is a condition.
"""

from typing import Literal

import msgspec

from sync.eligibility.tier import orders_left
from sync.model import ChannelRecord

State = Literal[
    "not_connected",
    "connecting",
    "choosing_shop",
    "authorized",
    "prerequisites_failing",
    "kyc_pending",
    "probation",
    "live",
    "deauthorized",
]
Condition = Literal["order_limited", "holiday", "restricted", "authorization_expiring"]

EXPIRING_S = 30 * 24 * 3600
"""How long before its end an authorization is said to expire; TikTok begins to warn then too."""


class ShopState(msgspec.Struct, frozen=True):
    """`text` says it to the shop's owner, what to do included."""

    state: State
    text: str
    conditions: tuple[Condition, ...] = ()


def shop_state(record: ChannelRecord, now: float) -> ShopState:
    state, text = _state(record)
    conditions = _conditions(record, now) if record.is_connected else ()
    return ShopState(state, text, conditions)


def authorization_ends_at(record: ChannelRecord) -> float | None:
    """When the seller has to consent again at the latest, None while there is no authorization."""
    if record.authorization is None:
        return None
    told = record.authorization_ends_at
    ours = record.authorization.refresh_expires_at
    return ours if told is None else min(told, ours)


def _state(record: ChannelRecord) -> tuple[State, str]:
    if not record.is_connected:
        return _unconnected(record)
    failing = sum(each.failed for each in record.prerequisites)
    if record.prerequisites_at is None:
        return "authorized", "connected; TikTok has not been asked yet what is missing"
    if failing:
        return "prerequisites_failing", f"TikTok asks for {failing} more: see the checklist"
    if record.kyc_pending:
        return "kyc_pending", (
            "TikTok is checking who the seller is; products are listed once it is done"
        )
    if record.tier == "pro":
        return "live", "the shop sells on TikTok without the limits of the probation"
    if record.tier is None:
        return "probation", "the shop sells on TikTok; say which tier of the probation it is in"
    return "probation", f"the shop sells on TikTok within the limits of the tier {record.tier}"


def _unconnected(record: ChannelRecord) -> tuple[State, str]:
    attempt = record.attempt
    if attempt is not None and attempt.choices:
        return "choosing_shop", "the account has several shops: choose the one to sell in"
    if attempt is not None:
        return "connecting", "the seller has agreed; TikTok is being asked for the shop"
    if record.deauthorized_at is not None:
        return "deauthorized", record.last_error or "the connection has ended: connect again"
    return "not_connected", record.refusal or "TikTok Shop is not connected"


def _conditions(record: ChannelRecord, now: float) -> tuple[Condition, ...]:
    found: list[Condition] = []
    orders = orders_left(record, now)
    if orders is not None and orders.left == 0:
        found.append("order_limited")
    elif any(place.status == "RESTRICTED" for place in record.warehouses):
        # TikTok's word for a holiday and for used up orders; of a known tier we count those.
        found.append("restricted" if record.tier is None else "holiday")
    ends_at = authorization_ends_at(record)
    if ends_at is not None and ends_at - now <= EXPIRING_S:
        found.append("authorization_expiring")
    return tuple(found)
