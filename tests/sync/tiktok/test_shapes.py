"""Our reading of TikTok Shop against the shapes transcribed from its pages."""

import json
from typing import Any

import msgspec
import pytest

from sync.tiktok import webhooks, wire
from sync.tiktok.reading import read
from tests.sync.tiktok import drafts, shapes

CALLS = {call.name: call for call in wire.CALLS}
NO_PAGE = {"auto_restock"}
"""Calls that the facts name, for which no page was found."""

ANSWERS: dict[str, Any] = {
    "exchange": wire.TokenAnswer,
    "refresh": wire.TokenAnswer,
    "shops": wire.Shops,
    "permissions": wire.Permissions,
    "active_shops": wire.ActiveShops,
    "warehouses": wire.Warehouses,
    "prerequisites": wire.Prerequisites,
    "categories": wire.Categories,
    "category_rules": wire.CategoryRules,
    "attributes": wire.Attributes,
    "listing_check": wire.ListingCheck,
    "upload_image": wire.Image,
    "create_product": wire.Saved,
    "edit_product": wire.Saved,
    "partial_edit": wire.Saved,
    "search_products": wire.Products,
    "get_product": wire.Product,
    "activate": wire.BatchResult,
    "deactivate": wire.BatchResult,
    "delete_products": wire.BatchResult,
    "set_stock": wire.BatchResult,
    "read_stock": wire.Inventory,
    "set_prices": wire.BatchResult,
    "search_orders": wire.Orders,
    "get_orders": wire.Orders,
    "delivery_options": wire.DeliveryOptions,
    "shipping_providers": wire.ShippingProviders,
    "mark_shipped": wire.Shipped,
    "cancel_order": wire.Cancelled,
    "search_cancellations": wire.Cancellations,
    "approve_cancellation": wire.Done,
    "search_returns": wire.Returns,
    "reject_reasons": wire.RejectReasons,
    "approve_return": wire.Done,
    "reject_return": wire.Done,
    "live_performance": wire.Lives,
    "set_webhook": wire.BatchResult,
    "webhooks": wire.Webhooks,
    "delete_webhook": wire.BatchResult,
}

LEVELS = {"1001": [wire.Level("2001", 5), wire.Level("2002", 0)]}

REQUESTS: dict[str, list[wire.Body]] = {
    "listing_check": [wire.product_body(drafts.FULL), wire.product_body(drafts.PLAIN)],
    "create_product": [
        wire.create_body(drafts.FULL, "key", wire.SaveMode.LISTING),
        wire.create_body(drafts.PLAIN, "key", wire.SaveMode.AS_DRAFT),
    ],
    "edit_product": [wire.product_body(drafts.KNOWN), wire.product_body(drafts.PLAIN)],
    "partial_edit": [
        wire.product_body(wire.Changes(title="Another title")),
        wire.product_body(wire.Changes(skus=drafts.KNOWN.skus)),
        wire.product_body(wire.Changes(category_id="600001", image_uris=("tos/1",))),
    ],
    "search_products": [
        wire.query_body(wire.ProductQuery()),
        wire.query_body(
            wire.ProductQuery(
                status=wire.ProductStatus.ALL,
                seller_skus=("A-1",),
                create_time_ge=1,
                create_time_le=2,
                update_time_ge=3,
                update_time_le=4,
                audit_status=(wire.AuditStatus.AUDITING,),
            )
        ),
    ],
    "activate": [wire.ids_body(["1"])],
    "deactivate": [wire.ids_body(["1"])],
    "delete_products": [wire.ids_body(["1"])],
    "set_stock": [wire.stock_body(LEVELS)],
    "read_stock": [wire.stock_query(["1"], []), wire.stock_query([], ["2"])],
    "set_prices": [wire.prices_body([wire.SkuPriceChange("1001", 1050, "USD")])],
    "search_orders": [
        wire.query_body(
            wire.OrderQuery(
                order_status=wire.OrderStatus.UNPAID,
                create_time_ge=1,
                create_time_lt=2,
                update_time_ge=3,
                update_time_lt=4,
            )
        )
    ],
    "mark_shipped": [wire.shipped_body("1Z999", "7001", []), wire.shipped_body("1Z", "7", ["1"])],
    "cancel_order": [
        wire.cancel_body("1", wire.cancel_reason("wrong_price", "ON_HOLD", "US"), []),
        wire.cancel_body("1", wire.cancel_reason("out_of_stock", "ON_HOLD", "US"), ["2"]),
    ],
    "search_cancellations": [
        wire.query_body(wire.CancellationQuery()),
        wire.query_body(
            wire.CancellationQuery(
                order_ids=("1",),
                cancel_ids=("2",),
                cancel_status=(wire.CancelStatus.PENDING,),
                create_time_ge=1,
                create_time_lt=2,
                update_time_ge=3,
                update_time_lt=4,
            )
        ),
    ],
    "search_returns": [
        wire.query_body(wire.ReturnQuery()),
        wire.query_body(
            wire.ReturnQuery(
                order_ids=("1",),
                return_ids=("2",),
                return_status=(wire.ReturnStatus.PENDING,),
                create_time_ge=1,
                create_time_lt=2,
                update_time_ge=3,
                update_time_lt=4,
            )
        ),
    ],
    "approve_return": [
        wire.approve_return_body(decision, keeps)
        for decision in wire.APPROVALS.values()
        for keeps in (False, True)
    ],
    "reject_return": [
        wire.reject_return_body(decision, "too_late", comment)
        for decision in wire.REJECTIONS.values()
        for comment in (None, "It came after 30 days.")
    ],
    "set_webhook": [wire.webhook_body(wire.Topic.ORDER_STATUS_CHANGE, "https://shop.example")],
    "delete_webhook": [wire.webhook_body(wire.Topic.ORDER_STATUS_CHANGE)],
}

