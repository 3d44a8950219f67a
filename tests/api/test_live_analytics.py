"""What TikTok sells in LIVEs, and its own figures beside ours: a whole server, with the sandbox."""

import asyncio
import time
from typing import Any

import pytest

from sync.connection import Connection
from sync.orders.order import RoomId
from sync.sales import analytics
from sync.sandbox.server import Sandbox
from sync.store.stores import Stores
from tests.api.client import Client
from tests.api.conftest import Invited
from tests.api.test_reports import LIVES, figures, keep, on_tiktok
from tests.api.test_reports import until as until_told
from tests.api.test_sync import mug, picture, seller, settings, until
from tests.api.tiktok import Connecting
from tests.peers.rtmp_record import RtmpRecord
from tests.sync.sales.things import line, order

__all__ = ["mug", "picture", "seller", "settings"]  # the fixtures of a server that sells

ROOM = RoomId("7300000000000000001")


@pytest.fixture
async def sku(sandbox: Sandbox, mug: Any) -> str:
    """TikTok's, of a mug for 12.50 that it sells."""

    def is_on_sale(products: list[Any]) -> bool:
        return bool(products) and products[0]["status"] == "ACTIVATE"

    (product,) = await until(sandbox.control.products, is_on_sale)
    return str(product["skus"][0]["id"])


async def test_tiktoks_figures_stand_beside_ours_and_say_where_they_differ(
    owner: Client, sandbox: Sandbox, store: Connection, sku: str
) -> None:
    await sandbox.control.live(ROOM, title="Mugs tonight")
    bought = await sandbox.control.buy(sku, room_id=ROOM, buyer="ann", paid=True)
    stores = Stores(store, time.time)
    at = time.time()
    ours = order(f"tiktok-{bought['id']}", line(room=ROOM), created_at=at, updated_at=1.0)
    await keep(stores, ours)

    found = await until_told(owner, LIVES, lambda told: told["lives"])

    (live,) = found["lives"]
    assert live["sales"] == [figures(1250)]
    assert live["differs"] is False
    assert live["tiktok"] == {
        "title": "Mugs tonight",
        "started_at": live["tiktok"]["started_at"],
        "ended_at": None,
        "gmv": {"amount": 1250, "currency": "USD"},
        "units": 1,
        "sku_orders": 1,
        "customers": 1,
    }
    assert found["tiktok"]["reason"] is None
    assert found["tiktok"]["at"] is not None

    await keep(stores, order("2", line(room=ROOM), created_at=at))
    found = await until_told(owner, LIVES, lambda told: told["lives"][0]["differs"])
    assert found["lives"][0]["sales"] == [figures(2500, units=2, orders=2)]


async def test_what_is_bought_in_a_live_is_in_the_events_of_the_show_that_is_live(
    owner: Client, sandbox: Sandbox, invited: Invited, destination: RtmpRecord, sku: str
) -> None:
    await on_tiktok(owner, invited.path, destination)
    async with asyncio.timeout(30), owner.events(f"{invited.path}/events") as events:
        await events.next()
        bought = await sandbox.control.buy(sku, 2, room_id=ROOM, paid=True)
        told = await events.until("sales")
        assert told["channels"] == [{"channel": "tiktok"} | figures(2500, units=2)]
        assert told["tiktok_share"] == {"USD": 1.0}

        await sandbox.control.cancel(bought["id"])
        told = await events.until("sales")
        assert told["totals"] == [figures(0, gross=2500, cancelled=2500, units=0, orders=0)]


async def test_without_tiktoks_answer_our_own_figures_are_there(
    owner: Client,
    sandbox: Sandbox,
    store: Connection,
    seller: Connecting,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(analytics, "WITHIN_S", 0.2)
    await sandbox.control.fail("internal", "live_performance", times=100)
    await keep(Stores(store, time.time), order("1", line(room=ROOM)))

    found = await until_told(owner, LIVES, lambda told: told["lives"])

    assert found["lives"][0]["sales"] == [figures(1250)]
    assert (found["lives"][0]["tiktok"], found["lives"][0]["differs"]) == (None, None)
    assert found["tiktok"]["at"] is None
    assert found["tiktok"]["reason"]
