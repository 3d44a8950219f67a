"""An order of TikTok as we keep it. Pure.

TikTok has one line item for each unit (3p), and says of each how far it is. Whatever word that is,
it is kept; of those that we do not know it is only sure that the unit was ordered.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from sync.model import TIKTOK
from sync.orders.buyer import Buyer
from sync.orders.claims import SENT
from sync.orders.order import (
    LineId,
    Order,
    OrderId,
    OrderLine,
    OrderStatus,
    Place,
    Return,
    RoomId,
)
from sync.tiktok import wire
from sync.tiktok.errors import Unreadable
from sync.tiktok.wire import ReturnStatus, ReturnType

log = logging.getLogger(__name__)

NO_CURRENCY = "XXX"
"""ISO 4217's code for it: amounts of such an order add up with no others."""

_CAME_BACK = frozenset(
    {ReturnStatus.SUCCESS, ReturnStatus.COMPLETE, ReturnStatus.REPLACEMENT_COMPLETE}
)
_PAID_BACK = frozenset({ReturnStatus.COMPLETE, ReturnStatus.REPLACEMENT_REFUNDED})

_NO_BUYER = frozenset({OrderStatus.UNPAID, OrderStatus.ON_HOLD, OrderStatus.CANCELLED})
"""TikTok blanks or masks the buyer of such orders."""


class Print(NamedTuple):
    """By what an order is known to be as it was: times are whole seconds, in which much may
    happen."""

    updated_at: float
    status: str
    cancel_requested: bool
    lines: tuple[tuple[str, str], ...]


def order_id(remote_id: str) -> OrderId:
    return OrderId(f"{TIKTOK}-{remote_id}")


def order_of(
    remote: wire.Order,
    places: Mapping[str, Place],
    before: Order | None,
    returns: Sequence[wire.Return] | None,
    *,
    since: float,
    at: float,
) -> Order:
    """`places` are by TikTok's id of the SKU, `before` is the order as it was kept. `returns` are
    all of this order, None where nobody has asked. TikTok is connected `since` then, and the order
    is taken in at `at` (unix seconds).

    Raises Unreadable for one that is open and has no lines: nothing would be held for it.
    """
    if not remote.line_items and remote.status != OrderStatus.CANCELLED:
        raise Unreadable(f"TikTok tells of the order {remote.id}, but not what was ordered")
    currency = _currency(remote)
    kept = {} if before is None else {line.id: line for line in before.lines}
    lines = [_line(each, remote, places, currency, kept) for each in remote.line_items]
    lines = lines or [_cancelled(line) for line in kept.values()]
    if returns is not None:
        lines = [_given_back(line, currency, returns) for line in lines]
    created_at = float(remote.create_time or (before.created_at if before else at))
    return Order(
        id=order_id(remote.id),
        channel=TIKTOK,
        remote_id=remote.id,
        status=_status(remote),
        currency=currency,
        lines=tuple(lines),
        created_at=created_at,
        updated_at=float(remote.update_time or (before.updated_at if before else 0)),
        paid_at=_seconds(remote.paid_time),
        cancelled_at=_seconds(remote.cancel_time),
        cancel_reason=remote.cancel_reason or "",
        returns=_returns(before, returns, currency),
        is_sample=bool(remote.is_sample_order),
        cancel_requested=bool(remote.is_buyer_request_cancel),
        predates=created_at < since if before is None else before.predates,
        taken_at=at if before is None else before.taken_at,
    )


def print_of_remote(remote: wire.Order) -> Print:
    lines = sorted((line.id, _line_status(line, remote)) for line in remote.line_items)
    is_asked = bool(remote.is_buyer_request_cancel)
    return Print(float(remote.update_time or 0), _status(remote), is_asked, tuple(lines))


def print_of(order: Order) -> Print:
    lines = sorted((str(line.id), line.status) for line in order.lines)
    return Print(order.updated_at, order.status, order.cancel_requested, tuple(lines))


