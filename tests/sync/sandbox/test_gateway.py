"""The gateway's checks, one by one, each with the rest in order."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.sandbox.gateway import HANDLERS
from sync.sandbox.server import Sandbox
from sync.sandbox.signing import call_signature, webhook_signature
from sync.sandbox.wire import ENDPOINTS
from sync.sandbox.world import SandboxSettings
from tests.sync.sandbox.caller import Caller
from tests.sync.sandbox.conftest import START

SHOPS = "/authorization/202309/shops"
WAREHOUSES = "/logistics/202309/warehouses"


def test_a_call_is_signed_as_in_the_documented_example() -> None:
    query = [("timestamp", "1623812664"), ("app_key", "29a39d")]

    assert call_signature("e59af819cc", SHOPS, query) == (
        "b596b73e0cc6de07ac26f036364178ab16b0a907af13d43f0a0cd2345f582dc8"
    )


def test_a_webhook_is_signed_as_in_the_documented_example() -> None:
    body = (
        b'{"type":1,"tts_notification_id":"7380066284010030890","shop_id":"7495540735365777507",'
        b'"timestamp":1718305585,"data":{"is_on_hold_order":true,"order_id":"576653688135258178",'
        b'"order_status":"UNPAID","update_time":1718305585}}'
    )

    assert webhook_signature("abcdef", "123", body) == (
        "5dec0f11ec2f6783b8deee53c9ffbf8d024302f7c7e7fa55a35d17629031ac05"
    )


@given(
    st.dictionaries(st.text(min_size=1), st.text(), max_size=5), st.binary(max_size=50), st.data()
)
def test_the_order_of_the_query_and_what_is_not_signed_change_no_signature(
    query: dict[str, str], body: bytes, data: st.DataObject
) -> None:
    pairs = [pair for pair in query.items() if pair[0] not in ("sign", "access_token")]
    shuffled = data.draw(st.permutations(pairs))

    assert call_signature("s", "/p", pairs, body) == call_signature(
        "s", "/p", [*shuffled, ("sign", "x"), ("access_token", "y")], body
    )


def test_every_endpoint_has_a_handler_and_a_name_of_its_own() -> None:
    assert sorted(HANDLERS) == sorted(endpoint.name for endpoint in ENDPOINTS)


async def test_an_answer_is_an_envelope(caller: Caller) -> None:
    answer = await caller.call("GET", SHOPS, cipher=None)

    assert sorted(answer) == ["code", "data", "message", "request_id"]
    assert (answer["code"], answer["message"], caller.status) == (0, "Success", 200)


@pytest.mark.parametrize(
    ("method", "path", "code", "status"),
    [
        ("GET", "/nothing/202309/shops", 36009009, 404),
        ("GET", "/product/202309/products/1/2/3", 36009009, 404),
        ("GET", "/", 36009009, 404),
        ("GET", "/authorization/202212/shops", 36009014, 400),
        ("GET", "/product/202309/products/search", 36009014, 400),
        ("POST", SHOPS, 36009010, 405),
        ("GET", "/product/202502/products/search", 36009010, 405),
        ("GET", "/product/202509/products/17", 36009010, 405),
    ],
)
async def test_a_wrong_path_version_or_method_has_its_code(
    caller: Caller, method: str, path: str, code: int, status: int
) -> None:
    answer = await caller.call(method, path, cipher=None)

    assert (answer["code"], caller.status) == (code, status)


@pytest.mark.parametrize(
    ("age_s", "code"),
    [(300, 0), (301, 36009004), (-30, 0), (-31, 36009004)],
)
async def test_a_timestamp_is_from_five_minutes_ago_to_half_a_minute_ahead(
    caller: Caller, age_s: int, code: int
) -> None:
    answer = await caller.call("GET", SHOPS, cipher=None, timestamp=int(START) - age_s)

    assert answer["code"] == code
    if code:
        assert "timestamp" in answer["message"]


async def test_a_callers_own_clock_still_counts_when_the_sandboxs_was_moved(
    sandbox: Sandbox, caller: Caller
) -> None:
    sandbox.world.wall_clock = lambda: START
    await sandbox.control.clock(3600)

    assert (await caller.call("GET", SHOPS, cipher=None, timestamp=int(START)))["code"] == 0
    late = await caller.call("GET", SHOPS, cipher=None, timestamp=int(START) + 1800)
    assert late["code"] == 36009004


@pytest.mark.parametrize("text", ["", "soon", "-17", "1" * 400])
async def test_a_timestamp_that_is_none_is_refused(caller: Caller, text: str) -> None:
    answer = await caller.call("GET", SHOPS, cipher=None, query={"timestamp": text})

    assert answer["code"] == 36009004


async def test_a_missing_signature_is_told_from_a_wrong_one(caller: Caller) -> None:
    missing = await caller.call("GET", SHOPS, cipher=None, leave_out="sign")
    wrong = await caller.call("GET", SHOPS, cipher=None, sign="0" * 64)

    assert (missing["code"], "signature" in missing["message"]) == (36009004, True)
    assert wrong["code"] == 106001


async def test_the_body_is_signed_to_the_byte(caller: Caller) -> None:
    signed_without = await caller.call("POST", "/product/202309/products", {}, sign=None)
    assert signed_without["code"] != 106001

    form = aiohttp.FormData()
    form.add_field("data", b"x", filename="a.png")
    multipart = await caller.call(
        "POST", "/product/202309/products", form=form, headers={"content-type": "text/plain"}
    )
    assert multipart["code"] == 106001


async def test_another_app_is_not_known(caller: Caller) -> None:
    answer = await caller.call("GET", SHOPS, cipher=None, query={"app_key": "other"})

    assert (answer["code"], "app_key" in answer["message"]) == (36009004, True)


async def test_an_unknown_token_is_not_known(caller: Caller) -> None:
    caller.token = "TTP_other"
    answer = await caller.call("GET", SHOPS, cipher=None)

    assert (answer["code"], "x-tts-access-token" in answer["message"]) == (36009004, True)


async def test_a_shop_cipher_is_sent_where_it_is_required_and_only_there(caller: Caller) -> None:
    missing = await caller.call("GET", WAREHOUSES, cipher=None)
    unexpected = await caller.call("GET", SHOPS)
    wrong = await caller.call("GET", WAREHOUSES, cipher="GCP_other")

    assert missing["code"] == 106013
    assert (unexpected["code"], "shop_cipher" in unexpected["message"]) == (36009004, True)
    assert wrong["code"] == 101000


async def test_a_token_is_for_its_sellers_shops_alone(
    sandbox: Sandbox, session: aiohttp.ClientSession, caller: Caller
) -> None:
    other = await Caller(sandbox, session).connect("harbour", 1)

    assert (await caller.call("GET", WAREHOUSES, cipher=other.cipher))["code"] == 101000


async def test_a_body_that_is_no_json_or_of_other_types_is_refused(caller: Caller) -> None:
    path = "/product/202309/products"
    text = await caller.call("POST", path, {}, headers={"content-type": "text/plain"})
    types = await caller.call("POST", path, {"skus": [{"inventory": [{"quantity": "5"}]}]})

    assert text["code"] == 36009022
    assert (types["code"], "$.skus[0].inventory[0].quantity" in types["message"]) == (
        36009004,
        True,
    )


@pytest.fixture
async def limited(session: aiohttp.ClientSession) -> AsyncIterator[Caller]:
    """Of a sandbox that allows two calls a second."""
    settings = SandboxSettings(
        start=START, manual_clock=True, requests_per_second=2, redirect_url="http://127.0.0.1:1/"
    )
    async with Sandbox(settings) as sandbox:
        caller = await Caller(sandbox, session).connect()
        await sandbox.control.clock(1)  # connecting took calls, too
        yield caller


async def test_calls_about_the_seller_and_about_a_shop_share_the_rate(limited: Caller) -> None:
    shops = [await limited.call("GET", SHOPS, cipher=None) for _ in range(2)]

    assert [answer["code"] for answer in shops] == [0, 0]
    assert (await limited.call("GET", WAREHOUSES))["code"] == 36009002


async def test_calls_above_the_rate_are_told_when_to_come_back(limited: Caller) -> None:
    codes = [(await limited.call("GET", WAREHOUSES))["code"] for _ in range(3)]

    assert codes == [0, 0, 36009002]
    assert (limited.status, limited.headers["Retry-After"]) == (429, "1")
    await limited.sandbox.control.clock(0.5)
    assert [(await limited.call("GET", WAREHOUSES))["code"] for _ in range(2)] == [0, 36009002]


async def test_each_shop_has_a_rate_of_its_own(
    limited: Caller, session: aiohttp.ClientSession
) -> None:
    other = await Caller(limited.sandbox, session).connect("harbour")
    for _ in range(3):
        answer = await limited.call("GET", WAREHOUSES)

    assert answer["code"] == 36009002
    assert (await other.call("GET", WAREHOUSES))["code"] == 0


async def test_requests_are_counted_by_endpoint_and_code(sandbox: Sandbox, caller: Caller) -> None:
    await sandbox.control.forget_requests()
    await caller.call("GET", WAREHOUSES)
    await caller.call("GET", WAREHOUSES, cipher=None)
    await caller.call("GET", "/nowhere/202309/x")

    assert await sandbox.control.requests() == {
        "unknown": {"36009009": 1},
        "warehouses": {"0": 1, "106013": 1},
    }
