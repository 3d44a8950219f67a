"""WHIP on a whole server: who may publish is decided when the session begins, not before."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from mediaserver.app import Server, running
from mediaserver.feed import Feed
from mediaserver.packet import FeedId
from mediaserver.redis_server import RedisServer
from mediaserver.settings import (
    CapacitySettings,
    HttpSettings,
    RtmpSettings,
    Settings,
    StoreSettings,
)
from mediaserver.show import Show
from sync.secret import Secret
from tests.control.hosting import hosted
from tests.control.servers import LANDSCAPE, SMALL
from tests.webrtc.test_sdp import CHROMIUM

LetIn = Callable[[], Awaitable[None]]
TIMEOUT_S = 20.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        http=HttpSettings(port=0),
        rtmp=RtmpSettings(port=0),
        store=StoreSettings(data_dir=tmp_path / "data"),
        capacity=CapacitySettings(feeds=1),
    )


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Server]:
    async with hosted(running(settings)) as server:
        yield server


@pytest.fixture
async def show(server: Server) -> Show:
    return await server.node.create("Autumn", {LANDSCAPE: SMALL}, starts_at=None, channels=())


@pytest.fixture
def let_in(server: Server, monkeypatch: pytest.MonkeyPatch) -> LetIn:
    """Waits until the server has found one more token good."""
    found_good = asyncio.Semaphore(0)
    publisher = server.node.publisher

    def watched(show_id: str, token: str) -> Feed:
        feed = publisher(show_id, token)
        found_good.release()
        return feed

    async def one_more() -> None:
        async with asyncio.timeout(TIMEOUT_S):
            await found_good.acquire()

    monkeypatch.setattr(server.node, "publisher", watched)
    return one_more


@contextlib.asynccontextmanager
async def two_servers(settings: Settings, tmp_path: Path) -> AsyncIterator[tuple[Server, Server]]:
    """Two servers on one Redis that belongs to neither."""
    async with RedisServer(tmp_path / "redis") as redis:
        stores = [StoreSettings(tmp_path / name, Secret(redis.url)) for name in ("here", "there")]
        async with (
            hosted(running(replace(settings, store=stores[0]))) as here,
            hosted(running(replace(settings, store=stores[1]))) as there,
        ):
            yield here, there


class Offer:
    """A POST whose body ends when the test lets it."""

    def __init__(self, base_url: str, show: Show, token: Secret) -> None:
        self._url = f"{base_url}/whip/{show.id}"
        self._token = token
        self._may_go = asyncio.Event()
        self._task = asyncio.create_task(self._post())

    async def status(self) -> int:
        return (await self.answer()).status

    async def answer(self) -> aiohttp.ClientResponse:
        self._may_go.set()
        return await asyncio.wait_for(self._task, TIMEOUT_S)

    async def _post(self) -> aiohttp.ClientResponse:
        headers = {
            "Authorization": f"Bearer {self._token.reveal()}",
            "Content-Type": "application/sdp",
        }
        async with (
            aiohttp.ClientSession() as http,
            http.post(
                self._url, data=self._body(), headers=headers, allow_redirects=False
            ) as response,
        ):
            return response

    async def _body(self) -> AsyncIterator[bytes]:
        yield CHROMIUM[:100].encode()
        await self._may_go.wait()
        yield CHROMIUM[100:].encode()


async def test_token_that_dies_while_its_host_joins_lets_nobody_in(
    server: Server, show: Show, let_in: LetIn
) -> None:
    feed_id, token, _ = await show.add_feed("Ann", admitted=True)
    offer = Offer(server.base_url, show, token)
    await let_in()
    await show.reissue_token(feed_id)
    assert await offer.status() == 401
    assert show.feed(feed_id).source is None


async def test_feed_that_is_removed_while_its_host_joins_gets_no_session(
    server: Server, show: Show, let_in: LetIn
) -> None:
    feed_id, token, _ = await show.add_feed("Ann", admitted=True)
    feed = show.feed(feed_id)
    offer = Offer(server.base_url, show, token)
    await let_in()
    await show.remove_feed(feed_id)
    assert await offer.status() == 401
    assert feed.source is None


async def test_hosts_who_come_at_once_share_the_room_there_is(
    server: Server, show: Show, let_in: LetIn
) -> None:
    invitations = [await show.add_feed(name, admitted=True) for name in ("Ann", "Bob", "Cid")]
    offers = [Offer(server.base_url, show, token) for _, token, _ in invitations]
    for _ in offers:
        await let_in()
    statuses = await asyncio.gather(*(offer.status() for offer in offers))
    assert sorted(statuses) == [201, 503, 503]
    assert server.node.connected() == 1


async def test_token_that_another_server_has_replaced_is_dead_here_too(
    settings: Settings, tmp_path: Path
) -> None:
    async with two_servers(settings, tmp_path) as (here, there):
        canvases = {LANDSCAPE: SMALL}
        show = await here.node.create("Autumn", canvases, starts_at=None, channels=())
        feed_id, dead, _ = await show.add_feed("Ann", admitted=True)
        token, _ = await (await there.node.show(show.id)).reissue_token(FeedId(feed_id))
        assert await Offer(here.base_url, show, dead).status() == 401
        assert await Offer(here.base_url, show, token).status() == 201


async def test_host_of_a_show_on_air_elsewhere_is_sent_there(
    settings: Settings, tmp_path: Path
) -> None:
    async with two_servers(settings, tmp_path) as (here, there):
        canvases = {LANDSCAPE: SMALL}
        show = await there.node.create("Autumn", canvases, starts_at=None, channels=())
        feed_id, token, _ = await show.add_feed("Ann", admitted=True)
        await there.node.start(show)

        assert await Offer(here.base_url, show, Secret("sch_guessed")).status() == 401
        answer = await Offer(here.base_url, show, token).answer()
        assert answer.status == 307
        assert answer.headers["Location"] == f"{there.base_url}/whip/{show.id}"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert here.node.connected() == 0

        assert await Offer(there.base_url, show, token).status() == 201
        assert show.feed(feed_id).source is not None


async def test_invitation_that_another_server_made_is_known_at_once(
    settings: Settings, tmp_path: Path
) -> None:
    async with two_servers(settings, tmp_path) as (here, there):
        canvases = {LANDSCAPE: SMALL}
        show = await there.node.create("Autumn", canvases, starts_at=None, channels=())
        _, first, _ = await show.add_feed("Ann", admitted=True)
        assert await Offer(here.base_url, show, first).status() == 201
        await there.node.show(show.id)  # as each call over HTTP begins
        feed_id, second, _ = await show.add_feed("Bob", admitted=True)
        headers = {"Authorization": f"Bearer {second.reveal()}"}
        url = f"{here.base_url}/api/v1/shows/{show.id}/feeds/{feed_id}/thumbnail.jpg"
        async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as response:
            assert response.status == 404


async def test_guessing_tokens_is_limited(server: Server, show: Show) -> None:
    statuses = []
    async with aiohttp.ClientSession() as http:
        for guess in range(60):
            headers = {"Authorization": f"Bearer sch_{guess:026}"}
            async with http.post(f"{server.base_url}/whip/{show.id}", headers=headers) as response:
                statuses.append(response.status)
    assert statuses[:20] == [401] * 20
    assert 429 in statuses[20:]
