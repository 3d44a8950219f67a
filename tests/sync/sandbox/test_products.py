"""Products: made once, audited, edited behind their live version, listed, found."""

from typing import Any

import aiohttp
import pytest

from sync.sandbox.audit import Verdict
from sync.sandbox.server import Sandbox
from tests.sync.sandbox.caller import Caller
from tests.sync.sandbox.conftest import AUDIT_S, START

CREATE = "/product/202309/products"


async def live(caller: Caller, **changes: Any) -> dict[str, Any]:
    """A product that is on sale: the create's data."""
    made = await caller.create(**changes)
    await caller.sandbox.control.clock(AUDIT_S)
    return made


async def states(caller: Caller, product_id: str) -> tuple[str, str]:
    product = await caller.product(product_id)
    return product["status"], product["audit"]["status"]


async def test_a_product_is_pending_until_its_audit_passes(caller: Caller) -> None:
    made = await caller.create()

    assert await states(caller, made["product_id"]) == ("PENDING", "AUDITING")
    assert (await caller.product(made["product_id"]))["product_status"] == "INITIAL"
    await caller.sandbox.control.clock(AUDIT_S - 1)
    assert await states(caller, made["product_id"]) == ("PENDING", "AUDITING")
    await caller.sandbox.control.clock(1)
    assert await states(caller, made["product_id"]) == ("ACTIVATE", "APPROVED")
    assert (await caller.product(made["product_id"]))["product_status"] == "ACTIVATE"


async def test_a_product_is_told_as_it_was_made(caller: Caller) -> None:
    body = await caller.body(
        external_product_id="shop-17",
        package_weight={"value": "0.5", "unit": "POUND"},
        product_attributes=[{"id": "100701", "values": [{"id": "1000039"}]}],
    )
    body["skus"][0] |= {
        "external_sku_id": "variant-1",
        "sales_attributes": [
            {"id": "100000", "value_name": "Amber", "sku_img": body["main_images"][0]}
        ],
    }
    made = await caller.data("POST", CREATE, body)

    product = await caller.product(made["product_id"])
    [sku] = product["skus"]
    assert product["title"] == body["title"]
    assert product["description"] == body["description"]
    assert product["external_product_id"] == "shop-17"
    assert product["package_weight"] == {"value": "0.5", "unit": "POUND"}
    assert [each["id"] for each in product["category_chains"]] == ["600001", "851848", "600338"]
    assert product["product_attributes"][0]["values"] == [{"id": "1000039", "name": "Ceramic"}]
    assert product["main_images"][0]["uri"] == body["main_images"][0]["uri"]
    assert sku["external_sku_id"] == "variant-1"
    assert sku["price"]["sale_price"] == "24.00"
    assert sku["inventory"][0]["quantity"] == 5
    assert made["skus"][0]["sales_attributes"] == [
        {"id": "100000", "value_id": sku["sales_attributes"][0]["value_id"]}
    ]


async def test_the_same_idempotency_key_answers_with_the_same_product(caller: Caller) -> None:
    body = await caller.body(idempotency_key="k" * 128)
    first = await caller.data("POST", CREATE, body)
    again = await caller.data("POST", CREATE, body)
    other = await caller.data("POST", CREATE, body | {"idempotency_key": "other"})

    assert again == first
    assert other["product_id"] != first["product_id"]
    assert (await caller.search())["total_count"] == 2


async def test_a_key_of_a_create_that_was_refused_is_free_still(caller: Caller) -> None:
    body = await caller.body(idempotency_key="k")

    assert (await caller.call("POST", CREATE, body | {"title": ""}))["code"] == 12052261
    assert (await caller.call("POST", CREATE, body))["code"] == 0


async def test_an_idempotency_key_has_128_characters_at_most(caller: Caller) -> None:
    body = await caller.body(idempotency_key="k" * 129)

    assert (await caller.call("POST", CREATE, body))["code"] == 12052910


async def test_a_draft_is_not_audited_until_it_is_sent(caller: Caller) -> None:
    made = await caller.create(save_mode="AS_DRAFT")
    await caller.sandbox.control.clock(AUDIT_S)
    assert await states(caller, made["product_id"]) == ("DRAFT", "NONE")

    body = await caller.body()
    body["skus"][0]["id"] = made["skus"][0]["id"]
    await caller.data("PUT", f"/product/202509/products/{made['product_id']}", body)
    assert await states(caller, made["product_id"]) == ("PENDING", "AUDITING")


