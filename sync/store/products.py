"""Products in Redis, each with its SKUs' stock from the first moment: a write is one script."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from sync.catalogue.search import Search, SearchEntry, search_entry
from sync.connection import Connection
from sync.errors import Conflict, NotFound, Stale, SyncError
from sync.model import Product, ProductId, Sku, SkuId
from sync.store.keys import (
    DIRTY,
    HANDLES,
    NOTICES,
    ORDER,
    PRODUCTS,
    REVISIONS,
    SEARCH,
    history_key,
    stock_key,
)
from sync.store.notices import encoded

_KEYS = (PRODUCTS, REVISIONS, HANDLES, ORDER, SEARCH, DIRTY)

_SEARCH_SLICE = 500

BULK_TIMEOUT_S = 5.0
"""How long many writes may take that go out together."""


class Write(NamedTuple):
    """A product as it is to be, made from `base`, None for a new one. `on_hand` are the units of
    its new SKUs, 0 unless said; of SKUs that `base` has they are not touched. `by` is who does
    it."""

    product: Product
    base: Product | None
    on_hand: Mapping[SkuId, int]
    by: str


class Page(NamedTuple):
    """Products in the order of their making, and where the next page begins, None for the last."""

    products: list[Product]
    next: ProductId | None


class Products:
    """Each call raises StoreUnavailable when Redis is away. `now` gives unix seconds. An id is
    never used again: a revision tells of one product."""

    def __init__(self, connection: Connection, now: Callable[[], float]) -> None:
        self._connection = connection
        self._redis = connection.redis
        self._now = now

    async def get(self, product: ProductId) -> Product:
        """Raises NotFound."""
        found = await self.many([product])
        if product not in found:
            raise NotFound("product", product)
        return found[product]

    async def many(self, products: Sequence[ProductId]) -> dict[ProductId, Product]:
        """Those of `products` that exist, in their order."""
        found = await self._connection.fields(PRODUCTS, products)
        return {product: _decoded(document) for product, document in found.items()}

    async def ids(self) -> list[ProductId]:
        """All products, in the order of their making."""
        return [product async for some in self._ids_after(None, _SEARCH_SLICE) for product in some]

    async def count(self) -> int:
        count: int = await self._connection.asked(lambda: self._redis.zcard(ORDER))
        return count

    async def page(
        self, after: ProductId | None = None, limit: int = 50, search: Search | None = None
    ) -> Page:
        """At most `limit` products that fit `search`, from behind `after` on."""
        wanted = limit + 1
        found: list[ProductId] = []
        if search is None:
            async for ids in self._ids_after(after, wanted):
                found = ids
                break
        else:
            sought = search.folded()
            async for ids in self._ids_after(after, _SEARCH_SLICE):
                entries = await self._connection.fields(SEARCH, ids, _SEARCH_SLICE)
                found += [
                    product
                    for product, entry in entries.items()
                    if sought.fits(msgspec.json.decode(entry, type=SearchEntry))
                ]
                if len(found) >= wanted:
                    break
        products = await self.many(found[:limit])
        return Page(list(products.values()), found[limit - 1] if len(found) > limit else None)

    async def by_handle(self, handles: Sequence[str]) -> dict[str, Product]:
        """The products that have those handles."""
        named = await self._connection.fields(HANDLES, handles)
        products = await self.many([ProductId(name.decode()) for name in named.values()])
        return {product.handle: product for product in products.values()}

    async def save(
        self,
        product: Product,
        base: Product | None,
        on_hand: Mapping[SkuId, int] | None = None,
        *,
        by: str,
    ) -> Product:
        """Write one product (see Write); as it is stored then. What changes nothing is not written.

        Raises Stale when it was changed since `base` was read, NotFound when it was deleted,
        Conflict when its handle is another's or a SKU to be removed has units in orders.
        """
        (saved,) = await self.save_many([Write(product, base, on_hand or {}, by)])
        if isinstance(saved, SyncError):
            raise saved
        return saved

    async def save_many(self, writes: Sequence[Write]) -> list[Product | SyncError]:
        """What became of each write, as `save` would return or raise it; each is done alone, and
        all go to Redis together."""
        at = self._now()
        results: list[Product | SyncError] = []
        calls = []
        for write in writes:
            if write.base is not None and _content(write.product) == _content(write.base):
                results.append(write.base)
                continue
            saved = _next_revision(write, at)
            calls.append((len(results), _call(write, saved, at)))
            results.append(saved)
        answers = await self._connection.scripts(
            "sync.store", "save_product", [call for _, call in calls], BULK_TIMEOUT_S
        )
        for (number, _), answer in zip(calls, answers, strict=True):
            if answer[0] != "ok":
                results[number] = _refusal(writes[number], answer)
        return results

    async def delete(self, product: Product) -> None:
        """Remove `product`, as it was read, with its SKUs' stock.

        Raises Stale when it was changed since, NotFound when it is gone already, Conflict when a
        SKU has units in orders.
        """
        keys = [*_KEYS, *_stock_keys(product.skus)]
        notice = encoded("product", product.id)
        answer = await self._connection.script(
            "sync.store",
            "delete_product",
            keys,
            [product.id, product.revision, product.handle, NOTICES, notice],
        )
        if answer[0] != "ok":
            raise _refusal(
                Write(msgspec.structs.replace(product, skus=()), product, {}, ""), answer
            )

    async def _ids_after(
        self, after: ProductId | None, size: int
    ) -> AsyncIterator[list[ProductId]]:
        """All products behind `after`, in slices of `size`."""
        while True:
            low = "-" if after is None else f"({after}"
            members = await self._connection.asked(
                partial(self._redis.zrangebylex, ORDER, low, "+", 0, size)
            )
            ids = [ProductId(member.decode()) for member in members]
            if ids:
                yield ids
            if len(ids) < size:
                return
            after = ids[-1]


def _decoded(document: bytes) -> Product:
    return msgspec.json.decode(document, type=Product)


def _content(product: Product) -> Product:
    """`product` without what every write changes."""
    return msgspec.structs.replace(product, created_at=0.0, updated_at=0.0, revision=0)


def _next_revision(write: Write, at: float) -> Product:
    return msgspec.structs.replace(
        write.product,
        created_at=at if write.base is None else write.base.created_at,
        updated_at=at,
        revision=1 if write.base is None else write.base.revision + 1,
    )


def _call(write: Write, product: Product, at: float) -> tuple[list[str], list[str | bytes | int]]:
    """Keys and arguments of save_product.lua."""
    base = write.base
    before = () if base is None else base.skus
    added = _without(product.skus, before)
    return (
        [*_KEYS, *_stock_keys(added), *_stock_keys(_without(before, product.skus))],
        [
            product.id,
            msgspec.json.encode(product),
            product.revision,
            0 if base is None else base.revision,
            product.handle,
            "" if base is None else base.handle,
            msgspec.json.encode(search_entry(product)),
            str(at),
            write.by,
            NOTICES,
            encoded("product", product.id),
            len(added),
            *(write.on_hand.get(sku.id, 0) for sku in added),
        ],
    )


def _without(skus: Iterable[Sku], others: Iterable[Sku]) -> list[Sku]:
    ids = {sku.id for sku in others}
    return [sku for sku in skus if sku.id not in ids]


def _stock_keys(skus: Iterable[Sku]) -> list[str]:
    return [key for sku in skus for key in (stock_key(sku.id), history_key(sku.id))]


def _refusal(write: Write, answer: Sequence[str]) -> SyncError:
    product, base = write.product, write.base
    match answer:
        case ["stale", revision]:
            return Stale("product", product.id, int(revision))
        case ["handle", owner]:
            return Conflict(f"the handle {product.handle!r} is that of the product {owner}")
        case ["committed", number]:
            removed = _without(() if base is None else base.skus, product.skus)[int(number)]
            return Conflict(
                f"the SKU {removed.seller_sku or removed.id} has units in orders: fulfil or cancel "
                "them before it is removed"
            )
    return NotFound("product", product.id)
