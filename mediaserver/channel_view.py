"""What the crew sees of a channel and of the sync with it, the same in answers and in events."""

import msgspec

from mediaserver.view import View, time_view
from sync.connecting.checklist import Inventory, Item, checklist
from sync.eligibility.shop_state import authorization_ends_at, shop_state
from sync.eligibility.tier import TIERS, orders_left
from sync.model import TIKTOK, ChannelRecord, RemoteShop, Tier
from sync.store.progress import Progress

MOST_FAILURES_TOLD = 10


def channel_view(
    record: ChannelRecord,
    inventory: Inventory,
    progress: Progress,
    *,
    is_configured: bool,
    now: float,
) -> View:
    """TikTok as the crew sees it: no token, no cipher."""
    state = shop_state(record, now)
    choices = record.attempt.choices if record.attempt is not None else ()
    return {
        "id": TIKTOK,
        "configured": is_configured,
        "connected": record.is_connected,
        "state": state.state,
        "conditions": list(state.conditions),
        "text": state.text,
        "shop": None if record.shop is None else _shop_view(record.shop),
        "choices": [_shop_view(shop) for shop in choices],
        "connected_at": time_view(record.connected_at),
        "authorization_ends_at": time_view(authorization_ends_at(record)),
        "auto_sync": record.auto_sync,
        "account_attested": record.account_attested_at is not None,
        "stock": {
            **msgspec.structs.asdict(record.stock),
            "can_oversell": record.stock.mode == "buffered",
        },
        "tier": record.tier,
        "limits": None if record.tier is None else _limits_view(record, record.tier, now),
        "checklist": [_item_view(item) for item in checklist(record, inventory, now)],
        "sync": progress_view(progress),
        "revision": record.revision,
    }


def in_brief(progress: Progress) -> Progress:
    """With the first failures alone, as events have it: they come often."""
    return msgspec.structs.replace(progress, failures=progress.failures[:MOST_FAILURES_TOLD])


def progress_view(progress: Progress) -> View:
    """How far the sync is; `more_failures` are not named."""
    return {
        **msgspec.structs.asdict(progress),
        "paused": progress.paused or None,
        "failures": [
            {**msgspec.structs.asdict(failed), "retry_at": time_view(failed.retry_at)}
            for failed in progress.failures
        ],
        "more_failures": progress.failed - len(progress.failures),
        "drifts": [
            {**msgspec.structs.asdict(drift), "at": time_view(drift.at)}
            for drift in progress.drifts
        ],
        "at": time_view(progress.at or None),
    }


def _shop_view(shop: RemoteShop) -> View:
    return {"id": shop.id, "name": shop.name, "region": shop.region}


def _limits_view(record: ChannelRecord, tier: Tier, now: float) -> View:
    """What the probation allows; null is without limit."""
    orders = orders_left(record, now)
    return {
        "products": TIERS[tier].products,
        "orders_a_day": None if orders is None else orders.limit,
        "orders_left_today": None if orders is None else orders.left,
    }


def _item_view(item: Item) -> View:
    return {
        "id": item.code,
        "title": item.title,
        "state": item.state,
        "said": list(item.said),
        "next_step": item.next_step,
        "at": time_view(item.at),
    }
