"""Whom orders go to: sealed, for a while, and gone with the connection."""

from typing import Any

import pytest
from cryptography.fernet import Fernet

from sync.connecting.authorizing import disconnect
from sync.errors import Conflict
from sync.model import TIKTOK, SkuId
from sync.orders.order_draft import BuyerDraft, LineDraft, OrderDraft
from sync.orders.retention import LOOKS_A_DAY, Retention
from sync.secret import Secret, Vault
from sync.store.buyers import buyers_keys
from sync.store.orders import Idempotency
from tests.sync.orders.market import BUYER_DATA_DAYS, Market

DAY_S = 24 * 3600


async def kept(market: Market) -> int:
    """Of how many of TikTok's orders anything is kept, past its time or not."""
    redis = market.rig.connection.redis
    hash_key, until_key = buyers_keys(TIKTOK)
    count = await redis.hlen(hash_key)
    assert count == await redis.zcard(until_key)
    return int(count)


async def own_order(market: Market) -> None:
    draft = OrderDraft((LineDraft(SkuId("s_mug")),), buyer=BuyerDraft(name="Bea"))
    await market.desk.place(draft, Idempotency("k1", "d1"), by="owner")


async def test_a_buyer_is_kept_once_tiktok_tells_of_them(market: Market) -> None:
    await market.listed()
    remote_id = await market.ordered(1, buyer="Ann", paid=True)
    await market.follow()
    assert await market.buyer(remote_id) is None

    await market.rig.wait(3600)
    await market.follow()

    buyer = await market.buyer(remote_id)
    assert buyer is not None
    assert (buyer.name, buyer.address) == ("Ann", "2 Shopper Road, Springfield")
    sealed = await market.stores.buyers.get(await market.order(remote_id))
    assert sealed is not None
    assert "Ann" not in sealed


async def test_a_buyer_is_erased_after_a_while(market: Market) -> None:
    await market.listed()
    remote_id = await market.bought(1)
    await market.follow()
    ordered_at = (await market.order(remote_id)).created_at

    await market.rig.wait(ordered_at + BUYER_DATA_DAYS * DAY_S - market.rig.now() - 1)
    await Retention(market.stores).look()
    assert await market.buyer(remote_id) is not None

    await market.rig.wait(1)
    assert await market.buyer(remote_id) is None
    assert await kept(market) == 1
    await Retention(market.stores).look()
    assert await kept(market) == 0


async def test_what_was_erased_leaves_the_log_of_redis_within_a_day(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    retention, rewritten = Retention(market.stores), 0

    async def rewrite_log() -> None:
        nonlocal rewritten
        rewritten += 1

    monkeypatch.setattr(market.stores.channels, "rewrite_log", rewrite_log)
    await market.rig.add("mug", units=2)
    await retention.look()
    await own_order(market)
    await market.rig.wait((BUYER_DATA_DAYS + 1) * DAY_S)
    for _ in range(LOOKS_A_DAY - 1):
        await retention.look()
    assert rewritten == 0

    for _ in range(LOOKS_A_DAY + 1):
        await retention.look()
    assert rewritten == 1


async def test_the_buyer_of_an_old_order_is_not_kept_at_all(market: Market) -> None:
    await market.listed()
    remote_id = await market.bought(1)
    await market.rig.wait(BUYER_DATA_DAYS * DAY_S)

    await market.taking.take([remote_id])

    assert (await market.order(remote_id)).status == "AWAITING_SHIPMENT"
    assert await kept(market) == 0


async def test_tiktoks_buyers_are_erased_when_it_is_disconnected(market: Market) -> None:
    await market.listed()
    remote_id = await market.bought(1)
    await market.follow()
    await own_order(market)

    await disconnect(market.stores.channels)

    assert await kept(market) == 0
    assert (await market.order(remote_id)).status == "AWAITING_SHIPMENT"
    (own,) = [each for each in (await market.orders.page()).orders if each.channel == "shop"]
    found = await market.desk.buyer(own.id)
    assert found is not None
    assert found.name == "Bea"


async def test_tiktoks_buyers_are_erased_when_another_shop_is_connected(market: Market) -> None:
    await market.listed()
    await market.bought(1)
    await market.follow()
    assert await kept(market) == 1

    _, other, *_ = market.rig.sandbox.world.markets
    assert other != await shop_id(market)
    await market.rig.connect(shop_id=other)

    assert await kept(market) == 0


async def shop_id(market: Market) -> str:
    record = await market.stores.channels.get(TIKTOK)
    assert record.shop is not None
    return record.shop.id


async def test_a_change_of_the_channel_that_leaves_it_connected_erases_nobody(
    market: Market,
) -> None:
    await market.listed()
    await market.bought(1)
    await market.follow()

    await market.rig.set_channel(tier="standard")
    await market.rig.connect()

    assert await kept(market) == 1


async def test_a_buyer_who_came_with_an_answer_that_was_on_its_way_is_erased_too(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.listed()
    remote_id = await market.bought(1)
    fetch = market.rig.tiktok.orders

    async def left_meanwhile(*args: Any) -> Any:
        answer = await fetch(*args)
        await disconnect(market.stores.channels)
        return answer

    monkeypatch.setattr(market.rig.tiktok, "orders", left_meanwhile)
    await market.taking.take([remote_id])
    assert await kept(market) == 1

    await Retention(market.stores).look()

    assert await kept(market) == 0


async def test_after_it_is_connected_again_tiktok_is_asked_for_a_buyer(market: Market) -> None:
    await market.listed()
    remote_id = await market.bought(1, buyer="Ann")
    await market.follow()
    await disconnect(market.stores.channels)
    order = await market.order(remote_id)
    assert await market.desk.buyer(order.id) is None

    await market.rig.connect()
    found = await market.desk.buyer(order.id)

    assert found is not None
    assert found.name == "Ann"


async def test_a_buyer_whose_key_is_lost_is_no_fault_of_the_server(market: Market) -> None:
    await market.rig.add("mug", units=2)
    await own_order(market)
    [order] = (await market.orders.page()).orders
    market.rig.vault = Vault([Secret(Fernet.generate_key().decode())])

    with pytest.raises(Conflict, match="sealed with a key"):
        await Market(market.rig, market.fence).desk.buyer(order.id)
