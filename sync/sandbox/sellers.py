"""The sellers of the sandbox and their shops: who may sell what, from where."""

import hashlib

import msgspec

from sync.sandbox.ids import CategoryId, OpenId, ShopId, WarehouseId
from sync.sandbox.wire import WAREHOUSE_ENABLED

CURRENCIES = {"US": "USD", "GB": "GBP"}
REGION_NAMES = {"US": "United States", "GB": "United Kingdom"}


class Warehouse(msgspec.Struct):
    """`effect_status` is what it is by itself; an order limit or a holiday restricts it beside."""

    id: WarehouseId
    name: str
    type: str = "SALES_WAREHOUSE"
    is_default: bool = False
    effect_status: str = WAREHOUSE_ENABLED


class Subscription(msgspec.Struct, frozen=True):
    """Where webhooks of a type go. Times are unix seconds."""

    address: str
    create_time: int
    update_time: int


class Shop(msgspec.Struct):
    """A shop and what its seller has settled with TikTok.

    `failing` are the prerequisites that are not met, each with TikTok's reasons; `granted` the
    categories of its own permission; `product_limit` and `orders_per_day` the tier's, None
    without one. `restock` says of SKUs whether a cancellation restocks them: TikTok does, unless
    told otherwise; `restock_all` is what holds for those not named.
    """

    id: ShopId
    name: str
    region: str
    cipher: str
    code: str
    warehouses: list[Warehouse]
    seller_type: str = "LOCAL"
    failing: dict[str, list[str]] = {}
    granted: set[CategoryId] = set()
    kyc_pending: bool = False
    product_limit: int | None = None
    orders_per_day: int | None = None
    holiday: bool = False
    restock: dict[str, bool] = {}
    restock_all: bool = True
    webhooks: dict[str, Subscription] = {}

    @property
    def currency(self) -> str:
        return CURRENCIES[self.region]

    def restocks(self, sku_id: str) -> bool:
        return self.restock.get(sku_id, self.restock_all)

    def sales_warehouses(self) -> list[Warehouse]:
        return [place for place in self.warehouses if place.type == "SALES_WAREHOUSE"]


class Seller(msgspec.Struct):
    """An account that authorizes apps. `key` is its name in the sandbox's control and pages."""

    key: str
    open_id: OpenId
    name: str
    base_region: str
    shops: list[Shop]
    user_type: int = 0


def _token(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _shop(number: int, name: str, region: str) -> Shop:
    base = 7495540735365777000 + number * 10
    return Shop(
        id=ShopId(str(base + 507)),
        name=name,
        region=region,
        cipher=f"GCP_{_token(name, 28)}",
        code=f"{region}LC{_token(name, 6).upper()}",
        warehouses=[
            Warehouse(WarehouseId(str(base - 400)), "Main warehouse", is_default=True),
            Warehouse(WarehouseId(str(base - 399)), "Returns", type="RETURN_WAREHOUSE"),
        ],
    )


def default_sellers() -> list[Seller]:
    """One seller with one shop, one with a shop in each of two markets, one with none yet."""
    return [
        Seller(
            "cedar",
            OpenId(f"7010{_token('cedar', 20)}"),
            "Cedar & Co",
            "US",
            [_shop(1, "Cedar & Co", "US")],
        ),
        Seller(
            "harbour",
            OpenId(f"7010{_token('harbour', 20)}"),
            "Harbour Goods",
            "US",
            [_shop(2, "Harbour Goods US", "US"), _shop(3, "Harbour Goods UK", "GB")],
        ),
        Seller("sprout", OpenId(f"7010{_token('sprout', 20)}"), "Sprout", "US", []),
    ]
