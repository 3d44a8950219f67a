"""The catalogue over HTTP."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediaserver.api.products import MAX_PRODUCT_BYTES
from mediaserver.app import Server
from sync.connection import Connection
from sync.store.images import IMAGES
from tests.api.client import Answer, Client

TIMEOUT_S = 20.0
PRODUCTS = "/api/v1/products"
UNTOUCHED = {"committed": 0, "quotas": {}, "unsettled": [], "sold": {}}
MUG = {
    "title": "Mug",
    "currency": "USD",
    "skus": [{"price": 1250, "seller_sku": "MUG-1", "on_hand": 5}],
}


@asynccontextmanager
async def redis_of(data_dir: Path) -> AsyncIterator[Connection]:
    """The server's own Redis."""
    connection = Connection(f"unix://{data_dir}/redis.sock")
    yield connection
    await connection.close()


async def made(owner: Client, **said: Any) -> Any:
    return await owner.post(PRODUCTS, {**MUG, **said}, 201)


def path_of(product: Any) -> str:
    return f"{PRODUCTS}/{product['id']}"


def stock_path(product: Any) -> str:
    return f"{path_of(product)}/skus/{product['skus'][0]['id']}/stock"


async def put(owner: Client, path: str, body: object, revision: object = None) -> Answer:
    headers = {} if revision is None else {"If-Match": str(revision)}
    return await owner.call("PUT", path, body, headers=headers)


async def test_a_product_is_told_whole(owner: Client) -> None:
    said = {
        "handle": "the-mug",
        "description": "<p>Holds tea.</p>",
        "vendor": "Acme",
        "type": "Kitchen",
        "tags": ["gift"],
        "options": ["Colour"],
        "images": [{"url": "https://shop.example/mug.jpg", "alt": "A mug"}],
        "status": "draft",
        "left_out": ["tiktok"],
        "certifications": ["CE"],
        "skus": [
            {
                "price": 1250,
                "seller_sku": "MUG-1",
                "options": ["Red"],
                "barcode": "40123",
                "weight_g": 300,
                "image_url": "https://shop.example/red.jpg",
                "on_hand": 5,
            }
        ],
    }
    answer = await owner.call("POST", PRODUCTS, {**MUG, **said})
    product = answer.json

    assert (answer.status, answer.headers["Etag"]) == (201, '"1"')
    assert answer.headers["Location"] == path_of(product)
    plain = said.keys() - {"skus", "images"}
    assert {key: product[key] for key in plain} == {key: said[key] for key in plain}
    waiting = {"state": "waiting", "reason": None, "width": None, "height": None}
    assert product["images"] == [{"url": "https://shop.example/mug.jpg", "alt": "A mug", **waiting}]
    (sku,) = product["skus"]
    units = UNTOUCHED | {"free": 5, "available": 5, "revision": 1}
    assert sku == {
        "id": sku["id"],
        "price": 1250,
        "seller_sku": "MUG-1",
        "options": ["Red"],
        "barcode": "40123",
        "weight_g": 300,
        "image_url": "https://shop.example/red.jpg",
        "image": waiting,
        "stock": {"on_hand": 5, **units},
    }
    assert (product["title"], product["currency"], product["revision"]) == ("Mug", "USD", 1)
    assert product["created_at"] == product["updated_at"]
    read = await owner.call("GET", path_of(product))
    assert (read.json, read.headers["Etag"]) == (product, '"1"')


async def test_a_product_tells_what_became_of_its_pictures(owner: Client, data_dir: Path) -> None:
    urls = [f"https://shop.example/{name}.jpg" for name in ("good", "bad")]
    images = [{"url": url} for url in urls]
    path = path_of(await made(owner, images=images, skus=[{"price": 1, "image_url": urls[0]}]))
    fetched = {"state": "fetched", "width": 800, "height": 600}
    failed = {"state": "failed", "reason": "is no picture"}
    async with redis_of(data_dir) as connection:
        for url, record in zip(urls, (fetched, failed), strict=True):
            await connection.redis.hset(IMAGES, url, json.dumps(record))

    product = await owner.get(path)

    good = {**fetched, "reason": None}
    assert product["images"] == [
        {"url": urls[0], "alt": "", **good},
        {"url": urls[1], "alt": "", **failed, "width": None, "height": None},
    ]
    assert product["skus"][0]["image"] == good
    assert (await owner.get(PRODUCTS))["products"] == [product]


