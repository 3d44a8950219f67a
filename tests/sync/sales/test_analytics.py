"""TikTok's LIVE analytics, asked for when somebody wants to know."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest

from sync.connection import Connection
from sync.model import TIKTOK, RemoteShop
from sync.sales import analytics
from sync.sales.analytics import KEPT_S, Analytics, LiveAnalytics
from sync.store.channel import Channels
from sync.tiktok.client import TikTok
from tests.sync.now import Now
from tests.sync.sales.things import PLACED_AT
from tests.sync.tiktok.scripted import Answer, Scripted, Time, Tokens, serving, transport

SHOP = RemoteShop("7495", "Cedar & Co", "US", "the-cipher")
DAY_S = 86_400


def session(room: str) -> dict[str, Any]:
    return {
        "id": room,
        "title": f"LIVE {room}",
        "sales_performance": {"gmv": {"amount": "12.50", "currency": "USD"}, "items_sold": 1},
    }


def page(*rooms: str, token: str = "") -> Answer:
    sessions = [session(room) for room in rooms]
    return Answer({"live_stream_sessions": sessions, "next_page_token": token})


@pytest.fixture
async def scripted() -> AsyncIterator[Scripted]:
    async with serving() as scripted:
        yield scripted


@pytest.fixture
async def tiktok(scripted: Scripted) -> AsyncIterator[TikTok]:
    async with aiohttp.ClientSession() as http:
        yield TikTok(transport(http, scripted.url, Time()), Tokens())


@pytest.fixture
async def channels(connection: Connection) -> Channels:
    channels = Channels(connection)
    await channels.change(TIKTOK, lambda record: msgspec.structs.replace(record, shop=SHOP))
    return channels


@pytest.fixture
def asking(tiktok: TikTok, channels: Channels, now: Now) -> LiveAnalytics:
    return LiveAnalytics(tiktok, channels, now)


async def of(asking: LiveAnalytics, first: float = PLACED_AT) -> Analytics:
    return await asking.of(first, PLACED_AT)


async def test_every_page_is_read_of_the_days_around(
    asking: LiveAnalytics, scripted: Scripted
) -> None:
    scripted.answers = [page("1", "2", token="more"), page("3")]

    said = await of(asking)

    assert list(said.lives) == ["1", "2", "3"]
    assert (said.at, said.reason) == (PLACED_AT, "")
    (first, second) = scripted.asked
    assert (first.query["start_date_ge"], first.query["end_date_lt"]) == (
        *("2027-01-14", "2027-01-17"),
    )
    assert (first.query["shop_cipher"], second.query["page_token"]) == ("the-cipher", "more")


async def test_no_more_than_thirty_days_are_asked_for(
    asking: LiveAnalytics, scripted: Scripted
) -> None:
    await of(asking, PLACED_AT - 400 * DAY_S)

    assert scripted.asked[0].query["start_date_ge"] == "2026-12-18"


async def test_what_tiktok_said_is_kept_for_some_minutes(
    asking: LiveAnalytics, scripted: Scripted, now: Now
) -> None:
    scripted.answers = [page("1"), page("1", "2")]
    first = await of(asking)
    now.advance(KEPT_S - 1)
    assert await of(asking) == first

    now.advance(2)
    assert list((await of(asking)).lives) == ["1", "2"]
    assert len(scripted.asked) == 2


async def test_what_tiktok_refuses_is_a_reason_and_it_is_left_in_peace_for_a_while(
    asking: LiveAnalytics, scripted: Scripted, now: Now
) -> None:
    scripted.answers = [Answer(code=105005, message="No permission", status=403), page("1")]

    refused = await of(asking)
    assert refused.lives == {}
    assert refused.at is None
    assert "No permission" in refused.reason
    assert await of(asking) == refused
    assert len(scripted.asked) == 1

    now.advance(31)
    assert list((await of(asking)).lives) == ["1"]


async def test_nobody_waits_long_for_tiktok(
    asking: LiveAnalytics, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analytics, "WITHIN_S", 0.05)
    scripted.answers = [Answer(late=True)]

    said = await of(asking)
    scripted.gone.set()

    assert said == Analytics(reason="TikTok does not answer in time")


async def test_without_a_connected_shop_or_an_app_there_are_none(
    tiktok: TikTok, channels: Channels, now: Now
) -> None:
    nobody = Analytics(reason="TikTok Shop is not connected")
    assert await of(LiveAnalytics(None, channels, now)) == nobody

    await channels.change(TIKTOK, lambda record: msgspec.structs.replace(record, shop=None))
    assert await of(LiveAnalytics(tiktok, channels, now)) == nobody
