from collections.abc import AsyncIterator

import pytest
from cryptography.fernet import Fernet

from mediaserver.redis_server import RedisServer
from sync.sandbox.server import Sandbox
from sync.sandbox.world import SandboxSettings
from sync.secret import Secret, Vault
from tests.sync.connecting.servers import START, Server, server_on


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    settings = SandboxSettings(
        start=START,
        manual_clock=True,
        audit_s=0.0,
        redirect_url="http://127.0.0.1:1/oauth/tiktok/callback",
    )
    async with Sandbox(settings) as sandbox:
        yield sandbox


@pytest.fixture
def vault() -> Vault:
    return Vault([Secret(Fernet.generate_key().decode())])


@pytest.fixture
async def server(
    redis_server: RedisServer, sandbox: Sandbox, vault: Vault
) -> AsyncIterator[Server]:
    async with server_on(redis_server.url, sandbox, vault) as server:
        yield server


@pytest.fixture
async def second(
    redis_server: RedisServer, sandbox: Sandbox, vault: Vault
) -> AsyncIterator[Server]:
    """Another server on the same Redis."""
    async with server_on(redis_server.url, sandbox, vault) as server:
        yield server
