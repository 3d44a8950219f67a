"""Orders shipped and cancelled by their seller, and what buyers give back."""

from typing import Any

import pytest

from sync.sandbox.errors import ShopperRefused
from sync.sandbox.server import Sandbox
from sync.sandbox.wire import Code
from tests.sync.sandbox.caller import Caller
from tests.sync.sandbox.mailbox import Mailbox
from tests.sync.sandbox.shelf import HOUR_S, Shelf, told

USPS = "7117858858072016686"
NUMBER = "9405511899223197428490"
CANCEL = "/return_refund/202309/cancellations"
RETURNS = "/return_refund/202309/returns"
REASON = "seller_cancel_paid_reason_buyer_requested_cancellation"
OUT_OF_STOCK = "seller_cancel_reason_out_of_stock"


async def paid(sandbox: Sandbox, shelf: Shelf, units: int = 2) -> dict[str, Any]:
    """An order that is held no longer."""
    order = await sandbox.control.buy(shelf.sku_id, units, paid=True)
    await sandbox.control.clock(HOUR_S)
    return order


async def delivered(sandbox: Sandbox, shelf: Shelf, units: int = 2) -> dict[str, Any]:
    order = await paid(sandbox, shelf, units)
    await sandbox.control.ship(order["id"])
    return await sandbox.control.deliver(order["id"])


async def marked(caller: Caller, order_id: str, **changes: Any) -> dict[str, Any]:
    """The whole answer to marking an order as shipped."""
    body = {"tracking_number": NUMBER, "shipping_provider_id": USPS} | changes
    return await caller.call("POST", f"/fulfillment/202309/orders/{order_id}/packages", body)


async def cancelled(caller: Caller, order_id: str, reason: str, **changes: Any) -> dict[str, Any]:
    """The whole answer to cancelling an order."""
    body = {"order_id": order_id, "cancel_reason": reason} | changes
    return await caller.call("POST", CANCEL, body)


async def the_return(caller: Caller, return_id: str) -> dict[str, Any]:
    body = {"return_ids": [return_id]}
    found = await caller.data("POST", f"{RETURNS}/search", body, query={"page_size": "10"})
    [only] = found["return_orders"]
    return dict(only)


