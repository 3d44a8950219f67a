"""Connecting TikTok Shop through the server, from the button to the checklist, and every way in
which it can fail to."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.fernet import Fernet

from mediaserver.app import running
from mediaserver.redis_server import RedisServer
from mediaserver.settings import SecretSettings, Settings
from sync.connection import Connection
from sync.sandbox.server import Sandbox
from sync.sandbox.wire import SCOPES
from sync.secret import Secret
from tests.api.client import Client
from tests.api.tiktok import (
    CHANNEL,
    Browser,
    Connecting,
    connecting,
    outcome_of,
    state_of,
    with_tiktok,
)
from tests.control.hosting import hosted


@pytest.fixture
def settings(settings: Settings, sandbox: Sandbox) -> Settings:
    return with_tiktok(settings, sandbox)


@pytest.fixture
async def seller(owner: Client, sandbox: Sandbox) -> Connecting:
    return await connecting(owner, sandbox)


async def test_a_seller_who_agrees_is_connected_and_told_so(seller: Connecting) -> None:
    answer = await seller.connect()

    assert (answer.status, outcome_of(answer)) == (200, "connected")
    assert "Cedar &amp; Co is connected" in answer.body.decode()
    assert f'href="{seller.owner.base_url}/"' in answer.body.decode()
    channel = await seller.channel()
    assert channel["connected"] is True
    assert channel["shop"]["name"] == "Cedar & Co"


async def test_the_consent_page_is_tiktoks_with_a_state_that_the_browser_keeps_a_hash_of(
    seller: Connecting,
) -> None:
    answer = await seller.owner.call("POST", f"{CHANNEL}/connect")

    url = answer.json["authorize_url"]
    (morsel,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
    assert url.startswith(f"{seller.sandbox.authorize_url}?service_id={seller.sandbox.service_id}&")
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Lax", "/oauth")
    assert morsel["max-age"] == "3600"
    assert state_of(url) not in answer.headers["Set-Cookie"]
    assert len(state_of(url)) == 43


async def test_a_seller_who_refuses_is_told_what_to_do(seller: Connecting) -> None:
    browser = seller.browser()

    answer = await browser.come_back(await seller.agreed(browser, allow=False))

    assert (answer.status, outcome_of(answer)) == (403, "denied")
    channel = await seller.channel()
    assert (channel["state"], channel["connected"]) == ("not_connected", False)
    assert "was not allowed" in channel["text"]


async def test_a_refusal_leaves_the_connection_of_before_and_does_not_deny_it(
    seller: Connecting,
) -> None:
    browser = seller.browser()
    await browser.come_back(await seller.agreed(browser))

    answer = await browser.come_back(await seller.agreed(browser, allow=False))

    assert outcome_of(answer) == "denied"
    assert b"<h1>TikTok Shop was not connected</h1>" in answer.body
    assert (await seller.channel())["connected"] is True


async def test_a_state_is_good_once(seller: Connecting) -> None:
    browser = seller.browser()
    redirect = await seller.agreed(browser)
    await browser.come_back(redirect)

    again = await browser.come_back(redirect)

    assert (again.status, outcome_of(again)) == (409, "used_state")
    assert b"not connected</h1>" not in again.body
    assert (await seller.channel())["connected"] is True


async def test_without_a_state_nothing_is_taken(seller: Connecting) -> None:
    browser = seller.browser()
    await browser.begin(seller.owner)

    answer = await browser.come_back("/oauth/tiktok/callback?code=x")

    assert (answer.status, outcome_of(answer)) == (400, "no_state")


async def test_a_wrong_state_is_not_taken(seller: Connecting) -> None:
    browser = seller.browser()
    await browser.begin(seller.owner)

    answer = await browser.come_back("/oauth/tiktok/callback?code=x&state=made-up")

    assert (answer.status, outcome_of(answer)) == (403, "other_browser")


async def test_another_browser_is_not_let_in_and_the_right_one_still_is(
    seller: Connecting,
) -> None:
    browser, other = seller.browser(), seller.browser()
    redirect = await seller.agreed(browser)
    await other.begin(seller.owner)

    for stranger in (seller.browser(), other):
        answer = await stranger.come_back(redirect)
        assert (answer.status, outcome_of(answer)) == (403, "other_browser")

    assert outcome_of(await browser.come_back(redirect)) == "connected"


async def test_a_state_that_ran_out_is_said_to_be_too_late(
    seller: Connecting, store: Connection
) -> None:
    browser = seller.browser()
    redirect = await seller.agreed(browser)
    await store.redis.flushall()

    answer = await browser.come_back(redirect)

    assert (answer.status, outcome_of(answer)) == (410, "expired_state")
    assert "half an hour" in answer.body.decode()


async def test_a_code_must_be_there(seller: Connecting) -> None:
    browser = seller.browser()
    state = state_of(await browser.begin(seller.owner))

    answer = await browser.come_back(f"/oauth/tiktok/callback?state={state}")

    assert (answer.status, outcome_of(answer)) == (400, "no_code")


async def test_a_code_that_tiktok_does_not_take_is_told(seller: Connecting) -> None:
    browser = seller.browser()
    state = state_of(await browser.begin(seller.owner))

    answer = await browser.come_back(f"/oauth/tiktok/callback?state={state}&code=TTP_old")

    assert (answer.status, outcome_of(answer)) == (409, "code_refused")
    channel = await seller.channel()
    assert channel["state"] == "not_connected"
    assert "does not take its own code" in channel["text"]


async def test_an_account_without_a_shop_is_told_to_open_one(seller: Connecting) -> None:
    answer = await seller.connect("sprout")

    assert (answer.status, outcome_of(answer)) == (409, "no_shop")
    assert "Open a TikTok Shop" in answer.body.decode()
    assert (await seller.channel())["connected"] is False


async def test_of_several_shops_the_person_chooses_one(seller: Connecting) -> None:
    answer = await seller.connect("harbour")

    assert (answer.status, outcome_of(answer)) == (200, "choose_shop")
    channel = await seller.channel()
    assert (channel["state"], channel["connected"]) == ("choosing_shop", False)
    assert [shop["name"] for shop in channel["choices"]] == [
        "Harbour Goods US",
        "Harbour Goods UK",
    ]
    wrong = await seller.owner.call("POST", f"{CHANNEL}/shop", {"shop": "1"})
    assert wrong.problem() == (404, "there is no shop to choose '1'")
    chosen = await seller.owner.post(f"{CHANNEL}/shop", {"shop": channel["choices"][1]["id"]})
    assert (chosen["connected"], chosen["shop"]["region"]) == (True, "GB")
    assert chosen["choices"] == []
    again = await seller.owner.call("POST", f"{CHANNEL}/shop", {"shop": chosen["shop"]["id"]})
    assert again.problem()[0] == 409


async def test_scopes_that_are_missing_are_named(seller: Connecting) -> None:
    await seller.sandbox.control.app(
        scopes=[scope for scope in SCOPES if scope != "seller.product.write"]
    )

    answer = await seller.connect()

    assert (answer.status, outcome_of(answer)) == (409, "scopes_missing")
    assert "seller.product.write" in answer.body.decode()
    assert (await seller.channel())["connected"] is False


async def test_a_wrong_app_secret_is_for_the_operator(
    seller: Connecting,
) -> None:
    seller.sandbox.world.app_secret = "another-secret-another-secret"

    answer = await seller.connect()

    assert (answer.status, outcome_of(answer)) == (502, "app_refused")
    assert "SHOPCAST_TIKTOK_APP_SECRET" in answer.body.decode()


async def test_with_tiktok_away_it_goes_on_by_itself(seller: Connecting) -> None:
    browser = seller.browser()
    redirect = await seller.agreed(browser)
    await seller.sandbox.control.fail("error_503", "token_get", times=100)

    answer = await browser.come_back(redirect)

    assert (answer.status, outcome_of(answer)) == (202, "going_on")
    assert (await seller.channel())["state"] == "connecting"


async def test_a_connection_that_works_survives_an_attempt_that_does_not(
    seller: Connecting,
) -> None:
    await seller.connect("cedar")

    assert outcome_of(await seller.connect("sprout")) == "no_shop"

    channel = await seller.channel()
    assert (channel["connected"], channel["shop"]["name"]) == (True, "Cedar & Co")


async def test_the_page_runs_no_script_and_is_nobodys_to_keep(seller: Connecting) -> None:
    answer = await seller.browser().come_back(
        "/oauth/tiktok/callback?state=<script>alert(1)</script>&error=<b>"
    )

    assert "<script>" not in answer.body.decode()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "query",
    [
        "state=%ff%fe&code=%ff",
        "state=%ed%a0%80&code=x",
        "state=" + "x" * 5000 + "&code=y",
        "state=a&state=b&code=c&error=",
        "%00=%00",
    ],
)
async def test_whatever_comes_to_the_callback_is_answered_by_a_page(
    query: str, seller: Connecting
) -> None:
    browser = Browser(seller.owner.as_(None), "shopcast_consent=\u00ff\u00fe")

    answer = await browser.come_back(f"/oauth/tiktok/callback?{query}")

    assert answer.status in (400, 403)
    assert outcome_of(answer) in ("no_state", "other_browser")


async def test_no_secret_is_in_a_log_an_answer_or_redis(
    seller: Connecting, store: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world = seller.sandbox.world
    browser = seller.browser()
    redirect = await seller.agreed(browser)
    query = parse_qs(urlsplit(redirect).query)
    known = {*query["code"], *query["state"], world.app_secret}
    stored = []

    async def look() -> None:
        known.update(tokens_of(seller.sandbox))
        channel = await store.redis.hgetall("shopcast:{shop}:channel:tiktok")
        stored.append(repr((channel, await store.redis.keys())))

    await browser.come_back(redirect)
    await look()
    await seller.sandbox.control.expire_tokens()
    await seller.owner.post(f"{CHANNEL}/check")
    await look()
    await seller.sandbox.control.fail("internal", "token_refresh")
    await seller.sandbox.control.expire_tokens()
    await seller.owner.call("POST", f"{CHANNEL}/check")
    await seller.owner.call("DELETE", CHANNEL)
    await look()
    await seller.connect("harbour")
    await look()
    await seller.sandbox.control.deauthorize("harbour")
    await seller.owner.call("POST", f"{CHANNEL}/check")
    await look()

    consent, *answers = seller.owner.answers
    assert query["state"][0] in consent.json["authorize_url"]
    told = [f"{dict(answer.headers)} {answer.body.decode()}" for answer in answers]
    texts = [caplog.text, consent.headers["Set-Cookie"], *told, *stored]
    assert len(known) >= 8
    for secret in known:
        assert not [text for text in texts if secret in text]


def tokens_of(sandbox: Sandbox) -> set[str]:
    """Every token of TikTok's that is good now."""
    tokens = sandbox.world.tokens
    return {*tokens._access, *tokens._refresh}


