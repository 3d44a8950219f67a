"""What became of the addresses of products' pictures, and which are to be fetched when."""

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from sync.connection import Connection
from sync.model import ImageRecord, Product
from sync.store.keys import DIRTY, NOTICES, key

IMAGES = key("images")
WAITING = key("images:waiting")

CLAIM_S = 120.0
"""How long an address stays with the server that took it to fetch: longer than a fetch takes."""

_SLICE = 200
_BULK_TIMEOUT_S = 5.0


def users_key(url: str) -> str:
    """The set of products that have that picture."""
    return key(f"images:users:{hashlib.sha256(url.encode()).hexdigest()[:32]}")


def urls_of(product: Product) -> list[str]:
    """The addresses of a product's pictures and of its SKUs', each once."""
    urls = [image.url for image in product.images]
    urls += [sku.image_url for sku in product.skus if sku.image_url is not None]
    return list(dict.fromkeys(urls))


class Images:
    """Each call raises StoreUnavailable when Redis is away. Times are unix seconds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis

    async def many(self, urls: Sequence[str]) -> dict[str, ImageRecord]:
        """The records of those of `urls` that anybody has wanted."""
        found = await self._connection.fields(IMAGES, urls, _SLICE)
        return {
            url: msgspec.json.decode(document, type=ImageRecord) for url, document in found.items()
        }

    async def urls(self) -> list[str]:
        """Every address that anybody has ever wanted and nobody has forgotten."""
        found = await self._connection.asked(lambda: self._redis.hkeys(IMAGES), _BULK_TIMEOUT_S)
        return [url.decode() for url in found]

    async def forget(self, urls: Sequence[str]) -> None:
        """No product has these any more."""
        for at in range(0, len(urls), _SLICE):
            pipeline = self._redis.pipeline(transaction=True)
            some = urls[at : at + _SLICE]
            pipeline.hdel(IMAGES, *some)
            pipeline.zrem(WAITING, *some)
            pipeline.delete(*map(users_key, some))
            await self._connection.asked(pipeline.execute, _BULK_TIMEOUT_S)

    async def want(self, products: Iterable[Product], at: float) -> int:
        """Have the pictures of `products` fetched that were never wanted before: how many. A
        product that is new to a picture that is there already is told of as changed."""
        calls: list[tuple[list[str], list[str | bytes | int]]] = [
            (
                [IMAGES, WAITING, users_key(url), DIRTY],
                [url, product.id, msgspec.json.encode(ImageRecord(at=at)), str(at), NOTICES],
            )
            for product in products
            for url in urls_of(product)
        ]
        added = 0
        for begin in range(0, len(calls), _SLICE):
            answers = await self._connection.scripts(
                "sync.store", "want_image", calls[begin : begin + _SLICE], _BULK_TIMEOUT_S
            )
            added += sum(answer[0] == "new" for answer in answers)
        return added

    async def again(self, urls: Sequence[str], at: float) -> None:
        """Fetch once more, from `at` on, whatever is known of `urls`."""
        if urls:
            await self._connection.asked(lambda: self._redis.zadd(WAITING, dict.fromkeys(urls, at)))

    async def claim(self, at: float, limit: int) -> list[str]:
        """At most `limit` addresses whose time has come: other servers get them only when
        nothing is heard of them for CLAIM_S."""
        return await self._connection.script(
            "sync.store", "claim_images", [WAITING], [str(at), limit, str(at + CLAIM_S)]
        )

    async def save(self, url: str, record: ImageRecord, next_at: float | None) -> None:
        """What became of `url`, to be looked at again at `next_at`. Where its state or its bytes
        are others than before, the products that have it are told of as changed."""
        await self._connection.script(
            "sync.store",
            "save_image",
            [IMAGES, WAITING, users_key(url), DIRTY],
            [
                url,
                msgspec.json.encode(record),
                "" if next_at is None else str(next_at),
                NOTICES,
            ],
        )
