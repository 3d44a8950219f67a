"""What happens in the shop, told to whoever listens to all of it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from mediaserver.badge_view import badges_view
from mediaserver.broadcast import Broadcast
from mediaserver.view import View
from sync.eligibility.badges import Badges
from sync.errors import NotFound, SyncError
from sync.model import TIKTOK, Notice, ProductId
from sync.orders.order import OrderId

log = logging.getLogger(__name__)

MOST_TOLD = 50
"""Products and orders that are told of one by one. When more have changed at once, listeners get
the state, and read again what they show."""

_RETRY_S = 1.0

_PAUSE_S = 0.2
"""After the state was told: while a file is imported, products change all the time."""

Teller = Callable[[], Awaitable[View]]
ImportTeller = Callable[[str], Awaitable[View]]
OrderTeller = Callable[[Sequence[OrderId]], Awaitable[list[View]]]
ProductTeller = Callable[[Iterable[ProductId]], Awaitable[dict[ProductId, View]]]


class ShopNews:
    """`channel` and `progress` give the views of these, `an_import` that of one by its id, which
    raises NotFound, and `products` and `orders` those of the ones that exist."""

    def __init__(
        self,
        badges: Badges,
        *,
        channel: Teller,
        progress: Teller,
        an_import: ImportTeller,
        products: ProductTeller,
        orders: OrderTeller,
    ) -> None:
        self.events = Broadcast(lambda: self._state)
        self._badges = badges
        self._channel = channel
        self._progress = progress
        self._an_import = an_import
        self._products = products
        self._orders = orders
        self._state: dict[str, Any] = {}
        self._forget()
        self._wake = asyncio.Event()

    def note(self, notice: Notice) -> None:
        """Something has changed in the store."""
        ids = map(ProductId, notice.ids)
        match notice.kind:
            case "product" | "stock" | "image":
                self._of_products.update(ids)
            case "listing":
                self._of_badges.update(ids)
            case "channel":
                self._has_channel = True
            case "progress":
                self._has_progress = True
            case "import":
                self._imports.update(notice.ids)
            case "order":
                self._of_orders.update(map(OrderId, notice.ids))
            case "categories" | "all":
                self._has_all = True
        self._wake.set()

    async def refresh(self) -> None:
        """Read the state for a listener that begins. Raises StoreUnavailable."""
        channel, progress = await asyncio.gather(self._channel(), self._progress())
        self._state = {"channels": [channel], "progress": progress}

    async def hush(self, _app: object) -> None:
        """Tell listeners no more: the server ends."""
        self.events.close()

    async def run(self) -> None:
        """Tell of changes until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self.events.has_listeners:
                self._forget()
                continue
            try:
                await self._tell()
            except SyncError as error:
                log.debug("news_later reason=%s", error)
                self._has_all = True
                self._wake.set()
                await asyncio.sleep(_RETRY_S)

    async def _tell(self) -> None:
        products, badges = self._of_products, self._of_badges - self._of_products
        orders = self._of_orders
        has_channel, has_progress, imports = self._has_channel, self._has_progress, self._imports
        has_all = self._has_all or len(products) + len(badges) + len(orders) > MOST_TOLD
        self._forget()
        if has_channel or has_progress or has_all:
            await self.refresh()
        if has_all:
            self.events.publish("state", self._state)
        if has_channel and not has_all:
            self.events.publish("channel", self._state["channels"][0])
        if has_progress and not has_all:
            self.events.publish("progress", self._state["progress"])
        for import_id in sorted(imports):
            with contextlib.suppress(NotFound):  # it is forgotten after a while
                self.events.publish("import", await self._an_import(import_id))
        if has_all:
            await asyncio.sleep(_PAUSE_S)
            return
        await self._tell_products(products)
        for order in await self._orders(sorted(orders)):
            self.events.publish("order", order)
        for product, found in (await self._badges.of(sorted(badges), [TIKTOK])).items():
            self.events.publish("badge", {"product": product, "badges": badges_view(found)})

    async def _tell_products(self, products: set[ProductId]) -> None:
        views = await self._products(products) if products else {}
        for product in sorted(products):
            if product in views:
                self.events.publish("product", views[product])
            else:
                self.events.publish("product_removed", {"id": product})

    def _forget(self) -> None:
        self._of_products: set[ProductId] = set()
        self._of_badges: set[ProductId] = set()
        self._of_orders: set[OrderId] = set()
        self._imports: set[str] = set()
        self._has_channel = self._has_progress = self._has_all = False
