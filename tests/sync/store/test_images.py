import msgspec
import pytest

from sync.connection import Connection
from sync.model import Image, ImageRecord, Notice, SkuId
from sync.store.dirty import Dirty
from sync.store.images import CLAIM_S, Images, urls_of
from sync.store.keys import NOTICES
from tests.sync.things import product

A, B = "https://cdn.example/a.jpg", "https://cdn.example/b.jpg"
FETCHED = ImageRecord("fetched", digest="ab" * 32, content_type="image/jpeg", width=640, height=480)


@pytest.fixture
def images(connection: Connection) -> Images:
    return Images(connection)


def test_pictures_of_a_product_are_its_own_and_those_of_its_skus() -> None:
    mug = product("mug", images=(Image(A), Image(B)))
    sku = msgspec.structs.replace(mug.skus[0], image_url=A)
    other = msgspec.structs.replace(mug.skus[0], id=SkuId("s_2"), image_url="https://x.example/")

    assert urls_of(msgspec.structs.replace(mug, skus=(sku, other))) == [A, B, "https://x.example/"]


async def test_a_picture_is_wanted_once(images: Images) -> None:
    mug = product("mug", images=(Image(A), Image(B)))

    assert await images.want([mug], 5.0) == 2
    assert await images.want([mug, product("cup", images=(Image(A),))], 6.0) == 0
    assert await images.many([A, B, "https://x.example/"]) == {
        A: ImageRecord(at=5.0),
        B: ImageRecord(at=5.0),
    }


async def test_many_products_are_wanted_in_slices(images: Images) -> None:
    some = [product(f"p{n}", images=(Image(f"{A}?{n}"),)) for n in range(450)]

    assert await images.want(some, 5.0) == 450
    assert len(await images.many([f"{A}?{n}" for n in range(450)])) == 450


async def test_an_address_is_claimed_by_one_and_comes_back_if_nothing_is_heard(
    images: Images,
) -> None:
    await images.want([product("mug", images=(Image(A), Image(B)))], 5.0)

    assert await images.claim(4.0, 9) == []
    assert await images.claim(5.0, 1) == [A]
    assert await images.claim(5.0, 9) == [B]
    assert await images.claim(5.0, 9) == []
    assert sorted(await images.claim(5.0 + CLAIM_S, 9)) == [A, B]


async def test_what_became_of_a_picture_is_told_for_each_product_that_has_it(
    images: Images, connection: Connection, dirty: Dirty
) -> None:
    mug, cup = product("mug", images=(Image(A),)), product("cup", images=(Image(A),))
    await images.want([mug, cup], 5.0)
    async with connection.redis.pubsub() as channel:
        await channel.subscribe(NOTICES)
        await channel.get_message(timeout=1)

        await images.save(A, FETCHED, None)
        message = await channel.get_message(timeout=1)
        await images.save(A, msgspec.structs.replace(FETCHED, at=9.0), None)

        assert message is not None
        notice = msgspec.json.decode(message["data"], type=Notice)
        assert (notice.kind, sorted(notice.ids)) == ("image", [cup.id, mug.id])
        assert await channel.get_message(timeout=0.05) is None
    assert await dirty.all() == {mug.id: 1, cup.id: 2}
    assert (await images.many([A]))[A].at == 9.0
    assert await images.claim(1e12, 9) == []


async def test_a_product_that_is_new_to_a_known_picture_is_told_of_once(
    images: Images, dirty: Dirty
) -> None:
    await images.want([product("mug", images=(Image(A),))], 5.0)
    await images.save(A, FETCHED, None)

    for _ in range(2):
        await images.want([product("cup", images=(Image(A),))], 6.0)

    assert (await dirty.all())[product("cup").id] == 1


async def test_what_is_forgotten_was_never_there(images: Images, connection: Connection) -> None:
    await images.want([product("mug", images=(Image(A), Image(B)))], 5.0)

    await images.forget([A])
    await images.forget([])

    assert await images.urls() == [B]
    assert await images.claim(9.0, 9) == [B]
    assert await images.want([product("mug", images=(Image(A),))], 6.0) == 1


async def test_an_address_can_be_fetched_again(images: Images) -> None:
    await images.want([product("mug", images=(Image(A),))], 5.0)
    await images.save(A, FETCHED, None)

    await images.again([A], 7.0)
    await images.again([], 7.0)

    assert await images.claim(6.0, 9) == []
    assert await images.claim(7.0, 9) == [A]
    assert (await images.many([A]))[A] == FETCHED
