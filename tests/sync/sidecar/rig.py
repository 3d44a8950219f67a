"""A shop, TikTok's sandbox and sidecars between them: real Redis, real client, real HTTP, and a
clock that only moves when it is told."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec
from aiohttp import web
from cryptography.fernet import Fernet
from PIL import Image as Picture

from sync.connecting.storing import sealed
from sync.connecting.tokens import Tokens
from sync.connection import Connection
from sync.errors import Conflict
from sync.model import (
    TIKTOK,
    ChannelRecord,
    Image,
    ImageRecord,
    Listing,
    Product,
    ProductId,
    RemoteShop,
    Sku,
    SkuId,
    Warehouse,
)
from sync.orders.intake import Intake
from sync.sandbox.server import Sandbox
from sync.sandbox.wire import EVENT_TYPES
from sync.sandbox.world import SandboxSettings
from sync.secret import Secret, Vault
from sync.sidecar.session import Pictures
from sync.sidecar.sidecar import Sidecar
from sync.store.channel import Lock
from sync.store.hints import Hint
from sync.store.lease import Lease
from sync.store.notices import Notices
from sync.store.progress import Progress
from sync.store.stores import Stores
from sync.tiktok import webhooks
from sync.tiktok.client import Authorizer, TikTok
from sync.tiktok.transport import App, Transport

START = 1_800_000_000.0
AUDIT_S = 60.0
MUGS = "600154"
VASES = "600339"
REDIS_TIMEOUT_S = 60.0


class PatientConnection(Connection):
    """On a busy machine, Redis on its disk may take longer than a server would wait."""

    async def asked(
        self, command: Callable[[], Awaitable[Any]], timeout_s: float = REDIS_TIMEOUT_S
    ) -> Any:
        return await super().asked(command, max(timeout_s, REDIS_TIMEOUT_S))


class Fetched:
    """Images as if they had been fetched: by address, and by digest."""

    def __init__(self) -> None:
        self.records: dict[str, ImageRecord] = {}
        self.files: dict[str, bytes] = {}

    def add(self, url: str) -> None:
        digest = url.rsplit("/", 1)[-1]
        self.records[url] = ImageRecord("fetched", "", digest, "image/png", 320, 320, 1000)
        self.files[digest] = PICTURE

    async def many(self, urls: Sequence[str]) -> Mapping[str, ImageRecord]:
        return {url: self.records[url] for url in urls if url in self.records}

    async def again(self, urls: Sequence[str], at: float) -> None:
        for url in urls:
            self.add(url)

    async def read(self, digest: str) -> bytes | None:
        return self.files.get(digest)


def _picture() -> bytes:
    file = BytesIO()
    Picture.new("L", (320, 320)).save(file, "PNG")
    return file.getvalue()


PICTURE = _picture()


class Rig:
    """What one test has; `listed` and the like look into the sandbox."""

    def __init__(
        self,
        connection: Connection,
        sandbox: Sandbox,
        session: aiohttp.ClientSession,
        *,
        manual: bool = True,
    ) -> None:
        self.connection = connection
        self.sandbox = sandbox
        self.control = sandbox.control
        self.pictures = Fetched()
        self.rundown: list[ProductId] = []
        self.on_air = False
        clock = sandbox.world.clock
        self.now = clock.now
        self.stores = Stores(connection, self.now)
        app = App(sandbox.app_key, Secret(sandbox.app_secret), sandbox.url, sandbox.url)
        if manual:
            self.transport = Transport(
                session, app, now=self.now, clock=self.now, sleep=self.wait, jitter=lambda: 0.0
            )
        else:
            self.transport = Transport(session, app, now=self.now)
        self.vault = Vault([Secret(Fernet.generate_key().decode())])
        self.authorizer = Authorizer(self.transport)
        lock = Lock(connection, "tiktok:tokens")
        self.tokens = Tokens(self.stores.channels, self.authorizer, self.vault, lock, self.now)
        self.tiktok = TikTok(self.transport, self.tokens)
        self.intake = Intake(self.tiktok, self.stores, self.vault, buyer_data_days=60, now=self.now)

    async def wait(self, seconds: float) -> None:
        """Let time pass, and what falls due in it happen."""
        await self.control.clock(seconds)

    async def connect(
        self, seller: str = "cedar", shop_id: str | None = None, **changes: Any
    ) -> None:
        """Connect a shop of one of the sandbox's sellers, of the first by itself."""
        redirect = (await self.control.consent(seller))["redirect"]
        [code] = parse_qs(urlsplit(redirect).query)["code"]
        pair = await self.authorizer.exchange(Secret(code))
        shop = self.sandbox.world.market(shop_id).shop
        now = self.now()
        record = ChannelRecord(
            authorization=sealed(pair, self.vault),
            shop=RemoteShop(shop.id, shop.name, shop.region, shop.cipher),
            tier="pro",
            prerequisites_at=now,
            warehouses=tuple(
                Warehouse(each.id, each.name, each.effect_status, each.type, each.is_default)
                for each in shop.warehouses
            ),
            warehouses_at=now,
        )
        record = msgspec.structs.replace(record, **changes)
        await self.stores.channels.change(TIKTOK, lambda _: record)
        await self.stores.categories.save_mapping({"Mug": MUGS, "Vase": VASES})

    async def set_channel(self, **changes: Any) -> None:
        await self.stores.channels.change(
            TIKTOK, lambda record: msgspec.structs.replace(record, **changes)
        )

    def sidecar(self, holder: str = "first", *, ttl_s: float = 10.0) -> Sidecar:
        return Sidecar(
            self.stores,
            Pictures(self.pictures, self.pictures),
            Lease(self.connection, holder=holder, ttl_s=ttl_s),
            Notices(self.connection),
            self.tiktok,
            self.intake,
            next_rundown=lambda: self.rundown,
            on_air=lambda: self.on_air,
            now=self.now,
        )

    async def add(self, name: str, *, units: int = 5, **changes: Any) -> Product:
        """A product `p_NAME` with one SKU and one picture."""
        product = msgspec.structs.replace(mug(name), **changes)
        for image in product.images:
            self.pictures.add(image.url)
        on_hand = {sku.id: units for sku in product.skus}
        return await self.stores.products.save(product, None, on_hand, by="test")

    async def edit(self, product: ProductId, **changes: Any) -> Product:
        before = await self.stores.products.get(product)
        for image in changes.get("images", ()):
            self.pictures.add(image.url)
        after = msgspec.structs.replace(before, **changes)
        return await self.stores.products.save(after, before, by="test")

    async def stock(self, sku: SkuId, units: int) -> bool:
        """Whether there are so many now; if too many are set aside for TikTok, they are asked
        back."""
        stock = (await self.stores.stocks.many([sku]))[sku]
        try:
            await self.stores.stocks.set(sku, units, stock.revision, by="test")
        except Conflict:
            return False
        return True

    async def lower(self, sku: SkuId, units: int, sidecar: Sidecar) -> None:
        """Let there be fewer units, as a person does who tries it again in a moment."""
        if not await self.stock(sku, units):
            await sidecar.cycle()
            assert await self.stock(sku, units)

    async def listing(self, product: ProductId) -> Listing:
        listing = await self.stores.listings.get(product)
        assert listing is not None
        return listing

    async def there(self) -> list[dict[str, Any]]:
        """The products at TikTok that are not deleted there."""
        return [each for each in await self.control.products() if each["status"] != "DELETED"]

    async def requests(self) -> int:
        """How many requests TikTok has had since `forget_requests`."""
        counted = await self.control.requests()
        return sum(sum(codes.values()) for codes in counted.values())

    async def progress(self) -> Progress:
        return await self.stores.progress.get()

    async def take_webhook(self, request: web.Request) -> web.Response:
        event = webhooks.parse(await request.read())
        about = getattr(event.data, "product_id", None)
        if about is not None:
            await self.stores.hints.add(Hint("product", about), event.notification_id)
        return web.Response()

    async def cycles(self, sidecar: Sidecar, count: int = 2, pause_s: float = AUDIT_S) -> None:
        """Sync, and again when the audits are over and TikTok was searched."""
        for _ in range(count):
            await sidecar.cycle()
            await self.wait(pause_s)
        await sidecar.cycle()


