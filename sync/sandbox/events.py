"""The data of webhooks, quirks kept: an order that is CANCELLED is called CANCEL, and some
product ids are integers."""

from typing import Any, Literal

from sync.sandbox.ids import OrderId, ProductId
from sync.sandbox.wire import WEBHOOK_CANCELLED, Audit, OrderStatus

Json = dict[str, Any]

PreApprovedForm = Literal["example", "table"]
"""How webhook 37 tells why a product is pre-approved: as the page's example has it
(`pre_approved_reason`, one text), or as its table does (`pre_approved_reasons`, a list)."""

FIRST_PASS = "PRODUCT_FIRST_PASS_REVIEW"
CHANGED = "PRODUCT_STATUS_CHANGED"
AUDIT_FAILURE = "PRODUCT_AUDIT_FAILURE"


def order_status(order_id: OrderId, status: str, is_on_hold: bool, update_time: int) -> Json:
    """Type 1."""
    told = WEBHOOK_CANCELLED if status == OrderStatus.CANCELLED else status
    return {
        "is_on_hold_order": is_on_hold,
        "order_id": order_id,
        "order_status": told,
        "update_time": update_time,
    }


def product_status(product_id: ProductId, status: str, reason: str, update_time: int) -> Json:
    """Type 5: `status` says what happened, not what the product is now."""
    return {
        "product_id": int(product_id),
        "status": status,
        "suspended_reason": reason,
        "update_time": update_time,
    }


def deauthorized(shop_id: str) -> Json:
    """Type 6."""
    return {"message": f"The merchant has deauthorized your app for the shop {shop_id}."}


def expiring(shop_id: str, days: int, expires_at: int) -> Json:
    """Type 7; the time is a text."""
    return {
        "message": f"The authorization of the shop {shop_id} expires in {days} days.",
        "expiration_time": str(expires_at),
    }


def cancellation(order_id: OrderId, cancel_id: str, role: str, status: str, moment: int) -> Json:
    """Type 11."""
    return {
        "order_id": order_id,
        "cancellations_role": role,
        "cancel_status": status,
        "cancel_id": cancel_id,
        "create_time": moment,
    }


def returned(
    order_id: OrderId,
    return_id: str,
    return_type: str,
    status: str,
    create_time: int,
    update_time: int,
) -> Json:
    """Type 12."""
    return {
        "order_id": order_id,
        "return_role": "BUYER",
        "return_type": return_type,
        "return_status": status,
        "return_id": return_id,
        "create_time": create_time,
        "update_time": update_time,
    }


def product_information(product_id: ProductId, fields: list[str], update_time: int) -> Json:
    """Type 15; the id is a text here."""
    return {
        "product_id": product_id,
        "change_source": "OPEN_API",
        "changed_fields": fields,
        "update_time": update_time,
    }


def product_created(product_id: ProductId, update_time: int) -> Json:
    """Type 16; the id is a text here."""
    return {"product_id": product_id, "product_type": [], "update_time": update_time}


def category_changed(product_id: ProductId, before: str, after: str, update_time: int) -> Json:
    """Type 18; the id is a text here."""
    return {
        "product_id": product_id,
        "previous_category_id": before,
        "current_category_id": after,
        "update_time": update_time,
    }


def audit_status(
    product_id: ProductId,
    audit: str,
    reasons: tuple[str, ...],
    update_time: int,
    form: PreApprovedForm,
) -> Json:
    """Type 37."""
    told: Json = {"status": audit}
    if audit == Audit.PRE_APPROVED and form == "example":
        told["pre_approved_reason"] = reasons[0]
    elif audit == Audit.PRE_APPROVED:
        told["pre_approved_reasons"] = list(reasons)
    return {"product_id": int(product_id), "audit": told, "update_time": update_time}
