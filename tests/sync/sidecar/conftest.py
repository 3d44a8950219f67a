from collections.abc import AsyncIterator

import pytest

from mediaserver.redis_server import RedisServer
from tests.sync.sidecar.rig import Rig, rigged


@pytest.fixture
async def rig(redis_server: RedisServer) -> AsyncIterator[Rig]:
    async with rigged(redis_server.url) as rig:
        yield rig