async def test_an_edit_of_a_live_product_stays_behind_it_until_passed(caller: Caller) -> None:
    made = await live(caller)
    path = f"/product/202309/products/{made['product_id']}"
    body = await caller.body(title="Cedar candle in a glass jar, 220 g")
    body["skus"][0]["id"] = made["skus"][0]["id"]

    edited = await caller.data("PUT", f"/product/202509/products/{made['product_id']}", body)

    assert edited["audit"] == {"status": "AUDITING"}
    assert await states(caller, made["product_id"]) == ("ACTIVATE", "AUDITING")
    assert "stoneware" in (await caller.product(made["product_id"]))["title"]
    reviewed = await caller.data("GET", path, query={"return_under_review_version": "true"})
    assert "glass" in reviewed["title"]
    await caller.sandbox.control.clock(AUDIT_S)
    assert "glass" in (await caller.product(made["product_id"]))["title"]


async def test_an_edit_that_fails_leaves_the_live_version(caller: Caller) -> None:
    made = await live(caller)
    await caller.sandbox.control.audits(
        verdicts=[Verdict("FAILED", ("A claim that heals",), title="healing")]
    )
    path = f"/product/202509/products/{made['product_id']}/partial_edit"
    await caller.data("POST", path, {"title": "Healing cedar candle, 220 g"})
    await caller.sandbox.control.clock(AUDIT_S)

    product = await caller.product(made["product_id"])
    assert (product["status"], product["audit"]["status"]) == ("ACTIVATE", "FAILED")
    assert "stoneware" in product["title"]
    assert product["audit_failed_reasons"][0]["reasons"] == ["A claim that heals"]


async def test_an_edit_of_price_and_stock_alone_is_not_audited(caller: Caller) -> None:
    made = await live(caller)
    [sku] = (await caller.body())["skus"]
    sku |= {"id": made["skus"][0]["id"], "price": {"amount": "19.50", "currency": "USD"}}
    sku["inventory"][0]["quantity"] = 9
    path = f"/product/202509/products/{made['product_id']}/partial_edit"
    edited = await caller.data("POST", path, {"skus": [sku]})

    [after] = (await caller.product(made["product_id"]))["skus"]
    assert edited["audit"] == {"status": "APPROVED"}
    assert after["price"]["sale_price"] == "19.50"
    assert after["inventory"][0]["quantity"] == 9


async def test_a_partial_edit_with_skus_names_all_that_will_be(caller: Caller) -> None:
    body = await caller.body()
    one = body["skus"][0]
    body["skus"] = [
        one | {"seller_sku": name, "sales_attributes": [{"id": "100007", "value_name": name}]}
        for name in ("S", "M")
    ]
    made = await live(caller, **body)
    new = one | {"seller_sku": "L", "sales_attributes": [{"id": "100007", "value_name": "L"}]}
    path = f"/product/202509/products/{made['product_id']}/partial_edit"
    await caller.data("POST", path, {"skus": [{"id": made["skus"][1]["id"]}, new]})
    await caller.sandbox.control.clock(AUDIT_S)

    skus = (await caller.product(made["product_id"]))["skus"]
    assert [sku["seller_sku"] for sku in skus] == ["M", "L"]
    assert skus[0]["price"]["sale_price"] == "24.00"


async def test_an_audit_overtaken_by_an_edit_ends_without_effect(caller: Caller) -> None:
    made = await caller.create()
    await caller.sandbox.control.clock(AUDIT_S - 1)
    path = f"/product/202509/products/{made['product_id']}/partial_edit"
    await caller.data("POST", path, {"title": "Cedar candle in a glass jar, 220 g"})
    await caller.sandbox.control.clock(1)

    assert await states(caller, made["product_id"]) == ("PENDING", "AUDITING")
    await caller.sandbox.control.clock(AUDIT_S - 1)
    assert await states(caller, made["product_id"]) == ("ACTIVATE", "APPROVED")


