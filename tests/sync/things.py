"""Products as tests begin with them."""

from typing import Any

import msgspec

from sync.model import Product, ProductId, Sku, SkuId


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
