"""Orders as tests begin with them."""

from typing import Any

import msgspec

from sync.model import ProductId, SkuId
from sync.orders.order import OWN_SHOP, LineId, Order, OrderId, OrderLine, OrderStatus, Place
from sync.tiktok import wire

AT = 1_800_000_000.0
PLACES = {"r_mug": Place(ProductId("p_mug"), SkuId("s_mug"))}


def line(number: int = 1, **changes: Any) -> OrderLine:
    plain = OrderLine(
        id=LineId(str(number)),
        title="The mug",
        price=1250,
        product=ProductId("p_mug"),
        sku=SkuId("s_mug"),
    )
    return msgspec.structs.replace(plain, **changes)


def order(*lines: OrderLine, **changes: Any) -> Order:
    """An order of the shop's own that is not paid."""
    plain = Order(
        id=OrderId("o_1"),
        channel=OWN_SHOP,
        remote_id="o_1",
        status=OrderStatus.UNPAID,
        currency="USD",
        lines=lines or (line(),),
        created_at=AT,
        updated_at=AT,
        taken_at=AT,
    )
    return msgspec.structs.replace(plain, **changes)


def remote_line(number: int = 1, **changes: Any) -> wire.OrderLine:
    plain = wire.OrderLine(
        id=f"l{number}",
        product_id="r_product",
        sku_id="r_mug",
        seller_sku="MUG",
        product_name="The mug",
        sku_name="Default",
        currency="USD",
        sale_price="12.50",
    )
    return msgspec.structs.replace(plain, **changes)


def remote(*lines: wire.OrderLine, **changes: Any) -> wire.Order:
    """An order of TikTok's that waits to be shipped."""
    plain = wire.Order(
        id="576",
        status=wire.OrderStatus.AWAITING_SHIPMENT,
        line_items=lines or (remote_line(),),
        payment=wire.Payment(currency="USD"),
        create_time=int(AT),
        update_time=int(AT) + 5,
        paid_time=int(AT) + 5,
    )
    return msgspec.structs.replace(plain, **changes)
