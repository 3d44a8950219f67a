"""Products' pictures, given by this server."""

import io
import time
from pathlib import Path

import pytest
from PIL import Image

from mediaserver.product_pictures import LARGEST_SIDE, ProductPictures, small
from sync.connection import Connection
from sync.images.files import ImageFiles
from sync.model import ImageRecord, ProductId
from tests.api.client import Client
from tests.api.conftest import Invited
from tests.files import image_file
from tests.sync.selling import PICTURE
from tests.sync.shop import Shop


@pytest.fixture
async def mug(store: Connection, data_dir: Path) -> ProductId:
    """Its picture is fetched, and the one of its second image is not."""
    shop = Shop(store, time.time, ImageFiles(data_dir / "images", reserve_bytes=0))
    await shop.open()
    return await shop.stocked("mug")


def path(product: str, number: object = 0) -> str:
    return f"/api/v1/products/{product}/images/{number}.jpg"


async def test_the_crew_gets_a_picture_small_and_once(producer: Client, mug: ProductId) -> None:
    answer = await producer.call("GET", path(mug))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert max(Image.open(io.BytesIO(answer.body)).size) == LARGEST_SIDE

    again = await producer.call("GET", path(mug), headers={"If-None-Match": answer.headers["Etag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("number", [1, "x", "-1", "0" * 9])
async def test_what_is_not_there_is_not_found(
    owner: Client, mug: ProductId, number: object
) -> None:
    answer = await owner.call("GET", path(mug, number))
    assert answer.problem()[0] == 404
    assert (await owner.call("GET", path("p_none"))).problem()[0] == 404


async def test_a_host_gets_the_pictures_of_their_shows_rundown(
    owner: Client, invited: Invited, mug: ProductId
) -> None:
    host = owner.as_(invited.token)
    assert (await host.call("GET", path(mug))).problem()[0] == 404

    answer = await owner.put(f"{invited.path}/rundown", {"products": [mug]})
    assert (await host.call("GET", answer["products"][0]["image"])).status == 200


@pytest.mark.parametrize(
    ("kind", "size"), [("PNG", (2000, 400)), ("WEBP", (30, 90)), ("JPEG", (1, 1))]
)
def test_a_small_picture_keeps_its_shape_and_is_not_made_larger(
    kind: str, size: tuple[int, int]
) -> None:
    made = Image.open(io.BytesIO(small(image_file(kind, size))))
    scale = min(1.0, LARGEST_SIDE / max(size))
    assert made.format == "JPEG"
    assert made.size == tuple(round(side * scale) for side in size)


def test_what_is_clear_in_a_picture_is_white() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(file, "PNG")
    assert Image.open(io.BytesIO(small(file.getvalue()))).getpixel((4, 4)) == (255, 255, 255)


async def test_a_picture_is_made_once_and_one_that_is_damaged_is_not_tried_again(
    store: Connection, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = ImageFiles(data_dir / "images", reserve_bytes=0)
    shop = Shop(store, time.time, files)
    await shop.open()
    pictures = ProductPictures(shop.stores.images, files, list)
    first = await pictures.of(PICTURE)
    assert first is not None
    assert await pictures.of(PICTURE) is first

    broken = ImageRecord("fetched", digest=await files.write(b"no picture"))
    await shop.stores.images.save(PICTURE, broken, None)
    assert [await pictures.of(PICTURE), await pictures.of(PICTURE)] == [None, None]
    assert caplog.text.count("picture_unreadable") == 1
