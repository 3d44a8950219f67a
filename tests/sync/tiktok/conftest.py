from collections.abc import AsyncIterator

import aiohttp
import pytest

from sync.tiktok.client import Authorizer, TikTok
from tests.sync.tiktok.scripted import Scripted, Time, Tokens, serving, transport


@pytest.fixture
async def scripted() -> AsyncIterator[Scripted]:
    async with serving() as scripted:
        yield scripted


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def tiktok(
    session: aiohttp.ClientSession, scripted: Scripted, time: Time, tokens: Tokens
) -> TikTok:
    return TikTok(transport(session, scripted.url, time), tokens)


@pytest.fixture
def authorizer(session: aiohttp.ClientSession, scripted: Scripted, time: Time) -> Authorizer:
    return Authorizer(transport(session, scripted.url, time))
