"""Files of products over HTTP: in, out, and in again."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mediaserver.api.imports import import_view
from mediaserver.imports import HEARD_OF_WITHIN_S, MAX_FILE_BYTES, Asked, ImportDesk
from sync.catalogue.importer import Importer
from sync.catalogue.product_draft import Ids
from sync.connection import Connection
from sync.model import ImageRecord
from sync.store.images import Images
from sync.store.imports import ImportId, ImportRecord, Imports
from sync.store.products import Products
from sync.store.stock import Stocks
from tests.api.client import Answer, Client
from tests.sync.now import Now

PRODUCTS = "/api/v1/products"
HEADINGS = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price"
SHIRT = "shirt,Shirt,Size,S,A-S,3,12.50\nshirt,,,M,A-M,4,12.50\n"
TIMEOUT_S = 20.0


async def sent(owner: Client, text: str | bytes, query: str = "?currency=USD") -> Answer:
    data = text.encode() if isinstance(text, str) else text
    return await owner.call(
        "POST", f"{PRODUCTS}/import{query}", data=data, headers={"Content-Type": "text/csv"}
    )


async def taken(owner: Client, text: str, query: str = "?currency=USD") -> Any:
    """The import of `text`, once it has ended."""
    answer = await sent(owner, text, query)
    assert answer.status == 202, answer.body
    async with asyncio.timeout(TIMEOUT_S):
        while (record := await owner.get(answer.headers["Location"]))["state"] == "running":
            pass
    return record


async def begun(
    owner: Client, content_length: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which a file has begun to be sent."""
    host, port = owner.base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST {PRODUCTS}/import?currency=USD HTTP/1.1\r\nHost: x\r\n"
        f"Content-Length: {content_length}\r\nAuthorization: Bearer {owner.token}\r\n\r\n"
        "Title".encode()
    )
    await writer.drain()
    return reader, writer


async def test_a_file_becomes_products_and_their_stock(owner: Client) -> None:
    record = await taken(owner, f"{HEADINGS}\n{SHIRT}")

    assert record == {
        "id": record["id"],
        "state": "done",
        "stock": "new",
        "currency": "USD",
        "lines": 3,
        "line": 3,
        "rows": {"taken": 2, "left_out": 0},
        "products": {"created": 1, "changed": 0, "unchanged": 0},
        "stocks_set": 0,
        "faults": [],
        "fault_count": 0,
        "notes": [],
        "note_count": 0,
        "ignored_columns": [],
        "began_at": record["began_at"],
        "ended_at": record["ended_at"],
    }
    (product,) = (await owner.get(PRODUCTS))["products"]
    assert (product["handle"], product["options"]) == ("shirt", ["Size"])
    assert [sku["stock"]["on_hand"] for sku in product["skus"]] == [3, 4]


async def test_what_comes_out_goes_in_and_changes_nothing(owner: Client) -> None:
    await taken(owner, f"{HEADINGS}\n{SHIRT}mug,'=Mug,,,MUG,7,5\n", "?currency=EUR")
    before = await owner.get(PRODUCTS)

    exported = await owner.call("GET", f"{PRODUCTS}/export")
    record = await taken(owner, exported.body.decode(), "?stock=overwrite")

    assert exported.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert exported.headers["Content-Disposition"] == 'attachment; filename="products.csv"'
    lines = list(csv.reader(io.StringIO(exported.body.decode())))
    assert [line[:2] for line in lines[1:]] == [["shirt", "Shirt"], ["shirt", ""], ["mug", "'=Mug"]]
    assert record["products"] == {"created": 0, "changed": 0, "unchanged": 2}
    assert await owner.get(PRODUCTS) == before


async def test_an_empty_catalogue_is_headings_alone(owner: Client) -> None:
    exported = await owner.call("GET", f"{PRODUCTS}/export")

    assert exported.body.startswith(b"Handle,Title,")
    assert exported.body.count(b"\n") == 1


async def test_an_export_takes_no_parameters(owner: Client) -> None:
    answer = await owner.call("GET", f"{PRODUCTS}/export?status=active")

    assert answer.problem() == (422, "status: there is no such parameter here")


async def test_an_export_has_every_product_once(owner: Client) -> None:
    lines = [f"h{number},T{number},,,S{number},1,5" for number in range(120)]
    await taken(owner, "\n".join([HEADINGS, *lines]))

    exported = await owner.call("GET", f"{PRODUCTS}/export")

    rows = list(csv.DictReader(io.StringIO(exported.body.decode())))
    assert sorted(row["Variant SKU"] for row in rows) == sorted(f"S{n}" for n in range(120))


async def test_bad_rows_are_named_and_the_good_ones_go_in(owner: Client) -> None:
    record = await taken(
        owner, f"{HEADINGS},SEO Title\nmug,Mug,,,MUG,7,$5,\ncup,Cup,,,CUP,7,5,\npot,Pot\n"
    )

    assert record["rows"] == {"taken": 1, "left_out": 2}
    assert record["faults"] == [
        {
            "line": 2,
            "column": "Variant Price",
            "reason": "has '$' in it: write the number alone, as 12.50",
        },
        {"line": 4, "column": None, "reason": "has 2 cells, but there are 8 headings"},
    ]
    assert record["ignored_columns"] == ["'SEO Title'"]


