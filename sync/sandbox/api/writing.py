"""Listings checked, made and edited."""

from typing import Any

import msgspec

from sync.sandbox import listing
from sync.sandbox.api.of_product import check_may_list, product_of, tell_status
from sync.sandbox.bodies import ImageRef, ProductBody, SalesAttributeBody, SkuBody, StockBody
from sync.sandbox.call import Call
from sync.sandbox.errors import Refused
from sync.sandbox.events import product_created
from sync.sandbox.ids import CategoryId, ProductId, SkuId, WarehouseId
from sync.sandbox.products import Content, Price, Product, SalesAttribute, Sku, Stock, may_edit
from sync.sandbox.wire import Code, Event, Status

LONGEST_KEY = 128
_SAVE_MODES = ("LISTING", "AS_DRAFT")


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
        check_may_list(call)
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
    data = product_created(product.id, now)
    call.world.courier.send(market.shop, Event.PRODUCT_CREATION, data)
    if not draft:
        call.world.auditor.submit(market.shop, market.catalogue, product)
    return _written(product, body)


def edit(call: Call) -> Any:
    product = product_of(call)
    return _edit(call, product, call.json(ProductBody))


def partial_edit(call: Call) -> Any:
    product = product_of(call)
    return _edit(call, product, _merged(product, call.json(ProductBody)))


def _flaws(call: Call, body: ProductBody, product: Product | None) -> list[listing.Flaw]:
    return list(listing.flaws(body, call.shop, call.world.images, call.owner, product))


def _check_save_mode(body: ProductBody) -> None:
    if body.save_mode not in _SAVE_MODES:
        raise Refused(Code.PARAMETER, f"`save_mode` is one of {', '.join(_SAVE_MODES)}.")


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
        check_may_list(call)
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
        tell_status(call, product)
        auditor.submit(call.shop, catalogue, product)
    elif to_audit and product.status in (Status.ACTIVATE, Status.PENDING):
        auditor.submit(call.shop, catalogue, product)
    return {**_written(product, body), "audit": {"status": product.audit}}


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
