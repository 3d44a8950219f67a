"""LIVE analytics, counted from the orders themselves."""

from datetime import UTC, date, datetime
from typing import Any

from sync.sandbox.api.orders import amount
from sync.sandbox.call import Call, PageToken, fingerprint, opaque
from sync.sandbox.errors import Refused
from sync.sandbox.lives import Live
from sync.sandbox.wire import Code, OrderStatus
from sync.sandbox.world import Market

_FIELDS = frozenset(
    {
        "gmv",
        "24h_live_gmv",
        "products_added",
        "different_products_sold",
        "sku_orders",
        "items_sold",
        "customers",
    }
)
_DEFAULT_PAGE = 10


def live_performance(call: Call) -> Any:
    first, end = _day(call, "start_date_ge"), _day(call, "end_date_lt")
    by = call.query.get("sort_field", "gmv")
    order = call.query.get("sort_order", "DESC")
    if by not in _FIELDS or order not in ("ASC", "DESC"):
        raise Refused(Code.INVALID, "`sort_field` or `sort_order` is not known.")
    size = call.page_size(_DEFAULT_PAGE)
    filters = fingerprint(call.shop.id, str(first), str(end), by, order)
    token = call.page_token(filters)
    found = []
    for live in call.market.lives.by_room.values():
        if first <= datetime.fromtimestamp(live.start_time, UTC).date() < end:
            key, session = _session(call.market, live, by)
            found.append((key, live.room_id, session))
    found.sort(key=lambda each: each[:2], reverse=order == "DESC")
    start = token.seen if token is not None else 0
    answer: dict[str, Any] = {
        "latest_available_date": datetime.fromtimestamp(call.world.clock.now(), UTC)
        .date()
        .isoformat(),
        "live_stream_sessions": [session for _, _, session in found[start : start + size]],
        "next_page_token": "",
        "total_count": len(found),
    }
    if len(found) > start + size:
        token = PageToken(filters, (0, ""), start + size, len(found))
        answer["next_page_token"] = opaque(token)
    return answer


def _day(call: Call, name: str) -> date:
    try:
        return date.fromisoformat(call.query.get(name, ""))
    except ValueError as error:
        raise Refused(Code.INVALID, f"`{name}` must be a date, as 2026-01-31.") from error


def _session(market: Market, live: Live, by: str) -> tuple[int, dict[str, Any]]:
    orders = [market.orders.by_id[order_id] for order_id in live.orders]
    made = [
        (order, item)
        for order in orders
        for item in order.line_items
        if item.room_id == live.room_id
    ]
    sold = [
        (order, item)
        for order, item in made
        if order.paid_time is not None and item.status != OrderStatus.CANCELLED
    ]
    cents = sum(item.sale_cents for _, item in sold)
    counts = {
        "gmv": cents,
        "24h_live_gmv": cents,
        "products_added": len({item.product_id for _, item in made}),
        "different_products_sold": len({item.product_id for _, item in sold}),
        "sku_orders": len({(order.id, item.sku_id) for order, item in sold}),
        "items_sold": len(sold),
        "customers": len({order.buyer for order, _ in sold}),
    }
    currency = market.shop.currency

    def money(value: int) -> dict[str, str]:
        return {"amount": amount(value), "currency": currency}

    return counts[by], {
        "end_time": str(live.end_time) if live.end_time is not None else "",
        "id": live.room_id,
        "sales_performance": {
            "24h_live_gmv": money(cents),
            "avg_price": money(cents // len(sold) if sold else 0),
            "created_sku_orders": len({(order.id, item.sku_id) for order, item in made}),
            "customers": counts["customers"],
            "different_products_sold": counts["different_products_sold"],
            "gmv": money(cents),
            "items_sold": counts["items_sold"],
            "products_added": counts["products_added"],
            "sku_orders": counts["sku_orders"],
        },
        "start_time": str(live.start_time),
        "title": live.title,
        "username": live.username,
    }
