"""What the shop keeps: immutable records, to and from JSON in Redis.

Times are unix seconds, money is an integer of the currency's minor units. Of TikTok's words, those
that this version does not know are kept as they came.
"""

from typing import Literal, NewType

import msgspec

ProductId = NewType("ProductId", str)
SkuId = NewType("SkuId", str)
ChannelId = NewType("ChannelId", str)

TIKTOK = ChannelId("tiktok")
CHANNELS = (TIKTOK,)
"""Where products are sold beside the shop itself."""

SCHEMA_VERSION = 1


# ---- the catalogue


class Image(msgspec.Struct, frozen=True):
    """A picture by its address; what was fetched from there is an ImageRecord."""

    url: str
    alt: str = ""


class Sku(msgspec.Struct, frozen=True):
    """One variant. `options` are its values of the product's options, in their order;
    `seller_sku` is the shop's own code, "" where it has none."""

    id: SkuId
    price: int
    seller_sku: str = ""
    options: tuple[str, ...] = ()
    barcode: str = ""
    weight_g: int | None = None
    image_url: str | None = None


ProductStatus = Literal["active", "draft", "archived"]


class Product(msgspec.Struct, frozen=True):
    """`handle` names it in imports and is unique; `description` is HTML. Only an `active` one is
    sold; a channel in `left_out` is one where the shop does not want it."""

    id: ProductId
    handle: str
    title: str
    currency: str
    skus: tuple[Sku, ...]
    description: str = ""
    vendor: str = ""
    type: str = ""
    tags: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    status: ProductStatus = "active"
    left_out: tuple[ChannelId, ...] = ()
    certifications: tuple[str, ...] = ()
    created_at: float = 0.0
    updated_at: float = 0.0
    revision: int = 1
    version: int = SCHEMA_VERSION


class Stock(msgspec.Struct, frozen=True):
    """Units of one SKU. `on_hand` counts what is `committed` to orders, and what is set aside
    for channels in `quotas`; the rest is free.

    A channel has a quota, be it 0, while what it sells is bounded by what is set aside for it. Of
    one in `doubts` it is not known which level it has: the number is that of its `generations`,
    which counts up each time that happens. One in `unbound` may offer more than its quota. `sold`
    are the units ever taken in from a channel's orders. `wanted` units should be free until
    `wanted_until` (unix seconds): an order lacks so many, or a person would take them away.
    """

    on_hand: int = 0
    committed: int = 0
    quotas: dict[ChannelId, int] = {}
    doubts: dict[ChannelId, int] = {}
    generations: dict[ChannelId, int] = {}
    unbound: tuple[ChannelId, ...] = ()
    sold: dict[ChannelId, int] = {}
    wanted: int = 0
    wanted_until: float = 0.0
    revision: int = 0

    @property
    def free(self) -> int:
        return self.on_hand - self.committed - sum(self.quotas.values())

    @property
    def available(self) -> int:
        """What could still be sold, wherever."""
        return self.on_hand - self.committed


class ImageRecord(msgspec.Struct, frozen=True):
    """What became of an image's address. `digest` is the SHA-256 of its bytes, in hex."""

    state: Literal["waiting", "fetched", "failed"] = "waiting"
    reason: str = ""
    digest: str = ""
    content_type: str = ""
    width: int = 0
    height: int = 0
    size: int = 0
    tries: int = 0
    at: float = 0.0


# ---- the channel


class RemoteShop(msgspec.Struct, frozen=True):
    """A shop at TikTok that the seller's authorization covers."""

    id: str
    name: str
    region: str
    cipher: str
    seller_type: str = ""


class Authorization(msgspec.Struct, frozen=True):
    """The pair of tokens, sealed by the vault, and whose it is."""

    access_sealed: str
    refresh_sealed: str
    access_expires_at: float
    refresh_expires_at: float
    scopes: tuple[str, ...] = ()
    seller_name: str = ""
    open_id: str = ""


class Prerequisite(msgspec.Struct, frozen=True):
    """One of TikTok's checks of the shop."""

    item: str
    failed: bool
    reasons: tuple[str, ...] = ()


class Warehouse(msgspec.Struct, frozen=True):
    id: str
    name: str
    status: str
    """ENABLED, DISABLED, RESTRICTED, or a word we do not know."""
    type: str = ""
    is_default: bool = False


class StockPolicy(msgspec.Struct, frozen=True):
    """How stock is offered at a channel. In `escrow` what is offered there is set aside, `share`
    percent of what can be sold (None: by where the sales are). `buffered` offers all but `buffer`
    units, and can sell twice what two channels sell at the same time."""

    mode: Literal["escrow", "buffered"] = "escrow"
    share: int | None = None
    buffer: int = 0


Tier = Literal["beginner", "standard", "premium", "pro"]


class Attempt(msgspec.Struct, frozen=True):
    """A seller's consent on its way to a connection, step by step: the sealed code of the
    consent page, then the pair of tokens it was exchanged for, then the shops to choose from."""

    began_at: float
    code_sealed: str = ""
    authorization: Authorization | None = None
    choices: tuple[RemoteShop, ...] = ()


