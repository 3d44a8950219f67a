"""One product, whole."""

from typing import Any

import msgspec

from sync.sandbox import categories
from sync.sandbox.api.of_product import product_of
from sync.sandbox.api.told import audit, image, inventory, price
from sync.sandbox.bodies import AttributeBody, CertificationBody
from sync.sandbox.call import Call
from sync.sandbox.products import Content, Product, Sku
from sync.sandbox.wire import Status


def get(call: Call) -> Any:
    product = product_of(call)
    reviewed = call.query.get("return_under_review_version", "").lower() == "true"
    content = product.latest if reviewed else product.content
    return {
        "audit": audit(product),
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
        "main_images": [image(call, uri) for uri in content.images],
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
        "images": [image(call, each.uri) for each in body.images],
        "title": names[body.id],
    }


def _sku(call: Call, product: Product, sku: Sku) -> dict[str, Any]:
    return {
        "external_sku_id": sku.external_sku_id,
        "id": sku.id,
        "inventory": inventory(product, sku.id),
        "price": price(product.prices[sku.id]),
        "sales_attributes": [
            {
                "id": each.id,
                "name": each.name,
                "value_id": each.value_id,
                "value_name": each.value_name,
                **({"sku_img": image(call, each.image)} if each.image else {}),
            }
            for each in sku.sales_attributes
        ],
        "seller_sku": sku.seller_sku,
        "status_info": {"status": "NORMAL"},
    }
