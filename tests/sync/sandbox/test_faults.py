"""Faults on demand."""

import asyncio
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest

from sync.sandbox.errors import ControlError
from sync.sandbox.faults import LATE_S, FaultKind
from sync.sandbox.server import Sandbox
from sync.sandbox.world import SandboxSettings
from tests.sync.sandbox.caller import Caller
from tests.sync.sandbox.mailbox import Mailbox

CREATE = "/product/202309/products"
SHOPS = "/authorization/202309/shops"
WAREHOUSES = "/logistics/202309/warehouses"


async def codes(caller: Caller, path: str, count: int) -> list[int]:
    cipher = None if path == SHOPS else ""
    return [(await caller.call("GET", path, cipher=cipher))["code"] for _ in range(count)]


async def test_a_storm_of_429_ends(sandbox: Sandbox, caller: Caller) -> None:
    await sandbox.control.storm(2)
    first = await caller.call("GET", SHOPS, cipher=None)

    assert (first["code"], caller.status, caller.headers["Retry-After"]) == (36009002, 429, "1")
    assert await codes(caller, WAREHOUSES, 2) == [36009002, 0]


async def test_a_fault_waits_for_its_endpoint_and_its_turn(
    sandbox: Sandbox, caller: Caller
) -> None:
    await sandbox.control.fail("internal", "warehouses", times=2, skip=1)

    assert await codes(caller, SHOPS, 2) == [0, 0]
    assert await codes(caller, WAREHOUSES, 4) == [0, 36009003, 36009003, 0]


async def test_a_timeout_is_told_with_its_code(sandbox: Sandbox, caller: Caller) -> None:
    await sandbox.control.fail("timeout")

    assert await codes(caller, SHOPS, 1) == [36009007]
    assert caller.status == 408


@pytest.mark.parametrize(("kind", "status"), [("error_500", 500), ("error_503", 503)])
async def test_a_server_error_is_no_envelope(
    sandbox: Sandbox, caller: Caller, kind: FaultKind, status: int
) -> None:
    await sandbox.control.fail(kind, "shops")

    with pytest.raises(aiohttp.ContentTypeError):
        await caller.call("GET", SHOPS, cipher=None)
    assert caller.status == status
    assert (await sandbox.control.requests())["shops"][str(status)] == 1


async def test_a_connection_that_closes_before_did_nothing(
    sandbox: Sandbox, caller: Caller
) -> None:
    await sandbox.control.fail("close_before", "create_product")

    with pytest.raises(aiohttp.ClientConnectionError):
        await caller.create()
    assert await sandbox.control.products() == []


async def test_a_connection_that_closes_after_did_it(sandbox: Sandbox, caller: Caller) -> None:
    await sandbox.control.fail("close_after", "create_product")
    body = await caller.body(idempotency_key="k")

    with pytest.raises(aiohttp.ClientConnectionError):
        await caller.call("POST", CREATE, body)
    [product] = await sandbox.control.products()
    again = await caller.data("POST", CREATE, body)
    assert again["product_id"] == product["id"]


async def test_a_call_that_hangs_was_done(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    await mailbox.subscribe(caller, "PRODUCT_CREATION")
    await sandbox.control.fail("hang_after", "create_product")
    body = await caller.body()

    hanging = asyncio.create_task(caller.call("POST", CREATE, body))
    async with asyncio.timeout(10):
        await mailbox.arrived.wait()
    assert not hanging.done()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging


async def test_a_call_is_done_late(sandbox: Sandbox, caller: Caller) -> None:
    await sandbox.control.fail("done_late", "create_product")

    with pytest.raises(aiohttp.ClientConnectionError):
        await caller.create()
    assert await sandbox.control.products() == []
    await sandbox.control.clock(LATE_S)
    assert len(await sandbox.control.products()) == 1


async def test_a_refresh_can_fail_after_it_was_done(sandbox: Sandbox, caller: Caller) -> None:
    await sandbox.control.fail("close_after", "token_refresh")
    query = {
        "app_key": sandbox.app_key,
        "app_secret": sandbox.app_secret,
        "refresh_token": caller.refresh_token,
        "grant_type": "refresh_token",
    }

    answer = await sent_once(f"{sandbox.url}/api/v2/token/refresh?{urlencode(query)}")
    assert answer == b""
    assert (await caller.refresh(caller.refresh_token))["code"] == 36004005


async def sent_once(url: str) -> bytes:
    """What is answered to a GET: aiohttp's client would send it again when it is cut off."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_a_code_outlives_a_fault_before_it(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    caller = Caller(sandbox, session)
    redirect = (await sandbox.control.consent("cedar"))["redirect"]
    [code] = parse_qs(urlsplit(redirect).query)["code"]
    await sandbox.control.fail("internal", "token_get")

    assert (await caller.redeem(code))["code"] == 36009003
    assert (await caller.redeem(code))["code"] == 0


async def test_a_schema_changes_under_its_callers(sandbox: Sandbox, caller: Caller) -> None:
    await caller.create()
    await sandbox.control.schema(
        "search_products", rename={"title": "name"}, replace={"status": "SHADOWED"}
    )
    [product] = (await caller.search())["products"]

    assert (product["status"], product["audit"]["status"]) == ("SHADOWED", "SHADOWED")
    assert "title" not in product
    assert product["name"].startswith("Cedar")
    await sandbox.control.clear_faults()
    assert (await caller.search())["products"][0]["status"] == "PENDING"


async def test_a_product_has_a_status_that_nobody_knows(sandbox: Sandbox, caller: Caller) -> None:
    made = await caller.create()
    await sandbox.control.product(made["product_id"], "SHADOWED")

    assert (await caller.product(made["product_id"]))["status"] == "SHADOWED"


async def test_clearing_faults_ends_them_all(sandbox: Sandbox, caller: Caller) -> None:
    await sandbox.control.storm(100)
    await sandbox.control.clear_faults()

    assert await codes(caller, SHOPS, 1) == [0]


async def test_a_fault_names_an_endpoint_that_is_there(sandbox: Sandbox) -> None:
    with pytest.raises(ControlError, match="create_product"):
        await sandbox.control.fail("internal", "make_product")


async def test_what_hangs_ends_with_the_sandbox(
    session: aiohttp.ClientSession, mailbox: Mailbox
) -> None:
    async with Sandbox(SandboxSettings(redirect_url="http://127.0.0.1:1/")) as sandbox:
        caller = await Caller(sandbox, session).connect()
        await mailbox.subscribe(caller, "PRODUCT_CREATION")
        await sandbox.control.fail("hang_after", "create_product")
        hanging = asyncio.create_task(caller.create())
        async with asyncio.timeout(10):
            await mailbox.arrived.wait()

    with pytest.raises(aiohttp.ClientConnectionError):
        await hanging
