"""What shoppers and the post do with orders, and the webhooks that tell of it."""

from functools import partial

from sync.sandbox import events, inventory
from sync.sandbox.errors import ShopperRefused
from sync.sandbox.ids import LineItemId, OrderId, RoomId, SkuId
from sync.sandbox.orders import CANCELLABLE, LineItem, Order
from sync.sandbox.products import Product, Stock
from sync.sandbox.wire import Event, OrderStatus, Status
from sync.sandbox.world import Market, World

_SENT = frozenset({OrderStatus.IN_TRANSIT, OrderStatus.DELIVERED, OrderStatus.COMPLETED})


def market_of_sku(world: World, sku_id: str) -> tuple[Market, Product]:
    """Raises ShopperRefused."""
    for market in world.markets.values():
        if (product := market.catalogue.by_sku.get(SkuId(sku_id))) is not None:
            return market, product
    raise ShopperRefused("unknown_sku", f"there is no SKU {sku_id}")


def market_of_order(world: World, order_id: str) -> tuple[Market, Order]:
    """Raises ShopperRefused."""
    for market in world.markets.values():
        if (order := market.orders.by_id.get(OrderId(order_id))) is not None:
            return market, order
    raise ShopperRefused("unknown_order", f"there is no order {order_id}")


def buy(world: World, basket: dict[str, int], *, room_id: str | None, buyer: str) -> Order:
    """An UNPAID order of `basket` (units by SKU), of one shop, or nothing at all.

    Raises ShopperRefused for a product that is not on sale, too few units, a restricted shop.
    """
    if not basket or min(basket.values()) < 1:
        raise ShopperRefused("empty", "a purchase is of one unit or more")
    found = {sku_id: market_of_sku(world, sku_id) for sku_id in basket}
    markets = {id(market): market for market, _ in found.values()}
    if len(markets) > 1:
        raise ShopperRefused("two_shops", "an order is of one shop")
    [market] = markets.values()
    _check_open(world, market)
    for sku_id, units in basket.items():
        _check_on_sale(found[sku_id][1], SkuId(sku_id), units)
    now = world.clock.seconds()
    room = RoomId(room_id) if room_id is not None else None
    items = [
        item
        for sku_id, units in basket.items()
        for item in _items(world, found[sku_id][1], SkuId(sku_id), units, room)
    ]
    order = Order(OrderId(world.ids.next("order")), items, buyer, now, now)
    market.orders.add(order)
    if room is not None:
        market.lives.began(room, now).orders.add(order.id)
    _tell(world, market, order)
    return order


def pay(world: World, order_id: str) -> Order:
    """Pay an order: where a while of free cancellation is given, it is held for that long."""
    market, order = market_of_order(world, order_id)
    _check_status(order, {OrderStatus.UNPAID})
    order.paid_time = world.clock.seconds()
    if world.hold_s > 0 and market.shop.region in ("US", "GB"):
        order.is_on_hold = True
        _move(world, market, order, OrderStatus.ON_HOLD)
        world.clock.after(world.hold_s, partial(_release, world, market, order))
    else:
        _move(world, market, order, OrderStatus.AWAITING_SHIPMENT)
    return order


def ship(world: World, order_id: str, line_items: list[str] | None = None) -> Order:
    """Give units (None: all that are left) to the post: they leave the committed stock."""
    market, order = market_of_order(world, order_id)
    _check_status(
        order,
        {
            OrderStatus.AWAITING_SHIPMENT,
            OrderStatus.PARTIALLY_SHIPPING,
            OrderStatus.AWAITING_COLLECTION,
        },
    )
    if not order.package_id:
        order.package_id = world.ids.next("package")
    for item in _chosen(order, line_items):
        if not item.sent:
            item.sent = True
            _stock(market, item).committed -= 1
    if all(item.sent for item in order.open_items()):
        order.sent_time = world.clock.seconds()
        if order.status != OrderStatus.AWAITING_COLLECTION:
            _move(world, market, order, OrderStatus.AWAITING_COLLECTION)
        _move(world, market, order, OrderStatus.IN_TRANSIT)
    else:
        _move(world, market, order, OrderStatus.PARTIALLY_SHIPPING)
    return order


def deliver(world: World, order_id: str) -> Order:
    market, order = market_of_order(world, order_id)
    _check_status(order, {OrderStatus.IN_TRANSIT})
    order.delivered_time = world.clock.seconds()
    _move(world, market, order, OrderStatus.DELIVERED)
    return order


def complete(world: World, order_id: str) -> Order:
    market, order = market_of_order(world, order_id)
    _check_status(order, {OrderStatus.DELIVERED})
    _move(world, market, order, OrderStatus.COMPLETED)
    return order


