"""The control over HTTP, which is the control in the process."""

from typing import Any

import aiohttp
import pytest

from sync.sandbox.control_api import LOOKING, NAMES
from sync.sandbox.server import Sandbox
from tests.sync.sandbox.caller import Caller
from tests.sync.sandbox.conftest import AUDIT_S, START


async def post(
    sandbox: Sandbox, session: aiohttp.ClientSession, name: str, **arguments: Any
) -> tuple[int, Any]:
    async with session.post(f"{sandbox.url}/_control/{name}", json=arguments) as response:
        return response.status, await response.json()


async def test_time_moves_and_what_is_due_happens(
    sandbox: Sandbox, session: aiohttp.ClientSession, caller: Caller
) -> None:
    made = await caller.create()

    assert await post(sandbox, session, "clock", advance_s=AUDIT_S) == (
        200,
        {"now": START + AUDIT_S},
    )
    assert (await caller.product(made["product_id"]))["status"] == "ACTIVATE"


async def test_time_does_not_go_back(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    status, answer = await post(sandbox, session, "clock", advance_s=-1)

    assert (status, answer["reason"]) == (422, "control")


async def test_shoppers_are_told_why_they_cannot_buy(
    sandbox: Sandbox, session: aiohttp.ClientSession, caller: Caller
) -> None:
    made = await caller.create()
    sku_id = made["skus"][0]["id"]
    assert (await post(sandbox, session, "buy", sku_id=sku_id))[1]["reason"] == "not_on_sale"
    await sandbox.control.clock(AUDIT_S)

    status, answer = await post(sandbox, session, "buy", sku_id=sku_id, quantity=6)
    assert (status, answer["reason"]) == (409, "sold_out")
    status, order = await post(sandbox, session, "buy", basket={sku_id: 5}, paid=True)
    assert (status, order["status"], order["total_amount"]) == (200, "ON_HOLD", "120.00")


async def test_verdicts_are_told_as_json(
    sandbox: Sandbox, session: aiohttp.ClientSession, caller: Caller
) -> None:
    verdict = {"status": "FAILED", "reasons": ["Blurred"], "category_id": "600338", "after_s": 1}
    assert (await post(sandbox, session, "audits", verdicts=[verdict]))[0] == 200
    made = await caller.create()
    await sandbox.control.clock(1)

    assert (await caller.product(made["product_id"]))["status"] == "FAILED"


async def test_arguments_that_are_none_are_named(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    for name, arguments, named in (
        ("buy", {"sku": "1"}, "sku"),
        ("clock", {"advance_s": "1"}, "advance_s"),
        ("fail", {"kind": "explode"}, "explode"),
        ("pay", {}, "order_id"),
    ):
        status, answer = await post(sandbox, session, name, **arguments)
        assert status == 422
        assert named in answer["detail"]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("app", {"scopes": ["everything"]}),
        ("app", {"requests_per_second": 0}),
        ("shop", {"failing": {"BANK_ACCOUNT": []}}),
        ("shop", {"shop_id": "17"}),
        ("consent", {"seller": "nobody"}),
        ("product", {"product_id": "17"}),
        ("fail", {"kind": "internal", "times": 0}),
        ("tamper", {"lose": -1}),
    ],
)
async def test_what_is_not_there_is_said(
    sandbox: Sandbox, session: aiohttp.ClientSession, name: str, arguments: dict[str, Any]
) -> None:
    status, answer = await post(sandbox, session, name, **arguments)

    assert (status, answer["reason"]) == (422, "control")


@pytest.mark.parametrize("name", sorted(LOOKING))
async def test_looking_is_a_get_too(
    sandbox: Sandbox, session: aiohttp.ClientSession, caller: Caller, name: str
) -> None:
    await caller.create()
    async with session.get(f"{sandbox.url}/_control/{name}") as response:
        looked = await response.json()

    assert response.status == 200
    assert looked == (await post(sandbox, session, name))[1]


async def test_one_shop_is_looked_at_by_its_id(
    sandbox: Sandbox, session: aiohttp.ClientSession, caller: Caller
) -> None:
    await caller.create()
    counts = []
    for shop_id in sandbox.world.markets:
        url = f"{sandbox.url}/_control/products"
        async with session.get(url, params={"shop_id": shop_id}) as response:
            counts.append(len(await response.json()))

    assert counts == [1, 0, 0]


def test_everything_that_control_does_is_done_over_http() -> None:
    assert set(NAMES) >= {"state", "clock", "fail", "storm", "buy", "tamper", "schema", "shop"}
    assert not any(name.startswith("_") for name in NAMES)


async def test_the_environment_names_every_address(sandbox: Sandbox) -> None:
    assert sandbox.environment() == {
        "SHOPCAST_TIKTOK_APP_KEY": sandbox.app_key,
        "SHOPCAST_TIKTOK_APP_SECRET": sandbox.app_secret,
        "SHOPCAST_TIKTOK_SERVICE_ID": sandbox.service_id,
        "SHOPCAST_TIKTOK_API_URL": sandbox.url,
        "SHOPCAST_TIKTOK_AUTH_URL": sandbox.url,
        "SHOPCAST_TIKTOK_AUTHORIZE_URL": f"{sandbox.url}/open/authorize",
    }
