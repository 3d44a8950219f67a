"""Products: made, changed, listed and found."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import msgspec

from sync.sandbox import categories, events, listing
from sync.sandbox.bodies import (
    AttributeBody,
    CertificationBody,
    ImageRef,
    PriceBody,
    ProductBody,
    SalesAttributeBody,
    SkuBody,
    StockBody,
)
from sync.sandbox.call import Call, PageToken, fingerprint, opaque
from sync.sandbox.errors import Refused
from sync.sandbox.ids import CategoryId, ProductId, SkuId, WarehouseId
from sync.sandbox.images import url
from sync.sandbox.products import Content, Price, Product, SalesAttribute, Sku, Stock, may_edit
from sync.sandbox.wire import BLOCKING_PREREQUISITES, Code, Event, Status

LONGEST_KEY = 128
MOST_AT_ONCE = 20
MOST_SELLER_SKUS = 10
SEARCH_ENDS_AT = 10_000

_SAVE_MODES = ("LISTING", "AS_DRAFT")
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


class IdsBody(msgspec.Struct, frozen=True):
    product_ids: list[str] = []


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


class SkuPriceBody(msgspec.Struct, frozen=True):
    id: str = ""
    price: PriceBody = PriceBody()


class PricesBody(msgspec.Struct, frozen=True):
    skus: list[SkuPriceBody] = []


def check(call: Call) -> Any:
    body = call.json(ProductBody)
    flaws = _flaws(call, body, None)
    answer: dict[str, Any] = {
        "check_result": "FAILED" if flaws else "PASS",
        "fail_reasons": [{"code": flaw.code, "message": flaw.message} for flaw in flaws],
    }
    if warnings := listing.warnings(body):
        answer["warnings"] = {"message": warnings[0]}  # one object here, a list in a create
    return answer


def create(call: Call) -> Any:
    body = call.json(ProductBody)
    market = call.market
    key = body.idempotency_key
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise Refused(Code.PARAMETER, f"`idempotency_key` has {LONGEST_KEY} characters at most.")
    if key is not None and (made := market.catalogue.by_key.get(key)) is not None:
        return _written(market.catalogue.by_id[made], body)
    _check_save_mode(body)
    for flaw in _flaws(call, body, None):
        raise Refused(flaw.code, flaw.message)
    draft = body.save_mode == "AS_DRAFT"
    if not draft:
        _check_may_list(call)
    now = call.world.clock.seconds()
    content, prices, stock = _content(call, body, None)
    product = Product(
        id=ProductId(call.world.ids.next("product")),
        content=content,
        prices=prices,
        stock=stock,
        status=Status.DRAFT if draft else Status.PENDING,
        create_time=now,
        update_time=now,
    )
    market.catalogue.add(product)
    if key is not None:
        market.catalogue.by_key[key] = product.id
    data = events.product_created(product.id, now)
    call.world.courier.send(market.shop, Event.PRODUCT_CREATION, data)
    if not draft:
        call.world.auditor.submit(market.shop, market.catalogue, product)
    return _written(product, body)


def edit(call: Call) -> Any:
    product = _product(call)
    return _edit(call, product, call.json(ProductBody))


def partial_edit(call: Call) -> Any:
    product = _product(call)
    return _edit(call, product, _merged(product, call.json(ProductBody)))


def get(call: Call) -> Any:
    product = _product(call)
    reviewed = call.query.get("return_under_review_version", "").lower() == "true"
    content = product.latest if reviewed else product.content
    return {
        "audit": _audit(product),
        "audit_failed_reasons": _failed(product),
        "category_chains": [
            {
                "id": category.id,
                "is_leaf": category.is_leaf,
                "local_name": category.name,
                "parent_id": category.parent_id,
            }
            for category in categories.chain(categories.BY_ID[content.category_id])
        ],
        "certifications": [_certification(call, content, each) for each in content.certifications],
        "create_time": product.create_time,
        "description": content.description,
        "external_product_id": content.external_product_id,
        "has_draft": False,
        "id": product.id,
        "is_cod_allowed": False,
        "is_not_for_sale": False,
        "main_images": [_image(call, uri) for uri in content.images],
        "package_dimensions": dict(content.package_dimensions),
        "package_weight": msgspec.to_builtins(content.package_weight)
        if content.package_weight
        else {},
        "product_attributes": [_attribute(content, each) for each in content.attributes],
        "product_status": _product_status(product),
        "skus": [_sku(call, product, sku) for sku in content.skus],
        "status": product.status,
        "title": content.title,
        "update_time": product.update_time,
    }


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


def activate(call: Call) -> Any:
    def one(product: Product) -> None:
        if product.status != Status.SELLER_DEACTIVATED:
            raise Refused(Code.STATUS_UNFIT, f"A product that is {product.status} stays so.")
        _check_may_list(call)
        call.market.catalogue.move(product, Status.PENDING, call.world.clock.seconds())
        _tell_status(call, product)
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


def update_prices(call: Call) -> Any:
    product = _product(call)
    body = call.json(PricesBody)
    if product.status != Status.ACTIVATE:
        raise Refused(
            Code.STATUS_UNFIT, f"Prices are of products that are ACTIVATE, not {product.status}."
        )
    if product.on_promotion:
        raise Refused(Code.PRICE_LOCKED, "The price is locked: the product is in a promotion.")
    if not body.skus:
        raise Refused(Code.SKUS_MISSING, "At least one SKU is required.")
    for sku in body.skus:
        if sku.id not in product.prices:
            raise Refused(Code.SKU_NOT_OF_PRODUCT, f"The product has no SKU {sku.id!r}.")
        of = f"SKU {sku.id}"
        for flaw in listing.price_flaws(sku.price.amount, sku.price.currency, call.shop, of):
            raise Refused(flaw.code, flaw.message)
    for sku in body.skus:
        product.prices[SkuId(sku.id)] = listing.price(sku.price.amount, sku.price.currency)
    call.market.catalogue.touch(product, call.world.clock.seconds())
    return {}


def _product(call: Call) -> Product:
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


def _flaws(call: Call, body: ProductBody, product: Product | None) -> list[listing.Flaw]:
    return list(listing.flaws(body, call.shop, call.world.images, call.owner, product))


def _check_save_mode(body: ProductBody) -> None:
    if body.save_mode not in _SAVE_MODES:
        raise Refused(Code.PARAMETER, f"`save_mode` is one of {', '.join(_SAVE_MODES)}.")


def _check_may_list(call: Call) -> None:
    """Raises Refused while a prerequisite without which nothing is listed is not met."""
    for item, reasons in call.market.failing().items():
        if (code := BLOCKING_PREREQUISITES.get(item)) is not None:
            raise Refused(code, "; ".join(reasons) or f"{item} is not met.")


def _edit(call: Call, product: Product, body: ProductBody) -> Any:
    _check_save_mode(body)
    if not may_edit(product):
        raise Refused(Code.STATUS_UNFIT, f"A product that is {product.status} is not edited.")
    for flaw in _flaws(call, body, product):
        raise Refused(flaw.code, flaw.message)
    now = call.world.clock.seconds()
    catalogue, auditor = call.market.catalogue, call.world.auditor
    content, prices, stock = _content(call, body, product)
    to_audit = content != product.latest
    submits = product.status == Status.DRAFT and body.save_mode == "LISTING"
    relists = product.status in (Status.FAILED, Status.PLATFORM_DEACTIVATED)
    if submits or relists:
        _check_may_list(call)
    product.prices.update(prices)
    for sku_id, places in stock.items():
        product.stock[sku_id] = places
    if product.status == Status.ACTIVATE and to_audit:
        product.review = content
    elif product.status != Status.ACTIVATE:
        product.content = content
    catalogue.index_skus(product)
    catalogue.touch(product, now)
    if submits or relists:
        catalogue.move(product, Status.PENDING, now)
        _tell_status(call, product)
        auditor.submit(call.shop, catalogue, product)
    elif to_audit and product.status in (Status.ACTIVATE, Status.PENDING):
        auditor.submit(call.shop, catalogue, product)
    return {**_written(product, body), "audit": {"status": product.audit}}


def _end(call: Call, product: Product, status: str) -> None:
    call.market.catalogue.move(product, status, call.world.clock.seconds())
    call.world.auditor.withdraw(call.shop, call.market.catalogue, product)
    _tell_status(call, product)


def _tell_status(call: Call, product: Product) -> None:
    call.world.auditor.tell_status(call.shop, product, events.CHANGED)


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


def _content(
    call: Call, body: ProductBody, product: Product | None
) -> tuple[Content, dict[SkuId, Price], dict[SkuId, dict[WarehouseId, Stock]]]:
    """The version that `body` describes, with the prices and the stock that come with it."""
    known = product.skus() if product is not None else {}
    value_ids = {
        (each.id, each.name, each.value_name): each.value_id
        for sku in known.values()
        for each in sku.sales_attributes
    }
    skus, prices, stock = [], {}, {}
    for sku in body.skus or ():
        sku_id = SkuId(sku.id or call.world.ids.next("sku"))
        attributes = tuple(_sales_attribute(call, each, value_ids) for each in sku.sales_attributes)
        skus.append(Sku(sku_id, sku.seller_sku, sku.external_sku_id, attributes))
        if sku.price is not None:
            prices[sku_id] = listing.price(sku.price.amount, sku.price.currency)
        if sku.inventory:
            kept = product.stock.get(sku_id, {}) if product is not None else {}
            stock[sku_id] = _placed(sku.inventory, kept)
    content = Content(
        title=body.title or "",
        description=body.description or "",
        category_id=CategoryId(body.category_id or ""),
        images=tuple(image.uri for image in body.main_images or ()),
        skus=tuple(skus),
        attributes=tuple(body.product_attributes or ()),
        certifications=tuple(body.certifications or ()),
        package_weight=body.package_weight,
        package_dimensions=tuple(sorted((body.package_dimensions or {}).items())),
        brand_id=body.brand_id or "",
        external_product_id=body.external_product_id or "",
    )
    return content, prices, stock


def _placed(inventory: list[StockBody], kept: dict[WarehouseId, Stock]) -> dict[WarehouseId, Stock]:
    """Where a SKU is from now on: what is committed stays where it is."""
    placed = {
        warehouse_id: Stock(0, stock.committed)
        for warehouse_id, stock in kept.items()
        if stock.committed
    }
    for each in inventory:
        warehouse_id = WarehouseId(each.warehouse_id)
        placed.setdefault(warehouse_id, Stock()).available = each.quantity or 0
    return placed


def _sales_attribute(
    call: Call, body: SalesAttributeBody, value_ids: dict[tuple[str, str, str], str]
) -> SalesAttribute:
    """A value named for the first time gets an id of its own."""
    value_id = body.value_id
    if not value_id:
        named = (body.id, body.name, body.value_name)
        value_id = value_ids.get(named) or call.world.ids.next("attribute_value")
        value_ids[named] = value_id
    image = body.sku_img.uri if body.sku_img is not None else None
    return SalesAttribute(body.id, body.name, value_id, body.value_name, image)


def _merged(product: Product, changes: ProductBody) -> ProductBody:
    """The whole of `product` with `changes`. Where these have SKUs, those are all that it will
    have; one that it has already keeps what is not said of it."""
    latest = product.latest

    def or_else(new: Any, old: Any) -> Any:
        return old if new is None else new

    known = {sku.id: sku for sku in latest.skus}
    if changes.skus is None:
        skus = [_sku_body(sku) for sku in latest.skus]
    else:
        skus = [
            _merged_sku(known[SkuId(sku.id)], sku) if SkuId(sku.id) in known else sku
            for sku in changes.skus
        ]
    return msgspec.structs.replace(
        changes,
        title=or_else(changes.title, latest.title),
        description=or_else(changes.description, latest.description),
        category_id=or_else(changes.category_id, latest.category_id),
        main_images=or_else(changes.main_images, latest.refs()),
        product_attributes=or_else(changes.product_attributes, list(latest.attributes)),
        certifications=or_else(changes.certifications, list(latest.certifications)),
        package_weight=or_else(changes.package_weight, latest.package_weight),
        package_dimensions=or_else(changes.package_dimensions, dict(latest.package_dimensions)),
        brand_id=or_else(changes.brand_id, latest.brand_id),
        external_product_id=or_else(changes.external_product_id, latest.external_product_id),
        skus=skus,
    )


def _sku_body(sku: Sku) -> SkuBody:
    attributes = [
        SalesAttributeBody(
            each.id,
            each.name,
            each.value_id,
            each.value_name,
            ImageRef(each.image) if each.image is not None else None,
        )
        for each in sku.sales_attributes
    ]
    return SkuBody(sku.id, sku.seller_sku, sku.external_sku_id, None, None, attributes)


def _merged_sku(sku: Sku, change: SkuBody) -> SkuBody:
    whole = _sku_body(sku)
    return SkuBody(
        sku.id,
        change.seller_sku or whole.seller_sku,
        change.external_sku_id or whole.external_sku_id,
        change.price,
        change.inventory,
        change.sales_attributes or whole.sales_attributes,
    )


def _written(product: Product, body: ProductBody) -> dict[str, Any]:
    return {
        "product_id": product.id,
        "skus": [
            {
                "external_sku_id": sku.external_sku_id,
                "id": sku.id,
                "sales_attributes": [
                    {"id": each.id, "value_id": each.value_id} for each in sku.sales_attributes
                ],
                "seller_sku": sku.seller_sku,
            }
            for sku in product.latest.skus
        ],
        "warnings": [{"message": text} for text in listing.warnings(body)],
    }


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


def _audit(product: Product) -> dict[str, Any]:
    return {"pre_approved_reasons": list(product.pre_approved), "status": product.audit}


def _failed(product: Product) -> list[dict[str, Any]]:
    reasons = list(product.failed)
    if product.suspended_reason:
        reasons.append(product.suspended_reason)
    if not reasons:
        return []
    suggestion = "Change what is named and send the product again."
    return [{"position": "Product", "reasons": reasons, "suggestions": [suggestion]}]


def _product_status(product: Product) -> str:
    """The status without the audit: what was never listed is INITIAL."""
    if product.status in (Status.PENDING, Status.FAILED):
        return "INITIAL"
    return product.status


def _image(call: Call, uri: str) -> dict[str, Any]:
    width, height = call.world.images.size(uri)
    return {
        "height": height,
        "thumb_urls": [url(uri)],
        "uri": uri,
        "urls": [url(uri)],
        "width": width,
    }


def _attribute(content: Content, body: AttributeBody) -> dict[str, Any]:
    known = {each.id: each for each in categories.BY_ID[content.category_id].attributes}
    attribute = known[body.id]
    names = dict(attribute.values)
    return {
        "id": body.id,
        "name": attribute.name,
        "values": [
            {"id": value.id, "name": value.name or names.get(value.id, "")} for value in body.values
        ],
    }


def _certification(call: Call, content: Content, body: CertificationBody) -> dict[str, Any]:
    names = {each.id: each.name for each in categories.BY_ID[content.category_id].certifications}
    return {
        "id": body.id,
        "images": [_image(call, image.uri) for image in body.images],
        "title": names[body.id],
    }


def _found(product: Product, region: str) -> dict[str, Any]:
    return {
        "audit": _audit(product),
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
                "inventory": _inventory(product, sku.id),
                "price": _price(product.prices[sku.id]),
                "seller_sku": sku.seller_sku,
                "status_info": {"status": "NORMAL"},
            }
            for sku in product.content.skus
        ],
        "status": product.status,
        "title": product.content.title,
        "update_time": product.update_time,
    }


def _sku(call: Call, product: Product, sku: Sku) -> dict[str, Any]:
    return {
        "external_sku_id": sku.external_sku_id,
        "id": sku.id,
        "inventory": _inventory(product, sku.id),
        "price": _price(product.prices[sku.id]),
        "sales_attributes": [
            {
                "id": each.id,
                "name": each.name,
                "value_id": each.value_id,
                "value_name": each.value_name,
                **({"sku_img": _image(call, each.image)} if each.image else {}),
            }
            for each in sku.sales_attributes
        ],
        "seller_sku": sku.seller_sku,
        "status_info": {"status": "NORMAL"},
    }


def _price(price: Price) -> dict[str, Any]:
    return {
        "currency": price.currency,
        "sale_price": price.amount,
        "tax_exclusive_price": price.amount,
    }


def _inventory(product: Product, sku_id: SkuId) -> list[dict[str, Any]]:
    return [
        {"quantity": stock.available, "warehouse_id": warehouse_id}
        for warehouse_id, stock in product.stock[sku_id].items()
    ]
