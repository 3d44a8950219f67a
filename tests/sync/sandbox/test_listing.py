"""What a listing must be: every reason to refuse one, told alike by the check and by the create."""

from typing import Any

import aiohttp
import pytest

from sync.sandbox.server import Sandbox
from tests.sync.sandbox.caller import Caller, picture

CREATE = "/product/202309/products"
CHECK = "/product/202309/products/listing_check"


def sku(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The only SKU of a body, with changes."""
    return {"skus": [body["skus"][0] | changes]}


def many(body: dict[str, Any], count: int) -> dict[str, Any]:
    """So many SKUs."""
    one = body["skus"][0]
    return {
        "skus": [
            one
            | {
                "seller_sku": f"S-{number}",
                "sales_attributes": [{"name": "Scent", "value_name": str(number)}],
            }
            for number in range(count)
        ]
    }


def attributes(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "value_name": "x"} for name in names]


FLAWS: dict[str, tuple[Any, int]] = {
    "no title": (lambda body: {"title": " "}, 12052261),
    "a title of 256": (lambda body: {"title": "t" * 256}, 12052051),
    "no description": (lambda body: {"description": ""}, 12052015),
    "a description of 10001": (lambda body: {"description": "d" * 10_001}, 12052013),
    "an unknown category": (lambda body: {"category_id": "1"}, 12052023),
    "a category that is no leaf": (lambda body: {"category_id": "600001"}, 12052024),
    "not the main category": (lambda body: {"category_id": "601352"}, 12052225),
    "the old category tree": (lambda body: {"category_version": "v1"}, 12052217),
    "a certification missing": (lambda body: {"category_id": "604309"}, 12052105),
    "an attribute missing": (lambda body: {"category_id": "601999"}, 12052104),
    "an unknown attribute": (lambda body: {"product_attributes": [{"id": "1"}]}, 12052527),
    "an unknown value": (
        lambda body: {"product_attributes": [{"id": "100149", "values": [{"id": "1"}]}]},
        12052529,
    ),
    "an unknown certification": (lambda body: {"certifications": [{"id": "1"}]}, 12052655),
    "no image": (lambda body: {"main_images": []}, 12052300),
    "ten images": (lambda body: {"main_images": body["main_images"] * 10}, 12052306),
    "an image never uploaded": (lambda body: {"main_images": [{"uri": "other"}]}, 12052722),
    "no SKU": (lambda body: {"skus": []}, 12052902),
    "301 SKUs": (lambda body: many(body, 301), 12052558),
    "a fourth sales attribute": (
        lambda body: sku(body, sales_attributes=attributes("a", "b", "c", "d")),
        12052525,
    ),
    "a sales attribute without a value": (
        lambda body: sku(body, sales_attributes=[{"name": "Scent"}]),
        12052527,
    ),
    "a sales attribute without a name": (
        lambda body: sku(body, sales_attributes=[{"value_name": "Cedar"}]),
        12052527,
    ),
    "an image of a SKU never uploaded": (
        lambda body: sku(
            body,
            sales_attributes=[
                {"name": "Scent", "value_name": "Cedar", "sku_img": {"uri": "other"}}
            ],
        ),
        12052722,
    ),
    "SKUs of other attributes": (
        lambda body: {
            "skus": [
                body["skus"][0] | {"sales_attributes": attributes("a")},
                body["skus"][0] | {"sales_attributes": attributes("b")},
            ]
        },
        12052550,
    ),
    "two SKUs alike": (lambda body: {"skus": body["skus"] * 2}, 12052560),
    "a seller SKU of 51": (lambda body: sku(body, seller_sku="s" * 51), 12052054),
    "a seller SKU with a space": (lambda body: sku(body, seller_sku="a b"), 12019059),
    "no price": (lambda body: sku(body, price=None), 12052571),
    "a price in words": (
        lambda body: sku(body, price={"amount": "ten", "currency": "USD"}),
        12052012,
    ),
    "a price of nothing": (
        lambda body: sku(body, price={"amount": "0.00", "currency": "USD"}),
        12052570,
    ),
    "a price above 7600": (
        lambda body: sku(body, price={"amount": "7600.01", "currency": "USD"}),
        12052570,
    ),
    "another currency": (
        lambda body: sku(body, price={"amount": "5", "currency": "EUR"}),
        12052084,
    ),
    "no warehouse": (lambda body: sku(body, inventory=[]), 12019022),
    "an unknown warehouse": (
        lambda body: sku(body, inventory=[{"warehouse_id": "1", "quantity": 1}]),
        12052530,
    ),
    "a warehouse twice": (
        lambda body: sku(body, inventory=body["skus"][0]["inventory"] * 2),
        12052555,
    ),
    "100000 units": (
        lambda body: sku(body, inventory=[body["skus"][0]["inventory"][0] | {"quantity": 100_000}]),
        12052055,
    ),
    "a weight of nothing": (
        lambda body: {"package_weight": {"value": "0", "unit": "POUND"}},
        12052181,
    ),
}


@pytest.mark.parametrize("flaw", FLAWS)
async def test_a_flaw_is_refused_with_its_code_and_the_check_says_so_before(
    caller: Caller, flaw: str
) -> None:
    changes, code = FLAWS[flaw]
    body = await caller.body()
    body |= changes(body)

    checked = await caller.data("POST", CHECK, body)
    created = await caller.call("POST", CREATE, body)

    assert checked["check_result"] == "FAILED"
    assert code in {reason["code"] for reason in checked["fail_reasons"]}
    assert created["code"] == checked["fail_reasons"][0]["code"]
    assert caller.status == 200


async def test_what_is_at_the_limits_passes(caller: Caller) -> None:
    body = await caller.body(title="t" * 255, description="d" * 10_000)
    body["main_images"] *= 9
    body |= many(body, 300)
    for each, amount in zip(body["skus"], ("0.01", "7600", "7600.00", "5.1"), strict=False):
        each["price"] = {"amount": amount, "currency": "USD"}
    body["skus"][0]["inventory"] = [body["skus"][0]["inventory"][0] | {"quantity": 99_999}]

    assert (await caller.data("POST", CHECK, body))["fail_reasons"] == []
    assert len((await caller.data("POST", CREATE, body))["skus"]) == 300


async def test_a_short_title_passes_with_a_warning(caller: Caller) -> None:
    body = await caller.body(title="Candle")

    checked = await caller.data("POST", CHECK, body)
    created = await caller.data("POST", CREATE, body)

    assert checked["check_result"] == "PASS"
    assert "25" in checked["warnings"]["message"]
    assert created["warnings"] == [checked["warnings"]]


async def test_a_certificate_that_was_uploaded_opens_its_category(caller: Caller) -> None:
    paper = (await caller.upload(use_case="CERTIFICATION_IMAGE"))["data"]["uri"]
    certifications = [{"id": "7182427311584347912", "images": [{"uri": paper}]}]
    made = await caller.create(category_id="604309", certifications=certifications)

    product = await caller.product(made["product_id"])
    assert product["certifications"][0]["title"] == "Children's product certificate"


async def test_a_conditional_certificate_is_wanted_where_the_condition_is(caller: Caller) -> None:
    def allergens(value: str) -> list[dict[str, Any]]:
        return [{"id": "101633", "values": [{"id": value}]}]

    without = await caller.body(category_id="700646", product_attributes=allergens("1000059"))
    with_them = without | {"product_attributes": allergens("1000058")}

    assert (await caller.data("POST", CHECK, without))["check_result"] == "PASS"
    refused = await caller.data("POST", CHECK, with_them)
    assert [reason["code"] for reason in refused["fail_reasons"]] == [12052105]


async def test_images_of_another_seller_are_not_known(
    sandbox: Sandbox, session: aiohttp.ClientSession, caller: Caller
) -> None:
    other = await Caller(sandbox, session).connect("harbour")
    body = await caller.body(main_images=[{"uri": await other.image()}])

    assert (await caller.call("POST", CREATE, body))["code"] == 12052722


async def test_a_shop_of_another_market_has_its_currency_and_tree(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    caller = await Caller(sandbox, session).connect("harbour", 1)
    body = await caller.body(category_version="v2")

    codes = {each["code"] for each in (await caller.data("POST", CHECK, body))["fail_reasons"]}
    assert codes == {12052084, 12052230}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"no image", 12038004),
        (picture()[:200], 12038004),
        (picture(kind="JPEG")[:-2], 12038004),
        (picture(kind="GIF"), 12038015),
        (picture(299, 300), 12038014),
        (picture(300, 4001), 12038014),
        (picture() + b"\0" * 10 * 1024 * 1024, 12038005),
    ],
)
async def test_an_upload_that_is_no_fit_image_is_refused(
    caller: Caller, data: bytes, code: int
) -> None:
    assert (await caller.upload(data))["code"] == code


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_an_upload_answers_with_a_name_and_the_size(caller: Caller, kind: str) -> None:
    data = (await caller.upload(picture(400, 300, kind)))["data"]

    assert (data["width"], data["height"], data["use_case"]) == (400, 300, "MAIN_IMAGE")
    assert data["uri"] in data["url"]


async def test_an_upload_is_multipart_with_the_image_in_data(caller: Caller) -> None:
    path = "/product/202309/images/upload"
    form = aiohttp.FormData()
    form.add_field("use_case", "MAIN_IMAGE")
    form.add_field("file", b"x", filename="a.png")

    assert (await caller.call("POST", path, {}, cipher=None))["code"] == 36009023
    assert (await caller.call("POST", path, form=form, cipher=None))["code"] == 12052910
    assert (await caller.upload(use_case="BANNER"))["code"] == 12052910


async def test_an_image_larger_than_any_body_may_be_is_refused(caller: Caller) -> None:
    answer = await caller.upload(b"\0" * 13 * 1024 * 1024)

    assert (answer["code"], caller.status) == (36009021, 413)