def mug(name: str) -> Product:
    return Product(
        id=ProductId(f"p_{name}"),
        handle=name,
        title=f"The {name}",
        description=f"<p>All about the {name}.</p>",
        currency="USD",
        type="Mug",
        images=(Image(f"https://pictures.example/{name}"),),
        skus=(Sku(SkuId(f"s_{name}"), price=1250, seller_sku=name.upper()),),
    )


@asynccontextmanager
async def rigged(redis_url: str, *, hears: bool = True) -> AsyncIterator[Rig]:
    """`hears`: webhooks arrive."""
    async with AsyncExitStack() as stack:
        connection = PatientConnection(redis_url)
        stack.push_async_callback(connection.close)
        await connection.asked(connection.redis.flushall)
        settings = SandboxSettings(
            start=START,
            manual_clock=True,
            audit_s=AUDIT_S,
            redirect_url="http://127.0.0.1:1/callback",
        )
        sandbox = await stack.enter_async_context(Sandbox(settings))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        rig = Rig(connection, sandbox, session)
        await rig.connect()
        if hears:
            app = web.Application()
            app.router.add_post("/webhooks", rig.take_webhook)
            runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            address = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks"
            cipher = sandbox.world.market(None).shop.cipher
            for topic in EVENT_TYPES:
                if topic.startswith("PRODUCT_"):
                    await rig.tiktok.set_webhook(cipher, topic, address)  # type: ignore[arg-type]
        await rig.control.forget_requests()
        yield rig
