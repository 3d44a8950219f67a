"""Whatever happens in whatever order, a connection either works or says that it does not, and can
be made again."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediaserver.redis_server import RedisServer
from sync.connecting.authorizing import Returned, disconnect
from sync.connecting.doubt import doubt
from sync.connecting.keeper import CHECK_S
from sync.eligibility.shop_state import shop_state
from sync.errors import SyncError
from sync.sandbox.faults import FaultKind
from sync.sandbox.server import Sandbox
from sync.sandbox.world import SandboxSettings
from sync.secret import Secret, Vault
from tests.sync.connecting.servers import DAY_S, START, Server, server_on
from tests.sync.connecting.test_authorizing import Crashing, Killed

SELLERS = ("cedar", "harbour", "sprout")

Step = tuple[str, object]

steps = st.one_of(
    st.tuples(st.just("consent"), st.sampled_from(SELLERS)),
    st.tuples(st.just("deny"), st.just(None)),
    st.tuples(st.just("come back"), st.just(None)),
    st.tuples(st.just("choose"), st.integers(0, 1)),
    st.tuples(st.just("call"), st.just(None)),
    st.tuples(st.just("tend"), st.just(None)),
    st.tuples(st.just("expire"), st.just(None)),
    st.tuples(st.just("deauthorize"), st.sampled_from(SELLERS[:2])),
    st.tuples(st.just("doubt"), st.just(None)),
    st.tuples(st.just("disconnect"), st.just(None)),
    st.tuples(st.just("wait"), st.sampled_from([60.0, 3600.0, 6 * DAY_S, 8 * DAY_S, 200 * DAY_S])),
    st.tuples(
        st.just("fail"),
        st.tuples(
            st.sampled_from(["token_get", "token_refresh", "shops", "prerequisites"]),
            st.sampled_from(["error_503", "close_before", "close_after", "internal"]),
            st.integers(1, 6),
        ),
    ),
    st.tuples(st.just("crash"), st.tuples(st.integers(1, 3), st.booleans())),
)


class Scene:
    """Two servers, of which each step is done by one."""

    def __init__(self, servers: tuple[Server, Server], sandbox: Sandbox) -> None:
        self._servers = servers
        self._sandbox = sandbox
        self._back: Returned | None = None

    async def play(self, steps: list[tuple[Step, int]]) -> None:
        for (action, argument), number in steps:
            server = self._servers[number]
            with contextlib.suppress(SyncError, Killed):
                await self._do(server, action, argument)
            if action != "crash":  # whoever was killed is started again
                server.tiktok.authorizing._channels = server.channels
        for server in self._servers:
            server.tiktok.authorizing._channels = server.channels

    async def _do(self, server: Server, action: str, argument: object) -> None:
        control = self._sandbox.control
        match action, argument:
            case "consent", str(seller):
                self._back = await server.back(seller)
                await server.tiktok.authorizing.returned(self._back)
            case "deny", _:
                await server.tiktok.authorizing.returned(await server.back("cedar", allow=False))
            case "come back", _ if self._back is not None:
                await server.tiktok.authorizing.returned(self._back)
            case "choose", int(number):
                attempt = (await server.record()).attempt
                if attempt is not None and attempt.choices:
                    await server.tiktok.authorizing.choose(attempt.choices[number].id)
            case "call", _:
                await server.tiktok.client.shops()
            case "tend", _:
                await server.tiktok.keeper.tend()
            case "expire", _:
                await control.expire_tokens()
            case "deauthorize", str(seller):
                await control.deauthorize(seller)
            case "doubt", _:
                await doubt(server.channels, self._sandbox.world.clock.now())
            case "disconnect", _:
                await disconnect(server.channels)
            case "wait", float(seconds):
                await control.clock(seconds)
            case "fail", (str(endpoint), kind, int(times)):
                await control.fail(_kind(kind), endpoint, times)
            case "crash", (int(nth), bool(before)):
                server.tiktok.authorizing._channels = Crashing(server.channels, nth, before=before)


def _kind(kind: object) -> FaultKind:
    assert kind in ("error_503", "close_before", "close_after", "internal")
    return kind


async def settled(server: Server, sandbox: Sandbox) -> None:
    """Nothing fails any more, and time passes."""
    await sandbox.control.clear_faults()
    for _ in range(3):
        await sandbox.control.clock(CHECK_S)
        with contextlib.suppress(SyncError):
            await server.tiktok.keeper.tend()


async def check(server: Server, sandbox: Sandbox) -> None:
    record = await server.record()
    state = shop_state(record, sandbox.world.clock.now())
    assert record.attempt is None or record.attempt.choices
    assert state.text
    if record.is_connected:
        assert record.shop is not None
        assert record.shop.id in {shop.id for shop in await server.tiktok.client.shops()}
        assert state.state == "probation"
    else:
        assert record.authorization is None
        assert (await server.connect("cedar")).code == "connected"
        assert len(await server.tiktok.client.shops()) == 1


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def redis_of_all(runner: asyncio.Runner, tmp_path: Path) -> Iterator[RedisServer]:
    redis = RedisServer(tmp_path / "data")
    runner.run(redis.start())
    yield redis
    runner.run(redis.stop())


@given(st.lists(st.tuples(steps, st.integers(0, 1)), min_size=2, max_size=12))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_connection_works_or_can_be_made_again(
    runner: asyncio.Runner, redis_of_all: RedisServer, steps: list[tuple[Step, int]]
) -> None:
    async def play() -> None:
        vault = Vault([Secret(Fernet.generate_key().decode())])
        begin = SandboxSettings(
            start=START,
            manual_clock=True,
            redirect_url="http://127.0.0.1:1/oauth/tiktok/callback",
        )
        async with (
            Sandbox(begin) as sandbox,
            server_on(redis_of_all.url, sandbox, vault) as first,
            server_on(redis_of_all.url, sandbox, vault) as second,
        ):
            await first.connection.redis.flushall()
            await Scene((first, second), sandbox).play(steps)
            await settled(second, sandbox)
            await check(second, sandbox)

    runner.run(play())