async def test_what_is_marked_as_shipped_stays_committed_until_the_post_has_it(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    order = await paid(sandbox, shelf)

    package = (await marked(caller, order["id"]))["data"]["package_id"]

    there = await told(caller, order["id"])
    assert there["status"] == "AWAITING_COLLECTION"
    assert there["packages"] == [{"id": package}]
    assert {item["tracking_number"] for item in there["line_items"]} == {NUMBER}
    assert await shelf.stock() == (3, 2)
    await sandbox.control.ship(order["id"])
    assert (await told(caller, order["id"]))["status"] == "IN_TRANSIT"
    assert await shelf.stock() == (3, 0)


async def test_units_are_shipped_in_packages_of_their_own(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    order = await paid(sandbox, shelf)
    first, second = [item["id"] for item in order["line_items"]]

    one = (await marked(caller, order["id"], order_line_item_ids=[first]))["data"]["package_id"]

    there = await told(caller, order["id"])
    assert there["status"] == "PARTIALLY_SHIPPING"
    statuses = [item["display_status"] for item in there["line_items"]]
    assert statuses == ["AWAITING_COLLECTION", "AWAITING_SHIPMENT"]
    two = (await marked(caller, order["id"], order_line_item_ids=[second]))["data"]["package_id"]
    assert (await told(caller, order["id"]))["packages"] == [{"id": one}, {"id": two}]


async def test_an_order_is_shipped_when_it_may_be_and_once(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    held = await sandbox.control.buy(shelf.sku_id, paid=True)
    unpaid = await sandbox.control.buy(shelf.sku_id)
    order = await paid(sandbox, shelf, 1)
    again = await sandbox.control.buy(shelf.sku_id, paid=True)

    assert (await marked(caller, again["id"]))["code"] == Code.ON_HOLD
    assert (await marked(caller, unpaid["id"]))["code"] == Code.STATUS_NOT_SHIPPABLE
    assert (await marked(caller, "17"))["code"] == Code.NOT_OF_THE_SELLER
    bad = {"tracking_number": "94-05"}
    assert (await marked(caller, order["id"], **bad))["code"] == Code.TRACKING_NUMBER_FORMAT
    bad = {"shipping_provider_id": "17"}
    assert (await marked(caller, order["id"], **bad))["code"] == Code.PROVIDER_UNKNOWN
    other = {"order_line_item_ids": [held["line_items"][0]["id"]]}
    assert (await marked(caller, order["id"], **other))["code"] == Code.NOT_OF_THE_ORDER
    assert (await marked(caller, order["id"]))["code"] == 0
    assert (await marked(caller, order["id"]))["code"] == Code.ALREADY_SHIPPED


async def test_a_tracking_number_of_another_carrier_is_taken_with_a_warning(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    order = await paid(sandbox, shelf)

    answer = await marked(caller, order["id"], tracking_number="1Z999AA10123456784")

    assert "UPS" in answer["data"]["warning"]["message"]


async def test_a_seller_cancels_an_order_whose_units_are_for_sale_again(
    sandbox: Sandbox, shelf: Shelf, caller: Caller, mailbox: Mailbox
) -> None:
    order = await paid(sandbox, shelf)
    await mailbox.subscribe(caller, "CANCELLATION_STATUS_CHANGE", "ORDER_STATUS_CHANGE")

    answer = await cancelled(caller, order["id"], REASON)
    await sandbox.control.clock(60)

    assert answer["data"]["cancel_status"] == "CANCELLATION_REQUEST_SUCCESS"
    there = await told(caller, order["id"])
    assert (there["status"], there["cancellation_initiator"]) == ("CANCELLED", "SELLER")
    assert "*" in there["recipient_address"]["name"]
    assert await shelf.stock() == (5, 0)
    assert {each["order_status"] for each in mailbox.of(1)} == {"CANCEL"}
    assert sorted(each["cancel_status"] for each in mailbox.of(11)) == [
        "CANCELLATION_REQUEST_COMPLETE",
        "CANCELLATION_REQUEST_SUCCESS",
    ]


async def test_what_is_out_of_stock_is_not_for_sale_again(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    order = await paid(sandbox, shelf)
    [first, _] = [item["id"] for item in order["line_items"]]

    answer = await cancelled(caller, order["id"], OUT_OF_STOCK, order_line_item_ids=[first])

    assert answer["code"] == 0
    assert await shelf.stock() == (3, 1)
    there = await told(caller, order["id"])
    assert there["status"] == "AWAITING_SHIPMENT"
    assert [item["display_status"] for item in there["line_items"]] == [
        "CANCELLED",
        "AWAITING_SHIPMENT",
    ]
    assert there["line_items"][0]["cancel_user"] == "SELLER"


async def test_what_a_seller_may_not_cancel_is_refused(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    order = await paid(sandbox, shelf)
    first = [order["line_items"][0]["id"]]
    unpaid = await sandbox.control.buy(shelf.sku_id)

    async def code(order_id: str, reason: str, **changes: Any) -> int:
        return int((await cancelled(caller, order_id, reason, **changes))["code"])

    assert await code(order["id"], "because") == Code.REASON_UNKNOWN
    assert await code(order["id"], f"{REASON}_uk") == Code.REASON_UNKNOWN
    assert await code(unpaid["id"], REASON) == Code.REASON_UNFIT
    assert await code("17", REASON) == Code.AFTERSALES_NOT_YOURS
    lines = {"order_line_item_ids": first}
    assert await code(order["id"], REASON, **lines) == Code.LINES_NOT_ALONE
    lines = {"order_line_item_ids": ["17"]}
    assert await code(order["id"], OUT_OF_STOCK, **lines) == Code.LINES_UNKNOWN
    await sandbox.control.ship(order["id"])
    assert await code(order["id"], REASON) == Code.SHIPPED_ALREADY
    await sandbox.control.deliver(order["id"])
    await sandbox.control.complete(order["id"])
    assert await code(order["id"], REASON) == Code.CLOSED_ALREADY
    await sandbox.control.cancel(unpaid["id"])
    assert await code(unpaid["id"], REASON) == Code.ALREADY_CANCELLED


async def test_a_buyers_wish_to_cancel_is_granted_once(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    order = await paid(sandbox, shelf)
    wish = (await sandbox.control.ask_to_cancel(order["id"]))["cancel_id"]
    assert (await told(caller, order["id"]))["is_buyer_request_cancel"]
    assert (await cancelled(caller, order["id"], REASON))["code"] == Code.ALREADY_CANCELLED

    for _ in range(2):
        how: dict[str, Any] = {"query": {"idempotency_key": "k"}}
        assert (await caller.call("POST", f"{CANCEL}/{wish}/approve", {}, **how))["code"] == 0

    there = await told(caller, order["id"])
    assert (there["status"], there["is_buyer_request_cancel"]) == ("CANCELLED", False)
    assert await shelf.stock() == (5, 0)
    answer = await caller.call("POST", f"{CANCEL}/{wish}/approve", {})
    assert answer["code"] == Code.CANNOT_APPROVE


async def test_shipping_turns_a_wish_to_cancel_down(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    order = await paid(sandbox, shelf)
    wish = (await sandbox.control.ask_to_cancel(order["id"]))["cancel_id"]

    await marked(caller, order["id"])

    [found] = (await caller.data("POST", f"{CANCEL}/search", {"cancel_ids": [wish]}))[
        "cancellations"
    ]
    assert found["cancel_status"] == "CANCELLATION_REQUEST_CANCELLED"
    assert not (await told(caller, order["id"]))["is_buyer_request_cancel"]


async def test_cancellations_are_searched_in_pages(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    ids = []
    for _ in range(3):
        order = await sandbox.control.buy(shelf.sku_id)
        await sandbox.control.cancel(order["id"])
        await sandbox.control.clock(10)
        ids.append(order["id"])

    async def found(body: dict[str, Any], **query: str) -> dict[str, Any]:
        return await caller.data("POST", f"{CANCEL}/search", body, query=query)

    first = await found({}, page_size="2")
    rest = await found({}, page_size="2", page_token=first["next_page_token"])
    both = first["cancellations"] + rest["cancellations"]
    assert [each["order_id"] for each in both] == ids
    assert (first["total_count"], rest["next_page_token"]) == (3, "")
    [last] = (await found({"order_ids": ids[2:]}))["cancellations"]
    assert last["order_id"] == ids[2]
    assert (await found({"create_time_ge": last["create_time"]}))["total_count"] == 1
    answer = await caller.call("POST", f"{CANCEL}/search", {}, query={"page_size": "51"})
    assert answer["code"] == Code.AFTERSALES_PARAMETER


async def test_a_return_goes_its_way_to_its_end(
    sandbox: Sandbox, shelf: Shelf, caller: Caller, mailbox: Mailbox
) -> None:
    order = await delivered(sandbox, shelf)
    before = await shelf.stock()
    await mailbox.subscribe(caller, "RETURN_STATUS_CHANGE")
    wish = (await sandbox.control.give_back(order["id"], [order["line_items"][0]["id"]]))[
        "return_id"
    ]
    asked = await the_return(caller, wish)
    assert asked["seller_next_action_response"][0]["action"] == "SELLER_RESPOND_RETURN"
    assert asked["refund_amount"]["refund_total"] == "24.00"

    path = f"{RETURNS}/{wish}/approve"
    await caller.data("POST", path, {"decision": "APPROVE_RETURN"})
    await sandbox.control.send_back(wish)
    assert (await the_return(caller, wish))["return_tracking_number"]
    await caller.data("POST", path, {"decision": "APPROVE_RECEIVED_PACKAGE"})
    await sandbox.control.clock(60)

    assert [each["return_status"] for each in sorted(mailbox.of(12), key=str)] == sorted(
        [
            "RETURN_OR_REFUND_REQUEST_PENDING",
            "AWAITING_BUYER_SHIP",
            "BUYER_SHIPPED_ITEM",
            "RETURN_OR_REFUND_REQUEST_SUCCESS",
            "RETURN_OR_REFUND_REQUEST_COMPLETE",
        ]
    )
    assert (await the_return(caller, wish))["return_status"] == "RETURN_OR_REFUND_REQUEST_COMPLETE"
    assert await shelf.stock() == before
    assert (await told(caller, order["id"]))["status"] == "DELIVERED"


async def test_money_is_given_back_for_what_is_kept(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    order = await delivered(sandbox, shelf)
    first, second = [item["id"] for item in order["line_items"]]
    refund = (await sandbox.control.give_back(order["id"], [first], "REFUND"))["return_id"]
    kept = (await sandbox.control.give_back(order["id"], [second]))["return_id"]

    await caller.data("POST", f"{RETURNS}/{refund}/approve", {"decision": "APPROVE_REFUND"})
    body = {"decision": "APPROVE_RETURN", "buyer_keep_item": True}
    await caller.data("POST", f"{RETURNS}/{kept}/approve", body)

    for each in (refund, kept):
        found = await the_return(caller, each)
        assert found["return_status"] == "RETURN_OR_REFUND_REQUEST_SUCCESS"
    assert (await the_return(caller, kept))["can_buyer_keep_item"]


async def test_an_answer_that_does_not_fit_a_return_is_refused(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    order = await delivered(sandbox, shelf)
    wish = (await sandbox.control.give_back(order["id"]))["return_id"]

    async def code(path: str, body: dict[str, Any], **query: str) -> int:
        answer = await caller.call("POST", f"{RETURNS}/{path}", body, query=query)
        return int(answer["code"])

    refund = {"decision": "APPROVE_REFUND"}
    assert await code(f"{wish}/approve", refund) == Code.DECISION_UNFIT
    assert await code("17/approve", refund) == Code.AFTERSALES_NOT_YOURS
    no = {"decision": "REJECT_RETURN", "reject_reason": "no"}
    assert await code(f"{wish}/reject", no) == Code.REASON_UNKNOWN
    no["reject_reason"] = "seller_reject_apply_product_has_been_packed"
    assert await code(f"{wish}/reject", no, idempotency_key="k") == 0
    assert await code(f"{wish}/reject", no, idempotency_key="k") == 0
    yes = {"decision": "APPROVE_RETURN"}
    assert await code(f"{wish}/approve", yes, idempotency_key="k") == Code.AFTERSALES_PARAMETER
    assert await code(f"{wish}/approve", yes) == Code.CANNOT_APPROVE


async def test_units_are_given_back_once_unless_that_was_turned_down(
    sandbox: Sandbox, shelf: Shelf
) -> None:
    control = sandbox.control
    order = await delivered(sandbox, shelf)
    first = [order["line_items"][0]["id"]]
    wish = (await control.give_back(order["id"], first))["return_id"]
    with pytest.raises(ShopperRefused, match="asked back already"):
        await control.give_back(order["id"], first)
    await control.answer_return(wish, approve=False)
    again = (await control.give_back(order["id"], first))["return_id"]
    await control.withdraw_return(again)
    await control.give_back(order["id"])

    with pytest.raises(ShopperRefused, match="asked back already"):
        await control.give_back(order["id"])
    with pytest.raises(ShopperRefused, match="REQUEST_CANCEL"):
        await control.send_back(again)
    with pytest.raises(ShopperRefused, match="no return 17"):
        await control.answer_return("17")


async def test_a_parcel_that_came_back_is_turned_down(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    order = await delivered(sandbox, shelf)
    wish = (await sandbox.control.give_back(order["id"]))["return_id"]
    await sandbox.control.answer_return(wish)
    await sandbox.control.send_back(wish)

    reasons = await caller.data(
        "GET", "/return_refund/202309/reject_reasons", query={"return_or_cancel_id": wish}
    )
    no = {"decision": "REJECT_RECEIVED_PACKAGE", "reject_reason": reasons["reasons"][0]["name"]}
    await caller.data("POST", f"{RETURNS}/{wish}/reject", no)

    assert (await the_return(caller, wish))["return_status"] == "REJECT_RECEIVE_PACKAGE"