async def test_an_audit_that_fails_says_why_and_an_edit_begins_another(caller: Caller) -> None:
    await caller.sandbox.control.audits(
        verdicts=[Verdict("FAILED", ("The image is blurred",), seller_sku="CANDLE-1")]
    )
    made = await live(caller)
    product = await caller.product(made["product_id"])
    assert (product["status"], product["audit"]["status"]) == ("FAILED", "FAILED")
    assert product["audit_failed_reasons"][0]["reasons"] == ["The image is blurred"]

    await caller.sandbox.control.audits(verdicts=[])
    path = f"/product/202509/products/{made['product_id']}/partial_edit"
    await caller.data("POST", path, {"main_images": [{"uri": await caller.image()}]})
    await caller.sandbox.control.clock(AUDIT_S)
    assert await states(caller, made["product_id"]) == ("ACTIVATE", "APPROVED")


async def test_a_gated_category_passes_and_waits_for_its_permission(caller: Caller) -> None:
    label = {"id": "7182427311584347905", "files": [{"id": "v1", "name": "a.pdf"}]}
    made = await live(caller, category_id="601583", certifications=[label])
    product = await caller.product(made["product_id"])
    assert product["status"] == "PENDING"
    assert product["audit"] == {
        "status": "PRE_APPROVED",
        "pre_approved_reasons": ["RESTRICTED_CATEGORY_PENDING"],
    }

    await caller.sandbox.control.shop(granted=["601583"])
    assert await states(caller, made["product_id"]) == ("ACTIVATE", "APPROVED")


async def test_a_shop_whose_kyc_is_pending_waits_with_all_its_products(caller: Caller) -> None:
    await caller.sandbox.control.shop(kyc_pending=True)
    made = await live(caller)
    audit = (await caller.product(made["product_id"]))["audit"]
    assert audit == {"status": "PRE_APPROVED", "pre_approved_reasons": ["KYC_PENDING"]}

    await caller.sandbox.control.shop(kyc_pending=False)
    assert await states(caller, made["product_id"]) == ("ACTIVATE", "APPROVED")


async def test_activating_again_is_another_audit(caller: Caller) -> None:
    made = await live(caller)
    ids = {"product_ids": [made["product_id"]]}
    assert await caller.data("POST", f"{CREATE}/deactivate", ids) == {}
    assert await states(caller, made["product_id"]) == ("SELLER_DEACTIVATED", "NONE")

    assert await caller.data("POST", f"{CREATE}/activate", ids) == {}
    assert await states(caller, made["product_id"]) == ("PENDING", "AUDITING")
    await caller.sandbox.control.clock(AUDIT_S)
    assert await states(caller, made["product_id"]) == ("ACTIVATE", "APPROVED")


async def test_the_ones_that_cannot_be_are_told_one_by_one(caller: Caller) -> None:
    made = await live(caller)
    draft = await caller.create(save_mode="AS_DRAFT")
    named = [made["product_id"], "17", draft["product_id"]]

    answer = await caller.data("POST", f"{CREATE}/deactivate", {"product_ids": named})

    assert [(each["code"], each["detail"]["product_id"]) for each in answer["errors"]] == [
        (12052260, "17"),
        (12019113, draft["product_id"]),
    ]
    assert await states(caller, made["product_id"]) == ("SELLER_DEACTIVATED", "NONE")


@pytest.mark.parametrize(("method", "path"), [("POST", "/activate"), ("DELETE", "")])
async def test_twenty_products_at_once_are_the_most(caller: Caller, method: str, path: str) -> None:
    for count, code in ((0, 12019120), (20, 0), (21, 12019120)):
        named = {"product_ids": [str(number) for number in range(count)]}
        assert (await caller.call(method, CREATE + path, named))["code"] == code


async def test_a_deleted_product_is_found_by_a_search_alone(caller: Caller) -> None:
    made = await live(caller)
    path = f"{CREATE}/{made['product_id']}"

    assert await caller.data("DELETE", CREATE, {"product_ids": [made["product_id"]]}) == {}

    assert (await caller.call("GET", path))["code"] == 12052260
    assert [each["status"] for each in (await caller.search())["products"]] == ["DELETED"]


