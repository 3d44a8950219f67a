"""The channel as the crew sees and steers it."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from mediaserver.settings import Settings
from sync.sandbox.server import Sandbox
from tests.api.client import Client
from tests.api.tiktok import CHANNEL, Connecting, connecting, outcome_of, with_tiktok


def item(channel: Any, name: str) -> Any:
    return next(item for item in channel["checklist"] if item["id"] == name)


class TestWithoutAnApp:
    async def test_the_channel_is_there_and_says_that_it_is_not_set_up(self, owner: Client) -> None:
        channel = await owner.get(CHANNEL)

        assert (channel["configured"], channel["state"]) == (False, "not_connected")
        assert await owner.get("/api/v1/channels") == {"channels": [channel]}

    @pytest.mark.parametrize(
        ("path", "body"), [("/connect", None), ("/check", None), ("/shop", {"shop": "1"})]
    )
    async def test_what_needs_one_says_which_settings_are_missing(
        self, path: str, body: object, owner: Client
    ) -> None:
        answer = await owner.call("POST", CHANNEL + path, body)

        status, detail = answer.problem()
        assert status == 409
        assert "SHOPCAST_TIKTOK_APP_KEY" in detail

    async def test_the_callback_says_so_on_its_page(self, owner: Client) -> None:
        answer = await owner.as_(None).call("GET", "/oauth/tiktok/callback?state=x&code=y")

        assert (answer.status, outcome_of(answer)) == (409, "no_app")

    async def test_a_connection_of_before_can_still_be_forgotten(self, owner: Client) -> None:
        assert (await owner.call("DELETE", CHANNEL)).status == 200


async def test_what_the_seller_declares_is_kept(owner: Client) -> None:
    changed = await owner.patch(
        CHANNEL, {"tier": "beginner", "account_attested": True, "auto_sync": False}
    )

    assert changed["tier"] == "beginner"
    assert changed["limits"] == {"products": 100, "orders_a_day": 50, "orders_left_today": 50}
    assert (changed["account_attested"], changed["auto_sync"]) == (True, False)
    assert item(changed, "account")["state"] == "done"
    taken_back = await owner.patch(CHANNEL, {"tier": None, "account_attested": False})
    assert (taken_back["tier"], taken_back["limits"]) == (None, None)
    assert item(taken_back, "account")["state"] == "todo"
    assert await owner.get(CHANNEL) == taken_back


async def test_ticking_it_again_does_not_move_when_it_was_ticked(owner: Client) -> None:
    first = await owner.patch(CHANNEL, {"account_attested": True})
    again = await owner.patch(CHANNEL, {"account_attested": True})

    assert again == first


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"tier": "gold"}, "tier"),
        ({"auto_sync": "yes"}, "auto_sync"),
        ({"account_attested": None}, "account_attested"),
        ({"name": "x"}, None),
        ({"stock": {"mode": "hope"}}, "stock.mode"),
        ({"stock": {"share": 101}}, "stock.share"),
        ({"stock": {"buffer": -1}}, "stock.buffer"),
    ],
)
async def test_what_cannot_be_declared_is_refused(
    body: dict[str, Any], path: str | None, owner: Client
) -> None:
    answer = await owner.call("PATCH", CHANNEL, body)

    assert answer.problem()[0] == 422
    assert answer.json.get("path") == path


async def test_how_stock_is_offered_is_chosen_and_what_can_oversell_says_so(
    owner: Client,
) -> None:
    channel = await owner.get(CHANNEL)
    escrow = {"mode": "escrow", "share": None, "buffer": 0, "can_oversell": False}
    assert channel["stock"] == escrow

    channel = await owner.patch(CHANNEL, {"stock": {"mode": "buffered", "buffer": 3}})
    assert channel["stock"] == escrow | {"mode": "buffered", "buffer": 3, "can_oversell": True}

    channel = await owner.patch(CHANNEL, {"stock": {"mode": "escrow", "share": 40}})
    assert channel["stock"] == escrow | {"share": 40, "buffer": 3}
    assert (await owner.patch(CHANNEL, {"stock": {"share": None}}))["stock"]["share"] is None


async def test_disconnecting_keeps_or_releases_stock_and_nothing_else(owner: Client) -> None:
    answer = await owner.call("DELETE", f"{CHANNEL}?stock=sell")
    assert answer.problem()[0] == 422
    for stock in ("?stock=keep", "?stock=release", ""):
        answer = await owner.call("DELETE", f"{CHANNEL}{stock}")
        assert answer.status == 200


class TestConnected:
    @pytest.fixture
    def settings(self, settings: Settings, sandbox: Sandbox) -> Settings:
        return with_tiktok(settings, sandbox)

    @pytest.fixture
    async def seller(self, owner: Client, sandbox: Sandbox) -> Connecting:
        seller = await connecting(owner, sandbox)
        await seller.connect()
        return seller

    async def test_the_checklist_says_what_tiktok_says_and_what_to_do(
        self, seller: Connecting
    ) -> None:
        await seller.sandbox.control.shop(failing={"SHOP_TAX": ["Tax info is missing."]})

        channel = await seller.owner.post(f"{CHANNEL}/check")

        assert channel["state"] == "prerequisites_failing"
        tax = item(channel, "shop_tax")
        assert (tax["state"], tax["said"]) == ("failing", ["Tax info is missing."])
        assert "Fill in the tax details" in tax["next_step"]
        assert item(channel, "bank_account")["state"] == "done"
        assert item(channel, "warehouses")["state"] == "done"
        assert item(channel, "inventory")["next_step"].startswith("Add products")
        await seller.sandbox.control.shop(failing={})
        assert (await seller.owner.post(f"{CHANNEL}/check"))["state"] == "probation"

    async def test_by_itself_the_server_asks_as_soon_as_it_is_connected(
        self, seller: Connecting
    ) -> None:
        channel = await seller.until(lambda channel: channel["state"] != "authorized")

        assert channel["state"] == "probation"

    async def test_a_holiday_is_a_condition_of_a_shop_whose_orders_are_not_used_up(
        self, seller: Connecting
    ) -> None:
        await seller.sandbox.control.shop(holiday=True)
        restricted = await seller.owner.post(f"{CHANNEL}/check")
        declared = await seller.owner.patch(CHANNEL, {"tier": "pro"})

        assert restricted["conditions"] == ["restricted"]
        assert item(restricted, "warehouses")["state"] == "waiting"
        assert (declared["state"], declared["conditions"]) == ("live", ["holiday"])

    async def test_disconnecting_forgets_the_tokens_and_keeps_what_was_declared(
        self, seller: Connecting
    ) -> None:
        await seller.owner.patch(CHANNEL, {"tier": "premium"})

        channel = (await seller.owner.call("DELETE", CHANNEL)).json

        assert (channel["state"], channel["connected"]) == ("not_connected", False)
        assert channel["tier"] == "premium"
        assert channel["authorization_ends_at"] is None
        again = await seller.owner.call("POST", f"{CHANNEL}/check")
        assert again.problem() == (409, "TikTok Shop is not connected: connect it first")

    async def test_an_answer_that_is_not_understood_is_tiktoks_fault(
        self, seller: Connecting
    ) -> None:
        await seller.sandbox.control.schema("warehouses", rename={"id": "warehouse_number"})

        answer = await seller.owner.call("POST", f"{CHANNEL}/check")

        assert answer.problem()[0] == 502
        assert "warehouses" in answer.problem()[1]

    async def test_with_the_store_away_the_callback_can_be_loaded_again(
        self, seller: Connecting, data_dir: Path
    ) -> None:
        browser = seller.browser()
        redirect = await seller.agreed(browser)
        pid = int((data_dir / "redis" / "redis.pid").read_text())
        os.kill(pid, signal.SIGSTOP)
        try:
            answer = await browser.come_back(redirect)
        finally:
            os.kill(pid, signal.SIGCONT)

        assert (answer.status, outcome_of(answer)) == (503, "store_away")
        again = await browser.come_back(redirect)
        while again.status == 503:
            again = await browser.come_back(redirect)
        assert outcome_of(again) == "connected"

    async def test_inventory_is_looked_at_once_it_can_be_sold_there(
        self, seller: Connecting
    ) -> None:
        body = {"title": "Mug", "currency": "USD", "skus": [{"price": 1250, "seller_sku": "M"}]}
        await seller.owner.post("/api/v1/products", body, 201)

        inventory = item(await seller.channel(), "inventory")

        assert (inventory["state"], inventory["title"]) == (
            "failing",
            "A product that may be sold there",
        )
        assert "badge" in inventory["next_step"]
        await seller.owner.call("DELETE", CHANNEL)
        assert "Connect first" in item(await seller.channel(), "inventory")["next_step"]

    async def test_whoever_listens_hears_of_connecting_and_disconnecting(
        self, owner: Client, sandbox: Sandbox
    ) -> None:
        seller = await connecting(owner, sandbox)
        async with owner.events("/api/v1/events") as events:
            await seller.connect()
            connected = await events.until("channel", connected=True)
            await owner.call("DELETE", CHANNEL)
            ended = await events.until("channel", connected=False)

        assert connected["shop"]["name"] == "Cedar & Co"
        assert ended["state"] == "not_connected"

    async def test_whoever_listens_hears_that_the_seller_shut_us_out(
        self, seller: Connecting
    ) -> None:
        await seller.owner.post(f"{CHANNEL}/check")  # has webhooks sent here too
        async with seller.owner.events("/api/v1/events") as events:
            await seller.sandbox.control.deauthorize("cedar")
            ended = await events.until("channel", connected=False)

        assert ended["state"] == "deauthorized"
        assert item(ended, "shop")["next_step"] == "Connect again."

    async def test_without_a_webhook_the_sync_notices_that_the_seller_shut_us_out(
        self, seller: Connecting
    ) -> None:
        await seller.owner.post(f"{CHANNEL}/check")
        await seller.sandbox.control.tamper(lose=100)
        await seller.sandbox.control.deauthorize("cedar")
        body = {"title": "Mug", "currency": "USD", "skus": [{"price": 1250, "seller_sku": "M"}]}
        await seller.owner.post("/api/v1/products", body, 201)

        channel = await seller.until(lambda channel: not channel["connected"])

        assert channel["state"] == "deauthorized"
