"""Pictures gathered over a real Redis from a real web server."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from mediaserver.redis_server import RedisServer
from sync.connection import Connection
from sync.errors import StoreUnavailable
from sync.images.fetcher import Fetcher
from sync.images.files import ImageFiles
from sync.images.gatherer import (
    AGAIN_AFTER_S,
    FIRST_PAUSE_S,
    MOST_TRIES,
    UNUSED_KEPT_S,
    Gatherer,
)
from sync.model import Image, ImageRecord, Product
from sync.store.images import Images
from sync.store.notices import Notices
from sync.store.products import Products
from tests.files import image_file
from tests.sync.images.web import Web, to_loopback
from tests.sync.now import Now
from tests.sync.things import product

JPEG = image_file("JPEG", (640, 480))


@pytest.fixture
def now() -> Now:
    """It begins at the machine's time, which files have."""
    return Now(time.time())


@pytest.fixture
def images(connection: Connection) -> Images:
    return Images(connection)


@pytest.fixture
def files(tmp_path: Path) -> ImageFiles:
    return ImageFiles(tmp_path / "images", reserve_bytes=0)


@pytest.fixture
def gatherer(
    products: Products, images: Images, notices: Notices, files: ImageFiles, now: Now
) -> Gatherer:
    fetcher = Fetcher(to_loopback(), lambda address: address == "127.0.0.1")
    return Gatherer(products, images, notices, fetcher, files, now)


async def kept(products: Products, name: str, *urls: str) -> Product:
    return await products.save(product(name, images=tuple(map(Image, urls))), None, {}, by="owner")


async def record(images: Images, url: str) -> ImageRecord:
    return (await images.many([url]))[url]


async def test_a_picture_of_several_products_is_fetched_once(
    gatherer: Gatherer, products: Products, images: Images, files: ImageFiles, site: Web, now: Now
) -> None:
    site.gives("/a", JPEG, "image/jpeg")
    url = site.url("/a")
    await kept(products, "mug", url)
    await kept(products, "cup", url)

    await gatherer.look()
    assert await gatherer.gather() == 1
    assert await gatherer.gather() == 0

    found = await record(images, url)
    assert found == ImageRecord(
        "fetched",
        digest=found.digest,
        content_type="image/jpeg",
        width=640,
        height=480,
        size=len(JPEG),
        tries=1,
        at=now(),
    )
    assert await files.read(found.digest) == JPEG
    assert site.asked == ["cdn.example/a"]


async def test_a_refused_picture_has_failed_and_is_tried_the_next_day(
    gatherer: Gatherer, products: Products, images: Images, site: Web, now: Now
) -> None:
    url = site.url("/a")
    await kept(products, "mug", url)
    await gatherer.look()

    await gatherer.gather()
    assert await record(images, url) == ImageRecord(
        "failed", "the server answers 404", tries=1, at=now()
    )
    now.advance(AGAIN_AFTER_S - 1)
    assert await gatherer.gather() == 0
    site.gives("/a", JPEG, "image/jpeg")
    now.advance(1)
    assert await gatherer.gather() == 1
    assert (await record(images, url)).state == "fetched"


async def test_a_picture_that_could_not_be_had_is_tried_again_with_longer_pauses(
    gatherer: Gatherer, products: Products, images: Images, site: Web, now: Now
) -> None:
    site.gives("/a", b"", status=503)
    url = site.url("/a")
    await kept(products, "mug", url)
    await gatherer.look()

    states = []
    for number in range(MOST_TRIES):
        assert await gatherer.gather() == 1
        states.append((await record(images, url)).state)
        now.advance(FIRST_PAUSE_S * 4**number - 1)
        assert await gatherer.gather() == 0
        now.advance(1)

    assert states == ["waiting"] * (MOST_TRIES - 1) + ["failed"]
    assert (await record(images, url)).reason == "the server answers 503"


async def test_a_full_disk_is_told_and_tried_again(
    products: Products, images: Images, notices: Notices, site: Web, now: Now, tmp_path: Path
) -> None:
    site.gives("/a", JPEG, "image/jpeg")
    full = ImageFiles(tmp_path, reserve_bytes=1 << 60)
    fetcher = Fetcher(to_loopback(), lambda _address: True)
    gatherer = Gatherer(products, images, notices, fetcher, full, now)
    await kept(products, "mug", site.url("/a"))
    await gatherer.look()

    await gatherer.gather()

    found = await record(images, site.url("/a"))
    assert (found.state, found.reason) == ("waiting", "the server's disk is full")


async def test_a_picture_that_we_have_stays_good_while_its_site_is_away(
    gatherer: Gatherer, products: Products, images: Images, site: Web, now: Now
) -> None:
    site.gives("/a", JPEG, "image/jpeg")
    url = site.url("/a")
    await kept(products, "mug", url)
    await gatherer.look()
    await gatherer.gather()
    before = await record(images, url)
    del site.answers["/a"]

    await images.again([url], now())
    assert await gatherer.gather() == 1

    assert await record(images, url) == msgspec.structs.replace(before, tries=2)


