"""The sandbox's answers and webhooks, held against the shapes transcribed from public pages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.sandbox.audit import Verdict
from sync.sandbox.server import Sandbox
from sync.sandbox.wire import EVENT_TYPES, PREREQUISITES
from tests.sync.sandbox.caller import Caller
from tests.sync.sandbox.conftest import AUDIT_S
from tests.sync.sandbox.mailbox import Mailbox

SHAPES = Path(__file__).parents[2] / "tiktok_shapes"

BESIDE = {
    "exchange": {".granted_scopes"},
    "refresh": {".granted_scopes"},
    "get_product": {
        ".audit",
        ".has_draft",
        ".product_status",
        ".skus[].status_info",
    },
    "edit_product": {".audit"},
    "partial_edit": {".warnings"},
    "category_rules": {".product_certifications[].expiration_date"},
    "search_products": {".products[].product_tags"},
    "search_orders": {
        ".orders[].line_items[].room_id",
    },
    "get_orders": {
        ".orders[].line_items[].room_id",
    },
}
"""What is told beside the shapes, because the facts or answers that others captured have it."""

VALUES_BESIDE = {"ON_HOLD", "AUDITING", "FAILED", *PREREQUISITES}
"""Values that the facts name and a page's list leaves out."""


def shape(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SHAPES / f"{name}.json").read_text())
    return found


def misfits(value: Any, expected: Any, path: str = "") -> Iterator[str]:
    """Paths at which `value` is not as `expected` says, or has a field that it does not name."""
    if isinstance(expected, dict):
        if not isinstance(value, dict):
            yield f"{path}: not an object"
            return
        for name, part in value.items():
            if name not in expected:
                yield f"{path}.{name}"
            else:
                yield from misfits(part, expected[name], f"{path}.{name}")
    elif isinstance(expected, list):
        if not isinstance(value, list):
            yield f"{path}: not a list"
            return
        for part in value:
            yield from misfits(part, expected[0], f"{path}[]")
    elif not _is(value, expected):
        yield f"{path}: {value!r} is not {expected}"


def _is(value: Any, expected: str) -> bool:
    kind, _, named = expected.partition(" ")
    allowed = {*named.split("|"), "", *VALUES_BESIDE} if named else None
    match kind:
        case "string":
            return isinstance(value, str) and (allowed is None or value in allowed)
        case "digits":
            return isinstance(value, str) and (value.isdecimal() or not value)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
    raise AssertionError(f"a shape says {expected}")


def paths(value: Any, path: str = "") -> set[str]:
    """Every field that is in `value`, such as .skus[].id."""
    if isinstance(value, dict):
        inner = {deep for name, part in value.items() for deep in paths(part, f"{path}.{name}")}
        return inner | {f"{path}.{name}" for name in value}
    if isinstance(value, list):
        return {deep for part in value for deep in paths(part, f"{path}[]")}
    return set()


