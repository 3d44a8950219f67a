"""The category tree with its rules and attributes."""

from typing import Any

from sync.sandbox import categories
from sync.sandbox.call import Call
from sync.sandbox.categories import Category
from sync.sandbox.errors import Refused
from sync.sandbox.ids import CategoryId
from sync.sandbox.listing import version_flaws
from sync.sandbox.wire import Code


def all_categories(call: Call) -> Any:
    _check_version(call)
    keyword = call.query.get("keyword", "").lower()
    return {
        "categories": [
            {
                "id": category.id,
                "is_leaf": category.is_leaf,
                "local_name": category.name,
                "parent_id": category.parent_id,
                "permission_statuses": [categories.permission(category, call.shop)],
            }
            for category in categories.CATEGORIES
            if keyword in category.name.lower()
        ]
    }


def rules(call: Call) -> Any:
    category = _leaf(call)
    return {
        "cod": {"is_supported": False},
        "epr": {"is_required": False},
        "package_dimension": {"is_required": False},
        "product_certifications": [
            {
                "expiration_date": {"is_required": False},
                "id": certification.id,
                "is_required": certification.is_required,
                "name": certification.name,
                "requirement_conditions": _conditions(certification),
                "sample_image_url": "https://images.sandbox.invalid/certificate.jpeg",
            }
            for certification in category.certifications
        ],
        "size_chart": {"is_required": False, "is_supported": True},
    }


def attributes(call: Call) -> Any:
    category = _leaf(call)
    return {
        "attributes": [
            {
                "id": attribute.id,
                "is_customizable": attribute.is_customizable,
                "is_multiple_selection": attribute.is_multiple,
                "is_requried": attribute.is_required,
                "name": attribute.name,
                "type": attribute.type,
                "values": [{"id": key, "name": name} for key, name in attribute.values],
            }
            for attribute in category.attributes
        ]
    }


def _conditions(certification: categories.Certification) -> list[dict[str, Any]]:
    if certification.when is None:
        return []
    attribute_id, value_id = certification.when
    return [
        {
            "attribute_id": attribute_id,
            "attribute_value_id": value_id,
            "condition_type": "VALUE_ID_MATCH",
        }
    ]


def _check_version(call: Call) -> None:
    for flaw in version_flaws(call.query.get("category_version"), call.shop):
        raise Refused(flaw.code, flaw.message)


def _leaf(call: Call) -> Category:
    _check_version(call)
    category = categories.BY_ID.get(CategoryId(call.id))
    if category is None:
        raise Refused(Code.CATEGORY_UNKNOWN, f"There is no category {call.id!r}.")
    if not category.is_leaf:
        raise Refused(Code.CATEGORY_NOT_LEAF, f"{category.name} is not a final category.")
    return category