async def test_a_picture_that_we_have_and_its_site_has_not_is_asked_for_once_a_day(
    gatherer: Gatherer, products: Products, images: Images, site: Web, now: Now
) -> None:
    site.gives("/a", JPEG, "image/jpeg")
    url = site.url("/a")
    await kept(products, "mug", url)
    await gatherer.look()
    await gatherer.gather()
    site.gives("/a", b"", status=503)

    await images.again([url], now())
    for _ in range(1, MOST_TRIES):
        now.advance(FIRST_PAUSE_S * 4**MOST_TRIES)
        assert await gatherer.gather() == 1

    now.advance(AGAIN_AFTER_S - 1)
    assert await gatherer.gather() == 0
    now.advance(1)
    assert await gatherer.gather() == 1
    assert (await record(images, url)).state == "fetched"


async def test_a_picture_that_only_another_server_has_is_fetched_here_too(
    gatherer: Gatherer,
    products: Products,
    images: Images,
    notices: Notices,
    site: Web,
    now: Now,
    tmp_path: Path,
) -> None:
    site.gives("/a", JPEG, "image/jpeg")
    url = site.url("/a")
    await kept(products, "mug", url)
    await gatherer.look()
    await gatherer.gather()
    before = await record(images, url)
    now.advance(60)

    files = ImageFiles(tmp_path / "elsewhere", reserve_bytes=0)
    fetcher = Fetcher(to_loopback(), lambda address: address == "127.0.0.1")
    for fetched in (1, 0):
        other = Gatherer(products, images, notices, fetcher, files, now)
        await other.look()
        assert await other.gather() == fetched

    assert await files.read(before.digest) == JPEG
    assert (await record(images, url)).digest == before.digest


async def test_pictures_that_no_product_has_any_more_are_forgotten_after_a_day(
    gatherer: Gatherer,
    products: Products,
    images: Images,
    notices: Notices,
    files: ImageFiles,
    site: Web,
    now: Now,
) -> None:
    site.gives("/a", JPEG, "image/jpeg")
    site.gives("/b", image_file("PNG", (640, 480)), "image/png")
    mug = await kept(products, "mug", site.url("/a"))
    await kept(products, "cup", site.url("/b"))
    await gatherer.look()
    await gatherer.gather()
    before = await images.many([site.url("/a"), site.url("/b")])
    await products.delete(mug)

    for passed_s, left in ((UNUSED_KEPT_S - 60, 2), (120, 1)):
        now.advance(passed_s)
        fetcher = Fetcher(to_loopback(), lambda address: address == "127.0.0.1")
        await Gatherer(products, images, notices, fetcher, files, now).look()
        assert len(await images.urls()) == left
        assert len(await files.which([each.digest for each in before.values()])) == left

    assert await images.urls() == [site.url("/b")]


async def test_a_look_that_redis_missed_is_made_good(
    gatherer: Gatherer,
    products: Products,
    images: Images,
    redis_server: RedisServer,
    connection: Connection,
) -> None:
    is_back = asyncio.Event()

    async def back() -> None:
        is_back.set()

    await kept(products, "mug", "http://cdn.example/a")
    await redis_server.stop()
    with pytest.raises(StoreUnavailable):
        await gatherer.look()
    watching = asyncio.create_task(connection.watch(back))
    await redis_server.start()
    await is_back.wait()

    await gatherer.look()

    assert await images.many(["http://cdn.example/a"])
    watching.cancel()


@contextlib.asynccontextmanager
async def running(gatherer: Gatherer) -> AsyncIterator[None]:
    task = asyncio.create_task(gatherer.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_pictures_of_products_old_and_new_are_gathered_by_themselves(
    gatherer: Gatherer,
    products: Products,
    images: Images,
    notices: Notices,
    site: Web,
    now: Now,
) -> None:
    now.at = time.time()  # else files that are just being written look old
    site.gives("/a", JPEG, "image/jpeg")
    site.gives("/b", JPEG, "image/jpeg")
    await kept(products, "mug", site.url("/a"))

    async with contextlib.aclosing(notices.listen()) as heard, running(gatherer):
        async with asyncio.timeout(10):
            async for notice in heard:
                if notice.kind == "all":
                    await kept(products, "cup", site.url("/b"), site.url("/none"))
                if notice.kind == "image":
                    found = await images.many([site.url(path) for path in ("/a", "/b", "/none")])
                    if [each.state for each in found.values()] == ["fetched", "fetched", "failed"]:
                        break

    assert sorted(site.asked) == ["cdn.example/a", "cdn.example/b", "cdn.example/none"]
