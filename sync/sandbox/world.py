"""All that the sandbox holds, in one place that its calls, shoppers and control share."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sync.sandbox import wire
from sync.sandbox.aftersales import Aftersales
from sync.sandbox.audit import Auditor
from sync.sandbox.clock import SandboxClock
from sync.sandbox.errors import ControlError
from sync.sandbox.events import PreApprovedForm
from sync.sandbox.faults import Faults
from sync.sandbox.hooks import Hooks
from sync.sandbox.ids import Ids, ShopId
from sync.sandbox.images import Images
from sync.sandbox.limits import RateLimit
from sync.sandbox.lives import Lives
from sync.sandbox.orders import OrderBook
from sync.sandbox.products import Catalogue
from sync.sandbox.sellers import Seller, Shop, Warehouse, default_sellers
from sync.sandbox.tokens import Tokens
from sync.sandbox.webhooks import Courier

APP_KEY = "6sandbox0app1"
APP_SECRET = "5b1f7c0d9e3a4286b7d8e9f0a1b2c3d4e5f60718"
SERVICE_ID = "7310000000000000001"

DAY_S = 24 * 3600


@dataclass(frozen=True)
class SandboxSettings:
    """How a sandbox begins; its control changes most of it later.

    `start` is the unix seconds at which a clock begins that is not the machine's; a
    `manual_clock` stands still but for control. `requests_per_second` is allowed to the app with
    each seller, None any number. `hold_s` is how long a paid order can be cancelled freely,
    `refund_s` how long it takes until a buyer has the money back.
    """

    host: str = "127.0.0.1"
    port: int = 0
    redirect_url: str | None = None
    start: float | None = None
    manual_clock: bool = False
    requests_per_second: float | None = None
    audit_s: float = 5.0
    hold_s: float = 3600.0
    refund_s: float = 60.0
    pre_approved_form: PreApprovedForm = "example"
    app_key: str = APP_KEY
    app_secret: str = APP_SECRET
    service_id: str = SERVICE_ID


@dataclass
class Market:
    """What belongs to one shop."""

    shop: Shop
    seller: Seller
    catalogue: Catalogue = field(default_factory=Catalogue)
    orders: OrderBook = field(default_factory=OrderBook)
    lives: Lives = field(default_factory=Lives)
    aftersales: Aftersales = field(default_factory=Aftersales)

    def orders_left(self, now: float) -> int | None:
        """How many more orders the tier allows today (UTC), None without a limit."""
        if self.shop.orders_per_day is None:
            return None
        midnight = int(now // DAY_S) * DAY_S
        return max(0, self.shop.orders_per_day - self.orders.created_since(midnight))

    def effect_status(self, warehouse: Warehouse, now: float) -> str:
        """What a warehouse is now: restricted in holidays and where no order is left today."""
        if self.shop.holiday or self.orders_left(now) == 0:
            return wire.WAREHOUSE_RESTRICTED
        return warehouse.effect_status

    def failing(self) -> dict[str, list[str]]:
        """The prerequisites that are not met, with the reasons."""
        found = dict(self.shop.failing)
        limit = self.shop.product_limit
        if limit is not None and self.catalogue.listed >= limit:
            reason = f"The shop lists {self.catalogue.listed} of {limit} products."
            found["PRODUCT_QUANTITY_LIMIT"] = [reason]
        return found


class World:
    """The state of a sandbox, and what keeps it."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.app_key = settings.app_key
        self.app_secret = settings.app_secret
        self.service_id = settings.service_id
        self.redirect_url = settings.redirect_url
        self.scopes: tuple[str, ...] = wire.SCOPES
        self.hold_s = settings.hold_s
        self.refund_s = settings.refund_s
        self.clock = SandboxClock(start=settings.start, manual=settings.manual_clock)
        self.ids = Ids()
        self.sellers = {seller.key: seller for seller in default_sellers()}
        self.markets = {
            shop.id: Market(shop, seller)
            for seller in self.sellers.values()
            for shop in seller.shops
        }
        self.tokens = Tokens(self.clock)
        self.images = Images()
        self.faults = Faults()
        self.hooks = Hooks()
        self.limit = RateLimit(self.clock, settings.requests_per_second)
        self.courier = Courier(self.clock, self.ids, self.app_key, self.app_secret)
        self.auditor = Auditor(
            self.clock, self.courier, settings.audit_s, settings.pre_approved_form
        )
        self.wall_clock: Callable[[], float] = time.time
        self.closing = asyncio.Event()
        """Set when the server ends, for whoever waits for that."""
        self.requests: Counter[tuple[str, int]] = Counter()
        """How often each endpoint was answered with each code."""

    def seller(self, key: str) -> Seller:
        """Raises ControlError."""
        if (seller := self.sellers.get(key)) is None:
            known = ", ".join(self.sellers)
            raise ControlError(f"there is no seller {key!r}: the sellers are {known}")
        return seller

    def market(self, shop_id: str | None) -> Market:
        """The market of a shop, the first of all for None. Raises ControlError."""
        if shop_id is None:
            return next(iter(self.markets.values()))
        if (market := self.markets.get(ShopId(shop_id))) is None:
            raise ControlError(f"there is no shop {shop_id!r}")
        return market