def cancel(
    world: World, order_id: str, line_items: list[str] | None, *, reason: str, role: str
) -> Order:
    """Cancel units (None: all). What was sent is not restocked; what was not is given free, and
    is for sale again where the SKU restocks by itself. Raises ShopperRefused."""
    market, order = market_of_order(world, order_id)
    _check_status(order, CANCELLABLE | {OrderStatus.IN_TRANSIT, OrderStatus.DELIVERED})
    now = world.clock.seconds()
    for item in _chosen(order, line_items):
        item.status = OrderStatus.CANCELLED
        item.cancel_reason = reason
        if item.sent:
            continue
        place = _stock(market, item)
        place.committed -= 1
        if market.shop.restocks(item.sku_id):
            place.available += 1
    order.cancel_role = role
    cancel_id = world.ids.next("cancellation")
    if order.open_items():
        market.orders.touch(order, now)
    else:
        order.cancel_time = now
        order.cancel_reason = reason
        _move(world, market, order, OrderStatus.CANCELLED)
    data = events.cancellation(order.id, cancel_id, role, "CANCELLATION_REQUEST_COMPLETE", now)
    world.courier.send(market.shop, Event.CANCELLATION_STATUS_CHANGE, data)
    return order


def declare(world: World, order_id: str, status: str) -> Order:
    """Give an order any status; its stock stays as it is."""
    market, order = market_of_order(world, order_id)
    _move(world, market, order, status)
    return order


def give_back(world: World, order_id: str) -> str:
    """The shopper asks to return an order that was delivered: the return's id."""
    market, order = market_of_order(world, order_id)
    _check_status(order, {OrderStatus.DELIVERED, OrderStatus.COMPLETED})
    return_id = world.ids.next("return")
    now = world.clock.seconds()
    data = events.returned(order.id, return_id, "RETURN_OR_REFUND_REQUEST_PENDING", now)
    world.courier.send(market.shop, Event.RETURN_STATUS_CHANGE, data)
    return return_id


def _check_open(world: World, market: Market) -> None:
    now = world.clock.now()
    if market.orders_left(now) == 0:
        raise ShopperRefused("order_limit", "the shop's orders of today are used up")
    if market.shop.holiday:
        raise ShopperRefused("holiday", "the shop is in holiday mode")


def _check_on_sale(product: Product, sku_id: SkuId, units: int) -> None:
    if product.status != Status.ACTIVATE:
        raise ShopperRefused("not_on_sale", f"the product {product.id} is {product.status}")
    if sku_id not in {sku.id for sku in product.content.skus}:
        raise ShopperRefused("not_on_sale", f"the SKU {sku_id} is not of the live version")
    if product.available(sku_id) < units:
        raise ShopperRefused(
            "sold_out", f"{product.available(sku_id)} of SKU {sku_id} are left, not {units}"
        )


def _check_status(order: Order, allowed: set[str] | frozenset[str]) -> None:
    if order.status not in allowed:
        raise ShopperRefused("status", f"the order {order.id} is {order.status}")


def _items(
    world: World, product: Product, sku_id: SkuId, units: int, room_id: RoomId | None
) -> list[LineItem]:
    taken = inventory.take(product.stock[sku_id], units)
    if taken is None:
        raise ShopperRefused("sold_out", f"too few of SKU {sku_id} are left")
    sku = next(sku for sku in product.content.skus if sku.id == sku_id)
    return [
        LineItem(
            id=LineItemId(world.ids.next("line_item")),
            product_id=product.id,
            product_name=product.content.title,
            sku_id=sku_id,
            sku_name=", ".join(each.value_name for each in sku.sales_attributes) or "Default",
            seller_sku=sku.seller_sku,
            image=product.content.images[0],
            price=product.prices[sku_id],
            warehouse_id=warehouse_id,
            room_id=room_id,
        )
        for warehouse_id in taken
    ]


def _chosen(order: Order, line_items: list[str] | None) -> list[LineItem]:
    open_items = order.open_items()
    if line_items is None:
        return open_items
    known = {item.id: item for item in open_items}
    missing = [each for each in line_items if LineItemId(each) not in known]
    if missing:
        raise ShopperRefused("unknown_item", f"the order has no open unit {missing[0]}")
    return [known[LineItemId(each)] for each in dict.fromkeys(line_items)]


def _stock(market: Market, item: LineItem) -> Stock:
    return market.catalogue.by_sku[item.sku_id].stock[item.sku_id][item.warehouse_id]


def _release(world: World, market: Market, order: Order) -> None:
    if order.status == OrderStatus.ON_HOLD:
        _move(world, market, order, OrderStatus.AWAITING_SHIPMENT)


def _move(world: World, market: Market, order: Order, status: str) -> None:
    order.status = status
    for item in order.open_items():
        if status != OrderStatus.PARTIALLY_SHIPPING or item.sent:
            item.status = OrderStatus.IN_TRANSIT if item.sent and status not in _SENT else status
    market.orders.touch(order, world.clock.seconds())
    if status != OrderStatus.PARTIALLY_SHIPPING:  # not of those that webhooks tell
        _tell(world, market, order)


def _tell(world: World, market: Market, order: Order) -> None:
    data = events.order_status(order.id, order.status, order.is_on_hold, order.update_time)
    world.courier.send(market.shop, Event.ORDER_STATUS_CHANGE, data)
