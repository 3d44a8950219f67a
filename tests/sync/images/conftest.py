from collections.abc import AsyncIterator

import pytest

from tests.sync.images.web import Web, serving


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with serving() as site:
        yield site
