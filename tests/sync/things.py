"""Products as tests begin with them."""

from typing import Any

import msgspec

from sync.model import TIKTOK, ChannelId, Product, ProductId, Sku, SkuId
from sync.orders.order import Claim, LineId, Order, OrderId, OrderLine, OrderStatus


def product(name: str = "mug", **changes: Any) -> Product:
    """A product `p_NAME` with the handle NAME and one SKU `s_NAME`."""
    plain = Product(
        id=ProductId(f"p_{name}"),
        handle=name,
        title=f"The {name}",
        currency="USD",
        skus=(Sku(SkuId(f"s_{name}"), price=1250, seller_sku=name.upper()),),
    )
    return msgspec.structs.replace(plain, **changes)


def order(channel: ChannelId = TIKTOK, name: str = "o_1", **changes: Any) -> Order:
    """An unpaid order of one line, whose claims are for tests to say."""
    plain = Order(
        id=OrderId(name),
        channel=channel,
        remote_id=f"remote {name}",
        status=OrderStatus.UNPAID,
        currency="USD",
        lines=(OrderLine(LineId("1"), "The mug", price=1250),),
        created_at=1_800_000_000.0,
        updated_at=1_800_000_000.0,
    )
    return msgspec.structs.replace(plain, **changes)


def claim(ordered: int, sku: str | None = "s_mug", line: str = "1", **changes: Any) -> Claim:
    """Of a line of which nothing was cancelled or sent."""
    plain = Claim(LineId(line), None if sku is None else SkuId(sku), ordered, ordered, sent=0)
    return msgspec.structs.replace(plain, **changes)
