"""Returns: asked for by the buyer, answered by the seller, sent back, paid back.

Stock is not touched: what comes back is for sale again when the seller says so.
"""

from functools import partial

from sync.sandbox import events
from sync.sandbox.aftersales import Return
from sync.sandbox.errors import ShopperRefused
from sync.sandbox.ids import ReturnId
from sync.sandbox.steps import check_status, chosen, market_of_order
from sync.sandbox.wire import (
    REFUND,
    RETURN_AND_REFUND,
    Event,
    OrderStatus,
    ReturnStatus,
)
from sync.sandbox.world import Market, World

ACTIONS = {
    (REFUND, ReturnStatus.PENDING): "SELLER_RESPOND_REFUND",
    (RETURN_AND_REFUND, ReturnStatus.PENDING): "SELLER_RESPOND_RETURN",
    (RETURN_AND_REFUND, ReturnStatus.BUYER_SHIPPED_ITEM): "SELLER_RESPOND_RECEIVE_PACKAGE",
}
"""What is waited for from the seller, by the type of a return and its status."""


def give_back(
    world: World, order_id: str, line_items: list[str] | None, *, return_type: str, reason: str
) -> Return:
    """The buyer asks to return units (None: all that are not asked back yet) of an order that was
    delivered, or to have their price back. Raises ShopperRefused."""
    market, order = market_of_order(world, order_id)
    check_status(order, {OrderStatus.DELIVERED, OrderStatus.COMPLETED})
    if return_type not in (REFUND, RETURN_AND_REFUND):
        raise ShopperRefused("type", f"a return is a {REFUND} or a {RETURN_AND_REFUND}")
    gone = market.aftersales.returned(order.id)
    items = [
        item for item in chosen(order, line_items) if line_items is not None or item.id not in gone
    ]
    if not items or any(item.id in gone for item in items):
        raise ShopperRefused("returned", f"those units of {order.id} were asked back already")
    now = world.clock.seconds()
    return_id = ReturnId(world.ids.next("return"))
    asked = Return(return_id, order.id, items, return_type, reason, now, now)
    market.aftersales.returns[return_id] = asked
    _tell(world, market, asked)
    return asked


def send_back(world: World, return_id: str, tracking_number: str) -> Return:
    """The buyer has posted what was granted. Raises ShopperRefused."""
    market, asked = _find(world, return_id)
    _check(asked, ReturnStatus.AWAITING_BUYER_SHIP)
    asked.tracking_number = tracking_number
    _set(world, market, asked, ReturnStatus.BUYER_SHIPPED_ITEM)
    return asked


def withdraw(world: World, return_id: str) -> Return:
    """The buyer keeps the units after all. Raises ShopperRefused."""
    market, asked = _find(world, return_id)
    _check(asked, ReturnStatus.PENDING, ReturnStatus.AWAITING_BUYER_SHIP)
    _set(world, market, asked, ReturnStatus.CANCELLED)
    return asked


def answer(world: World, return_id: str, *, approve: bool, keeps_item: bool = False) -> Return:
    """What the seller answers, wherever: with `keeps_item` the buyer has the money back and sends
    nothing. Raises ShopperRefused where nothing is waited for."""
    market, asked = _find(world, return_id)
    if (asked.return_type, asked.status) not in ACTIONS:
        raise ShopperRefused("status", f"the return {asked.id} is {asked.status}")
    is_parcel = asked.status == ReturnStatus.BUYER_SHIPPED_ITEM
    if not approve:
        refused = ReturnStatus.PACKAGE_REJECTED if is_parcel else ReturnStatus.REJECTED
        _set(world, market, asked, refused)
    elif asked.return_type == REFUND or is_parcel or keeps_item:
        asked.keeps_item = keeps_item
        _set(world, market, asked, ReturnStatus.SUCCESS)
        world.clock.after(
            world.refund_s, partial(_set, world, market, asked, ReturnStatus.COMPLETE)
        )
    else:
        _set(world, market, asked, ReturnStatus.AWAITING_BUYER_SHIP)
    return asked


def _find(world: World, return_id: str) -> tuple[Market, Return]:
    for market in world.markets.values():
        if (found := market.aftersales.returns.get(ReturnId(return_id))) is not None:
            return market, found
    raise ShopperRefused("unknown_return", f"there is no return {return_id}")


def _check(asked: Return, *allowed: str) -> None:
    if asked.status not in allowed:
        raise ShopperRefused("status", f"the return {asked.id} is {asked.status}")


def _set(world: World, market: Market, asked: Return, status: str) -> None:
    asked.status = status
    asked.update_time = world.clock.seconds()
    _tell(world, market, asked)


def _tell(world: World, market: Market, asked: Return) -> None:
    data = events.returned(
        asked.order_id,
        asked.id,
        asked.return_type,
        asked.status,
        asked.create_time,
        asked.update_time,
    )
    world.courier.send(market.shop, Event.RETURN_STATUS_CHANGE, data)
