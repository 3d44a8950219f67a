"""Commands on a show's rundown: the products to come, in order, one of them pinned."""

from collections.abc import Container, Iterable, Mapping, Sequence

from mediaserver.errors import BadRequest
from mediaserver.show.core import ShowCore
from mediaserver.show.product_cards import wanted_pictures
from sync.eligibility.badges import Looked
from sync.model import TIKTOK, ChannelId, ProductId

MOST_ON_TIKTOK = 100
"""Products that one LIVE of TikTok takes."""

MAX_RUNDOWN = 500


class RundownCommands(ShowCore):
    async def set_rundown(
        self, products: Sequence[ProductId], looked: Mapping[ProductId, Looked]
    ) -> bool:
        """Let `products` be the rundown; what was `looked` at now is told with it. A pinned product
        that stays on it stays pinned. Raises BadRequest for too many of them."""
        check_length(products, self.record.channels)
        async with self._lock:
            pinned = self.record.pinned if self.record.pinned in products else None
            if looked:
                self._shelf.put(products, self.channels, looked, self._now())
            return await self._commit(self.record.but(rundown=tuple(products), pinned=pinned))

    async def pin(self, product: ProductId | None) -> bool:
        """Pin one of the rundown's products, or none. Raises BadRequest."""
        async with self._lock:
            if product is not None and product not in self.record.rundown:
                raise BadRequest("is not on the rundown: put it there first", "product")
            return await self._commit(self.record.but(pinned=product))

    def show_products(
        self,
        products: Iterable[ProductId],
        channels: Iterable[ChannelId],
        looked: Mapping[ProductId, Looked],
    ) -> None:
        """Tell what was found of `products` and their badges on `channels`, where that is news."""
        before = self.rundown_view()
        self._shelf.put(products, channels, looked, self._now())
        self._tell_rundown(before)

    def forget_products(self) -> None:
        """They have changed, and were not looked at since."""
        before = self.rundown_view()
        self._shelf.forget()
        self._tell_rundown(before)

    def lose_products(self) -> None:
        """The store is away: badges turn grey."""
        before = self.rundown_view()
        if self._shelf.away():
            self._tell_rundown(before)

    def lacks_products(self) -> bool:
        """Whether products of the rundown have to be looked at."""
        return self._shelf.lacks(self.record.rundown, self.channels)

    @property
    def products_due_at(self) -> float:
        """When a badge turns by time alone (unix seconds)."""
        return self._shelf.due_at

    def wanted_pictures(self) -> list[str]:
        """The addresses of the pictures that products on canvases may need, the soonest first."""
        return wanted_pictures(self.record, self._standing)

    def show_picture(self, url: str, file: bytes | None) -> None:
        """Have `file` be the picture of that address; None where there is none."""
        if self._pictures.get(url) == file:
            return
        kept = {key: data for key, data in self._pictures.items() if key != url}
        self._pictures = kept if file is None else {**kept, url: file}
        self._air.deal(self._cards())

    def keep_pictures(self, urls: Container[str]) -> None:
        """Have no pictures but those of `urls` any more."""
        self._pictures = {key: data for key, data in self._pictures.items() if key in urls}

    def _tell_rundown(self, before: object) -> None:
        self._air.deal(self._cards())
        if (view := self.rundown_view()) != before:
            self.events.publish("rundown", view)


def check_length(products: Sequence[ProductId], channels: Sequence[str]) -> None:
    """Raises BadRequest for a rundown that is longer than one of the channels takes."""
    count = len(products)
    if TIKTOK in channels and count > MOST_ON_TIKTOK:
        raise BadRequest(
            f"has {count} products, and TikTok takes {MOST_ON_TIKTOK} in a LIVE: leave some out, "
            "or take tiktok out of the show's channels",
            "products",
        )
    if count > MAX_RUNDOWN:
        raise BadRequest(f"has {count} products, and a show has {MAX_RUNDOWN} at most", "products")
