"""Tokens of a connected seller: renewed in time and once, whoever asks, and never lost."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from cryptography.fernet import Fernet

from mediaserver.redis_server import RedisServer
from sync.connecting.authorizing import disconnect
from sync.connecting.tokens import Tokens
from sync.eligibility.shop_state import shop_state
from sync.model import TIKTOK, Authorization, ChannelRecord
from sync.sandbox.server import Sandbox
from sync.secret import Secret, Vault
from sync.store.channel import Lock
from sync.store.keys import key
from sync.tiktok.client import Authorizer
from sync.tiktok.errors import NotAuthorized, TikTokUnavailable
from sync.tiktok.wire import TokenPair
from tests.sync.connecting.servers import DAY_S, Server, server_on


class Renewing(Authorizer):
    """An Authorizer that lets something happen after TikTok's answer, before it is given on."""

    def __init__(self, authorizer: Authorizer, then: Callable[[], Awaitable[None]]) -> None:
        self._authorizer = authorizer
        self._then = then

    async def refresh(self, refresh_token: Secret) -> TokenPair:
        pair = await self._authorizer.refresh(refresh_token)
        await self._then()
        return pair


def interrupted(server: Server, vault: Vault, then: Callable[[], Awaitable[None]]) -> Tokens:
    """The tokens of `server`, with `then` between TikTok's answer and its storing."""
    return Tokens(
        server.channels,
        Renewing(server.tiktok.tokens._authorizer, then),
        vault,
        Lock(server.connection, "tiktok:tokens"),
        server.sandbox.world.clock.now,
    )


def authorization(record: ChannelRecord) -> Authorization:
    assert record.authorization is not None
    return record.authorization


async def test_without_a_connection_there_is_no_token(server: Server) -> None:
    with pytest.raises(NotAuthorized, match="not connected"):
        await server.tiktok.tokens.access_token()


