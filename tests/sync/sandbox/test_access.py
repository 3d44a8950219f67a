from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from sync.sandbox.server import Sandbox
from tests.sync.sandbox.caller import Caller
from tests.sync.sandbox.conftest import START

WEEK_S = 7 * 24 * 3600
SHOPS = "/authorization/202309/shops"


async def location(session: aiohttp.ClientSession, sandbox: Sandbox, **form: str) -> str:
    """Where the browser is sent when the consent page's form is sent."""
    form = {"service_id": sandbox.service_id, "state": "s&1", "seller": "cedar"} | form
    async with session.post(sandbox.authorize_url, data=form, allow_redirects=False) as response:
        assert response.status == 302
        return response.headers["location"]


async def test_the_consent_page_names_the_sellers_and_keeps_the_state(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    query = {"service_id": sandbox.service_id, "state": 'x"><b>'}
    async with session.get(sandbox.authorize_url, params=query) as response:
        page = await response.text()

    assert response.status == 200
    assert [name in page for name in ("cedar", "harbour", "sprout")] == [True, True, True]
    assert 'value="cedar" checked' in page
    assert page.count(" checked") == 1
    assert "Sprout: no shop yet" in page
    assert "Harbour Goods US (US), Harbour Goods UK (GB)" in page
    assert 'value="x&quot;&gt;&lt;b&gt;"' in page


async def test_the_consent_page_knows_one_app_alone(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    async with session.get(sandbox.authorize_url, params={"service_id": "1"}) as response:
        assert response.status == 400


async def test_allowing_sends_the_browser_back_with_a_code_and_the_state(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    sent_to = urlsplit(await location(session, sandbox, answer="allow"))

    query = parse_qs(sent_to.query)
    assert sent_to.path == "/callback"
    assert (query["from"], query["state"]) == (["tiktok"], ["s&1"])
    answer = await Caller(sandbox, session).redeem(query["code"][0])
    assert answer["code"] == 0
    assert answer["data"]["seller_name"] == "Cedar & Co"


async def test_denying_sends_the_browser_back_with_the_refusal(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    sent_to = urlsplit(await location(session, sandbox, answer="deny"))

    query = parse_qs(sent_to.query)
    assert (query["code"], query["error"], query["state"]) == (["null"], ["auth_denied"], ["s&1"])


async def test_consent_without_a_redirect_url_says_how_to_give_one(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    sandbox.world.redirect_url = None
    form = {"service_id": sandbox.service_id, "seller": "cedar", "answer": "allow"}
    async with session.post(sandbox.authorize_url, data=form) as response:
        assert response.status == 400
        assert "--redirect-url" in await response.text()


async def code_of(sandbox: Sandbox) -> str:
    redirect: str = (await sandbox.control.consent("cedar"))["redirect"]
    return parse_qs(urlsplit(redirect).query)["code"][0]


async def test_a_pair_of_tokens_has_absolute_expiries(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    answer = await Caller(sandbox, session).redeem(await code_of(sandbox))

    pair = answer["data"]
    assert (await sandbox.control.requests())["token_get"] == {"0": 1}
    assert pair["access_token_expire_in"] == START + WEEK_S
    assert pair["refresh_token_expire_in"] == START + 365 * 24 * 3600
    assert pair["user_type"] == 0
    assert "seller.product.write" in pair["granted_scopes"]


async def test_a_code_works_once(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    caller, code = Caller(sandbox, session), await code_of(sandbox)
    await caller.redeem(code)

    assert (await caller.redeem(code))["code"] == 36004004


async def test_a_code_lives_half_an_hour(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    caller, late, early = Caller(sandbox, session), await code_of(sandbox), await code_of(sandbox)

    await sandbox.control.clock(30 * 60 - 1)
    assert (await caller.redeem(early))["code"] == 0
    await sandbox.control.clock(1)
    assert (await caller.redeem(late))["code"] == 36004004


@pytest.mark.parametrize("wrong", ["app_key", "app_secret", "grant_type"])
async def test_a_code_is_for_the_app_alone(
    sandbox: Sandbox, session: aiohttp.ClientSession, wrong: str
) -> None:
    caller, code = Caller(sandbox, session), await code_of(sandbox)

    assert (await caller.redeem(code, **{wrong: "other"}))["code"] == 36009004
    assert (await caller.redeem(code))["code"] == 0


async def test_an_access_token_expires_after_a_week(sandbox: Sandbox, caller: Caller) -> None:
    await sandbox.control.clock(WEEK_S - 1)
    assert (await caller.call("GET", SHOPS, cipher=None))["code"] == 0
    await sandbox.control.clock(1)

    assert (await caller.call("GET", SHOPS, cipher=None))["code"] == 105002
    assert caller.status == 401


async def test_tokens_expire_on_demand(sandbox: Sandbox, caller: Caller) -> None:
    assert await sandbox.control.expire_tokens() == {"expired": 1}

    assert (await caller.call("GET", SHOPS, cipher=None))["code"] == 105002


async def test_a_refresh_gives_a_new_pair_and_uses_its_token_up(caller: Caller) -> None:
    before = caller.token
    pair = (await caller.refresh(caller.refresh_token))["data"]

    again = await caller.refresh(caller.refresh_token)
    caller.token = pair["access_token"]
    assert again["code"] == 36004005
    assert pair["access_token"] != before
    assert (await caller.call("GET", SHOPS, cipher=None))["code"] == 0
    caller.token = before
    assert (await caller.call("GET", SHOPS, cipher=None))["code"] == 0
    assert (await caller.refresh(pair["refresh_token"]))["code"] == 0


async def test_a_seller_who_leaves_ends_every_token(sandbox: Sandbox, caller: Caller) -> None:
    await sandbox.control.deauthorize("cedar")

    answer = await caller.call("GET", SHOPS, cipher=None)
    assert answer["code"] == 36009004
    assert "x-tts-access-token" in answer["message"]
    assert (await caller.refresh(caller.refresh_token))["code"] == 36004005


async def test_a_scope_that_was_not_granted_is_missing(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    await sandbox.control.app(scopes=["seller.authorization.info"])
    caller = await Caller(sandbox, session).connect()

    answer = await caller.call("POST", "/product/202309/products", {})
    assert (answer["code"], caller.status) == (105005, 403)


async def test_sellers_have_one_shop_or_several_or_none(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    regions = {}
    for seller in ("cedar", "harbour", "sprout"):
        caller = await Caller(sandbox, session).connect(seller)
        shops = (await caller.data("GET", SHOPS, cipher=None))["shops"]
        regions[seller] = [shop["region"] for shop in shops]

        permissions = await caller.data("GET", "/seller/202309/permissions", cipher=None)
        assert bool(permissions["permissions"]) == (len(regions[seller]) > 1)
        active = await caller.data("GET", "/seller/202309/shops", cipher=None)
        assert [shop["region"] for shop in active["shops"]] == regions[seller]

    assert regions == {"cedar": ["US"], "harbour": ["US", "GB"], "sprout": []}
