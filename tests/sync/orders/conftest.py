from collections.abc import AsyncIterator

import pytest

from mediaserver.redis_server import RedisServer
from tests.sync.orders.market import Market, opened_market
from tests.sync.sidecar.rig import rigged


@pytest.fixture
async def market(redis_server: RedisServer) -> AsyncIterator[Market]:
    async with rigged(redis_server.url) as rig, opened_market(rig) as market:
        yield market
