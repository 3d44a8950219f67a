"""Products and a shop's catalogue of them, with the orders in which calls look for them."""

from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from sync.sandbox.bodies import AttributeBody, CertificationBody, ImageRef, WeightBody
from sync.sandbox.ids import CategoryId, ProductId, SkuId, WarehouseId
from sync.sandbox.wire import HIDDEN, LISTED, Audit, Status


class Price(msgspec.Struct, frozen=True):
    """`amount` as it was written; `cents` is in minor units."""

    amount: str
    currency: str
    cents: int


class Stock(msgspec.Struct):
    """Units of a SKU in a warehouse: for sale, and sold but not yet sent."""

    available: int = 0
    committed: int = 0


class SalesAttribute(msgspec.Struct, frozen=True):
    id: str
    name: str
    value_id: str
    value_name: str
    image: str | None = None


class Sku(msgspec.Struct, frozen=True):
    """What is audited of a variant."""

    id: SkuId
    seller_sku: str
    external_sku_id: str
    sales_attributes: tuple[SalesAttribute, ...]


class Content(msgspec.Struct, frozen=True):
    """What is audited of a product: one version of it."""

    title: str
    description: str
    category_id: CategoryId
    images: tuple[str, ...]
    skus: tuple[Sku, ...]
    attributes: tuple[AttributeBody, ...] = ()
    certifications: tuple[CertificationBody, ...] = ()
    package_weight: WeightBody | None = None
    package_dimensions: tuple[tuple[str, str], ...] = ()
    brand_id: str = ""
    external_product_id: str = ""

    def refs(self) -> list[ImageRef]:
        return [ImageRef(uri) for uri in self.images]


class Product(msgspec.Struct):
    """A product: its live version or, before one was, the first; beside it an edit under review.

    Prices and stock belong to no version: changing them is no edit. `audit_run` counts the audits
    begun, so that one overtaken by another ends without effect; `passed` since one was passed.
    Times are unix seconds.
    """

    id: ProductId
    content: Content
    prices: dict[SkuId, Price]
    stock: dict[SkuId, dict[WarehouseId, Stock]]
    status: str
    create_time: int
    update_time: int
    audit: str = Audit.NONE
    review: Content | None = None
    pre_approved: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    suspended_reason: str = ""
    on_promotion: bool = False
    passed: bool = False
    audit_run: int = 0

    @property
    def latest(self) -> Content:
        """The version that the next edit is made from."""
        return self.review or self.content

    def available(self, sku_id: SkuId) -> int:
        return sum(stock.available for stock in self.stock[sku_id].values())

    def committed(self, sku_id: SkuId) -> int:
        return sum(stock.committed for stock in self.stock[sku_id].values())

    def skus(self) -> dict[SkuId, Sku]:
        """Every variant of the live version and of the one under review."""
        reviewed = self.review.skus if self.review else ()
        return {sku.id: sku for sku in (*reviewed, *self.content.skus)}


class Catalogue:
    """The products of one shop."""

    def __init__(self) -> None:
        self.by_id: dict[ProductId, Product] = {}
        self.by_sku: dict[SkuId, Product] = {}
        self.by_key: dict[str, ProductId] = {}
        """What each idempotency key has created."""
        self.listed = 0
        self._by_seller_sku: dict[str, set[ProductId]] = {}
        self._order: list[tuple[int, ProductId]] = []

    def __len__(self) -> int:
        return len(self.by_id)

    def add(self, product: Product) -> None:
        self.by_id[product.id] = product
        self.listed += product.status in LISTED
        insort(self._order, (product.update_time, product.id))
        self.index_skus(product)

    def seen(self, product_id: str) -> Product | None:
        """The product, unless it is of those that only a search shows."""
        product = self.by_id.get(ProductId(product_id))
        return None if product is None or product.status in HIDDEN else product

    def move(self, product: Product, status: str, now: int) -> None:
        """Give `product` a status."""
        self.listed += (status in LISTED) - (product.status in LISTED)
        product.status = status
        self.touch(product, now)

    def touch(self, product: Product, now: int) -> None:
        """`product` was changed `now` (unix seconds)."""
        if now <= product.update_time:
            return
        del self._order[bisect_left(self._order, (product.update_time, product.id))]
        product.update_time = now
        insort(self._order, (now, product.id))

    def index_skus(self, product: Product) -> None:
        """Find `product` by the variants that it has now."""
        for sku in product.skus().values():
            self.by_sku[sku.id] = product
            if sku.seller_sku:
                self._by_seller_sku.setdefault(sku.seller_sku, set()).add(product.id)

    def with_seller_skus(self, names: list[str]) -> set[ProductId]:
        """The products with one of these seller SKUs in a version they have."""
        return {
            product_id
            for name in names
            for product_id in self._by_seller_sku.get(name, ())
            if any(sku.seller_sku == name for sku in self.by_id[product_id].skus().values())
        }

    def updated_between(
        self, first: int | None, last: int | None, after: tuple[int, str] | None = None
    ) -> Iterator[Product]:
        """Products by update time, then id: from `first` to `last`, both in, and behind `after`."""
        start = bisect_left(self._order, (first, ProductId(""))) if first is not None else 0
        if after is not None:
            behind = (after[0], ProductId(after[1] + "\0"))
            start = max(start, bisect_left(self._order, behind))
        for index in range(start, self._end(last)):
            yield self.by_id[self._order[index][1]]

    def count_between(self, first: int | None, last: int | None) -> int:
        start = bisect_left(self._order, (first, ProductId(""))) if first is not None else 0
        return max(0, self._end(last) - start)

    def _end(self, last: int | None) -> int:
        if last is None:
            return len(self._order)
        return bisect_left(self._order, (last + 1, ProductId("")))


def may_edit(product: Product) -> bool:
    return product.status not in (Status.FREEZE, Status.DELETED)