class TestTwoServers:
    """Two servers on one Redis, with the same keys, behind one address."""

    @pytest.fixture
    def settings(self, settings: Settings, redis_server: RedisServer) -> Settings:
        key = Secret(Fernet.generate_key().decode())
        return replace(
            settings,
            store=replace(settings.store, redis_url=Secret(redis_server.url)),
            secrets=SecretSettings(admin_token=Secret("owner-of-both-servers"), secret_keys=(key,)),
        )

    @pytest.fixture
    async def other(
        self, settings: Settings, owner: Client, tmp_path: Path
    ) -> AsyncIterator[Client]:
        store = replace(settings.store, data_dir=tmp_path / "other")
        async with hosted(running(replace(settings, store=store))) as server:
            yield replace(owner, base_url=server.base_url)

    async def test_who_begins_at_one_may_come_back_to_the_other(
        self, seller: Connecting, other: Client
    ) -> None:
        browser = seller.browser()
        redirect = await seller.agreed(browser)
        elsewhere = Browser(other.as_(None), browser.cookie)

        answer = await elsewhere.come_back(redirect.replace(seller.owner.base_url, other.base_url))

        assert outcome_of(answer) == "connected"
        first, second = [await each.get(CHANNEL) for each in (seller.owner, other)]
        assert first["shop"] == second["shop"]
        assert first["connected"]

    async def test_a_token_that_ran_out_is_renewed_by_one_of_them(
        self, seller: Connecting, other: Client
    ) -> None:
        await seller.connect()
        await seller.sandbox.control.expire_tokens()

        checks = [
            each.call("POST", f"{CHANNEL}/check")
            for each in (seller.owner, other)
            for _ in range(5)
        ]
        answers = await asyncio.gather(*checks)

        assert {answer.status for answer in answers} == {200}
        assert (await seller.sandbox.control.requests())["token_refresh"] == {"0": 1}

    async def test_disconnecting_at_one_ends_it_at_the_other(
        self, seller: Connecting, other: Client
    ) -> None:
        await seller.connect()
        assert (await other.call("POST", f"{CHANNEL}/check")).status == 200

        await seller.owner.call("DELETE", CHANNEL)

        assert (await other.call("POST", f"{CHANNEL}/check")).problem()[0] == 409
        assert (await other.get(CHANNEL))["connected"] is False