@pytest.mark.parametrize(
    ("data", "query", "status", "detail"),
    [
        (b"", "?currency=USD", 422, "the file is empty"),
        (HEADINGS.encode(), "?currency=USD", 422, "the file has headings, but no row below them"),
        (b"caf\xe9,1", "?currency=USD", 422, "line 1 has the byte 0xE9, which is no UTF-8"),
        (b"PK\x03\x04", "?currency=USD", 422, "the file is a workbook or a ZIP archive"),
        (b"Title,Price\na,5", "", 422, "the file does not tell the currency of its prices"),
        (b"Title,Price\na,5", "?currency=$", 422, "currency: must be a currency's three letters"),
        (b"Title,Price\na,5", "?currency=USD&stock=all", 422, "stock: must be new or overwrite"),
        (
            b"Title,Price\na,5",
            "?currency=USD&stok=new",
            422,
            "stok: there is no such parameter here",
        ),
    ],
)
async def test_a_file_that_cannot_be_used_is_refused_with_what_to_do(
    data: bytes, query: str, status: int, detail: str, owner: Client
) -> None:
    answer = await sent(owner, data, query)

    found, said = answer.problem()
    assert (found, said[: len(detail)]) == (status, detail)
    assert (await sent(owner, "Title,Price\na,5")).status == 202


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
async def test_a_form_is_not_a_file(kind: str, owner: Client) -> None:
    answer = await owner.call(
        "POST", f"{PRODUCTS}/import?currency=USD", data=b"{}", headers={"Content-Type": kind}
    )

    assert answer.problem() == (415, "send the file itself, as Content-Type: text/csv")


async def test_a_file_that_is_too_large_is_refused_before_it_has_come(owner: Client) -> None:
    async def too_much() -> AsyncIterator[bytes]:
        for _ in range((MAX_FILE_BYTES >> 20) + 1):
            yield bytes(1 << 20)

    headers = {"Authorization": f"Bearer {owner.token}"}
    url = f"{owner.base_url}{PRODUCTS}/import?currency=USD"
    async with owner.http.post(url, data=too_much(), headers=headers) as response:
        assert response.status == 413

    reader, writer = await begun(owner, MAX_FILE_BYTES + 1)
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()
    await writer.wait_closed()


async def test_a_sender_that_goes_away_leaves_nothing_behind(
    owner: Client,
) -> None:
    _, writer = await begun(owner, 1000)
    writer.close()
    await writer.wait_closed()

    async with asyncio.timeout(TIMEOUT_S):
        while (await sent(owner, f"{HEADINGS}\n{SHIRT}")).status == 409:
            pass

    assert (await owner.get(PRODUCTS))["total"] <= 1


async def test_an_import_that_was_never_made_is_not_found(owner: Client) -> None:
    answer = await owner.call("GET", f"{PRODUCTS}/imports/i_none")

    assert answer.problem() == (404, "there is no import 'i_none'")


async def test_no_file_stays_on_the_disk(owner: Client, data_dir: Path) -> None:
    await taken(owner, f"{HEADINGS}\n{SHIRT}")
    await sent(owner, b"")

    assert [path.name for path in (data_dir / "imports").iterdir()] == []


async def test_pictures_of_imported_products_are_looked_after(
    owner: Client, store: Connection
) -> None:
    url = "http://127.0.0.1:1/a.jpg"
    await taken(owner, f"Handle,Title,Price,Image Src\nmug,Mug,5,{url}\n")

    async def record() -> ImageRecord:
        return (await Images(store).many([url])).get(url, ImageRecord())

    async with asyncio.timeout(TIMEOUT_S):
        while (found := await record()).state != "failed":
            pass

    assert "is inside a private network" in found.reason


async def test_one_file_is_taken_in_at_a_time(
    store: Connection, data_dir: Path, owner: Client
) -> None:
    now = Now()
    products, stocks, imports = Products(store, now), Stocks(store, now), Imports(store)
    importer = Importer(products, stocks, imports, Ids(now, lambda _bits: 0), now)
    goes_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"Title,Price\n"
        await goes_on.wait()
        yield b"a,5\n"

    async def at_once() -> AsyncIterator[bytes]:
        yield b"Title,Price\na,5\n"

    async with asyncio.TaskGroup() as tasks:
        desk = ImportDesk(importer, imports, data_dir / "other", tasks, now)
        first = tasks.create_task(desk.take(slowly(), Asked("new", "USD", "owner")))
        await asyncio.sleep(0)
        with pytest.raises(Exception, match="another file is being taken in"):
            await desk.take(at_once(), Asked("new", "USD", "owner"))
        goes_on.set()
    assert (await desk.get((await first).id)).state == "done"


def test_an_import_that_is_not_heard_of_any_more_was_cut_short(tmp_path: Path) -> None:
    now = Now()
    record = ImportRecord(ImportId("i_1"), "owner", "new", "USD", lines=9, began_at=now(), at=now())
    desk = ImportDesk.__new__(ImportDesk)
    desk._now = now

    assert not desk.is_cut_short(record)
    now.advance(HEARD_OF_WITHIN_S + 1)
    assert desk.is_cut_short(record)
    assert import_view(record, is_cut_short=True)["state"] == "cut_short"
