import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from mediaserver.redis_server import RedisServer
from sync.connection import Connection
from sync.store.dirty import Dirty
from sync.store.lease import Fence, Lease
from sync.store.notices import Notices
from sync.store.orders import Orders
from sync.store.products import Products
from sync.store.stock import Stocks
from tests.sync.now import Now


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def redis_server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    async with RedisServer(tmp_path / "data") as server:
        yield server


@pytest.fixture
async def connection(redis_server: RedisServer) -> AsyncIterator[Connection]:
    connection = Connection(redis_server.url)
    yield connection
    await connection.close()


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def products(connection: Connection, now: Now) -> Products:
    return Products(connection, now)


@pytest.fixture
def stocks(connection: Connection, now: Now) -> Stocks:
    return Stocks(connection, now)


@pytest.fixture
def orders(connection: Connection, now: Now) -> Orders:
    return Orders(connection, now)


@pytest.fixture
async def fence(connection: Connection) -> Fence:
    """Of the one server that syncs the shop."""
    fence = await Lease(connection, holder="me").acquire()
    assert fence is not None
    return fence


@pytest.fixture
def notices(connection: Connection) -> Notices:
    return Notices(connection)


@pytest.fixture
def dirty(connection: Connection) -> Dirty:
    return Dirty(connection)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a Redis for tests that run event loops of their own."""
    with asyncio.Runner() as runner:
        server = RedisServer(tmp_path_factory.mktemp("data"))
        runner.run(server.start())
        yield server.url
        runner.run(server.stop())
