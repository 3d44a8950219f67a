"""Files taken into the catalogue over a real Redis: once, twice, beside others, with faults."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from mediaserver.redis_server import RedisServer
from sync.catalogue.catalogue import Catalogue
from sync.catalogue.importer import BATCH_ENTRIES, MOST_KEPT, Importer
from sync.catalogue.product_draft import Ids, ProductDraft
from sync.catalogue.shopify_csv import heading_row, rows, survey
from sync.connection import Connection
from sync.errors import NotFound, SyncError
from sync.model import Notice, Product
from sync.store.imports import ImportId, ImportRecord, Imports, StockMode
from sync.store.keys import NOTICES
from sync.store.products import Products, Write
from sync.store.stock import Stocks
from tests.sync.now import Now

HEADINGS = (
    "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Tags"
)
SHIRT = (
    "shirt,Shirt,Size,S,A-S,3,12.50,blue",
    "shirt,,,M,A-M,4,12.50,",
    "mug,Mug,Title,Default Title,MUG,7,5,",
)


@pytest.fixture
def imports(connection: Connection) -> Imports:
    return Imports(connection)


@pytest.fixture
def ids(now: Now) -> Ids:
    return Ids(now, lambda _bits: 0)


@pytest.fixture
def catalogue(products: Products, stocks: Stocks, ids: Ids) -> Catalogue:
    return Catalogue(products, stocks, ids)


class Shop:
    """Takes files in, and tells what is kept then."""

    def __init__(
        self, products: Products, stocks: Stocks, imports: Imports, ids: Ids, now: Now, path: Path
    ) -> None:
        self.products, self.stocks, self.imports = products, stocks, imports
        self.importer = Importer(products, stocks, imports, ids, now)
        self._now = now
        self._path = path

    async def take(
        self, *lines: str, stock: StockMode = "new", text: str | None = None
    ) -> ImportRecord:
        text = "\n".join([HEADINGS, *lines]) if text is None else text
        self._path.write_text(text, newline="")
        with self._path.open("rb") as file:
            found = survey(file, "USD")
        at = self._now()
        record = ImportRecord(
            ImportId("i_1"), "owner", stock, "USD", lines=found.lines, began_at=at, at=at
        )
        return await self.importer.run(record, self._path)

    async def kept(self) -> dict[str, Product]:
        found = await self.products.many(await self.products.ids())
        return {product.handle: product for product in found.values()}

    async def units(self) -> dict[str, int]:
        skus = {
            sku.id: sku.seller_sku for each in (await self.kept()).values() for sku in each.skus
        }
        stocks = await self.stocks.many(list(skus))
        return {skus[sku]: stock.on_hand for sku, stock in stocks.items()}


@pytest.fixture
def shop(
    products: Products, stocks: Stocks, imports: Imports, ids: Ids, now: Now, tmp_path: Path
) -> Shop:
    return Shop(products, stocks, imports, ids, now, tmp_path / "products.csv")


def counts(record: ImportRecord) -> tuple[int, int, int]:
    return record.created, record.changed, record.unchanged


async def test_a_file_is_taken_in_with_its_stock(shop: Shop, now: Now) -> None:
    record = await shop.take(*SHIRT)

    assert (record.state, record.line, record.rows, record.failed) == ("done", 4, 3, 0)
    assert (counts(record), record.faults, record.ended_at) == ((2, 0, 0), (), now())
    kept = await shop.kept()
    assert (kept["shirt"].options, kept["shirt"].tags) == (("Size",), ("blue",))
    assert [(sku.options, sku.price) for sku in kept["shirt"].skus] == [
        (("S",), 1250),
        (("M",), 1250),
    ]
    assert await shop.units() == {"A-S": 3, "A-M": 4, "MUG": 7}


async def test_the_same_file_again_changes_nothing(shop: Shop, now: Now) -> None:
    await shop.take(*SHIRT)
    before = await shop.kept()
    stocks = await shop.stocks.many([sku.id for each in before.values() for sku in each.skus])
    now.advance(60)

    for stock in ("new", "overwrite"):
        record = await shop.take(*SHIRT, stock=stock)
        assert (counts(record), record.rows, record.stocks_set) == ((0, 0, 2), 3, 0)

    assert await shop.kept() == before
    assert await shop.stocks.many(list(stocks)) == stocks


async def test_what_was_written_from_the_catalogue_changes_nothing_either(
    shop: Shop, stocks: Stocks
) -> None:
    await shop.take(*SHIRT)
    before = await shop.kept()
    units = await stocks.many([sku.id for each in before.values() for sku in each.skus])
    on_hand = {sku: stock.on_hand for sku, stock in units.items()}

    text = heading_row() + "".join(rows(product, on_hand) for product in before.values())
    record = await shop.take(text=text, stock="overwrite")

    assert (counts(record), record.stocks_set) == ((0, 0, 2), 0)
    assert await shop.kept() == before


async def test_stock_is_that_of_new_skus_unless_it_is_to_be_overwritten(shop: Shop) -> None:
    await shop.take(*SHIRT)
    others = (
        "shirt,Shirt,Size,S,A-S,30,12.50,blue",
        "shirt,,,L,A-L,50,12.50,",
        "mug,Mug,Title,Default Title,MUG,7,5,",
    )

    await shop.take(*others)
    assert await shop.units() == {"A-S": 3, "A-L": 50, "A-M": 4, "MUG": 7}
    record = await shop.take(*others, stock="overwrite")
    assert await shop.units() == {"A-S": 30, "A-L": 50, "A-M": 4, "MUG": 7}
    assert (record.stocks_set, counts(record)) == (1, (0, 0, 2))


async def test_stock_below_what_is_in_orders_is_named_by_line(
    shop: Shop, connection: Connection
) -> None:
    await shop.take(*SHIRT)
    (sku,) = [sku.id for sku in (await shop.kept())["mug"].skus]
    await connection.redis.hset(f"shopcast:{{shop}}:stock:{sku}", "committed", 6)

    record = await shop.take("mug,Mug,,,MUG,5,5,", "shirt,Shirt,Size,S,A-S,9,5,", stock="overwrite")

    (fault,) = record.faults
    assert (fault.line, fault.column) == (2, "Variant Inventory Qty")
    assert (await shop.units())["MUG"] == 7
    assert (await shop.units())["A-S"] == 9


async def test_what_a_file_does_not_say_stays_as_it_is(shop: Shop, catalogue: Catalogue) -> None:
    await shop.take(*SHIRT)
    mug = (await shop.kept())["mug"]
    change = msgspec.convert({"vendor": "Ann", "left_out": ["tiktok"]}, ProductDraft)
    await catalogue.change(mug.id, change, None, by="owner")

    record = await shop.take(text="Handle,Title,Variant Price\nmug,Big mug,6\n")

    after = (await shop.kept())["mug"]
    assert counts(record) == (0, 1, 0)
    assert (after.title, after.vendor, after.left_out) == ("Big mug", "Ann", ("tiktok",))
    assert (after.skus[0].id, after.skus[0].seller_sku) == (mug.skus[0].id, "MUG")
    assert after.revision == 3


async def test_a_variant_that_is_not_in_the_file_stays_and_is_told_of(shop: Shop) -> None:
    await shop.take(*SHIRT)

    record = await shop.take("shirt,Shirt,Size,M,A-M,0,13,blue")

    assert [sku.options for sku in (await shop.kept())["shirt"].skus] == [("M",), ("S",)]
    (note,) = record.notes
    assert (note.line, note.reason) == (2, "1 variant is not in the file and kept as before")


async def test_variants_with_other_options_than_the_file_has_are_not_overwritten(
    shop: Shop,
) -> None:
    await shop.take(*SHIRT)

    record = await shop.take("shirt,Shirt,,,A-X,1,5,", "mug,Big mug,,,MUG,1,5,")

    (fault,) = record.faults
    assert (fault.line, fault.column) == (2, "Option1 Value")
    assert fault.reason.startswith("2 variants are not in the file and have other options")
    assert (counts(record), record.failed) == ((0, 1, 0), 1)


async def test_a_variant_is_known_by_its_code_when_its_option_is_renamed(shop: Shop) -> None:
    await shop.take(*SHIRT)
    before = {sku.seller_sku: sku.id for sku in (await shop.kept())["shirt"].skus}

    await shop.take("shirt,Shirt,Size,Small,A-S,0,5,", "shirt,,,Medium,A-M,0,5,")

    after = (await shop.kept())["shirt"]
    assert {sku.seller_sku: sku.id for sku in after.skus} == before
    assert [sku.options for sku in after.skus] == [("Small",), ("Medium",)]


async def test_good_rows_go_in_and_bad_ones_are_named(shop: Shop) -> None:
    record = await shop.take(
        "shirt,Shirt,Size,S,A-S,-3,12.50,",
        "shirt,,,M,A-M,4,12.50,",
        "mug,Mug,,,MUG,7,$5,",
        "cup,Cup,,,CUP,7,5",
        "jar,Jar\x07,,,JAR,7,5,",
        "pot,Pot,,,POT,7,5,",
    )

    assert [(fault.line, fault.column) for fault in record.faults] == [
        (2, "Variant Inventory Qty"),
        (4, "Variant Price"),
        (5, ""),
        (6, "Title"),
    ]
    assert (record.rows, record.failed, record.fault_count) == (2, 4, 4)
    assert await shop.units() == {"A-M": 4, "POT": 7}


async def test_so_many_faults_are_told_and_all_are_counted(shop: Shop) -> None:
    lines = [f"h{n},,,,S{n},1,5," for n in range(MOST_KEPT + 100)]

    record = await shop.take(*lines)

    assert (len(record.faults), record.fault_count) == (MOST_KEPT, MOST_KEPT + 100)
    assert (record.failed, record.rows, record.line) == (MOST_KEPT + 100, 0, MOST_KEPT + 101)


async def test_progress_is_kept_and_told_after_each_batch(
    shop: Shop, connection: Connection
) -> None:
    async with connection.redis.pubsub() as channel:
        await channel.subscribe(NOTICES)
        await channel.get_message(timeout=1)
        record = await shop.take(*(f"h{n},T{n},,,S{n},1,5," for n in range(2 * BATCH_ENTRIES)))
        heard = []
        while (message := await channel.get_message(timeout=0.1)) is not None:
            heard.append(msgspec.json.decode(message["data"], type=Notice))

    assert [notice for notice in heard if notice.kind == "import"] == [
        Notice("import", ("i_1",))
    ] * 2
    assert (await shop.imports.get(ImportId("i_1"))).created == record.created


async def test_an_import_that_was_never_made_is_not_found(imports: Imports) -> None:
    with pytest.raises(NotFound):
        await imports.get(ImportId("i_2"))


class Meddled(Products):
    """Products that somebody else changes right before they are written."""

    def __init__(self, connection: Connection, now: Now, times: int) -> None:
        super().__init__(connection, now)
        self._times_left = times

    async def save_many(self, writes: Sequence[Write]) -> list[Product | SyncError]:
        if self._times_left:
            self._times_left -= 1
            for write in writes:
                title, vendor = f"Other {self._times_left}", "Other"
                other = msgspec.structs.replace(write.product, title=title, vendor=vendor)
                await super().save_many([write._replace(product=other)])
        return await super().save_many(writes)


async def meddled(shop: Shop, connection: Connection, now: Now, times: int) -> ImportRecord:
    shop.importer._products = Meddled(connection, now, times)
    return await shop.take("mug,Big mug,,,MUG,1,6,", "cup,Cup,,,CUP,1,5,")


async def test_what_others_change_meanwhile_is_laid_over_again(
    shop: Shop, connection: Connection, now: Now
) -> None:
    await shop.take(*SHIRT)

    record = await meddled(shop, connection, now, 1)

    kept = await shop.kept()
    assert (kept["mug"].title, kept["mug"].vendor) == ("Big mug", "Other")
    assert (kept["cup"].title, kept["cup"].vendor) == ("Cup", "Other")
    assert (record.faults, record.rows) == ((), 2)


async def test_what_others_change_all_the_time_is_named(
    shop: Shop, connection: Connection, now: Now
) -> None:
    await shop.take(*SHIRT)

    record = await meddled(shop, connection, now, 100)

    assert [fault.line for fault in record.faults] == [2, 3]
    assert "was changed by others" in record.faults[0].reason


async def test_an_import_waits_for_redis_and_goes_on(
    shop: Shop, redis_server: RedisServer, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.catalogue.importer._STORE_PAUSE_S", 0.01)
    monkeypatch.setattr("sync.catalogue.importer._STORE_TRIES", 10_000)

    async def nothing() -> None: ...

    watching = asyncio.create_task(connection.watch(nothing))
    await redis_server.stop()
    taking = asyncio.create_task(shop.take(*SHIRT))
    await asyncio.to_thread(lambda: None)
    await redis_server.start()

    record = await taking

    assert (counts(record), record.state) == ((2, 0, 0), "done")
    watching.cancel()
