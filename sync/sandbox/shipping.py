"""Orders on their way: packed and marked as shipped by the seller, taken by the post."""

from sync.sandbox import cancelling
from sync.sandbox.orders import LineItem, Order
from sync.sandbox.steps import check_status, chosen, market_of_order, move, stock_of
from sync.sandbox.wire import OrderStatus
from sync.sandbox.world import Market, World

SHIPPABLE = frozenset(
    {
        OrderStatus.AWAITING_SHIPMENT,
        OrderStatus.PARTIALLY_SHIPPING,
        OrderStatus.AWAITING_COLLECTION,
    }
)


def mark_shipped(
    world: World,
    market: Market,
    order: Order,
    items: list[LineItem],
    *,
    tracking_number: str,
    provider_id: str,
) -> str:
    """Put units that are in no package yet into one that the post may take: its id. The buyer's
    wish to cancel is turned down by that."""
    package_id = world.ids.next("package")
    for item in items:
        item.package_id = package_id
        item.tracking_number = tracking_number
        item.provider_id = provider_id
    cancelling.turn_down(world, market, order)
    _move_on(world, market, order)
    return package_id


def ship(world: World, order_id: str, line_items: list[str] | None = None) -> Order:
    """Give units (None: all that are left) to the post: they leave the committed stock. What is
    in no package gets into one. Raises ShopperRefused."""
    market, order = market_of_order(world, order_id)
    check_status(order, SHIPPABLE)
    items = [item for item in chosen(order, line_items) if not item.sent]
    loose = [item for item in items if not item.package_id]
    package_id = world.ids.next("package") if loose else ""
    for item in loose:
        item.package_id = package_id
    for item in items:
        item.sent = True
        stock_of(market, item).committed -= 1
    cancelling.turn_down(world, market, order)
    _move_on(world, market, order)
    return order


def _move_on(world: World, market: Market, order: Order) -> None:
    """To the status that an order has with its units as they are."""
    units = order.open_items()
    if not all(item.package_id for item in units):
        move(world, market, order, OrderStatus.PARTIALLY_SHIPPING)
        return
    if order.status != OrderStatus.AWAITING_COLLECTION:
        move(world, market, order, OrderStatus.AWAITING_COLLECTION)
    if all(item.sent for item in units):
        order.sent_time = world.clock.seconds()
        move(world, market, order, OrderStatus.IN_TRANSIT)