async def test_a_product_carries_its_badges(owner: Client) -> None:
    product = await made(owner)

    badge = product["badges"]["tiktok"]
    assert (badge["eligibility"], badge["colour"]) == ("ineligible", "red")
    codes = [reason["code"] for reason in badge["reasons"]]
    assert {"description_missing", "images_none", "not_connected"} <= set(codes)
    assert not badge["sold_out"]
    await put(owner, stock_path(product), {"on_hand": 0}, 1)
    empty = await owner.get(path_of(product))
    assert empty["badges"]["tiktok"]["sold_out"]
    assert (await owner.get(PRODUCTS))["products"] == [empty]


async def test_a_change_changes_what_it_says(owner: Client) -> None:
    product = await made(owner, vendor="Acme")
    sku = product["skus"][0]["id"]

    answer = await owner.call("PATCH", path_of(product), {"title": "Cup", "skus": [{"price": 900}]})

    changed = answer.json
    assert (answer.status, answer.headers["Etag"]) == (200, '"2"')
    assert (changed["title"], changed["vendor"], changed["handle"]) == ("Cup", "Acme", "mug")
    assert [(each["id"], each["price"], each["stock"]["on_hand"]) for each in changed["skus"]] == [
        (sku, 900, 5)
    ]


@pytest.mark.parametrize("given", ["1", '"1"', ' "1" '])
async def test_a_change_may_ask_for_the_revision_it_is_based_on(owner: Client, given: str) -> None:
    product = await made(owner)
    path, headers = path_of(product), {"If-Match": given}

    first = await owner.call("PATCH", path, {"title": "Cup"}, headers=headers)
    late = await owner.call("PATCH", path, {"title": "Jug"}, headers=headers)
    removal = await owner.call("DELETE", path, headers=headers)

    words = (
        f"the product '{product['id']}' was changed meanwhile (it is at revision 2 now): read it "
        "and try again"
    )
    assert first.status == 200
    assert late.problem() == removal.problem() == (412, words)
    assert (await owner.get(path))["title"] == "Cup"


async def test_changes_at_once_without_a_revision_are_all_made(owner: Client) -> None:
    product = await made(owner)
    answers = await asyncio.gather(
        *(owner.call("PATCH", path_of(product), {"title": f"Mug {number}"}) for number in range(30))
    )
    assert [answer.status for answer in answers] == [200] * 30
    assert sorted(answer.json["revision"] for answer in answers) == list(range(2, 32))


async def test_a_product_is_removed(owner: Client) -> None:
    product = await made(owner)

    assert (await owner.call("DELETE", path_of(product))).status == 204

    words = f"there is no product '{product['id']}'"
    for answer in (
        await owner.call("GET", path_of(product)),
        await owner.call("DELETE", path_of(product)),
        await owner.call("PATCH", path_of(product), {"title": "Cup"}),
        await owner.call("GET", stock_path(product)),
        await put(owner, stock_path(product), {"on_hand": 1}, 1),
    ):
        assert answer.problem() == (404, words)
    assert (await made(owner))["handle"] == "mug"


async def test_stock_is_put_on_the_revision_that_was_read(owner: Client) -> None:
    product = await made(owner)
    path = stock_path(product)

    answer = await put(owner, path, {"on_hand": 8, "reason": "counted"}, '"1"')
    units = UNTOUCHED | {"free": 8, "available": 8, "revision": 2}
    assert (answer.status, answer.headers["Etag"]) == (200, '"2"')
    assert answer.json == {"on_hand": 8, **units}

    status, detail = (await put(owner, path, {"on_hand": 9}, 1)).problem()
    assert (status, "it is at revision 2 now" in detail) == (412, True)
    read = await owner.call("GET", path)
    assert (read.json, read.headers["Etag"]) == (answer.json, '"2"')


