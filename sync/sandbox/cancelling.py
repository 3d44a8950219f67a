"""Cancellations: what is cancelled at once, and what a buyer asks the seller for."""

from functools import partial

from sync.sandbox import events
from sync.sandbox.aftersales import Cancellation
from sync.sandbox.errors import ShopperRefused
from sync.sandbox.ids import CancelId
from sync.sandbox.orders import CANCELLABLE, LineItem, Order
from sync.sandbox.steps import check_status, chosen, market_of_order, move, stock_of
from sync.sandbox.wire import BUYER_CANCEL, CANCEL, CancelStatus, Event, OrderStatus
from sync.sandbox.world import Market, World

_OUT_OF_STOCK = "out_of_stock"
"""What is in the reasons for which nothing is for sale again, whatever the settings."""


def cancel(
    world: World, order_id: str, line_items: list[str] | None, *, reason: str, role: str
) -> Order:
    """Cancel units (None: all). What was sent is not restocked; what was not is given free, and
    is for sale again where the SKU restocks by itself. Raises ShopperRefused."""
    market, order = market_of_order(world, order_id)
    check_status(order, CANCELLABLE | {OrderStatus.IN_TRANSIT, OrderStatus.DELIVERED})
    items = chosen(order, line_items)
    cancellation = _new(world, market, order, items, CANCEL, reason, role)
    _take_back(world, market, order, items, reason, role)
    _set(world, market, cancellation, CancelStatus.COMPLETE)
    return order


def cancel_for_seller(
    world: World, market: Market, order: Order, items: list[LineItem], reason: str
) -> Cancellation:
    """Cancel units as their seller wants it; the buyer has the money a while later."""
    cancellation = _new(world, market, order, items, CANCEL, reason, "SELLER")
    _granted(world, market, order, cancellation)
    return cancellation


def ask(world: World, order_id: str, reason: str) -> Cancellation:
    """The buyer asks the seller to cancel the order. Raises ShopperRefused."""
    market, order = market_of_order(world, order_id)
    check_status(order, {OrderStatus.AWAITING_SHIPMENT})
    if order.asked_to_cancel is not None:
        raise ShopperRefused("asked", f"of the order {order.id} that was asked for already")
    now = world.clock.seconds()
    order.asked_to_cancel = now
    market.orders.touch(order, now)
    items = order.open_items()
    cancellation = _new(world, market, order, items, BUYER_CANCEL, reason, "BUYER")
    _tell(world, market, cancellation)
    return cancellation


def grant(world: World, market: Market, order: Order, wish: Cancellation) -> None:
    """The seller lets the buyer cancel."""
    order.asked_to_cancel = None
    _granted(world, market, order, wish)


def turn_down(world: World, market: Market, order: Order) -> None:
    """The buyer's wish, if there is one, comes to nothing."""
    wish = market.aftersales.wish(order.id)
    order.asked_to_cancel = None
    if wish is not None:
        _set(world, market, wish, CancelStatus.CANCELLED)


def _granted(world: World, market: Market, order: Order, cancellation: Cancellation) -> None:
    _take_back(world, market, order, cancellation.items, cancellation.reason, cancellation.role)
    _set(world, market, cancellation, CancelStatus.SUCCESS)
    world.clock.after(
        world.refund_s, partial(_set, world, market, cancellation, CancelStatus.COMPLETE)
    )


def _take_back(
    world: World, market: Market, order: Order, items: list[LineItem], reason: str, role: str
) -> None:
    now = world.clock.seconds()
    stays_sold = role == "SELLER" and _OUT_OF_STOCK in reason
    for item in items:
        item.status = OrderStatus.CANCELLED
        item.cancel_reason = reason
        item.cancel_role = role
        if item.sent:
            continue
        place = stock_of(market, item)
        place.committed -= 1
        if market.shop.restocks(item.sku_id) and not stays_sold:
            place.available += 1
    if order.open_items():
        market.orders.touch(order, now)
        return
    order.cancel_role = role
    order.cancel_time = now
    order.cancel_reason = reason
    move(world, market, order, OrderStatus.CANCELLED)


def _new(
    world: World,
    market: Market,
    order: Order,
    items: list[LineItem],
    cancel_type: str,
    reason: str,
    role: str,
) -> Cancellation:
    now = world.clock.seconds()
    cancel_id = CancelId(world.ids.next("cancellation"))
    made = Cancellation(cancel_id, order.id, items, cancel_type, role, reason, now, now)
    market.aftersales.cancellations[cancel_id] = made
    return made


def _set(world: World, market: Market, cancellation: Cancellation, status: str) -> None:
    cancellation.status = status
    cancellation.update_time = world.clock.seconds()
    _tell(world, market, cancellation)


def _tell(world: World, market: Market, cancellation: Cancellation) -> None:
    data = events.cancellation(
        cancellation.order_id,
        cancellation.id,
        cancellation.role,
        cancellation.status,
        cancellation.create_time,
    )
    world.courier.send(market.shop, Event.CANCELLATION_STATUS_CHANGE, data)
