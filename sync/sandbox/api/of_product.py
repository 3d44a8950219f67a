"""What the calls about products have in common."""

from sync.sandbox import events
from sync.sandbox.call import Call
from sync.sandbox.errors import Refused
from sync.sandbox.ids import ProductId
from sync.sandbox.products import Product
from sync.sandbox.wire import BLOCKING_PREREQUISITES, Code


def product_of(call: Call) -> Product:
    product = call.market.catalogue.seen(call.id)
    if product is not None:
        return product
    elsewhere = any(
        ProductId(call.id) in market.catalogue.by_id
        for market in call.world.markets.values()
        if market is not call.market
    )
    if elsewhere:
        raise Refused(Code.NOT_YOURS, "The product is another seller's.")
    raise Refused(Code.PRODUCT_UNKNOWN, f"There is no product {call.id!r}.")


def check_may_list(call: Call) -> None:
    """Raises Refused while a prerequisite without which nothing is listed is not met."""
    for item, reasons in call.market.failing().items():
        if (code := BLOCKING_PREREQUISITES.get(item)) is not None:
            raise Refused(code, "; ".join(reasons) or f"{item} is not met.")


def tell_status(call: Call, product: Product) -> None:
    call.world.auditor.tell_status(call.shop, product, events.CHANGED)