async def test_stock_is_not_put_blindly(owner: Client) -> None:
    path = stock_path(await made(owner))

    status, detail = (await put(owner, path, {"on_hand": 8})).problem()
    assert (status, detail.startswith("send If-Match with the revision")) == (428, True)
    for header in ("*", 'W/"1"', '"1", "2"', "", "one", "1" * 16):
        answer = await put(owner, path, {"on_hand": 8}, header)
        assert answer.problem()[0] == 422
        assert answer.json["path"] == "If-Match"
    assert (await owner.get(path))["on_hand"] == 5


async def test_stock_is_adjusted_by_a_difference(owner: Client, producer: Client) -> None:
    product = await made(owner)
    path = stock_path(product)

    broken = await producer.post(f"{path}/adjust", {"delta": -2, "reason": "broken"})
    assert (broken["on_hand"], broken["revision"]) == (3, 2)
    found = await owner.call(
        "POST", f"{path}/adjust", {"delta": 1, "reason": "found"}, headers={"If-Match": '"2"'}
    )
    assert (found.json["on_hand"], found.headers["Etag"]) == (4, '"3"')

    changes = (await owner.get(f"{path}/history"))["changes"]
    assert [
        (each["by"], each["reason"], each["delta"], each["on_hand"], each["revision"])
        for each in changes
    ] == [
        ("owner", "found", 1, 4, 3),
        ("producer Pia", "broken", -2, 3, 2),
        ("owner", "new", 5, 5, 1),
    ]
    assert changes[2]["at"] == product["created_at"]
    nothing_else = {"committed_delta": 0, "quota_delta": 0, "channel": None, "order": None}
    assert nothing_else.items() <= changes[0].items()
    assert len((await owner.get(f"{path}/history?limit=1"))["changes"]) == 1


async def test_no_more_is_taken_than_there_is(owner: Client) -> None:
    path = stock_path(await made(owner))

    answer = await owner.call("POST", f"{path}/adjust", {"delta": -6, "reason": "broken"})

    assert answer.problem() == (409, "that would leave -1 units on hand")


async def test_adjustments_at_once_add_up(owner: Client) -> None:
    path = stock_path(await made(owner))

    await asyncio.gather(
        *(owner.post(f"{path}/adjust", {"delta": 1, "reason": "found"}) for _ in range(20))
    )

    assert (await owner.get(path))["on_hand"] == 25


async def test_of_people_who_put_at_once_one_is_heard_and_the_others_are_told(
    owner: Client,
) -> None:
    path = stock_path(await made(owner))

    answers = await asyncio.gather(*(put(owner, path, {"on_hand": n}, 1) for n in range(10, 20)))

    (heard,) = [answer for answer in answers if answer.status == 200]
    assert sum(answer.status == 412 for answer in answers) == 9
    assert (await owner.get(path)) == heard.json


async def test_the_catalogue_is_listed_by_page_and_found_by_words(owner: Client) -> None:
    for number in range(7):
        said = {"title": f"Mug {number}", "type": "Kitchen" if number % 2 else "Garden"}
        await made(owner, **said, tags=["Gift"] if number == 3 else [])

    first = await owner.get(f"{PRODUCTS}?limit=4")
    assert [each["title"] for each in first["products"]] == ["Mug 0", "Mug 1", "Mug 2", "Mug 3"]
    assert first["total"] == 7
    second = await owner.get(f"{PRODUCTS}?limit=4&after={first['next']}")
    assert [each["title"] for each in second["products"]] == ["Mug 4", "Mug 5", "Mug 6"]
    assert second["next"] is None

    for query, count in (
        ("q=mug-5", 1),
        ("q=MUG+5", 1),
        ("q=mug-1", 7),  # as a part of a seller_sku that all have
        ("type=kitchen", 3),
        ("tag=gift", 1),
        ("status=draft", 0),
        ("q=mug&type=garden&limit=100", 4),
        ("q=", 7),
    ):
        assert len((await owner.get(f"{PRODUCTS}?{query}"))["products"]) == count, query


