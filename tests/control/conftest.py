from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from mediaserver.redis_server import RedisServer
from mediaserver.store import Store
from sync.connection import Connection
from sync.secret import Secret, Vault
from tests.control.hosting import hosted
from tests.control.servers import Running, node_on


@pytest.fixture
async def redis_server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    async with RedisServer(tmp_path / "data") as server:
        yield server


@pytest.fixture
def vault() -> Vault:
    return Vault([Secret(Fernet.generate_key().decode())])


@pytest.fixture
async def store(redis_server: RedisServer) -> AsyncIterator[Store]:
    store = Store(Connection(redis_server.url), writer="first")
    yield store
    await store.connection.close()


@pytest.fixture
async def running(redis_server: RedisServer, vault: Vault) -> AsyncIterator[Running]:
    async with hosted(node_on(redis_server.url, vault)) as running:
        yield running
