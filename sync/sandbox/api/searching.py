"""Products found, page by page."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import msgspec

from sync.sandbox.api.told import audit, inventory, price
from sync.sandbox.call import Call, PageToken, fingerprint, opaque
from sync.sandbox.errors import Refused
from sync.sandbox.products import Product
from sync.sandbox.wire import Code, Status

MOST_SELLER_SKUS = 10
SEARCH_ENDS_AT = 10_000
_STATUSES = frozenset(
    {
        "ALL",
        Status.DRAFT,
        Status.PENDING,
        Status.FAILED,
        Status.ACTIVATE,
        Status.SELLER_DEACTIVATED,
        Status.PLATFORM_DEACTIVATED,
        Status.FREEZE,
        Status.DELETED,
    }
)


class SearchBody(msgspec.Struct, frozen=True):
    """Times are unix seconds, both ends in."""

    status: str = "ALL"
    seller_skus: list[str] | None = None
    sku_ids: list[str] | None = None
    audit_status: list[str] | None = None
    create_time_ge: int | None = None
    create_time_le: int | None = None
    update_time_ge: int | None = None
    update_time_le: int | None = None


def search(call: Call) -> Any:
    body = call.json(SearchBody)
    size = call.page_size()
    _check_search(body)
    filters = fingerprint(call.shop.id, msgspec.to_builtins(body))
    token = call.page_token(filters)
    if token is not None and token.seen >= SEARCH_ENDS_AT:
        raise Refused(
            Code.SEARCH_TOO_DEEP, f"A search gives no more than {SEARCH_ENDS_AT} results."
        )
    catalogue = call.market.catalogue
    fits = _fits(call, body)
    total = token.total if token is not None else _total(call, body, fits)
    found = catalogue.updated_between(
        body.update_time_ge, body.update_time_le, token.key if token is not None else None
    )
    page = list(islice((each for each in found if fits is None or fits(each)), size + 1))
    seen = (token.seen if token is not None else 0) + min(size, len(page))
    answer: dict[str, Any] = {
        "products": [_found(product, call.shop.region) for product in page[:size]],
        "total_count": total,
    }
    if len(page) > size:
        last = page[size - 1]
        answer["next_page_token"] = opaque(
            PageToken(filters, (last.update_time, last.id), seen, total)
        )
    return answer


def _check_search(body: SearchBody) -> None:
    if body.status not in _STATUSES:
        raise Refused(Code.INVALID, f"`status` {body.status!r} is not known.")
    if body.seller_skus is not None and len(body.seller_skus) > MOST_SELLER_SKUS:
        raise Refused(Code.TOO_MANY_SELLER_SKUS, f"`seller_skus` are {MOST_SELLER_SKUS} at most.")
    if body.sku_ids is not None and len(body.sku_ids) > MOST_SELLER_SKUS:
        raise Refused(Code.INVALID, f"`sku_ids` are {MOST_SELLER_SKUS} at most.")


def _fits(call: Call, body: SearchBody) -> Callable[[Product], bool] | None:
    """Which products a search is for, beside their update time; None: all."""
    tests: list[Callable[[Product], bool]] = []
    if body.status != "ALL":
        tests.append(lambda product: product.status == body.status)
    if body.audit_status:
        wanted = frozenset(body.audit_status)
        tests.append(lambda product: product.audit in wanted)
    if body.seller_skus:
        named = call.market.catalogue.with_seller_skus(body.seller_skus)
        tests.append(lambda product: product.id in named)
    if body.sku_ids:
        skus = frozenset(body.sku_ids)
        tests.append(lambda product: not skus.isdisjoint(product.stock))
    if (since := body.create_time_ge) is not None:
        tests.append(lambda product: product.create_time >= since)
    if (until := body.create_time_le) is not None:
        tests.append(lambda product: product.create_time <= until)
    if not tests:
        return None
    return lambda product: all(test(product) for test in tests)


def _total(call: Call, body: SearchBody, fits: Callable[[Product], bool] | None) -> int:
    """Counted once, for the first page; the others have it from their token."""
    catalogue = call.market.catalogue
    between = (body.update_time_ge, body.update_time_le)
    if fits is None:
        return catalogue.count_between(*between)
    return sum(map(fits, catalogue.updated_between(*between)))


def _found(product: Product, region: str) -> dict[str, Any]:
    return {
        "audit": audit(product),
        "create_time": product.create_time,
        "has_draft": False,
        "id": product.id,
        "is_not_for_sale": False,
        "product_tags": [],
        "recommended_categories": [],
        "sales_regions": [region],
        "skus": [
            {
                "id": sku.id,
                "inventory": inventory(product, sku.id),
                "price": price(product.prices[sku.id]),
                "seller_sku": sku.seller_sku,
                "status_info": {"status": "NORMAL"},
            }
            for sku in product.content.skus
        ],
        "status": product.status,
        "title": product.content.title,
        "update_time": product.update_time,
    }