QUERIES: dict[str, dict[str, str]] = {
    "categories": wire.category_query("v2"),
    "category_rules": wire.category_query("v2"),
    "attributes": wire.category_query("v2"),
    "search_products": wire.page_query(100, "next"),
    "search_orders": wire.page_query(100, "next") | wire.OLDEST_UPDATE_FIRST,
    "get_orders": wire.orders_query(["1", "2"]),
    "search_cancellations": wire.page_query(50, "next") | wire.OLDEST_UPDATE_FIRST,
    "approve_cancellation": wire.idempotency_query("key"),
    "search_returns": wire.page_query(50, "next") | wire.OLDEST_UPDATE_FIRST,
    "reject_reasons": wire.reject_reasons_query("1"),
    "approve_return": wire.idempotency_query("key"),
    "reject_return": wire.idempotency_query("key"),
    "live_performance": wire.days_query("2026-11-01", "2026-12-01"),
}


def test_every_call_has_its_shape_or_is_named_as_one_without() -> None:
    assert shapes.calls().keys() == CALLS.keys() - NO_PAGE
    assert ANSWERS.keys() == shapes.calls().keys()


@pytest.mark.parametrize("name", shapes.calls())
def test_call_goes_where_the_page_says(name: str) -> None:
    shape = shapes.calls()[name]
    call = CALLS[name]

    assert (call.method, call.path) == (shape["method"], shape["path"])
    assert call.of_shop == shape["shop_cipher"]
    assert shape["sources"]


@pytest.mark.parametrize("name", ANSWERS)
def test_answer_is_read_without_anything_that_cannot_be(name: str) -> None:
    _, notes = read(ANSWERS[name], shapes.example(shapes.calls()[name]["response"]))

    assert {note for note in notes if note.kind != "unknown_field"} == set()


def test_everything_that_is_read_is_on_some_page() -> None:
    found: dict[str, bool] = {}
    for name, shape in shapes.calls().items():
        for field, there in shapes.fields(shape["response"], ANSWERS[name]):
            found[field] = found.get(field, False) or there

    assert {field for field, there in found.items() if not there} == {
        "TokenAnswer.granted_scopes",
        "OrderLine.room_id",
    }


@pytest.mark.parametrize("name", REQUESTS)
def test_request_has_only_what_the_page_names_and_all_that_it_requires(name: str) -> None:
    shape = shapes.calls()[name]
    for body in REQUESTS[name]:
        body = json.loads(msgspec.json.encode(body))
        assert list(shapes.misfits(body, shape["request"])) == []
        assert shapes.lacks(body, shape["required"]) == []


def test_every_request_with_a_body_is_held_against_its_shape() -> None:
    with_body = {name for name, shape in shapes.calls().items() if "request" in shape}

    assert REQUESTS.keys() == with_body - {"upload_image"}


@pytest.mark.parametrize("name", QUERIES)
def test_query_has_only_what_the_page_names(name: str) -> None:
    assert QUERIES[name].keys() <= shapes.calls()[name]["query"].keys()


@pytest.mark.parametrize("name", shapes.webhooks())
def test_webhook_is_read_by_its_type(name: str) -> None:
    shape = shapes.webhooks()[name]
    raw = shapes.example(shape["envelope"]) | {"type": shape["type"]}

    event = webhooks.parse(shapes.encoded(raw))

    assert event.topic == shape["webhook"]
    assert event.notification_id == "text"
    assert event.data is not None