async def test_calls_that_meet_an_expired_token_at_once_renew_it_once(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await sandbox.control.expire_tokens()

    answers = await asyncio.gather(*(server.tiktok.client.shops() for _ in range(20)))

    assert [len(shops) for shops in answers] == [1] * 20
    assert await server.requests("token_refresh") == {"0": 1}


async def test_two_servers_on_one_redis_renew_once(
    server: Server, second: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await sandbox.control.expire_tokens()

    await asyncio.gather(
        *(each.tiktok.client.shops() for each in (server, second) for _ in range(10))
    )

    assert await server.requests("token_refresh") == {"0": 1}
    tokens = [await each.tiktok.tokens.access_token() for each in (server, second)]
    assert tokens[0] == tokens[1]


async def test_a_token_that_is_about_to_end_is_renewed_before_it_is_used(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    before = await server.tiktok.tokens.access_token()
    await sandbox.control.clock(7 * DAY_S - 30)

    after = await server.tiktok.tokens.access_token()

    assert after != before
    assert len(await server.tiktok.client.shops()) == 1
    assert await server.requests("token_refresh") == {"0": 1}


async def test_a_pair_is_stored_sealed(server: Server, vault: Vault) -> None:
    await server.connect()

    held = authorization(await server.record())

    token = await server.tiktok.tokens.access_token()
    assert token.reveal() not in held.access_sealed
    assert vault.open(held.access_sealed) == token


async def test_redis_away_after_tiktoks_answer_loses_nothing(
    server: Server, vault: Vault, sandbox: Sandbox, redis_server: RedisServer
) -> None:
    await server.connect()
    await sandbox.control.expire_tokens()
    loop = asyncio.get_running_loop()
    pid = redis_server.pid
    assert pid is not None

    async def redis_hangs() -> None:
        os.kill(pid, signal.SIGSTOP)
        loop.call_later(1.0, os.kill, pid, signal.SIGCONT)

    tokens = interrupted(server, vault, redis_hangs)
    fresh = await tokens.renewed(await tokens.access_token())

    assert vault.open(authorization(await server.record()).access_sealed) == fresh
    assert len(await server.tiktok.client.shops()) == 1
    assert await server.requests("token_refresh") == {"0": 1}


async def test_a_caller_who_gives_up_does_not_interrupt_the_renewal(
    server: Server, vault: Vault, sandbox: Sandbox
) -> None:
    await server.connect()
    answered, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        answered.set()
        await go_on.wait()

    tokens = interrupted(server, vault, wait)
    before = authorization(await server.record())
    caller = asyncio.create_task(tokens.renew())
    await answered.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await tokens.close(5.0)

    after = authorization(await server.record())
    assert after.access_sealed != before.access_sealed
    await sandbox.control.expire_tokens()
    assert len(await server.tiktok.client.shops()) == 1


async def test_who_slept_through_the_lock_overwrites_no_newer_pair(
    server: Server, second: Server, vault: Vault
) -> None:
    await server.connect()
    newer: list[Authorization] = []

    async def sleep() -> None:
        def other(record: ChannelRecord) -> ChannelRecord:
            held = authorization(record)
            fresh = vault.seal(vault.open(held.access_sealed))
            return msgspec.structs.replace(
                record, authorization=msgspec.structs.replace(held, access_sealed=fresh)
            )

        newer.append(authorization(await second.channels.change(TIKTOK, other)))

    await interrupted(server, vault, sleep).renew()

    assert authorization(await server.record()) == newer[0]


async def test_who_disconnects_meanwhile_stays_disconnected(server: Server, vault: Vault) -> None:
    await server.connect()

    async def leave() -> None:
        await disconnect(server.channels)

    with pytest.raises(NotAuthorized, match="disconnected meanwhile"):
        await interrupted(server, vault, leave).renew()

    assert (await server.record()).authorization is None


async def test_after_a_lost_answer_the_access_token_is_used_while_it_lasts(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await sandbox.control.fail("close_after", "token_refresh")

    with pytest.raises(NotAuthorized):
        await server.tiktok.tokens.renew()

    assert len(await server.tiktok.client.shops()) == 1
    record = await server.record()
    state = shop_state(record, sandbox.world.clock.now())
    assert state.conditions == ("authorization_expiring",)
    assert "connect TikTok Shop again" in record.last_error

    await sandbox.control.clock(7 * DAY_S)
    with pytest.raises(NotAuthorized):
        await server.tiktok.client.shops()

    record = await server.record()
    assert (record.authorization, record.deauthorized_at) == (None, sandbox.world.clock.now())
    assert shop_state(record, sandbox.world.clock.now()).state == "deauthorized"
    assert (await server.connect()).code == "connected"


async def test_with_tiktok_away_nothing_is_forgotten(server: Server, sandbox: Sandbox) -> None:
    await server.connect()
    before = await server.record()
    await sandbox.control.expire_tokens()
    await sandbox.control.fail("error_503", "token_refresh", times=5)

    answers = await asyncio.gather(
        *(server.tiktok.client.shops() for _ in range(5)), return_exceptions=True
    )

    assert all(isinstance(answer, TikTokUnavailable) for answer in answers)
    assert await server.record() == before
    assert len(await server.tiktok.client.shops()) == 1


async def test_a_refresh_token_that_has_ended_ends_the_connection(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await sandbox.control.clock(366 * DAY_S)

    with pytest.raises(NotAuthorized):
        await server.tiktok.client.shops()

    record = await server.record()
    assert record.authorization is None
    assert "connect TikTok Shop again" in shop_state(record, sandbox.world.clock.now()).text


async def test_keys_are_rotated_without_connecting_again(
    server: Server, sandbox: Sandbox, redis_server: RedisServer
) -> None:
    old, new = (Secret(Fernet.generate_key().decode()) for _ in range(2))
    async with server_on(redis_server.url, sandbox, Vault([old])) as before:
        await before.connect()
    async with server_on(redis_server.url, sandbox, Vault([new, old])) as after:
        assert len(await after.tiktok.client.shops()) == 1
        await after.tiktok.tokens.renew()
    async with server_on(redis_server.url, sandbox, Vault([new])) as later:
        assert len(await later.tiktok.client.shops()) == 1
    async with server_on(redis_server.url, sandbox, Vault([old])) as wrong:
        with pytest.raises(NotAuthorized, match="SHOPCAST_SECRET_KEYS"):
            await wrong.tiktok.client.shops()
        assert (await wrong.record()).authorization is not None


async def test_a_server_that_died_while_renewing_holds_nobody_up_for_long(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await sandbox.control.expire_tokens()
    await server.connection.redis.set(key("lock:tiktok:tokens"), "dead", px=300)

    assert len(await server.tiktok.client.shops()) == 1