async def test_an_empty_catalogue_is_an_empty_page(owner: Client) -> None:
    assert await owner.get(PRODUCTS) == {"products": [], "next": None, "total": 0}


SKU = "p/skus/s/stock"
BAD: list[tuple[str, str, Any, int, str | None, str]] = [
    ("POST", "", [], 422, None, "Expected `object`, got `array`"),
    ("POST", "", {}, 422, "title", "title: is missing"),
    ("POST", "", {**MUG, "titel": "x"}, 422, None, "Object contains unknown field `titel`"),
    ("POST", "", {**MUG, "id": "p_1"}, 422, None, "Object contains unknown field `id`"),
    ("POST", "", {**MUG, "title": " "}, 422, "title", "title: must not be empty"),
    ("POST", "", {**MUG, "title": None}, 422, "title", "title: Expected `str`, got `null`"),
    ("POST", "", {**MUG, "currency": "$"}, 422, "currency", "currency: must be a currency's three"),
    ("POST", "", {**MUG, "skus": []}, 422, "skus", "skus: must have one SKU at least"),
    ("POST", "", {**MUG, "skus": [{}]}, 422, "skus[0].price", "skus[0].price: is missing"),
    (
        *("POST", "", {**MUG, "skus": [{"price": 12.5}]}, 422, "skus[0].price"),
        "skus[0].price: must be a whole number of minor units, such as 1250 for 12.50 USD",
    ),
    (
        *("POST", "", {**MUG, "skus": [{"price": -1}]}, 422, "skus[0].price"),
        "skus[0].price: must be from 0 to 1,000,000,000,000 minor units",
    ),
    (
        *("POST", "", {**MUG, "skus": [{"price": 1, "id": "s_1"}]}, 422, "skus[0].id"),
        "skus[0].id: the product has no SKU 's_1'",
    ),
    (
        *("POST", "", {**MUG, "skus": [{"price": 1, "on_hand": -1}]}, 422, "skus[0].on_hand"),
        "skus[0].on_hand: must be from 0 to 1,000,000,000 units",
    ),
    (
        *("POST", "", {**MUG, "images": [{"url": "ftp://a.example/"}]}, 422, "images[0].url"),
        "images[0].url: must begin with https:// or http://",
    ),
    (
        *("POST", "", {**MUG, "status": "sold"}, 422, "status"),
        "status: must be one of active, draft, archived, not 'sold'",
    ),
    (
        *("POST", "", {**MUG, "options": ["Size"]}, 422, "skus[0].options"),
        "skus[0].options: must be one value for each of the product's options: Size",
    ),
    ("GET", "?limit=0", None, 422, "limit", "limit: must be a number from 1 to 100, not '0'"),
    ("GET", "?limit=ten", None, 422, "limit", "limit: must be a number from 1 to 100, not 'ten'"),
    ("GET", "?limit=²", None, 422, "limit", "limit: must be a number from 1 to 100, not '²'"),
    ("GET", "?page=2", None, 422, "page", "page: there is no such parameter here: q, "),
    ("GET", "?after=2", None, 422, "after", "after: must be the `next` of a page, not '2'"),
    ("GET", "?q=a&q=b", None, 422, "q", "q: is given more than once"),
    ("GET", f"?q={'a' * 301}", None, 422, "q", "q: has more than 300 characters"),
    ("GET", "?status=sold", None, 422, "status", "status: must be one of active, draft, archived"),
    ("GET", "/p_none", None, 404, None, "there is no product 'p_none'"),
    ("DELETE", "/p_none", None, 404, None, "there is no product 'p_none'"),
    (
        *("POST", "", {**MUG, "left_out": ["tik-tok"]}, 422, "left_out[0]"),
        "left_out[0]: must be one of the channels there are: tiktok",
    ),
    ("PATCH", "/p_none", {"title": "x"}, 404, None, "there is no product 'p_none'"),
    ("GET", "/p/skus/s/stock", None, 404, None, "there is no product 'p'"),
    ("GET", "/p/skus/s/stock/history?limit=1001", None, 422, "limit", "limit: must be a number"),
    ("PUT", "/p/skus/s/stock", {"on_hand": 1}, 428, None, "send If-Match"),
    (
        *("POST", "/p/skus/s/stock/adjust", {"delta": 1}, 422, None),
        "Object missing required field `reason`",
    ),
    (
        *("POST", "/p/skus/s/stock/adjust", {"delta": 1, "reason": ""}, 422, "reason"),
        "reason: Expected `str` of length >= 1",
    ),
    (
        *("POST", "/p/skus/s/stock/adjust", {"delta": 1, "reason": "a\nb"}, 422, "reason"),
        "reason: must be of the form",
    ),
    (
        *("POST", "/p/skus/s/stock/adjust", {"delta": 10**10, "reason": "x"}, 422, "delta"),
        "delta: must be from -1,000,000,000 to 1,000,000,000",
    ),
    ("PUT", "", {}, 405, None, "this address does not take PUT"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "where", "words"), BAD)