async def test_the_platform_freezes_and_takes_down(sandbox: Sandbox, caller: Caller) -> None:
    made = await live(caller)
    await sandbox.control.product(made["product_id"], "PLATFORM_DEACTIVATED", "Complaints")
    product = await caller.product(made["product_id"])
    assert product["status"] == "PLATFORM_DEACTIVATED"
    assert product["audit_failed_reasons"][0]["reasons"] == ["Complaints"]

    await sandbox.control.product(made["product_id"], "FREEZE", "Counterfeit")
    path = f"/product/202509/products/{made['product_id']}/partial_edit"
    assert (await caller.call("POST", path, {"title": "Another"}))["code"] == 12052260
    assert (await caller.search({"status": "FREEZE"}))["total_count"] == 1


async def test_a_product_of_another_seller_is_not_yours(
    sandbox: Sandbox, session: aiohttp.ClientSession, caller: Caller
) -> None:
    made = await live(caller)
    other = await Caller(sandbox, session).connect("harbour")

    answer = await other.call("GET", f"{CREATE}/{made['product_id']}")
    assert answer["code"] == 12052048


async def test_the_limit_of_listed_products_is_a_prerequisite(caller: Caller) -> None:
    await caller.sandbox.control.shop(product_limit=1)
    made = await live(caller)

    refused = await caller.call("POST", CREATE, await caller.body())
    checks = (await caller.data("GET", "/product/202312/prerequisites"))["check_results"]
    [limit] = [each for each in checks if each["check_item"] == "PRODUCT_QUANTITY_LIMIT"]
    assert refused["code"] == 12052093
    assert limit["is_failed"]
    assert "1 of 1" in limit["fail_reasons"][0]

    await caller.data("POST", f"{CREATE}/deactivate", {"product_ids": [made["product_id"]]})
    await caller.create()
    again = await caller.data("POST", f"{CREATE}/activate", {"product_ids": [made["product_id"]]})
    assert [each["code"] for each in again["errors"]] == [12052093]


async def test_prerequisites_fail_with_their_reasons(caller: Caller) -> None:
    await caller.sandbox.control.shop(
        failing={"RETURN_WAREHOUSE": ["No return warehouse"], "BANk_ACCOUNT": ["No account"]}
    )
    checks = (await caller.data("GET", "/product/202312/prerequisites"))["check_results"]

    failed = {each["check_item"]: each["fail_reasons"] for each in checks if each["is_failed"]}
    assert len(checks) == 10
    assert failed == {"RETURN_WAREHOUSE": ["No return warehouse"], "BANk_ACCOUNT": ["No account"]}
    assert (await caller.call("POST", CREATE, await caller.body()))["code"] == 12052535


async def test_prices_change_at_once_while_on_sale_only(caller: Caller) -> None:
    made = await caller.create()
    path = f"{CREATE}/{made['product_id']}/prices/update"
    new = {"skus": [{"id": made["skus"][0]["id"], "price": {"amount": "20.00", "currency": "USD"}}]}
    assert (await caller.call("POST", path, new))["code"] == 12019113

    await caller.sandbox.control.clock(AUDIT_S + 1)
    assert await caller.data("POST", path, new) == {}
    product = await caller.product(made["product_id"])
    assert product["skus"][0]["price"]["sale_price"] == "20.00"
    assert product["update_time"] == START + AUDIT_S + 1
    assert await states(caller, made["product_id"]) == ("ACTIVATE", "APPROVED")

    await caller.sandbox.control.product(made["product_id"], on_promotion=True)
    assert (await caller.call("POST", path, new))["code"] == 12052038


async def test_a_price_that_cannot_be_changes_none(caller: Caller) -> None:
    made = await live(caller)
    path = f"{CREATE}/{made['product_id']}/prices/update"
    good = {"id": made["skus"][0]["id"], "price": {"amount": "20", "currency": "USD"}}

    for bad, code in (
        ({"id": "17", "price": good["price"]}, 12052557),
        (good | {"price": {"amount": "8000", "currency": "USD"}}, 12052570),
    ):
        assert (await caller.call("POST", path, {"skus": [good, bad]}))["code"] == code
    [sku] = (await caller.product(made["product_id"]))["skus"]
    assert sku["price"]["sale_price"] == "24.00"