class Answers:
    """What the sandbox answered, by the names of the shapes."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.data: dict[str, list[Any]] = {}

    async def take(self, name: str, body: Any = None, path_id: str = "", **how: Any) -> Any:
        """Make the call of a shape, by its own method and path."""
        described = shape(name)
        path = described["path"].replace("{id}", path_id)
        if not described["shop_cipher"]:
            how["cipher"] = None
        data = await self.caller.data(described["method"], path, body, **how)
        self.data.setdefault(name, []).append(data)
        return data


@pytest.fixture
async def answers(sandbox: Sandbox, caller: Caller) -> Answers:
    """One answer or more of every call."""
    answers = Answers(caller)
    take, control = answers.take, sandbox.control
    redirect = (await control.consent("cedar"))["redirect"]
    code = redirect.partition("code=")[2]
    answers.data["exchange"] = [(await caller.redeem(code))["data"]]
    refresh_token = answers.data["exchange"][0]["refresh_token"]
    answers.data["refresh"] = [(await caller.refresh(refresh_token))["data"]]
    uploaded = await caller.upload()
    answers.data["upload_image"] = [uploaded["data"]]
    for name in ("shops", "active_shops", "permissions", "warehouses", "prerequisites"):
        await take(name)
    v2 = {"category_version": "v2"}
    await take("categories", query=v2)
    for category in ("600338", "700645"):
        await take("category_rules", path_id=category, query=v2)
        await take("attributes", path_id=category, query=v2)
    await control.audits(verdicts=[Verdict("FAILED", ("Blurred",), title="blurred")])
    paper = {"id": "7182427311584347926", "images": [{"uri": uploaded["data"]["uri"]}]}
    body = await caller.body(
        title="A candle",
        category_id="700646",
        certifications=[paper],
        product_attributes=[{"id": "101633", "values": [{"id": "1000058"}]}],
        package_weight={"value": "1", "unit": "POUND"},
        package_dimensions={"length": "4", "width": "4", "height": "4", "unit": "INCH"},
    )
    body["skus"][0]["sales_attributes"] = [
        {"id": "100007", "value_name": "220 g", "sku_img": body["main_images"][0]}
    ]
    await take("listing_check", body)
    await take("listing_check", body | {"title": ""})
    made = await take("create_product", body)
    failed = await take("create_product", await caller.body(title="A blurred candle"))
    await control.clock(AUDIT_S)
    [sku] = made["skus"]
    body["skus"][0]["id"] = sku["id"]
    await take("edit_product", body | {"title": "Another candle"}, made["product_id"])
    await take("partial_edit", {"title": "A third candle"}, made["product_id"])
    for product in (made, failed):
        await take("get_product", path_id=product["product_id"])
    warehouse = body["skus"][0]["inventory"][0]["warehouse_id"]
    for quantity in (9, 100_000):
        stock = {
            "id": sku["id"],
            "inventory": [{"warehouse_id": warehouse, "quantity": quantity}],
        }
        await take("set_stock", {"skus": [stock]}, made["product_id"])
    await take("read_stock", {"product_ids": [made["product_id"]]})
    new_price = {"id": sku["id"], "price": {"amount": "20.00", "currency": "USD"}}
    await take("set_prices", {"skus": [new_price]}, made["product_id"])
    await control.live("7290000000000000001", title="Candles tonight", ended=True)
    order = await control.buy(sku["id"], 1, room_id="7290000000000000001", paid=True)
    await control.clock(3600)
    await control.ship(order["id"])
    await control.deliver(order["id"])
    cancelled = await control.buy(sku["id"], 1, paid=True)
    await control.cancel(cancelled["id"])
    await control.buy(sku["id"], 1)
    await returned(answers, order["id"])
    await sent_and_cancelled(answers, sku["id"])
    await take("search_orders", {}, query={"page_size": "2"})
    await take("get_orders", query={"ids": f"{order['id']},{cancelled['id']}"})
    days = {"start_date_ge": "2026-09-01", "end_date_lt": "2026-10-01"}
    await take("live_performance", query=days)
    await take("search_products", {}, query={"page_size": "1"})
    await take("set_webhook", {"address": "http://127.0.0.1:1/", "event_type": "PACKAGE_UPDATE"})
    await take("webhooks")
    await take("delete_webhook", {"event_type": "PACKAGE_UPDATE"})
    for name in ("deactivate", "activate", "delete_products"):
        await take(name, {"product_ids": [made["product_id"], "17"]})
    return answers


async def returned(answers: Answers, order_id: str) -> None:
    """A return turned down, and one that came back."""
    take, control = answers.take, answers.caller.sandbox.control
    wish = (await control.give_back(order_id))["return_id"]
    query = {"return_or_cancel_id": wish}
    [reason, *_] = (await take("reject_reasons", query=query))["reasons"]
    no = {"decision": "REJECT_RETURN", "reject_reason": reason["name"], "comment": "No."}
    await take("reject_return", no, wish, query={"idempotency_key": "no"})
    wish = (await control.give_back(order_id))["return_id"]
    await take("approve_return", {"decision": "APPROVE_RETURN"}, wish)
    await control.send_back(wish)
    await take("search_returns", {}, query={"page_size": "10"})


async def sent_and_cancelled(answers: Answers, sku_id: str) -> None:
    take, control = answers.take, answers.caller.sandbox.control
    warehouse = (await take("warehouses"))["warehouses"][0]["id"]
    [option] = (await take("delivery_options", path_id=warehouse))["delivery_options"]
    [usps, *_] = (await take("shipping_providers", path_id=option["id"]))["shipping_providers"]
    sent, wished, dropped = [(await control.buy(sku_id, paid=True))["id"] for _ in range(3)]
    reason = "seller_cancel_reason_out_of_stock"
    await take("cancel_order", {"order_id": dropped, "cancel_reason": reason})
    await control.clock(3600)
    parcel = {"tracking_number": "1Z9", "shipping_provider_id": usps["id"]}
    await take("mark_shipped", parcel, sent)
    await take("get_orders", query={"ids": sent})
    wish = (await control.ask_to_cancel(wished))["cancel_id"]
    await take("search_cancellations", {})
    await take("get_orders", query={"ids": wished})
    await take("approve_cancellation", {}, wish)


async def test_every_answer_has_the_shape_that_a_page_gives_it(answers: Answers) -> None:
    wrong = {
        f"{name}{misfit}"
        for name, given in answers.data.items()
        for data in given
        for misfit in misfits(data, shape(name)["response"])
        if misfit not in BESIDE.get(name, ())
    }

    assert wrong == set()


async def test_every_shape_is_answered(answers: Answers) -> None:
    assert set(answers.data) == {path.stem for path in SHAPES.glob("*.json")}


async def test_what_is_told_beside_the_shapes_is_told(answers: Answers) -> None:
    untold = {
        f"{name}{path}"
        for name, beside in BESIDE.items()
        for path in beside - {each for data in answers.data[name] for each in paths(data)}
    }

    assert untold <= {
        "search_orders.orders[].line_items[].room_id",
        "search_orders.orders[].collection_time",
        "search_orders.orders[].delivery_time",
    }


@pytest.mark.parametrize(
    "name",
    ["create_product", "listing_check", "set_prices", "set_stock", "activate", "delete_products"],
)
async def test_a_body_without_what_is_required_is_refused(caller: Caller, name: str) -> None:
    described = shape(name)
    made = await caller.create()
    await caller.sandbox.control.clock(AUDIT_S)
    path = described["path"].replace("{id}", made["product_id"])
    answer = await caller.call(described["method"], path, {})

    refused = answer["code"] != 0 or answer["data"].get("check_result") == "FAILED"
    assert described["required"]
    assert refused


async def test_every_webhook_has_the_shape_that_a_page_gives_it(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    await mailbox.subscribe(caller)
    control = sandbox.control
    body = await caller.body()
    made = await caller.data("POST", "/product/202309/products", body)
    await control.clock(AUDIT_S)
    path = f"/product/202509/products/{made['product_id']}/partial_edit"
    await caller.data("POST", path, {"title": "Another candle", "category_id": "600339"})
    await control.clock(AUDIT_S)
    await control.shop(kyc_pending=True)
    await caller.create()
    await control.clock(AUDIT_S)
    sku_id = made["skus"][0]["id"]
    order = await control.buy(sku_id, paid=True)
    await control.clock(3600)
    await control.ship(order["id"])
    await control.deliver(order["id"])
    await control.give_back(order["id"])
    await control.cancel((await control.buy(sku_id))["id"])
    await control.clock(336 * 24 * 3600)
    await control.deauthorize("cedar")
    await control.clock(0)

    described = {
        found["type"]: found["envelope"]
        for path in (SHAPES / "webhooks").glob("*.json")
        for found in [json.loads(path.read_text())]
    }
    wrong = {
        f"{each['type']}{misfit}"
        for each in mailbox.received
        if each["type"] in described
        for misfit in misfits(each, described[each["type"]])
    }
    assert wrong <= {"15.data.change_source"}
    assert {each["type"] for each in mailbox.received} == set(EVENT_TYPES.values())
    assert all(mailbox.signed)


def test_every_event_with_a_shape_is_known_by_its_name_and_number() -> None:
    for path in (SHAPES / "webhooks").glob("*.json"):
        found = json.loads(path.read_text())
        assert EVENT_TYPES[found["webhook"]] == found["type"]
