"""What all steps of an order have in common: finding it, moving it on, telling of it."""

from sync.sandbox import events
from sync.sandbox.errors import ShopperRefused
from sync.sandbox.ids import LineItemId, OrderId, SkuId
from sync.sandbox.orders import LineItem, Order
from sync.sandbox.products import Product, Stock
from sync.sandbox.wire import Event, OrderStatus
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


def check_status(order: Order, allowed: set[str] | frozenset[str]) -> None:
    if order.status not in allowed:
        raise ShopperRefused("status", f"the order {order.id} is {order.status}")


def chosen(order: Order, line_items: list[str] | None) -> list[LineItem]:
    open_items = order.open_items()
    if line_items is None:
        return open_items
    known = {item.id: item for item in open_items}
    missing = [each for each in line_items if LineItemId(each) not in known]
    if missing:
        raise ShopperRefused("unknown_item", f"the order has no open unit {missing[0]}")
    return [known[LineItemId(each)] for each in dict.fromkeys(line_items)]


def stock_of(market: Market, item: LineItem) -> Stock:
    return market.catalogue.by_sku[item.sku_id].stock[item.sku_id][item.warehouse_id]


def move(world: World, market: Market, order: Order, status: str) -> None:
    """Give an order that status, its units theirs, and tell of it."""
    order.status = status
    for item in order.open_items():
        item.status = _status_of(item, status)
    market.orders.touch(order, world.clock.seconds())
    if status != OrderStatus.PARTIALLY_SHIPPING:  # not of those that webhooks tell
        tell(world, market, order)


def _status_of(item: LineItem, status: str) -> str:
    if item.sent and status not in _SENT:
        return OrderStatus.IN_TRANSIT
    if status != OrderStatus.PARTIALLY_SHIPPING:
        return status
    return OrderStatus.AWAITING_COLLECTION if item.package_id else OrderStatus.AWAITING_SHIPMENT


def tell(world: World, market: Market, order: Order) -> None:
    data = events.order_status(order.id, order.status, order.is_on_hold, order.update_time)
    world.courier.send(market.shop, Event.ORDER_STATUS_CHANGE, data)
