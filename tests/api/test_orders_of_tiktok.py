"""Orders of TikTok over HTTP: a whole server, with the sandbox, its shoppers and its webhooks."""

from typing import Any

import pytest

from mediaserver.settings import Settings
from sync.sandbox.server import Sandbox
from tests.api.client import Client
from tests.api.test_orders import ORDERS, sent
from tests.api.test_sync import mug as listed
from tests.api.test_sync import picture, seller, until
from tests.api.tiktok import CHANNEL, with_tiktok

__all__ = ["listed", "picture", "seller"]


@pytest.fixture
def settings(settings: Settings, sandbox: Sandbox) -> Settings:
    return with_tiktok(settings, sandbox)


@pytest.fixture
async def mug(sandbox: Sandbox, listed: Any) -> Any:
    """MUG, of which 5 are on sale at TikTok."""

    def is_on_sale(products: Any) -> bool:
        return bool(products) and products[0]["skus"][0]["available"] == 5

    await until(sandbox.control.products, is_on_sale)
    return listed


@pytest.fixture
async def on_sale(sandbox: Sandbox, mug: Any) -> str:
    """TikTok's SKU of it."""
    (there,) = await sandbox.control.products()
    return str(there["skus"][0]["id"])


async def orders(owner: Client, query: str = "") -> Any:
    return (await owner.get(f"{ORDERS}?channel=tiktok{query}"))["orders"]


async def told(owner: Client, remote_id: str, status: str) -> Any:
    """The order, once it is in that state here."""
    (order,) = await until(
        lambda: orders(owner, f"&q={remote_id}"),
        lambda found: bool(found) and found[0]["status"] == status,
    )
    return order


async def stock(owner: Client, mug: Any) -> Any:
    product = await owner.get(f"/api/v1/products/{mug['id']}")
    return product["skus"][0]["stock"]


async def test_what_is_bought_at_tiktok_is_an_order_here(
    owner: Client,
    sandbox: Sandbox,
    mug: Any,
    on_sale: str,
) -> None:
    bought = await sandbox.control.buy(on_sale, 2, room_id="7788", paid=True)

    order = await told(owner, bought["id"], "ON_HOLD")

    assert (order["channel"], order["number"], order["total"]) == ("tiktok", bought["id"], 2500)
    assert [(line["product"], line["room"]) for line in order["lines"]] == [
        (mug["id"], "7788"),
        (mug["id"], "7788"),
    ]
    now = await stock(owner, mug)
    assert (now["on_hand"], now["committed"], now["available"]) == (5, 2, 3)


async def test_what_is_bought_is_found_though_no_webhook_comes(
    owner: Client, sandbox: Sandbox, on_sale: str
) -> None:
    await sandbox.control.tamper(lose=1000)

    bought = await sandbox.control.buy(on_sale, 1)

    assert (await told(owner, bought["id"], "UNPAID"))["number"] == bought["id"]


async def test_an_order_here_waits_for_units_that_tiktok_offers(
    owner: Client,
    sandbox: Sandbox,
    mug: Any,
    on_sale: str,
) -> None:
    answer = await sent(owner, {"lines": [{"sku": mug["skus"][0]["id"], "units": 5}]})

    assert answer.status == 201, answer.body
    (there,) = await sandbox.control.products()
    assert there["skus"][0]["available"] == 0


async def test_the_buyer_is_told_the_owner_until_tiktok_is_disconnected(
    owner: Client, producer: Client, sandbox: Sandbox, on_sale: str
) -> None:
    bought = await sandbox.control.buy(on_sale, 1, buyer="ann", paid=True)
    await sandbox.control.clock(3600)
    order = await told(owner, bought["id"], "AWAITING_SHIPMENT")
    path = f"{ORDERS}/{order['id']}/buyer"

    told_buyer = await owner.get(path)
    assert told_buyer["buyer"]["name"] == "ann"
    assert (await producer.call("GET", path)).problem()[0] == 403

    await owner.call("DELETE", CHANNEL)
    assert await owner.get(path) == {"buyer": None}
    assert (await owner.get(f"{ORDERS}/{order['id']}"))["status"] == "AWAITING_SHIPMENT"


async def test_an_order_of_tiktok_is_cancelled_from_here(
    owner: Client,
    sandbox: Sandbox,
    mug: Any,
    on_sale: str,
) -> None:
    bought = await sandbox.control.buy(on_sale, 2, paid=True)
    await sandbox.control.clock(3600)
    order = await told(owner, bought["id"], "AWAITING_SHIPMENT")
    path = f"{ORDERS}/{order['id']}"

    refused = await owner.call("POST", f"{path}/cancel")
    assert refused.problem()[0] == 422
    assert refused.json["path"] == "why"
    cancelled = await owner.post(f"{path}/cancel", {"why": "out_of_stock"})

    assert (cancelled["status"], cancelled["total"]) == ("CANCELLED", 0)
    assert (await stock(owner, mug))["committed"] == 0


async def test_an_order_of_tiktok_is_sent_from_here(
    owner: Client, sandbox: Sandbox, on_sale: str
) -> None:
    bought = await sandbox.control.buy(on_sale, 1, paid=True)
    await sandbox.control.clock(3600)
    order = await told(owner, bought["id"], "AWAITING_SHIPMENT")
    path = f"{ORDERS}/{order['id']}"

    assert (await owner.call("POST", f"{path}/fulfil")).problem()[0] == 409
    body = {"tracking_number": "9400111899223100000000", "carrier": "USPS"}
    after = await owner.post(f"{path}/fulfil", body)

    assert after["status"] in ("AWAITING_COLLECTION", "IN_TRANSIT")


async def test_tiktoks_returns_are_shown_and_restocked_by_a_person(
    owner: Client,
    sandbox: Sandbox,
    mug: Any,
    on_sale: str,
) -> None:
    bought = await sandbox.control.buy(on_sale, 1, paid=True)
    await sandbox.control.clock(3600)
    await sandbox.control.ship(bought["id"])
    await sandbox.control.deliver(bought["id"])
    order = await told(owner, bought["id"], "DELIVERED")
    assert (await stock(owner, mug))["on_hand"] == 4

    refused = await owner.call("POST", f"{ORDERS}/{order['id']}/restock")

    assert refused.problem()[0] == 409
    assert (await stock(owner, mug))["on_hand"] == 4
