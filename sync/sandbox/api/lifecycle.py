"""Products activated, deactivated and deleted."""

from collections.abc import Callable
from typing import Any

import msgspec

from sync.sandbox.api.of_product import check_may_list, tell_status
from sync.sandbox.call import Call
from sync.sandbox.errors import Refused
from sync.sandbox.products import Product
from sync.sandbox.wire import Code, Status

MOST_AT_ONCE = 20


class IdsBody(msgspec.Struct, frozen=True):
    product_ids: list[str] = []


def activate(call: Call) -> Any:
    def one(product: Product) -> None:
        if product.status != Status.SELLER_DEACTIVATED:
            raise Refused(Code.STATUS_UNFIT, f"A product that is {product.status} stays so.")
        check_may_list(call)
        call.market.catalogue.move(product, Status.PENDING, call.world.clock.seconds())
        tell_status(call, product)
        call.world.auditor.submit(call.shop, call.market.catalogue, product)

    return _each(call, one)


def deactivate(call: Call) -> Any:
    def one(product: Product) -> None:
        if product.status not in (Status.ACTIVATE, Status.PENDING):
            raise Refused(Code.STATUS_UNFIT, f"A product that is {product.status} stays so.")
        _end(call, product, Status.SELLER_DEACTIVATED)

    return _each(call, one)


def delete(call: Call) -> Any:
    def one(product: Product) -> None:
        _end(call, product, Status.DELETED)

    return _each(call, one)


def _end(call: Call, product: Product, status: str) -> None:
    call.market.catalogue.move(product, status, call.world.clock.seconds())
    call.world.auditor.withdraw(call.shop, call.market.catalogue, product)
    tell_status(call, product)


def _each(call: Call, act: Callable[[Product], None]) -> Any:
    """Do `act` for each product named; those that refuse are told one by one."""
    named = call.json(IdsBody).product_ids
    if not 0 < len(named) <= MOST_AT_ONCE:
        raise Refused(Code.TOO_MANY_PRODUCTS, f"Name from 1 to {MOST_AT_ONCE} products.")
    errors = []
    for product_id in dict.fromkeys(named):
        try:
            product = call.market.catalogue.seen(product_id)
            if product is None:
                raise Refused(Code.PRODUCT_UNKNOWN, f"There is no product {product_id!r}.")
            act(product)
        except Refused as error:
            errors.append(
                {
                    "code": error.code,
                    "detail": {"product_id": product_id},
                    "message": error.message,
                }
            )
    return {"errors": errors} if errors else {}
