"""The catalogue: what the shop sells, made, changed and removed by people."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from sync.catalogue.product_draft import Ids, ProductDraft, changed, created
from sync.catalogue.product_rules import LARGEST_STOCK, check_stock
from sync.catalogue.search import Search
from sync.errors import Conflict, Invalid, NotFound, Stale
from sync.model import Product, ProductId, Sku, SkuId, Stock
from sync.store.products import Products
from sync.store.stock import StockChange, Stocks

_MOST_TRIES = 50
"""Of what says nothing of a revision or a handle, when others were quicker: each try lost is one
that another has won, so as many can change a product at once."""

_HANDLES_TRIED = 20


class Item(NamedTuple):
    """A product with the stock of its SKUs."""

    product: Product
    stocks: dict[SkuId, Stock]


class Listed(NamedTuple):
    """A page of the catalogue, where the next one begins, and how many products there are in
    all, found or not."""

    items: list[Item]
    next: ProductId | None
    total: int


class Catalogue:
    """Each call raises StoreUnavailable when Redis is away; then nothing was written, or, where
    the answer was lost on its way, all of it. `by` is who asks."""

    def __init__(self, products: Products, stocks: Stocks, ids: Ids) -> None:
        self._products = products
        self._stocks = stocks
        self._ids = ids

    async def get(self, product: ProductId) -> Item:
        """Raises NotFound."""
        return await self._item(await self._products.get(product))

    async def many(self, products: Sequence[ProductId]) -> list[Item]:
        """Those of `products` that exist, in their order."""
        return await self._items(list((await self._products.many(products)).values()))

    async def page(self, after: ProductId | None, limit: int, search: Search | None) -> Listed:
        page = await self._products.page(after, limit, search)
        return Listed(await self._items(page.products), page.next, await self._products.count())

    async def create(self, draft: ProductDraft, *, by: str) -> Item:
        """Raises Invalid, or Conflict when the handle it asks for is taken."""
        product, on_hand = created(draft, self._ids)
        if draft.handle is not UNSET:
            return await self._item(await self._products.save(product, None, on_hand, by=by))
        wanted, tries_left = product.handle, _MOST_TRIES
        while True:
            tries_left -= 1
            product = msgspec.structs.replace(product, handle=await self._free(wanted))
            try:
                return await self._item(await self._products.save(product, None, on_hand, by=by))
            except Conflict:  # others took that handle meanwhile
                if not tries_left:
                    raise

    async def change(
        self, product: ProductId, draft: ProductDraft, revision: int | None, *, by: str
    ) -> Item:
        """Change what `draft` says of a product, at `revision` where one is given.

        Raises NotFound, Invalid, Stale, and Conflict as Products.save does.
        """
        tries_left = 1 if revision is not None else _MOST_TRIES
        while True:
            tries_left -= 1
            base = await self._at(product, revision)
            changes, on_hand = changed(base, draft, self._ids)
            _check_only_new(base, changes, on_hand)
            try:
                return await self._item(await self._products.save(changes, base, on_hand, by=by))
            except Stale:
                if not tries_left:
                    raise

    async def delete(self, product: ProductId, revision: int | None) -> None:
        """Raises NotFound, Stale, and Conflict when a SKU has units in orders."""
        tries_left = 1 if revision is not None else _MOST_TRIES
        while True:
            tries_left -= 1
            try:
                return await self._products.delete(await self._at(product, revision))
            except Stale:
                if not tries_left:
                    raise

    async def stock(self, product: ProductId, sku: SkuId) -> Stock:
        """Raises NotFound."""
        await self._sku(product, sku)
        return await self._stocks.get(sku)

    async def set_stock(
        self, product: ProductId, sku: SkuId, on_hand: int, revision: int, *, by: str, reason: str
    ) -> Stock:
        """Raises Invalid, and what Stocks.set does."""
        check_stock(on_hand, "on_hand")
        await self._sku(product, sku)
        return await self._stocks.set(sku, on_hand, revision, by=by, reason=reason)

    async def adjust_stock(
        self,
        product: ProductId,
        sku: SkuId,
        delta: int,
        revision: int | None,
        *,
        by: str,
        reason: str,
    ) -> Stock:
        """Raises Invalid, and what Stocks.adjust does."""
        if abs(delta) > LARGEST_STOCK:
            raise Invalid(f"must be from -{LARGEST_STOCK:,} to {LARGEST_STOCK:,}", "delta")
        await self._sku(product, sku)
        return await self._stocks.adjust(sku, delta, by=by, reason=reason, revision=revision)

    async def stock_history(
        self, product: ProductId, sku: SkuId, limit: int
    ) -> Sequence[StockChange]:
        """The latest changes, the latest first. Raises NotFound."""
        await self._sku(product, sku)
        return await self._stocks.history(sku, limit)

    async def _at(self, product: ProductId, revision: int | None) -> Product:
        """Raises NotFound, or Stale unless it is at `revision`."""
        found = await self._products.get(product)
        if revision not in (None, found.revision):
            raise Stale("product", product, found.revision)
        return found

    async def _sku(self, product: ProductId, sku: SkuId) -> Sku:
        """Raises NotFound."""
        for found in (await self._products.get(product)).skus:
            if found.id == sku:
                return found
        raise NotFound("SKU", sku)

    async def _item(self, product: Product) -> Item:
        (item,) = await self._items([product])
        return item

    async def _items(self, products: Sequence[Product]) -> list[Item]:
        stocks = await self._stocks.many([sku.id for product in products for sku in product.skus])
        return [
            Item(each, {sku.id: stocks[sku.id] for sku in each.skus if sku.id in stocks})
            for each in products
        ]

    async def _free(self, handle: str) -> str:
        """A handle like `handle` that no product has now."""
        numbered = [handle, *(f"{handle}-{number}" for number in range(2, _HANDLES_TRIED))]
        taken = await self._products.by_handle(numbered)
        for each in numbered:
            if each not in taken:
                return each
        raise Conflict(f"many products are named {handle!r}: give this one a handle of its own")


def _check_only_new(base: Product, changes: Product, on_hand: dict[SkuId, int]) -> None:
    """Raises Invalid when there are units in `on_hand` for SKUs that `base` has."""
    known = {sku.id for sku in base.skus}
    for number, sku in enumerate(changes.skus):
        if sku.id in known and sku.id in on_hand:
            raise Invalid(
                f"is for new SKUs: change the units of this one at …/skus/{sku.id}/stock",
                f"skus[{number}].on_hand",
            )
