"""A shop whose products are at TikTok, shoppers who buy there, and whoever takes the orders in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from sync.catalogue.product_draft import Ids
from sync.model import TIKTOK, Listing, SkuId, Stock
from sync.orders.buyer import Buyer, opened
from sync.orders.desk import Desk
from sync.orders.intake import Intake
from sync.orders.order import Held, LineId, Order
from sync.orders.taking import Taking
from sync.orders.tiktok_desk import TikTokDesk
from sync.orders.tiktok_order import order_id
from sync.store.hints import Hint
from sync.store.lease import Fence, Lease
from sync.tiktok import webhooks, wire
from tests.sync.sidecar.rig import AUDIT_S, MUGS, PICTURE, Rig

TOPICS = (
    wire.Topic.ORDER_STATUS_CHANGE,
    wire.Topic.CANCELLATION_STATUS_CHANGE,
    wire.Topic.RETURN_STATUS_CHANGE,
)
BUYER_DATA_DAYS = 60


class Market:
    """`remote` are TikTok's SKUs by the names of products. `heard` counts webhooks that came."""

    def __init__(self, rig: Rig, fence: Fence) -> None:
        self.rig = rig
        self.fence = fence
        self.control = rig.control
        self.stores = rig.stores
        self.orders = rig.stores.orders
        self.remote: dict[str, str] = {}
        self.heard = 0
        self.intake = self._intake()
        self.taking = self.new_taking()
        self.desk = Desk(
            rig.stores,
            Ids(rig.now, lambda bits: 0),
            rig.vault,
            TikTokDesk(rig.tiktok, rig.stores.channels, self.intake),
            buyer_data_days=BUYER_DATA_DAYS,
            now=rig.now,
            clock=rig.now,
            sleep=rig.wait,
        )

    @property
    def shop(self) -> wire.ShopCipher:
        return wire.ShopCipher(self.rig.sandbox.world.market(None).shop.cipher)

    def new_taking(self) -> Taking:
        """That of a server that takes over."""
        rig = self.rig
        return Taking(rig.tiktok, rig.stores, self._intake(), self.fence, rig.now)

    def _intake(self) -> Intake:
        rig = self.rig
        return Intake(
            rig.tiktok, rig.stores, rig.vault, buyer_data_days=BUYER_DATA_DAYS, now=rig.now
        )

    async def created(self, name: str, level: int) -> wire.Saved:
        """A product that TikTok sells `level` units of, and that nobody here knows yet."""
        tiktok = self.rig.tiktok
        image = await tiktok.upload_image(PICTURE)
        [place] = [
            each for each in (await self.stores.channels.get(TIKTOK)).warehouses if each.is_default
        ]
        draft = wire.Draft(
            title=f"The {name}",
            description="<p>All about it.</p>",
            category_id=MUGS,
            image_uris=(image.uri,),
            skus=(
                wire.SkuDraft(
                    seller_sku=name.upper(),
                    price_minor=1250,
                    currency="USD",
                    stock=(wire.Level(place.id, level),),
                ),
            ),
            external_product_id=f"p_{name}",
            package_weight=wire.Weight("0.5", "KILOGRAM"),
            package_dimensions=wire.Size("10", "10", "10", "CENTIMETER"),
        )
        saved = await tiktok.create_product(self.shop, draft, f"key-{name}")
        await self.rig.wait(AUDIT_S + 1)
        self.remote[name] = saved.skus[0].id
        return saved

    async def listed(self, name: str = "mug", units: int = 10, level: int = 5) -> None:
        """A product with `units` on hand, `level` of them set aside and offered at TikTok."""
        product = await self.rig.add(name, units=units)
        saved = await self.created(name, level)
        await self.claim(name, saved)
        await self.stores.stocks.reserve({product.skus[0].id: level}, TIKTOK, self.fence)

    async def claim(self, name: str, saved: wire.Saved) -> None:
        """Write down that TikTok's product is ours."""
        product = (await self.stores.products.by_handle([name]))[name]
        remote_skus = {product.skus[0].id: saved.skus[0].id}
        listing = Listing(
            product.id, f"key-{name}", remote_id=saved.product_id, remote_skus=remote_skus
        )
        await self.stores.listings.save([listing], self.fence)

    async def bought(self, units: int = 1, name: str = "mug", **said: Any) -> str:
        """TikTok's id of an order that waits to be sent: it was paid, and the hour is over in which
        it is cancelled freely."""
        remote_id = await self.ordered(units, name, paid=True, **said)
        await self.rig.wait(3600)
        return remote_id

    async def ordered(self, units: int = 1, name: str = "mug", **said: Any) -> str:
        order = await self.control.buy(self.remote[name], units, **said)
        return str(order["id"])

    async def follow(self) -> None:
        """Take in what hints name, as the server does that syncs."""
        await self.rig.sandbox.world.courier.settled()
        hints = await self.stores.hints.all()
        await self.taking.take([hint.id for hint in hints if hint.kind == "order"])
        await self.stores.hints.seen(hints)

    async def order(self, remote_id: str) -> Order:
        return await self.orders.get(order_id(remote_id))

    async def held(self, remote_id: str) -> dict[LineId, Held]:
        found = await self.orders.held([order_id(remote_id)])
        return found[order_id(remote_id)]

    async def stock(self, name: str = "mug") -> Stock:
        return await self.stores.stocks.get(SkuId(f"s_{name}"))

    async def units(self, name: str = "mug") -> tuple[int, int, int]:
        """On hand, committed, and set aside for TikTok."""
        stock = await self.stock(name)
        return stock.on_hand, stock.committed, stock.quotas.get(TIKTOK, 0)

    async def buyer(self, remote_id: str) -> Buyer | None:
        text = await self.stores.buyers.get(await self.order(remote_id))
        return None if text is None else opened(text, self.rig.vault)

    async def requests(self, endpoint: str) -> int:
        """How often TikTok was asked for it, with whatever answer."""
        return sum((await self.control.requests()).get(endpoint, {}).values())

    async def take_webhook(self, request: web.Request) -> web.Response:
        self.heard += 1
        event = webhooks.parse(await request.read())
        about = getattr(event.data, "order_id", None)
        if about is not None:
            hint = Hint("order", about)
            await self.stores.hints.add(hint, event.notification_id, event.shop_id or "")
        return web.Response()


@asynccontextmanager
async def opened_market(rig: Rig) -> AsyncIterator[Market]:
    """Webhooks of orders arrive."""
    fence = await Lease(rig.connection, holder="taking").acquire()
    assert fence is not None
    market = Market(rig, fence)
    app = web.Application()
    app.router.add_post("/orders", market.take_webhook)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}/orders"
        for topic in TOPICS:
            await rig.tiktok.set_webhook(market.shop, topic, address)
        yield market
    finally:
        await runner.cleanup()