async def test_what_cannot_be_used_is_told_with_its_place(
    method: str,
    path: str,
    body: Any,
    status: int,
    where: str | None,
    words: str,
    owner: Client,
) -> None:
    answer = await owner.call(method, PRODUCTS + path, body)

    found, detail = answer.problem()
    assert (found, answer.json.get("path")) == (status, where)
    assert detail.startswith(words), detail
    assert (await owner.get(PRODUCTS))["total"] == 0


async def test_a_body_that_is_too_large_is_refused_and_a_large_product_is_not(
    owner: Client,
) -> None:
    skus = [{"price": 1, "options": [f"Size {number}"], "on_hand": 1} for number in range(2048)]
    large = await made(owner, options=["Size"], skus=skus)
    assert len(large["skus"]) == 2048

    body = {**MUG, "description": "x" * MAX_PRODUCT_BYTES}
    status, detail = (await owner.call("POST", PRODUCTS, body)).problem()
    assert (status, detail) == (
        413,
        f"the body is larger than the {MAX_PRODUCT_BYTES} bytes allowed here",
    )
    assert (await owner.get(PRODUCTS))["total"] == 1


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=5,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("title", "skus", "tags", "images", "options"), ANYTHING)
    )
)
async def test_whatever_is_sent_is_taken_or_refused_in_words(
    owner: Client, body: dict[str, Any]
) -> None:
    answer = await owner.call("POST", PRODUCTS, {**MUG, **body})

    if answer.status != 201:
        assert answer.problem()[0] in (400, 422)


async def test_with_redis_away_nothing_is_half_done_and_all_goes_on_when_it_is_back(
    owner: Client, server: Server, data_dir: Path
) -> None:
    product = await made(owner)
    pid = int((data_dir / "redis" / "redis.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        for answer in (
            await owner.call("POST", PRODUCTS, MUG),
            await owner.call("PATCH", path_of(product), {"title": "Cup"}),
            await put(owner, stock_path(product), {"on_hand": 1}, 1),
            await owner.call("GET", PRODUCTS),
        ):
            assert answer.problem() == (503, "the server's store (Redis) does not answer")
            assert answer.headers["Retry-After"] == "2"
    finally:
        os.kill(pid, signal.SIGCONT)

    async with asyncio.timeout(TIMEOUT_S):
        while (await owner.call("GET", "/readyz")).status != 200:
            pass
    assert await owner.get(path_of(product)) == product
