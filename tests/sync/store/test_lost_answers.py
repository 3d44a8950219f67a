"""The connection to Redis breaks when a write is done, before that is known: it is asked for again,
and done once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mediaserver.redis_server import RedisServer
from sync.connection import Connection
from sync.errors import Stale
from sync.model import Product, SkuId, Stock
from sync.store.products import Products
from sync.store.stock import Stocks
from tests.sync.now import Now
from tests.sync.things import product

MUG = SkuId("s_mug")


class Lossy:
    """Carries bytes to Redis and back. The answer to the next request with `word` in it is lost,
    and with it the connection."""

    def __init__(self, path: str) -> None:
        self.url = ""
        self.word: bytes | None = None
        self.lost = 0
        self._path = path

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_unix_connection(self._path)
        try:
            while data := await reader.read(1 << 16):
                is_lost = self.word is not None and self.word in data
                requests.write(data)
                answer = await answers.read(1 << 16)
                if is_lost:
                    self.word, self.lost = None, self.lost + 1
                    return
                writer.write(answer)
        finally:
            requests.close()
            writer.close()


@asynccontextmanager
async def lossy(redis_url: str) -> AsyncIterator[Lossy]:
    between = Lossy(redis_url.removeprefix("unix://").partition("?")[0])
    server = await asyncio.start_server(between.carry, "127.0.0.1", 0)
    between.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield between


@pytest.fixture
async def mug(products: Products) -> Product:
    """A product with five units of its SKU."""
    return await products.save(product(), None, {MUG: 5}, by="owner")


@pytest.fixture
async def between(redis_server: RedisServer) -> AsyncIterator[Lossy]:
    async with lossy(redis_server.url) as between:
        yield between


@pytest.fixture
async def stocks(between: Lossy, now: Now) -> AsyncIterator[Stocks]:
    connection = Connection(between.url)
    yield Stocks(connection, now)
    await connection.close()


@pytest.mark.usefixtures("mug")
@pytest.mark.parametrize("revision", [None, 2])
async def test_an_adjustment_whose_answer_is_lost_is_done_once(
    revision: int | None, stocks: Stocks, between: Lossy
) -> None:
    await stocks.adjust(MUG, 1, by="owner", reason="found")
    between.word = b"adjust"

    assert await stocks.adjust(MUG, -2, by="owner", reason="broken", revision=revision) == Stock(
        on_hand=4, revision=3
    )

    assert between.lost == 1
    assert [change.delta for change in await stocks.history(MUG)] == [-2, 1, 5]


@pytest.mark.usefixtures("mug")
async def test_stock_that_is_set_and_not_told_so_is_stale(stocks: Stocks, between: Lossy) -> None:
    await stocks.set(MUG, 6, 1, by="owner")
    between.word = b"counted"

    with pytest.raises(Stale, match="revision 3 now"):
        await stocks.set(MUG, 9, 2, by="owner", reason="counted")

    assert await stocks.get(MUG) == Stock(on_hand=9, revision=3)