async def made_in_a_row(caller: Caller, count: int, gap_s: float = 1.0) -> list[str]:
    """Products made one after another, their ids in order."""
    body = await caller.body()
    ids = []
    for number in range(count):
        body["skus"][0]["seller_sku"] = f"SKU-{number}"
        ids.append((await caller.data("POST", CREATE, body))["product_id"])
        await caller.sandbox.control.clock(gap_s)
    return ids


async def test_a_search_goes_through_its_pages_by_update_time(caller: Caller) -> None:
    ids = await made_in_a_row(caller, 5)
    first = await caller.search(page_size="2")
    second = await caller.search(page_size="2", page_token=first["next_page_token"])
    third = await caller.search(page_size="2", page_token=second["next_page_token"])

    pages = [[each["id"] for each in page["products"]] for page in (first, second, third)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert [page["total_count"] for page in (first, second, third)] == [5, 5, 5]
    assert "next_page_token" not in third


async def test_what_changes_while_pages_are_read_comes_again_and_nothing_is_missed(
    caller: Caller,
) -> None:
    ids = await made_in_a_row(caller, 4)
    first = await caller.search(page_size="2")
    await caller.data("DELETE", CREATE, {"product_ids": [ids[0]]})
    second = await caller.search(page_token=first["next_page_token"])

    assert [each["id"] for each in second["products"]] == [ids[2], ids[3], ids[0]]


@pytest.mark.parametrize("size", ["0", "101", "ten", "-1"])
async def test_a_page_has_from_1_to_100_products(caller: Caller, size: str) -> None:
    path = "/product/202502/products/search"
    assert (await caller.call("POST", path, {}, query={"page_size": size}))["code"] == 36009004
    assert (await caller.call("POST", path, {}))["code"] == 36009004


async def test_a_page_token_is_of_one_search_alone(caller: Caller) -> None:
    await made_in_a_row(caller, 2)
    token = (await caller.search(page_size="1"))["next_page_token"]
    path = "/product/202502/products/search"

    for body, text in (({"status": "PENDING"}, token), ({}, "made up"), ({}, token[:-4])):
        query = {"page_size": "1", "page_token": text}
        assert (await caller.call("POST", path, body, query=query))["code"] == 36009004


async def test_a_search_filters_by_status_audit_seller_sku_and_time(caller: Caller) -> None:
    ids = await made_in_a_row(caller, 3, gap_s=20)
    found = {}
    searches: dict[str, dict[str, Any]] = {
        "live": {"status": "ACTIVATE"},
        "auditing": {"audit_status": ["AUDITING"]},
        "by seller sku": {"seller_skus": ["SKU-1", "SKU-2", "none"]},
        "made": {"create_time_ge": int(START) + 20, "create_time_le": int(START) + 20},
        "updated": {"update_time_ge": int(START) + 40, "update_time_le": int(START) + 60},
    }
    for name, body in searches.items():
        answer = await caller.search(body)
        assert answer["total_count"] == len(answer["products"])
        found[name] = {each["id"] for each in answer["products"]}

    assert found == {
        "live": {ids[0]},
        "auditing": {ids[1], ids[2]},
        "by seller sku": {ids[1], ids[2]},
        "made": {ids[1]},
        "updated": {ids[0], ids[2]},
    }


async def test_a_search_refuses_a_status_it_does_not_know_and_too_many_seller_skus(
    caller: Caller,
) -> None:
    path, query = "/product/202502/products/search", {"page_size": "10"}
    unknown = await caller.call("POST", path, {"status": "LIVE"}, query=query)
    many = await caller.call("POST", path, {"seller_skus": ["s"] * 11}, query=query)

    assert (unknown["code"], many["code"]) == (36009004, 12019027)


async def test_a_search_ends_at_ten_thousand(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.sandbox.api.searching.SEARCH_ENDS_AT", 2)
    await made_in_a_row(caller, 3)
    token = (await caller.search(page_size="2"))["next_page_token"]
    query = {"page_size": "2", "page_token": token}

    answer = await caller.call("POST", "/product/202502/products/search", {}, query=query)
    assert answer["code"] == 12052180
