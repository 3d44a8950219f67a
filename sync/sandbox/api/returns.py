"""Returns: searched, and answered by the seller."""

from typing import Any

import msgspec

from sync.sandbox import returning
from sync.sandbox.aftersales import Return
from sync.sandbox.api.of_order import Times, is_first, page, refund, remember, unit
from sync.sandbox.call import Call
from sync.sandbox.errors import Refused
from sync.sandbox.ids import ReturnId
from sync.sandbox.wire import REJECT_REASONS, RETURN_AND_REFUND, Code

_SMALLEST_PAGE = 10
_ANSWER_WITHIN_S = 48 * 3600
_APPROVALS = {
    "SELLER_RESPOND_REFUND": "APPROVE_REFUND",
    "SELLER_RESPOND_RETURN": "APPROVE_RETURN",
    "SELLER_RESPOND_RECEIVE_PACKAGE": "APPROVE_RECEIVED_PACKAGE",
}
_REJECTIONS = {
    "SELLER_RESPOND_REFUND": "REJECT_REFUND",
    "SELLER_RESPOND_RETURN": "REJECT_RETURN",
    "SELLER_RESPOND_RECEIVE_PACKAGE": "REJECT_RECEIVED_PACKAGE",
}


class SearchBody(Times, frozen=True):
    return_ids: list[str] | None = None
    order_ids: list[str] | None = None
    return_types: list[str] | None = None
    return_status: list[str] | None = None


class ApproveBody(msgspec.Struct, frozen=True):
    decision: str = ""
    buyer_keep_item: bool = False


class RejectBody(msgspec.Struct, frozen=True):
    decision: str = ""
    reject_reason: str = ""
    comment: str = ""


def search(call: Call) -> Any:
    body = call.json(SearchBody)
    found = [
        each
        for each in call.market.aftersales.returns.values()
        if body.fit(each)
        and (not body.return_ids or each.id in body.return_ids)
        and (not body.order_ids or each.order_id in body.order_ids)
        and (not body.return_types or each.return_type in body.return_types)
        and (not body.return_status or each.status in body.return_status)
    ]
    hits, rest = page(call, body, found, _SMALLEST_PAGE)
    return {"return_orders": [_told(each) for each in hits], **rest}


def reject_reasons(call: Call) -> Any:
    _find(call, call.query.get("return_or_cancel_id", ""))
    return {"reasons": [{"name": name, "text": text} for name, text in REJECT_REASONS.items()]}


def approve(call: Call) -> Any:
    body = call.json(ApproveBody)
    asked = _find(call, call.id)
    of = f"{body.decision} {asked.id}"
    if not is_first(call, of):
        return {}
    _check(asked, body.decision, _APPROVALS)
    if body.buyer_keep_item and body.decision != "APPROVE_RETURN":
        raise Refused(Code.DECISION_UNFIT, "`buyer_keep_item` goes with APPROVE_RETURN.")
    returning.answer(call.world, asked.id, approve=True, keeps_item=body.buyer_keep_item)
    remember(call, of)
    return {}


def reject(call: Call) -> Any:
    body = call.json(RejectBody)
    asked = _find(call, call.id)
    of = f"{body.decision} {asked.id}"
    if not is_first(call, of):
        return {}
    _check(asked, body.decision, _REJECTIONS)
    if body.reject_reason not in REJECT_REASONS:
        raise Refused(Code.REASON_UNKNOWN, f"There is no reason {body.reject_reason!r}.")
    returning.answer(call.world, asked.id, approve=False)
    remember(call, of)
    return {}


def _find(call: Call, return_id: str) -> Return:
    """Raises Refused."""
    asked = call.market.aftersales.returns.get(ReturnId(return_id))
    if asked is None:
        raise Refused(Code.AFTERSALES_NOT_YOURS, f"There is no return {return_id!r}.")
    return asked


def _check(asked: Return, decision: str, decisions: dict[str, str]) -> None:
    """Raises Refused unless that is what the seller may decide now."""
    action = returning.ACTIONS.get((asked.return_type, asked.status))
    if action is None:
        raise Refused(Code.CANNOT_APPROVE, f"The return is {asked.status}.")
    if decision != decisions[action]:
        raise Refused(Code.DECISION_UNFIT, f"The decision now is {decisions[action]}.")


def _told(asked: Return) -> dict[str, Any]:
    told: dict[str, Any] = {
        "can_buyer_keep_item": asked.keeps_item,
        "create_time": asked.create_time,
        "is_combined_return": False,
        "order_id": asked.order_id,
        "refund_amount": refund(asked.items),
        "return_id": asked.id,
        "return_line_items": [
            {"return_line_item_id": f"{asked.id}{number:02d}", **unit(item)}
            for number, item in enumerate(asked.items)
        ],
        "return_reason": asked.reason,
        "return_reason_text": asked.reason.rpartition("reason_")[2].replace("_", " "),
        "return_status": asked.status,
        "return_type": asked.return_type,
        "role": "BUYER",
        "update_time": asked.update_time,
    }
    if asked.return_type == RETURN_AND_REFUND:
        told["return_method"] = "BUYER_SHIPPED"
        told["shipment_type"] = "BUYER_ARRANGE"
    if asked.tracking_number:
        told["return_tracking_number"] = asked.tracking_number
        told["return_provider_name"] = "USPS"
    if (action := returning.ACTIONS.get((asked.return_type, asked.status))) is not None:
        deadline = asked.update_time + _ANSWER_WITHIN_S
        told["seller_next_action_response"] = [{"action": action, "deadline": deadline}]
    return told
