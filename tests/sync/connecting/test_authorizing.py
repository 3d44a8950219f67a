"""Connecting, interrupted wherever it can be: it goes on where it was, or says to begin again."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from mediaserver.redis_server import RedisServer
from sync.connecting.authorizing import Returned, disconnect
from sync.connecting.doubt import doubt
from sync.connecting.outcome import Outcome
from sync.eligibility.shop_state import shop_state
from sync.errors import Conflict, StoreUnavailable
from sync.model import TIKTOK, ChannelRecord
from sync.sandbox.server import Sandbox
from sync.secret import Secret, Vault
from sync.store.channel import Channels
from tests.control.until import until
from tests.sync.connecting.servers import DAY_S, Server, server_on


class Killed(Exception):
    """The server ended here."""


class Crashing(Channels):
    """Channels of a server that is killed at its `nth` write, `before` it or after."""

    def __init__(self, channels: Channels, nth: int, *, before: bool) -> None:
        super().__init__(channels._connection)
        self._left = nth
        self._before = before

    async def _change(
        self, channel: object, change: Callable[[ChannelRecord], ChannelRecord], state: str | None
    ) -> ChannelRecord:
        self._left -= 1
        if self._left == 0 and self._before:
            raise Killed
        record = await super()._change(TIKTOK, change, state)
        if self._left == 0:
            raise Killed
        return record


def crashing(server: Server, nth: int, *, before: bool) -> None:
    server.tiktok.authorizing._channels = Crashing(server.channels, nth, before=before)


@pytest.mark.parametrize("seller", ["cedar", "harbour"])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_a_server_that_is_killed_on_the_way_is_gone_on_for_by_the_next(
    nth: int, before: bool, seller: str, server: Server, second: Server
) -> None:
    back = await server.back(seller)
    crashing(server, nth, before=before)
    with pytest.raises(Killed):
        await server.tiktok.authorizing.returned(back)

    await second.tiktok.keeper.tend()

    record = await second.record()
    state = shop_state(record, 0.0).state
    if (nth, before) == (1, True):  # nothing was begun: the page can be loaded again
        assert state == "not_connected"
        assert (await second.tiktok.authorizing.returned(back)).code in ("connected", "choose_shop")
    elif (nth, before) == (2, True):  # TikTok has given the pair to nobody
        assert state == "not_connected"
        assert record.refusal.endswith("connect again.")
        assert (await second.connect(seller)).code in ("connected", "choose_shop")
    elif seller == "cedar":
        assert record.is_connected
        assert len(await second.tiktok.client.shops()) == 1
    else:
        assert state == "choosing_shop"
        assert record.attempt is not None
        chosen = await second.tiktok.authorizing.choose(record.attempt.choices[0].id)
        assert chosen.is_connected


async def test_a_page_loaded_again_tells_the_same_and_uses_the_code_once(
    server: Server,
) -> None:
    back = await server.back("harbour")

    outcomes = [await server.tiktok.authorizing.returned(back) for _ in range(3)]

    assert [each.code for each in outcomes] == ["choose_shop"] * 3
    assert await server.requests("token_get") == {"0": 1}


async def test_a_page_loaded_twice_at_once_on_two_servers_connects_once(
    server: Server, second: Server
) -> None:
    back = await server.back()

    outcomes = await asyncio.gather(
        *(each.tiktok.authorizing.returned(back) for each in (server, second, server, second))
    )

    assert "connected" in {each.code for each in outcomes}
    assert {each.code for each in outcomes} <= {"connected", "used_state"}
    assert await server.requests("token_get") == {"0": 1}
    assert (await server.record()).is_connected


async def test_with_tiktok_away_the_code_is_kept_and_tried_until_it_is_back(
    server: Server, sandbox: Sandbox
) -> None:
    await sandbox.control.fail("error_503", "token_get", times=2)
    outcome = await server.connect()
    assert outcome.code == "going_on"
    record = await server.record()
    assert shop_state(record, 0.0).state == "connecting"

    await server.tiktok.keeper.tend()
    assert not (await server.record()).is_connected
    await server.tiktok.keeper.tend()

    assert (await server.record()).is_connected


async def test_a_code_that_got_old_meanwhile_is_not_tried(server: Server, sandbox: Sandbox) -> None:
    await sandbox.control.fail("error_503", "token_get")
    await server.connect()
    await sandbox.control.clock(30 * 60)

    await server.tiktok.keeper.tend()

    record = await server.record()
    assert record.attempt is None
    assert "connect again" in record.refusal
    assert "0" not in await server.requests("token_get")


async def test_a_code_whose_answer_got_lost_is_said_to_be_used(
    server: Server, sandbox: Sandbox
) -> None:
    await sandbox.control.fail("close_after", "token_get")

    assert (await server.connect()).code == "code_refused"

    record = await server.record()
    assert record.attempt is None
    assert "does not take its own code" in record.refusal
    assert (await server.connect()).code == "connected"


async def test_with_tiktok_away_after_the_exchange_the_shops_are_asked_for_later(
    server: Server, sandbox: Sandbox
) -> None:
    await sandbox.control.fail("error_503", "shops", times=5)
    assert (await server.connect()).code == "going_on"

    await server.tiktok.keeper.tend()

    assert (await server.record()).is_connected
    assert await server.requests("token_get") == {"0": 1}


async def test_a_code_that_ran_out_is_refused(server: Server, sandbox: Sandbox) -> None:
    back = await server.back()
    await sandbox.control.clock(31 * 60)

    assert (await server.tiktok.authorizing.returned(back)).code == "code_refused"


async def test_an_answer_without_a_token_is_not_understood(
    server: Server, sandbox: Sandbox
) -> None:
    await sandbox.control.schema("token_get", rename={"access_token": "token"})

    assert (await server.connect()).code == "tiktok_changed"
    assert (await server.record()).attempt is None


async def test_a_creators_account_is_no_sellers(server: Server, sandbox: Sandbox) -> None:
    sandbox.world.sellers["cedar"].user_type = 1

    assert (await server.connect()).code == "not_a_seller"
    assert not (await server.record()).is_connected


async def test_an_app_that_may_not_see_the_shops_is_told_which_scope_it_lacks(
    server: Server, sandbox: Sandbox
) -> None:
    await sandbox.control.app(scopes=["seller.product.basic"])
    await sandbox.control.schema("token_get", rename={"granted_scopes": "scope"})

    outcome = await server.connect()

    assert outcome.code == "scopes_missing"
    assert "seller.authorization.info" in outcome.text


async def test_connecting_again_after_the_seller_shut_us_out_takes_the_same_shop(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect("harbour")
    attempt = (await server.record()).attempt
    assert attempt is not None
    british = attempt.choices[1]
    await server.tiktok.authorizing.choose(british.id)
    await sandbox.control.deauthorize("harbour")
    await doubt(server.channels, server.sandbox.world.clock.now())
    await server.tiktok.keeper.tend()
    assert shop_state(await server.record(), 0.0).state == "deauthorized"

    assert (await server.connect("harbour")).code == "connected"

    assert (await server.record()).shop == british


async def test_who_disconnected_is_asked_for_the_shop_again(server: Server) -> None:
    await server.connect("harbour")
    attempt = (await server.record()).attempt
    assert attempt is not None
    await server.tiktok.authorizing.choose(attempt.choices[1].id)
    await disconnect(server.channels)

    assert (await server.connect("harbour")).code == "choose_shop"


async def test_what_was_declared_of_a_shop_counts_for_that_one_alone(server: Server) -> None:
    def declare(record: ChannelRecord) -> ChannelRecord:
        return msgspec.structs.replace(
            record,
            tier="pro",
            account_attested_at=1.0,
            auto_sync=False,
            orders_day="2026-11-23",
            orders_count=7,
        )

    await server.connect("cedar")
    await server.channels.change(TIKTOK, declare)
    await server.connect("cedar")
    again = await server.record()
    assert (again.tier, again.account_attested_at, again.orders_count) == ("pro", 1.0, 7)

    await server.connect("harbour")
    attempt = (await server.record()).attempt
    assert attempt is not None
    other = await server.tiktok.authorizing.choose(attempt.choices[0].id)

    assert (other.tier, other.account_attested_at) == (None, None)
    assert (other.orders_day, other.orders_count) == ("", 0)
    assert other.auto_sync is False


async def test_choices_are_not_kept_for_ever(server: Server, sandbox: Sandbox) -> None:
    await server.connect("harbour")
    attempt = (await server.record()).attempt
    assert attempt is not None
    await sandbox.control.clock(2 * DAY_S)

    await server.tiktok.keeper.tend()

    with pytest.raises(Conflict, match="connect TikTok Shop first"):
        await server.tiktok.authorizing.choose(attempt.choices[0].id)


async def test_disconnecting_leaves_no_token_in_redis(
    server: Server, redis_server: RedisServer
) -> None:
    await server.connect()
    held = (await server.record()).authorization
    assert held is not None

    await disconnect(server.channels)

    texts = [repr(await server.connection.redis.hgetall("shopcast:{shop}:channel:tiktok"))]
    assert all(held.access_sealed not in text for text in texts)
    assert (await server.record()).shop is not None


async def test_keys_that_were_changed_half_way_ask_to_begin_again(
    server: Server, sandbox: Sandbox, redis_server: RedisServer
) -> None:
    await sandbox.control.fail("error_503", "token_get")
    await server.connect()
    key = Secret("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")

    async with server_on(redis_server.url, sandbox, Vault([key])) as other:
        await other.tiktok.keeper.tend()

    assert "secret keys were changed" in (await server.record()).refusal


async def test_redis_away_is_said_and_uses_up_nothing(
    server: Server, redis_server: RedisServer
) -> None:
    back = await server.back()
    await redis_server.stop()

    with pytest.raises(StoreUnavailable):
        await server.tiktok.authorizing.returned(back)

    await redis_server.start()
    await until(lambda: server.connection.available)
    assert (await server.tiktok.authorizing.returned(back)).code == "connected"


def test_what_comes_back_prints_nothing() -> None:
    assert repr(Returned("state", "code", "error", "kept")) == "Returned(***)"


async def test_a_browser_is_answered_while_tiktok_keeps_silent(
    server: Server, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.connecting.authorizing.ANSWER_WITHIN_S", 0.0)
    back = await server.back()

    outcome = await server.tiktok.authorizing.returned(back)
    await server.tiktok.authorizing.close(30.0)

    assert outcome.code == "going_on"
    assert (await server.record()).is_connected


async def test_a_server_that_ends_lets_the_exchange_end(server: Server) -> None:
    back = await server.back()
    browser = asyncio.create_task(server.tiktok.authorizing.returned(back))
    await until(lambda: bool(server.tiktok.authorizing._going))
    browser.cancel()

    await server.tiktok.authorizing.close(30.0)

    assert (await server.record()).is_connected
    with pytest.raises(asyncio.CancelledError):
        await browser


@pytest.mark.parametrize(
    ("seller", "code"), [("cedar", "connected"), ("harbour", "choose_shop"), ("sprout", "no_shop")]
)
async def test_a_browser_is_told_the_same_when_another_server_was_faster(
    seller: str, code: str, server: Server, second: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    proceed = server.tiktok.authorizing.proceed

    async def too_late() -> Outcome | None:
        await second.tiktok.keeper.tend()
        return await proceed()

    monkeypatch.setattr(server.tiktok.authorizing, "proceed", too_late)

    assert (await server.connect(seller)).code == code
