"""The shop's side of this server: what is kept of it, and what keeps it in step with TikTok."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp

from mediaserver.imports import ImportDesk
from mediaserver.inventory import InventoryCheck
from mediaserver.rtmp.resolve import resolve
from mediaserver.settings import ShopSettings, TikTokSettings
from sync.catalogue.catalogue import Catalogue
from sync.catalogue.importer import Importer
from sync.catalogue.product_draft import Ids
from sync.connecting.authorizing import Authorizing
from sync.connecting.keeper import Keeper
from sync.connecting.tokens import Tokens
from sync.connection import Connection
from sync.eligibility.badges import Badges
from sync.eligibility.local_rules import Markets, markets
from sync.errors import Conflict
from sync.images.address import may_ask
from sync.images.fetcher import Fetcher
from sync.images.files import ImageFiles
from sync.images.gatherer import Gatherer
from sync.images.lookups import Lookups
from sync.model import ProductId
from sync.orders.desk import Desk
from sync.orders.intake import Intake
from sync.orders.retention import Retention
from sync.orders.tiktok_desk import TikTokDesk
from sync.sales.analytics import LiveAnalytics
from sync.sales.bookkeeper import Bookkeeper
from sync.secret import Vault
from sync.sidecar.session import Pictures
from sync.sidecar.sidecar import Sidecar
from sync.store.channel import Channels, Lock, States
from sync.store.imports import Imports
from sync.store.lease import Lease
from sync.store.notices import Notices
from sync.store.snapshot import SnapshotStore
from sync.store.stores import Stores
from sync.tiktok.client import Authorizer, TikTok
from sync.tiktok.transport import App, Transport

log = logging.getLogger(__name__)

CALLBACK_PATH = "/oauth/tiktok/callback"
WEBHOOK_PATH = "/webhooks/tiktok"

_CLOSE_WITHIN_S = 0.8
"""How long a server that ends waits for tokens that are being given to it, and renewed."""

_RESTART_S = 5.0


@dataclass(frozen=True)
class TikTokChannel:
    """TikTok Shop, spoken to as the `app` of the settings."""

    app: App
    client: TikTok
    tokens: Tokens
    authorizing: Authorizing
    keeper: Keeper


@dataclass(frozen=True)
class Kept:
    """Where files of the shop are kept; `reserve_bytes` of the disk are left to others."""

    data_dir: Path
    reserve_bytes: int


@dataclass(frozen=True)
class Showing:
    """What the shop's side asks of this server's shows: the products of the next ones in their
    order, and whether one is on air."""

    next_rundown: Callable[[], Sequence[ProductId]]
    on_air: Callable[[], bool]


class Commerce:
    """Everything of the shop that this server has one of. `now` gives unix seconds."""

    def __init__(
        self,
        connection: Connection,
        tiktok: TikTokChannel | None,
        kept: Kept,
        tasks: asyncio.TaskGroup,
        now: Callable[[], float],
        markets: Markets,
        vault: Vault,
        shop: ShopSettings,
    ) -> None:
        self.now = now
        self.markets = markets
        self.notices = Notices(connection)
        self.stores = Stores(connection, now)
        products, stocks = self.stores.products, self.stores.stocks
        ids = Ids(now, secrets.randbits)
        self.catalogue = Catalogue(products, stocks, ids)
        self.image_files = ImageFiles(kept.data_dir / "images", reserve_bytes=kept.reserve_bytes)
        imports = Imports(connection)
        importer = Importer(products, stocks, imports, ids, now)
        self.imports = ImportDesk(importer, imports, kept.data_dir / "imports", tasks, now)
        self.badges = Badges(self.stores, now, markets)
        self.inventory = InventoryCheck(products, self.badges, now)
        self.sales = Bookkeeper(connection, self.stores, shop.time_zone)
        self.live_analytics = LiveAnalytics(
            None if tiktok is None else tiktok.client, self.stores.channels, now
        )
        days = shop.buyer_data_days
        self.intake = tiktok_desk = None
        if tiktok is not None:
            self.intake = Intake(tiktok.client, self.stores, vault, buyer_data_days=days, now=now)
            tiktok_desk = TikTokDesk(tiktok.client, self.stores.channels, self.intake)
        self.desk = Desk(self.stores, ids, vault, tiktok_desk, buyer_data_days=days, now=now)
        self._tiktok = tiktok

    @property
    def has_tiktok(self) -> bool:
        return self._tiktok is not None

    @property
    def tiktok(self) -> TikTokChannel:
        """Raises Conflict where the settings name no app."""
        if self._tiktok is None:
            raise Conflict(
                "this server has no app at TikTok Shop: set SHOPCAST_TIKTOK_APP_KEY, "
                "SHOPCAST_TIKTOK_APP_SECRET and SHOPCAST_TIKTOK_SERVICE_ID, and start it again"
            )
        return self._tiktok


@asynccontextmanager
async def trading(
    connection: Connection,
    vault: Vault,
    settings: TikTokSettings,
    shop: ShopSettings,
    kept: Kept,
    *,
    base_url: str,
    holder: str,
    showing: Showing,
    tasks: asyncio.TaskGroup,
    now: Callable[[], float] = time.time,
) -> AsyncIterator[Commerce]:
    """The shop's side while the context lasts; what it does by itself runs in `tasks`. `base_url`
    is how TikTok reaches this server, `holder` what it calls itself among others."""
    async with AsyncExitStack() as stack:
        tiktok = None
        if settings.app_key and settings.app_secret and settings.service_id:
            session = await stack.enter_async_context(aiohttp.ClientSession())
            app = App(settings.app_key, settings.app_secret, settings.api_url, settings.auth_url)
            transport = Transport(session, app, now=now)
            tiktok = tiktok_channel(connection, vault, settings, app, transport, base_url, now)
            stack.push_async_callback(tiktok.tokens.close, _CLOSE_WITHIN_S)
            stack.push_async_callback(tiktok.authorizing.close, _CLOSE_WITHIN_S)
            keeping = tasks.create_task(supervised("tiktok-channel", tiktok.keeper.run))
            stack.callback(keeping.cancel)
        commerce = Commerce(
            connection,
            tiktok,
            kept,
            tasks,
            now,
            markets(settings.us_highest_price),
            vault,
            shop,
        )
        gatherer = Gatherer(
            commerce.stores.products,
            commerce.stores.images,
            commerce.notices,
            Fetcher(
                Lookups(resolve, time.monotonic),
                partial(may_ask, allow_private=shop.allow_private_images),
            ),
            commerce.image_files,
            now,
        )
        gathering = tasks.create_task(supervised("images", gatherer.run))
        stack.callback(gathering.cancel)
        retention = Retention(commerce.stores)
        erasing = tasks.create_task(supervised("buyers", retention.run))
        stack.callback(erasing.cancel)
        if tiktok is not None and commerce.intake is not None:
            snapshots = SnapshotStore(connection)
            sidecar = _sidecar(
                connection, commerce, tiktok.client, commerce.intake, holder, showing
            )

            async def sync() -> None:
                await snapshots.doubt_everything(now)  # where a restore was cut short
                await sidecar.run()

            syncing = tasks.create_task(supervised("tiktok-sync", sync))
            stack.callback(syncing.cancel)
        yield commerce


async def supervised(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a task of the shop's, and again when it fails: the show goes on meanwhile."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("task_failed task=%s", name)
        await asyncio.sleep(_RESTART_S)


def tiktok_channel(
    connection: Connection,
    vault: Vault,
    settings: TikTokSettings,
    app: App,
    transport: Transport,
    base_url: str,
    now: Callable[[], float],
) -> TikTokChannel:
    """What this server has for TikTok, nothing of it running yet."""
    channels = Channels(connection)
    held = Tokens(
        channels,
        Authorizer(transport),
        vault,
        Lock(connection, "tiktok:tokens"),
        now,
    )
    connecting = Authorizing(
        channels=channels,
        states=States(connection),
        lock=Lock(connection, "tiktok:attempt"),
        transport=transport,
        vault=vault,
        service_id=settings.service_id or "",
        consent_page=settings.authorize_url,
        now=now,
    )
    client = TikTok(transport, held)
    keeping = Keeper(
        channels=channels,
        authorizing=connecting,
        tokens=held,
        tiktok=client,
        lock=Lock(connection, "tiktok:check"),
        notices=Notices(connection),
        webhook_url=base_url + WEBHOOK_PATH,
        now=now,
    )
    return TikTokChannel(app, client, held, connecting, keeping)


def _sidecar(
    connection: Connection,
    commerce: Commerce,
    client: TikTok,
    intake: Intake,
    holder: str,
    showing: Showing,
) -> Sidecar:
    return Sidecar(
        commerce.stores,
        Pictures(commerce.stores.images, commerce.image_files),
        Lease(connection, holder=holder),
        commerce.notices,
        client,
        intake,
        markets=commerce.markets,
        next_rundown=showing.next_rundown,
        on_air=showing.on_air,
        now=commerce.now,
    )