class ChannelRecord(msgspec.Struct, frozen=True):
    """TikTok as a channel: what the seller says, what TikTok said and when.

    It is connected while it has an `authorization`; `shop` is the one it is or was connected to,
    whose listings are kept for the day it is connected again. `attempt` is what is under way to
    connect it, beside a connection that still works. `doubted_at` is when something made us ask
    whether the authorization is still good, and `refusal` how the last attempt ended, in words and
    by its code.
    """

    authorization: Authorization | None = None
    shop: RemoteShop | None = None
    connected_at: float | None = None
    attempt: Attempt | None = None
    refusal: str = ""
    refusal_code: str = ""
    tier: Tier | None = None
    account_attested_at: float | None = None
    auto_sync: bool = True
    stock: StockPolicy = StockPolicy()
    prerequisites: tuple[Prerequisite, ...] = ()
    prerequisites_at: float | None = None
    warehouses: tuple[Warehouse, ...] = ()
    warehouses_at: float | None = None
    kyc_pending: bool = False
    doubted_at: float | None = None
    deauthorized_at: float | None = None
    authorization_ends_at: float | None = None
    last_error: str = ""
    orders_day: str = ""
    orders_count: int = 0
    revision: int = 0
    version: int = SCHEMA_VERSION

    @property
    def is_connected(self) -> bool:
        return self.shop is not None and self.authorization is not None


class Failure(msgspec.Struct, frozen=True):
    """Why TikTok did not take something; `tries` counts the attempts at the same thing, which
    `about` tells from others: the kind of the change, a blank and a digest of it."""

    code: str
    message: str
    at: float
    tries: int = 1
    about: str = ""


class Listing(msgspec.Struct, frozen=True):
    """A product at TikTok. `create_key` is chosen before it is created, so that a repeated
    create makes no second one; `sending` is a digest of what was to be created when that was last
    tried, at `sent_at`. `content` is a digest of what was last sent and taken, `structure` one of
    the SKUs in it, `prices` and `stocks` what TikTok has by SKU: what is being changed is missing
    there until it was taken. `status`, `audit` and `reasons` are TikTok's words, last heard at
    `verdict_at`, of a product that changed there at `remote_updated_at`. `parked`: it was
    deactivated by us, so we activate it again. `left_out` says why it is not to be sold there."""

    product: ProductId
    create_key: str
    remote_id: str | None = None
    remote_skus: dict[SkuId, str] = {}
    status: str | None = None
    audit: str | None = None
    pre_approved: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    verdict_at: float | None = None
    remote_updated_at: int | None = None
    sending: str = ""
    sent_at: float | None = None
    warehouse: str = ""
    content: str = ""
    structure: str = ""
    prices: dict[SkuId, int] = {}
    stocks: dict[SkuId, int] = {}
    sku_faults: dict[SkuId, str] = {}
    failure: Failure | None = None
    left_out: str = ""
    parked: bool = False
    version: int = SCHEMA_VERSION


class Category(msgspec.Struct, frozen=True):
    """A node of TikTok's category tree."""

    id: str
    parent_id: str
    name: str
    is_leaf: bool
    permission: str
    """AVAILABLE, INVITE_ONLY, NON_MAIN_CATEGORY, or a word we do not know."""


class CertificationRule(msgspec.Struct, frozen=True):
    id: str
    name: str
    is_required: bool


class CategoryRules(msgspec.Struct, frozen=True):
    """What TikTok asks of products in a category, as it was at `at`."""

    category_id: str
    certifications: tuple[CertificationRule, ...] = ()
    at: float = 0.0


# ---- what is shown

Eligibility = Literal["eligible", "pending", "ineligible", "unknown"]
Colour = Literal["green", "amber", "red", "grey"]


class Reason(msgspec.Struct, frozen=True):
    """One reason of a verdict: a `code` of docs/eligibility.md, what is the matter, and what
    to do about it."""

    code: str
    text: str
    mend: str


class Badge(msgspec.Struct, frozen=True):
    """Whether a product may be sold on a channel. `known_at` is when the oldest knowledge it
    rests on was had; from `stale_at` on it is grey unless told anew."""

    channel: ChannelId
    eligibility: Eligibility
    colour: Colour
    sold_out: bool
    reasons: tuple[Reason, ...] = ()
    known_at: float | None = None
    stale_at: float | None = None


# ---- the rundown and notices

NoticeKind = Literal[
    "product",
    "stock",
    "image",
    "listing",
    "channel",
    "categories",
    "progress",
    "import",
    "hint",
    "order",
    "sales",
    "all",
]


class Notice(msgspec.Struct, frozen=True):
    """Something in the store has changed: told to every server on the same Redis. `hint` is a word
    from a channel that something there has; `sales`: they count for another show now; `all` is what
    a listener is told that may have missed some."""

    kind: NoticeKind
    ids: tuple[str, ...] = ()
