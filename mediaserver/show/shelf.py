"""What is known of the products on a show's rundown, to be told without asking the store."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

from mediaserver.badge_view import badge_view
from mediaserver.packet import CanvasId
from mediaserver.show.showing import Standing
from sync.eligibility.badge import unread
from sync.eligibility.badges import Looked
from sync.eligibility.tier import next_day
from sync.model import Badge, ChannelId, ProductId

View = dict[str, Any]


def image_path(product_id: ProductId) -> str:
    """Where this server gives the product's first picture."""
    return f"/api/v1/products/{product_id}/images/0.jpg"


class Shelf:
    """The products that were last looked at, None where there was none of that id."""

    def __init__(self) -> None:
        self._products: dict[ProductId, Looked | None] = {}
        self._channels: frozenset[ChannelId] = frozenset()
        self._is_away = False
        self._due_at = float("inf")

    @property
    def due_at(self) -> float:
        """When a badge turns by time alone (unix seconds)."""
        return self._due_at

    def put(
        self,
        products: Iterable[ProductId],
        channels: Iterable[ChannelId],
        looked: Mapping[ProductId, Looked],
        now: float,
    ) -> None:
        """What was found of `products` at `now`; of others nothing is known any more."""
        self._products = {product: looked.get(product) for product in products}
        self._channels = frozenset(channels)
        self._is_away = False
        badges = [b for each in looked.values() for b in each.badges.values()]
        stale = [badge.stale_at for badge in badges if badge.stale_at is not None]
        self._due_at = min([*stale, next_day(now)]) if looked else float("inf")

    def forget(self) -> None:
        """They have changed, and were not looked at since."""
        self._products = {}

    def away(self) -> bool:
        """The store does not answer: nothing is known for sure. Whether that is news."""
        was_away, self._is_away = self._is_away, True
        return not was_away

    def lacks(self, products: Iterable[ProductId], channels: Iterable[ChannelId]) -> bool:
        """Whether some of these were not looked at, or not since the store was away."""
        return (
            self._is_away
            or not self._channels.issuperset(channels)
            or any(product not in self._products for product in products)
        )

    def standing(
        self,
        product_id: ProductId,
        rundown: Container[ProductId],
        channels: Iterable[ChannelId],
        now: float,
    ) -> Standing:
        """What is known of the product; while the store is away, what was known before."""
        return Standing(
            product_id in rundown,
            product_id in self._products,
            self._products.get(product_id),
            {channel: self._badge(product_id, channel, now) for channel in channels},
        )

    def view(
        self,
        rundown: Iterable[ProductId],
        pinned: ProductId | None,
        channels: Iterable[ChannelId],
        places: Mapping[ProductId, Mapping[CanvasId, View]],
        now: float,
    ) -> View:
        """`places` are the canvases that are to show products, with whether they do."""
        names = tuple(channels)
        products = [
            self._product_view(each, each == pinned, names, now)
            | {"canvases": places.get(each, {})}
            for each in rundown
        ]
        return {"products": products, "pinned": pinned}

    def _product_view(
        self,
        product_id: ProductId,
        is_pinned: bool,
        channels: tuple[ChannelId, ...],
        now: float,
    ) -> View:
        looked = self._products.get(product_id)
        badges = {channel: self._badge(product_id, channel, now) for channel in channels}
        product = looked.product if looked else None
        prices = [sku.price for sku in product.skus] if product else []
        return {
            "id": product_id,
            "title": product.title if product else None,
            "price": min(prices, default=None),
            "currency": product.currency if product else None,
            "image": image_path(product_id) if product and product.images else None,
            "available": looked.available if looked else 0,
            "sold_out": looked is not None and looked.available == 0,
            "pinned": is_pinned,
            "badges": {channel: badge_view(badge) for channel, badge in badges.items()},
        }

    def _badge(self, product_id: ProductId, channel: ChannelId, now: float) -> Badge:
        if self._is_away:
            return unread(channel, "store_away")
        if product_id not in self._products:
            return unread(channel, "not_looked")
        looked = self._products[product_id]
        if looked is None:
            return unread(channel, "product_gone")
        badge = looked.badges.get(channel)
        if badge is None or (badge.stale_at is not None and now >= badge.stale_at):
            return unread(channel, "not_looked")
        return badge
