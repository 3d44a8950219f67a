"""Shoppers: they buy, pay, and have what they bought."""

from functools import partial

import msgspec

from sync.sandbox import inventory
from sync.sandbox.errors import ShopperRefused
from sync.sandbox.ids import LineItemId, OrderId, RoomId, SkuId
from sync.sandbox.orders import LineItem, Order
from sync.sandbox.products import Product
from sync.sandbox.steps import check_status, market_of_order, market_of_sku, move, tell
from sync.sandbox.wire import OrderStatus, Status
from sync.sandbox.world import Market, World


class Paid(msgspec.Struct, frozen=True):
    """What a purchase costs beside the price: discounts are of each unit, all in minor units."""

    seller_discount: int = 0
    platform_discount: int = 0
    shipping: int = 0
    tax: int = 0


NOTHING_BESIDE = Paid()


def buy(
    world: World,
    basket: dict[str, int],
    *,
    room_id: str | None,
    buyer: str,
    paid: Paid = NOTHING_BESIDE,
    message: str = "",
) -> Order:
    """An UNPAID order of `basket` (units by SKU), of one shop, or nothing at all.

    Raises ShopperRefused for a product that is not on sale, too few units, a restricted shop,
    discounts above the price.
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
        product = found[sku_id][1]
        _check_on_sale(product, SkuId(sku_id), units)
        if paid.seller_discount + paid.platform_discount > product.prices[SkuId(sku_id)].cents:
            raise ShopperRefused("discount", "a discount is not above the price")
    now = world.clock.seconds()
    room = RoomId(room_id) if room_id is not None else None
    items = [
        item
        for sku_id, units in basket.items()
        for item in _items(world, found[sku_id][1], SkuId(sku_id), units, room, paid)
    ]
    order = Order(
        OrderId(world.ids.next("order")),
        items,
        buyer,
        now,
        now,
        message=message,
        shipping=paid.shipping,
        tax=paid.tax,
    )
    market.orders.add(order)
    if room is not None:
        market.lives.began(room, now).orders.add(order.id)
    tell(world, market, order)
    return order


def pay(world: World, order_id: str) -> Order:
    """Pay an order: where a while of free cancellation is given, it is held for that long."""
    market, order = market_of_order(world, order_id)
    check_status(order, {OrderStatus.UNPAID})
    order.paid_time = world.clock.seconds()
    if world.hold_s > 0 and market.shop.region in ("US", "GB"):
        order.is_on_hold = True
        move(world, market, order, OrderStatus.ON_HOLD)
        world.clock.after(world.hold_s, partial(_release, world, market, order))
    else:
        move(world, market, order, OrderStatus.AWAITING_SHIPMENT)
    return order


def deliver(world: World, order_id: str) -> Order:
    market, order = market_of_order(world, order_id)
    check_status(order, {OrderStatus.IN_TRANSIT})
    order.delivered_time = world.clock.seconds()
    move(world, market, order, OrderStatus.DELIVERED)
    return order


def complete(world: World, order_id: str) -> Order:
    market, order = market_of_order(world, order_id)
    check_status(order, {OrderStatus.DELIVERED})
    move(world, market, order, OrderStatus.COMPLETED)
    return order


def declare(world: World, order_id: str, status: str) -> Order:
    """Give an order any status; its stock stays as it is."""
    market, order = market_of_order(world, order_id)
    move(world, market, order, status)
    return order


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


def _items(
    world: World, product: Product, sku_id: SkuId, units: int, room_id: RoomId | None, paid: Paid
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
            seller_discount=paid.seller_discount,
            platform_discount=paid.platform_discount,
        )
        for warehouse_id in taken
    ]


def _release(world: World, market: Market, order: Order) -> None:
    if order.status == OrderStatus.ON_HOLD:
        move(world, market, order, OrderStatus.AWAITING_SHIPMENT)
