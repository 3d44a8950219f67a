"""A shop with products at TikTok, written into its store as the server's other parts write it."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import msgspec
from PIL import Image as Picture

from sync.connection import Connection
from sync.eligibility.badges import Badges
from sync.images.files import ImageFiles
from sync.model import TIKTOK, CategoryRules, ChannelRecord, Listing, Product, ProductId, Sku, SkuId
from sync.store.categories import CategoryTree
from sync.store.lease import Fence, Lease
from sync.store.products import Write
from sync.store.progress import Progress
from sync.store.stores import Stores
from tests.sync.selling import CATEGORY, CHANNEL, FETCHED, LISTING, PICTURE, PRODUCT


class Shop:
    """`now` gives unix seconds; `files` is where the server that runs keeps its pictures."""

    def __init__(
        self,
        connection: Connection,
        now: Callable[[], float],
        files: ImageFiles | None = None,
    ) -> None:
        self.now = now
        self._files = files
        self.stores = Stores(connection, now)
        self.badges = Badges(self.stores, now)
        self._lease = Lease(connection, holder="the test", ttl_s=3600)
        self._fence: Fence | None = None

    async def open(self, **channel: Any) -> None:
        """Connect it, as TikTok's words of this moment have it."""
        now = self.now()
        self._fence = await self._lease.acquire()
        assert self._fence is not None
        await self.stores.categories.save_tree(CategoryTree((CATEGORY,), now), self._fence)
        await self.rules(CategoryRules(CATEGORY.id, at=now))
        await self.stores.categories.save_mapping({PRODUCT.type: CATEGORY.id})
        await self._fetch()
        told = {"prerequisites_at": now, "warehouses_at": now}
        await self.tell(**msgspec.structs.asdict(CHANNEL) | told | channel)

    async def _fetch(self) -> None:
        """The picture is as if it had been."""
        record = FETCHED
        if self._files is not None:
            file = BytesIO()
            Picture.new("L", (FETCHED.width, FETCHED.height)).save(file, "JPEG")
            digest = await self._files.write(file.getvalue())
            record = msgspec.structs.replace(FETCHED, digest=digest, size=len(file.getvalue()))
        await self.stores.images.save(PICTURE, record, None)

    async def tell(self, **changes: Any) -> None:
        """What TikTok says of the shop, or the seller."""
        changes.pop("revision", None)

        def changed(record: ChannelRecord) -> ChannelRecord:
            return msgspec.structs.replace(record, **changes)

        await self.stores.channels.change(TIKTOK, changed)

    async def stocked(self, name: str, on_hand: int = 5) -> ProductId:
        """A product of that name with one SKU, and so many of it."""
        (product_id,) = await self.stocked_many([name], on_hand)
        return product_id

    async def stocked_many(self, names: list[str], on_hand: int = 5) -> list[ProductId]:
        writes = [
            Write(_named(name), None, {SkuId(f"s_{name}"): on_hand}, "test") for name in names
        ]
        saved = await self.stores.products.save_many(writes)
        return [each.id for each in saved if isinstance(each, Product)]

    async def on_sale(self, *products: ProductId) -> None:
        """TikTok has approved these."""
        await self.judged(*products)

    async def judged(self, *products: ProductId, **said: Any) -> None:
        """What TikTok says of these now, on sale unless said."""
        assert self._fence is not None
        base = msgspec.structs.replace(LISTING, verdict_at=self.now(), **said)
        listings = [_of(base, product) for product in products]
        await self.stores.listings.save(listings, self._fence)

    async def rules(self, rules: CategoryRules) -> None:
        """What TikTok asks of products in a category."""
        assert self._fence is not None
        await self.stores.categories.save_rules([rules], self._fence)

    async def progress(self, progress: Progress) -> None:
        """How far the sync is."""
        assert self._fence is not None
        await self.stores.progress.save(progress, self._fence)


def _named(name: str) -> Product:
    return msgspec.structs.replace(
        PRODUCT,
        id=ProductId(f"p_{name}"),
        handle=name,
        title=f"The {name}",
        skus=(Sku(SkuId(f"s_{name}"), price=1250, seller_sku=name.upper()),),
    )


def _of(listing: Listing, product: ProductId) -> Listing:
    return msgspec.structs.replace(listing, product=product, remote_id=f"17{product}")
