"""The connection to Redis breaks when a write is done, before that is known: it is asked for again,
and done once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mediaserver.redis_server import RedisServer
from sync.allocation import Reserved
from sync.connection import Connection
from sync.errors import Stale
from sync.model import TIKTOK, Product, SkuId, Stock
from sync.orders.order import Held, LineId
from sync.store.lease import Fence
from sync.store.orders import Orders
from sync.store.products import Products
from sync.store.stock import Stocks
from tests.sync.now import Now
from tests.sync.things import claim, order, product

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
async def broken(between: Lossy) -> AsyncIterator[Connection]:
    connection = Connection(between.url)
    yield connection
    await connection.close()


@pytest.fixture
def stocks(broken: Connection, now: Now) -> Stocks:
    return Stocks(broken, now)


@pytest.fixture
def orders(broken: Connection, now: Now) -> Orders:
    return Orders(broken, now)


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


@pytest.mark.usefixtures("mug")
async def test_an_order_whose_answer_is_lost_is_saved_once(
    orders: Orders, stocks: Stocks, between: Lossy
) -> None:
    await orders.save(order(name="o_0"), [claim(1)], by="tiktok")
    between.word = b"o_1"

    saved = await orders.save(order(), [claim(2)], by="tiktok", strict=True)

    assert between.lost == 1
    assert saved.held == {LineId("1"): Held(MUG, held=2)}
    assert (await stocks.get(MUG)).committed == 3
    assert [each.committed_delta for each in await stocks.history(MUG)] == [2, 1, 0]


@pytest.mark.usefixtures("mug")
async def test_an_order_that_is_changed_and_not_told_so_has_not_been_changed_by_others(
    orders: Orders, stocks: Stocks, between: Lossy
) -> None:
    placed = order()
    await orders.save(placed, [claim(2)], by="tiktok")
    sent = order(status="IN_TRANSIT", updated_at=placed.updated_at + 1)
    between.word = b"IN_TRANSIT"

    saved = await orders.save(sent, [claim(2, sent=2)], by="Pia", base=placed)

    assert between.lost == 1
    assert saved.order == sent
    assert (await stocks.get(MUG)).on_hand == 3


@pytest.mark.usefixtures("mug")
async def test_units_set_aside_and_not_told_so_are_set_aside_for_both_askings(
    stocks: Stocks, between: Lossy, fence: Fence
) -> None:
    """More is set aside than offered, until it is settled."""
    await stocks.reserve({MUG: 0}, TIKTOK, fence)
    between.word = b"3}"

    answers = await stocks.reserve({MUG: 3}, TIKTOK, fence)

    assert between.lost == 1
    assert answers == {MUG: Reserved(0, exact=False, generation=3, sold=0)}
    assert (await stocks.get(MUG)).quotas == {TIKTOK: 3}
