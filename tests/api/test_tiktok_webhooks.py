"""Webhooks of TikTok Shop, sent by the sandbox and by people who are not TikTok."""

import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mediaserver.commerce import WEBHOOK_PATH
from mediaserver.redis_server import RedisServer
from mediaserver.settings import Settings
from sync.connection import Connection
from sync.sandbox.server import Sandbox
from sync.sandbox.signing import webhook_signature
from sync.secret import Secret
from sync.store.hints import Hint, Hints
from sync.store.lease import LEASE
from tests.api.client import Answer, Client
from tests.api.tiktok import CHANNEL, Connecting, connecting, with_tiktok
from tests.control.until import until


@pytest.fixture
async def store(redis_server: RedisServer) -> AsyncIterator[Connection]:
    """A Redis on which another server syncs the shop, so that nobody here takes hints away."""
    connection = Connection(redis_server.url)
    await connection.redis.set(LEASE, "another server", ex=3600)
    yield connection
    await connection.close()


@pytest.fixture
def settings(
    settings: Settings, sandbox: Sandbox, redis_server: RedisServer, store: Connection
) -> Settings:
    kept = replace(settings.store, redis_url=Secret(redis_server.url))
    return with_tiktok(replace(settings, store=kept), sandbox)


@pytest.fixture
async def seller(owner: Client, sandbox: Sandbox) -> Connecting:
    seller = await connecting(owner, sandbox)
    await seller.connect()
    await owner.post(f"{CHANNEL}/check")
    return seller


@pytest.fixture
async def hints(store: Connection) -> Hints:
    return Hints(store)


async def sent(
    seller: Connecting, event: dict[str, Any] | bytes, signature: str | None = None
) -> Answer:
    """Send a webhook as TikTok would, signed by its app unless another `signature` is given."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    world = seller.sandbox.world
    if signature is None:
        signature = webhook_signature(world.app_key, world.app_secret, body)
    caller = seller.owner.as_(None)
    return await caller.call("POST", WEBHOOK_PATH, data=body, headers={"Authorization": signature})


def event(seller: Connecting, type: int, data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    shop = next(iter(seller.sandbox.world.markets))
    return {
        "type": type,
        "tts_notification_id": "738",
        "shop_id": shop,
        "timestamp": int(seller.sandbox.world.clock.now()),
        "data": data,
    } | changes


async def test_the_server_has_every_webhook_sent_to_itself(seller: Connecting) -> None:
    market = seller.sandbox.world.market(None)

    addresses = {each.address for each in market.shop.webhooks.values()}

    assert addresses == {seller.owner.base_url + WEBHOOK_PATH}
    assert len(market.shop.webhooks) == 10


async def test_a_webhook_is_kept_as_a_hint_once(seller: Connecting, hints: Hints) -> None:
    product = event(seller, 5, {"product_id": 1729, "status": "PRODUCT_STATUS_CHANGED"})
    order = event(seller, 1, {"order_id": "576", "order_status": "CANCEL"}, tts_notification_id="9")

    for each in (product, product, order, order):
        assert (await sent(seller, each)).status == 200

    assert await hints.all() == {Hint("product", "1729"): 1, Hint("order", "576"): 1}


@pytest.mark.parametrize(
    ("type", "data", "hint"),
    [
        (11, {"order_id": "576", "cancel_status": "x"}, Hint("order", "576")),
        (12, {"order_id": "576", "return_status": "x"}, Hint("order", "576")),
        (15, {"product_id": "17"}, Hint("product", "17")),
        (16, {"product_id": 17}, Hint("product", "17")),
        (18, {"product_id": "17"}, Hint("product", "17")),
        (37, {"product_id": 17, "audit": {"status": "APPROVED"}}, Hint("product", "17")),
        (99, {"anything": 1}, None),
        (5, {"status": "without an id"}, None),
    ],
)
async def test_every_kind_is_answered_and_the_known_ones_are_kept(
    type: int, data: dict[str, Any], hint: Hint | None, seller: Connecting, hints: Hints
) -> None:
    answer = await sent(seller, event(seller, type, data))

    assert answer.status == 200
    assert list(await hints.all()) == ([hint] if hint else [])


async def test_of_another_shop_nothing_is_kept(seller: Connecting, hints: Hints) -> None:
    answer = await sent(seller, event(seller, 1, {"order_id": "5"}, shop_id="1"))

    assert answer.status == 200
    assert await hints.all() == {}


@pytest.mark.parametrize("signature", ["", "0" * 64, "Bearer x", "\u00e9"])
async def test_who_is_not_tiktok_is_sent_away(
    signature: str, seller: Connecting, hints: Hints
) -> None:
    answer = await sent(seller, event(seller, 1, {"order_id": "5"}), signature)

    assert answer.problem() == (401, "the signature is not TikTok's for this app")
    assert await hints.all() == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"type": "x"}', b"\xff", b"[" * 50_000])
async def test_what_is_no_webhook_is_refused(body: bytes, seller: Connecting) -> None:
    assert (await sent(seller, body)).problem()[0] == 422


async def test_one_that_is_too_long_is_refused(seller: Connecting) -> None:
    assert (await sent(seller, b" " * 65_537)).problem()[0] == 413


async def test_a_seller_who_has_shut_us_out_ends_the_connection(seller: Connecting) -> None:
    await seller.sandbox.control.deauthorize("cedar")
    await seller.sandbox.world.courier.settled()

    channel = await seller.until(lambda channel: channel["state"] == "deauthorized")

    assert channel["connected"] is False
    assert "connect again" in channel["text"] or "connect TikTok Shop again" in channel["text"]


async def test_an_old_word_of_an_earlier_connection_ends_nothing(seller: Connecting) -> None:
    asked = seller.sandbox.world.requests
    assert asked["shops", 0] == 1

    await sent(seller, event(seller, 6, {"message": "The merchant has deauthorized your app."}))
    await until(lambda: asked["shops", 0] == 2)

    assert (await seller.channel())["connected"] is True


async def test_an_authorization_that_ends_soon_is_said_so(seller: Connecting) -> None:
    ends_at = int(seller.sandbox.world.clock.now()) + 20 * 24 * 3600

    await sent(seller, event(seller, 7, {"message": "soon", "expiration_time": str(ends_at)}))
    channel = await seller.channel()

    assert channel["conditions"] == ["authorization_expiring"]
    assert channel["connected"] is True


async def test_a_warning_of_before_the_connection_says_nothing_of_it(seller: Connecting) -> None:
    ends_at = int(seller.sandbox.world.clock.now()) + 24 * 3600
    data = {"message": "soon", "expiration_time": ends_at}

    await sent(seller, event(seller, 7, data, timestamp=ends_at - 29 * 24 * 3600))

    assert (await seller.channel())["conditions"] == []


async def test_with_the_store_away_tiktok_is_asked_to_send_it_again(
    seller: Connecting, hints: Hints, redis_server: RedisServer
) -> None:
    order = event(seller, 1, {"order_id": "576"})
    pid = redis_server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        answer = await sent(seller, order)
        channel = await seller.owner.call("GET", CHANNEL)
    finally:
        os.kill(pid, signal.SIGCONT)

    words = "the server's store (Redis) does not answer"
    assert [each.problem() for each in (answer, channel)] == [(503, words)] * 2
    while answer.status == 503:
        answer = await sent(seller, order)
    assert await hints.all() == {Hint("order", "576"): 1}