def buyer_of(remote: wire.Order) -> Buyer | None:
    """None while TikTok does not tell whom an order goes to."""
    to = remote.recipient_address
    if to is None or _status(remote) in _NO_BUYER or not (to.name or to.full_address):
        return None
    if "*" in (to.name or ""):  # masked, as it is some time after all is done
        return None
    return Buyer(
        name=to.name or "",
        phone=to.phone_number or "",
        email=remote.buyer_email or "",
        address=to.full_address or "",
        postal_code=to.postal_code or "",
        region=to.region_code or "",
        message=remote.buyer_message or "",
    )


def _line(
    item: wire.OrderLine,
    remote: wire.Order,
    places: Mapping[str, Place],
    currency: str,
    kept: Mapping[LineId, OrderLine],
) -> OrderLine:
    line_id = LineId(item.id)
    before = kept.get(line_id)
    place = places.get(item.sku_id or "")
    status = _line_status(item, remote)
    was_sent = status in SENT or (before is not None and before.sent > 0)
    return OrderLine(
        id=line_id,
        title=item.product_name or "",
        price=_price(item, currency),
        status=status,
        product=None if place is None else place.product,
        sku=None if place is None else place.sku,
        seller_sku=item.seller_sku or "",
        variant=item.sku_name or "",
        sent=int(was_sent),
        cancelled=int(status == OrderStatus.CANCELLED),
        cancel_reason=item.cancel_reason or "",
        returned=0 if before is None else before.returned,
        refunded=0 if before is None else before.refunded,
        restocked=0 if before is None else before.restocked,
        room=RoomId(item.room_id) if item.room_id and item.room_id != "0" else None,
    )


def _cancelled(line: OrderLine) -> OrderLine:
    return replace(line, status=OrderStatus.CANCELLED, cancelled=line.units)


def _status(remote: wire.Order) -> str:
    return remote.status or ""


def _line_status(item: wire.OrderLine, remote: wire.Order) -> str:
    if remote.status == OrderStatus.CANCELLED:
        return OrderStatus.CANCELLED
    return item.display_status or _status(remote)


def _price(item: wire.OrderLine, currency: str) -> int:
    """What the buyer pays for it and what TikTok pays in their place."""
    price = wire.minor_units(item.sale_price, currency)
    if price is None:
        log.warning("tiktok_price_unreadable line=%s", item.id)
        return 0
    return price + (wire.minor_units(item.platform_discount, currency) or 0)


def _currency(remote: wire.Order) -> str:
    named = [remote.payment.currency] if remote.payment is not None else []
    named += [line.currency for line in remote.line_items]
    return next((each for each in named if each), NO_CURRENCY)


def _seconds(moment: int | None) -> float | None:
    return None if not moment else float(moment)


def _given_back(line: OrderLine, currency: str, returns: Sequence[wire.Return]) -> OrderLine:
    """`line` with what became of it after it was sent."""
    returned, refunded = 0, 0
    for each in returns:
        for item in each.return_line_items:
            if LineId(item.order_line_item_id) != line.id:
                continue
            is_kept = each.can_buyer_keep_item or each.return_type == ReturnType.REFUND
            if each.return_status in _CAME_BACK and not is_kept:
                returned = line.units
            if each.return_status in _PAID_BACK:
                refunded += _refund(item.refund_amount, currency)
    return replace(line, returned=returned, refunded=refunded)


def _returns(
    before: Order | None, returns: Sequence[wire.Return] | None, currency: str
) -> tuple[Return, ...]:
    if returns is None:
        return () if before is None else before.returns
    return tuple(
        Return(
            id=each.return_id,
            status=each.return_status or "",
            lines=tuple(LineId(item.order_line_item_id) for item in each.return_line_items),
            refund=_refund(each.refund_amount, currency),
            reason=each.return_reason_text or each.return_reason or "",
            updated_at=float(each.update_time or 0),
        )
        for each in sorted(returns, key=lambda each: (each.create_time or 0, each.return_id))
    )


def _refund(refund: wire.Refund | None, currency: str) -> int:
    if refund is None:
        return 0
    return wire.minor_units(refund.refund_total, refund.currency or currency) or 0
