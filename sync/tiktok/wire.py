"""TikTok Shop's API as it is today: every path, version, name, code and status that we know.

It has changed under every integrator's feet: what changes there, changes here and nowhere else.
Facts: the Partner Center's pages and examples, transcribed in tests/tiktok_shapes.

Records hold what we read of TikTok's answers (sync.tiktok.reading). A field that may be missing is
None, never a made-up 0 or "": absent is not known. Statuses and codes stay the strings that TikTok
sends, for it may send new ones; the ones that we know are named below. Money stays the decimal
text that TikTok sends; `minor_units` reads it and `amount` writes it.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NewType, TypeVar
from urllib.parse import urlencode

import msgspec

from sync.errors import Invalid
from sync.secret import Secret
from sync.tiktok.reading import Known, Spelled

T = TypeVar("T")

ShopCipher = NewType("ShopCipher", str)
"""Names the shop in every call about one."""

# Hosts ------------------------------------------------------------------------------------------

API_URL = "https://open-api.tiktokglobalshop.com"
AUTH_URL = "https://auth.tiktok-shops.com"
CONSENT_URLS = {
    "US": "https://services.us.tiktokshop.com/open/authorize",
    "": "https://services.tiktokshop.com/open/authorize",
}
"""Where the seller consents: US apps and all others are registered apart."""

ACCESS_TOKEN_HEADER = "x-tts-access-token"
DENIED = "auth_denied"
"""The `error` with which the consent page sends a seller back who refused."""

CODE_LIVES_S = 30 * 60
ACCESS_TOKEN_LIVES_S = 7 * 24 * 3600


def consent_url(service_id: str, state: str, region: str = "US", base: str | None = None) -> str:
    """The page where the seller lets this app in; `base` is another page, of a sandbox."""
    page = base or CONSENT_URLS.get(region, CONSENT_URLS[""])
    return f"{page}?{urlencode({'service_id': service_id, 'state': state})}"


# Calls ------------------------------------------------------------------------------------------


class Call(msgspec.Struct, frozen=True):
    """One operation: `{id}` in `path` is filled in by the client.

    `of_shop`: it takes shop_cipher, which is an error anywhere else. `repeatable`: doing it twice
    is as good as once, so it may be sent again when nobody knows whether it was done.
    """

    name: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    of_shop: bool = True
    repeatable: bool = True
    timeout_s: float = 10.0


EXCHANGE = Call("exchange", "GET", "/api/v2/token/get", of_shop=False, repeatable=False)
REFRESH = Call("refresh", "GET", "/api/v2/token/refresh", of_shop=False)
"""These two are of AUTH_URL, unsigned, and carry their secrets in the query."""

SHOPS = Call("shops", "GET", "/authorization/202309/shops", of_shop=False)
PERMISSIONS = Call("permissions", "GET", "/seller/202309/permissions", of_shop=False)
ACTIVE_SHOPS = Call("active_shops", "GET", "/seller/202309/shops", of_shop=False)
WAREHOUSES = Call("warehouses", "GET", "/logistics/202309/warehouses")
PREREQUISITES = Call("prerequisites", "GET", "/product/202312/prerequisites")
CATEGORIES = Call("categories", "GET", "/product/202309/categories", timeout_s=30.0)
CATEGORY_RULES = Call("category_rules", "GET", "/product/202309/categories/{id}/rules")
ATTRIBUTES = Call("attributes", "GET", "/product/202309/categories/{id}/attributes", timeout_s=30.0)
LISTING_CHECK = Call("listing_check", "POST", "/product/202309/products/listing_check")
UPLOAD_IMAGE = Call(
    "upload_image", "POST", "/product/202309/images/upload", of_shop=False, timeout_s=60.0
)
CREATE_PRODUCT = Call("create_product", "POST", "/product/202309/products", timeout_s=30.0)
"""Always with an idempotency key, so it may be repeated."""

EDIT_PRODUCT = Call(
    "edit_product", "PUT", "/product/202509/products/{id}", repeatable=False, timeout_s=30.0
)
"""Sets levels of stock, too."""

PARTIAL_EDIT = Call(
    "partial_edit", "POST", "/product/202509/products/{id}/partial_edit", timeout_s=30.0
)
SEARCH_PRODUCTS = Call("search_products", "POST", "/product/202502/products/search")
GET_PRODUCT = Call("get_product", "GET", "/product/202309/products/{id}")
ACTIVATE = Call("activate", "POST", "/product/202309/products/activate")
DEACTIVATE = Call("deactivate", "POST", "/product/202309/products/deactivate")
DELETE_PRODUCTS = Call("delete_products", "DELETE", "/product/202309/products")
SET_STOCK = Call(
    "set_stock", "POST", "/product/202309/products/{id}/inventory/update", repeatable=False
)
"""What was sold between two of them would be offered again by the second."""

READ_STOCK = Call("read_stock", "POST", "/product/202309/inventory/search")
AUTO_RESTOCK = Call("auto_restock", "POST", "/product/202608/inventory/operation/settings")
SET_PRICES = Call("set_prices", "POST", "/product/202309/products/{id}/prices/update")
SEARCH_ORDERS = Call("search_orders", "POST", "/order/202309/orders/search")
GET_ORDERS = Call("get_orders", "GET", "/order/202507/orders")
DELIVERY_OPTIONS = Call(
    "delivery_options", "GET", "/logistics/202309/warehouses/{id}/delivery_options"
)
SHIPPING_PROVIDERS = Call(
    "shipping_providers", "GET", "/logistics/202309/delivery_options/{id}/shipping_providers"
)
MARK_SHIPPED = Call(
    "mark_shipped",
    "POST",
    "/fulfillment/202309/orders/{id}/packages",
    repeatable=False,
    timeout_s=30.0,
)
"""Of orders that the seller ships by a carrier of their own, shipping_type SELLER."""

CANCEL_ORDER = Call(
    "cancel_order", "POST", "/return_refund/202309/cancellations", repeatable=False, timeout_s=30.0
)
SEARCH_CANCELLATIONS = Call(
    "search_cancellations", "POST", "/return_refund/202309/cancellations/search"
)
APPROVE_CANCELLATION = Call(
    "approve_cancellation", "POST", "/return_refund/202309/cancellations/{id}/approve"
)
SEARCH_RETURNS = Call("search_returns", "POST", "/return_refund/202309/returns/search")
REJECT_REASONS = Call("reject_reasons", "GET", "/return_refund/202309/reject_reasons")
APPROVE_RETURN = Call("approve_return", "POST", "/return_refund/202309/returns/{id}/approve")
REJECT_RETURN = Call("reject_return", "POST", "/return_refund/202309/returns/{id}/reject")
"""What approves or rejects always has an idempotency key, so it may be repeated."""

LIVE_PERFORMANCE = Call("live_performance", "GET", "/analytics/202609/shop_lives/performance")
SET_WEBHOOK = Call("set_webhook", "PUT", "/event/202309/webhooks")
WEBHOOKS = Call("webhooks", "GET", "/event/202309/webhooks")
DELETE_WEBHOOK = Call("delete_webhook", "DELETE", "/event/202309/webhooks")

CALLS = tuple(value for value in list(globals().values()) if isinstance(value, Call))

# Limits -----------------------------------------------------------------------------------------

PAGE_SIZE = 100
AFTERSALES_PAGE_SIZE = 50
"""Of cancellations and returns; TikTok's pages say from 10 for returns."""

MOST_FOUND = 10_000
"""A product search stops here, whatever there is."""

MOST_PRODUCTS_PER_BATCH = 20
MOST_ORDERS_PER_BATCH = 50
MOST_PRODUCTS_PER_STOCK_READ = 100
MOST_SKUS_PER_STOCK_READ = 600
LONGEST_IDEMPOTENCY_KEY = 128
"""Of a create."""

LONGEST_APPROVAL_KEY = 255
"""The idempotency key of what approves and rejects."""

CATEGORY_VERSION = "v2"
"""The tree of the US."""

CATEGORY_VERSION_ELSEWHERE = "v1"

OLDEST_UPDATE_FIRST = {"sort_field": "update_time", "sort_order": "ASC"}

# Codes ------------------------------------------------------------------------------------------

OK = 0
TOKEN_EXPIRED = 105002
SCOPE_MISSING = 105005
TOKEN_SHOP_MISMATCH = 101000
BAD_SIGNATURE = 106001
SHOP_CIPHER_MISSING = 106013
BAD_AUTH_CODE = 36004004
OVERLOADED = 36009004
"""One code for a missing sign, a bad token, app key or timestamp, and for a shop_cipher where none
belongs: the message tells which."""

RATE_LIMITED = 36009002
INTERNAL = 36009003
TIMED_OUT = 36009007
BAD_PATH = 36009009
BAD_METHOD = 36009010
BAD_VERSION = 36009014
ADDRESS_NOT_ALLOWED = 36009033

ORDER_ON_HOLD = 21011044
"""Nothing of an order is shipped in the hour in which its buyer may cancel freely."""

ALREADY_SHIPPED = frozenset({21008099, 21011006, 21011020, 21042056})
ALREADY_CANCELLED = frozenset({25001011, 25001051})
"""… or completed, or its cancellation is under way."""

REASON_UNFIT = 25001021
"""The reason of a cancellation is one of another status of orders."""

# Statuses ---------------------------------------------------------------------------------------


class ProductStatus:
    DRAFT = "DRAFT"
    PENDING = "PENDING"
    FAILED = "FAILED"
    ACTIVATE = "ACTIVATE"
    SELLER_DEACTIVATED = "SELLER_DEACTIVATED"
    PLATFORM_DEACTIVATED = "PLATFORM_DEACTIVATED"
    FREEZE = "FREEZE"
    DELETED = "DELETED"
    ALL = "ALL"
    """Only in searches."""


class AuditStatus:
    NONE = "NONE"
    AUDITING = "AUDITING"
    FAILED = "FAILED"
    PRE_APPROVED = "PRE_APPROVED"
    APPROVED = "APPROVED"


class PreApproved:
    """Why a product that passed its audit is not listed yet."""

    KYC_PENDING = "KYC_PENDING"
    RESTRICTED_CATEGORY_PENDING = "RESTRICTED_CATEGORY_PENDING"


class WarehouseStatus:
    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    RESTRICTED = "RESTRICTED"
    """Holiday or order-limit mode."""


class CategoryPermission:
    AVAILABLE = "AVAILABLE"
    INVITE_ONLY = "INVITE_ONLY"
    NON_MAIN_CATEGORY = "NON_MAIN_CATEGORY"


class CheckItem:
    """What TikTok checks of a shop before it may list."""

    SHOP_STATUS = "SHOP_STATUS"
    SHOP_TAX = "SHOP_TAX"
    PICKUP_WAREHOUSE = "PICKUP_WAREHOUSE"
    RETURN_WAREHOUSE = "RETURN_WAREHOUSE"
    DELIVERY_OPTION = "DELIVERY_OPTION"
    SHIPPING_TEMPLATE = "SHIPPING_TEMPLATE"
    PRODUCT_QUANTITY_LIMIT = "PRODUCT_QUANTITY_LIMIT"
    EXTENDED_PRODUCER_RESPONSIBILITY = "EXTENDED_PRODUCER_RESPONSIBILITY"
    BANK_ACCOUNT = "BANK_ACCOUNT"
    CONTACT_INFO = "CONTACT_INFO"


class OrderStatus:
    UNPAID = "UNPAID"
    ON_HOLD = "ON_HOLD"
    AWAITING_SHIPMENT = "AWAITING_SHIPMENT"
    PARTIALLY_SHIPPING = "PARTIALLY_SHIPPING"
    AWAITING_COLLECTION = "AWAITING_COLLECTION"
    IN_TRANSIT = "IN_TRANSIT"
    DELIVERED = "DELIVERED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class ShippingType:
    """Who ships an order; one that SELLER ships may be marked as shipped here."""

    TIKTOK = "TIKTOK"
    SELLER = "SELLER"


class CancelStatus:
    """How far a cancellation is; COMPLETE when the money is back."""

    PENDING = "CANCELLATION_REQUEST_PENDING"
    SUCCESS = "CANCELLATION_REQUEST_SUCCESS"
    CANCELLED = "CANCELLATION_REQUEST_CANCELLED"
    COMPLETE = "CANCELLATION_REQUEST_COMPLETE"


class CancelType:
    CANCEL = "CANCEL"
    """By the seller or TikTok: it holds at once."""

    BUYER_CANCEL = "BUYER_CANCEL"
    """A buyer's wish, which the seller or TikTok approves."""


class ReturnType:
    REFUND = "REFUND"
    """Money back, and nothing comes back for it."""

    RETURN_AND_REFUND = "RETURN_AND_REFUND"
    REPLACEMENT = "REPLACEMENT"


class ReturnStatus:
    """How far a return is; COMPLETE when the money is back."""

    PENDING = "RETURN_OR_REFUND_REQUEST_PENDING"
    REJECTED = "REFUND_OR_RETURN_REQUEST_REJECT"
    AWAITING_BUYER_SHIP = "AWAITING_BUYER_SHIP"
    BUYER_SHIPPED_ITEM = "BUYER_SHIPPED_ITEM"
    PACKAGE_REJECTED = "REJECT_RECEIVE_PACKAGE"
    SUCCESS = "RETURN_OR_REFUND_REQUEST_SUCCESS"
    CANCELLED = "RETURN_OR_REFUND_REQUEST_CANCEL"
    COMPLETE = "RETURN_OR_REFUND_REQUEST_COMPLETE"
    AWAITING_BUYER_RESPONSE = "AWAITING_BUYER_RESPONSE"
    REPLACEMENT_PENDING = "REPLACEMENT_REQUEST_PENDING"
    REPLACEMENT_REJECTED = "REPLACEMENT_REQUEST_REJECT"
    REPLACEMENT_REFUNDED = "REPLACEMENT_REQUEST_REFUND_SUCCESS"
    REPLACEMENT_CANCELLED = "REPLACEMENT_REQUEST_CANCEL"
    REPLACEMENT_COMPLETE = "REPLACEMENT_REQUEST_COMPLETE"


class SellerAction:
    """What TikTok waits for from the seller of a return or a cancellation."""

    CANCEL = "SELLER_RESPOND_CANCEL"
    REFUND = "SELLER_RESPOND_REFUND"
    RETURN = "SELLER_RESPOND_RETURN"
    RECEIVE_PACKAGE = "SELLER_RESPOND_RECEIVE_PACKAGE"
    REPLACEMENT = "SELLER_RESPOND_REPLACEMENT"


class ReturnDecision:
    """A seller's answer to a return, as the call for it names it."""

    APPROVE_REFUND = "APPROVE_REFUND"
    APPROVE_RETURN = "APPROVE_RETURN"
    APPROVE_RECEIVED_PACKAGE = "APPROVE_RECEIVED_PACKAGE"
    APPROVE_REPLACEMENT = "APPROVE_REPLACEMENT"
    REJECT_REFUND = "REJECT_REFUND"
    REJECT_RETURN = "REJECT_RETURN"
    REJECT_RECEIVED_PACKAGE = "REJECT_RECEIVED_PACKAGE"
    REJECT_REPLACEMENT = "REJECT_REPLACEMENT"


APPROVALS = {
    SellerAction.REFUND: ReturnDecision.APPROVE_REFUND,
    SellerAction.RETURN: ReturnDecision.APPROVE_RETURN,
    SellerAction.RECEIVE_PACKAGE: ReturnDecision.APPROVE_RECEIVED_PACKAGE,
    SellerAction.REPLACEMENT: ReturnDecision.APPROVE_REPLACEMENT,
}
REJECTIONS = {
    SellerAction.REFUND: ReturnDecision.REJECT_REFUND,
    SellerAction.RETURN: ReturnDecision.REJECT_RETURN,
    SellerAction.RECEIVE_PACKAGE: ReturnDecision.REJECT_RECEIVED_PACKAGE,
    SellerAction.REPLACEMENT: ReturnDecision.REJECT_REPLACEMENT,
}
"""The decision that says yes, or no, where TikTok waits for that action."""


class SaveMode:
    AS_DRAFT = "AS_DRAFT"
    LISTING = "LISTING"


class UseCase:
    """What an uploaded image is for."""

    MAIN_IMAGE = "MAIN_IMAGE"
    ATTRIBUTE_IMAGE = "ATTRIBUTE_IMAGE"
    DESCRIPTION_IMAGE = "DESCRIPTION_IMAGE"
    CERTIFICATION_IMAGE = "CERTIFICATION_IMAGE"
    SIZE_CHART_IMAGE = "SIZE_CHART_IMAGE"


class Topic:
    """What a webhook may be about, as the configuration call names it."""

    ORDER_STATUS_CHANGE = "ORDER_STATUS_CHANGE"
    PRODUCT_STATUS_CHANGE = "PRODUCT_STATUS_CHANGE"
    SELLER_DEAUTHORIZATION = "SELLER_DEAUTHORIZATION"
    UPCOMING_AUTHORIZATION_EXPIRATION = "UPCOMING_AUTHORIZATION_EXPIRATION"
    CANCELLATION_STATUS_CHANGE = "CANCELLATION_STATUS_CHANGE"
    RETURN_STATUS_CHANGE = "RETURN_STATUS_CHANGE"
    PRODUCT_INFORMATION_CHANGE = "PRODUCT_INFORMATION_CHANGE"
    PRODUCT_CREATION = "PRODUCT_CREATION"
    PRODUCT_CATEGORY_CHANGE = "PRODUCT_CATEGORY_CHANGE"
    PRODUCT_AUDIT_STATUS_CHANGE = "PRODUCT_AUDIT_STATUS_CHANGE"


TOPICS = {
    1: Topic.ORDER_STATUS_CHANGE,
    5: Topic.PRODUCT_STATUS_CHANGE,
    6: Topic.SELLER_DEAUTHORIZATION,
    7: Topic.UPCOMING_AUTHORIZATION_EXPIRATION,
    11: Topic.CANCELLATION_STATUS_CHANGE,
    12: Topic.RETURN_STATUS_CHANGE,
    15: Topic.PRODUCT_INFORMATION_CHANGE,
    16: Topic.PRODUCT_CREATION,
    18: Topic.PRODUCT_CATEGORY_CHANGE,
    37: Topic.PRODUCT_AUDIT_STATUS_CHANGE,
}
"""The `type` of a webhook. 27 and 71 (stock) cannot be configured, so nothing depends on them."""

# What is read -----------------------------------------------------------------------------------


class TokenPair(msgspec.Struct, frozen=True, kw_only=True):
    """What the consent of a seller comes to. Both expiries are absolute Unix seconds."""

    access_token: Secret
    access_token_expires_at: int
    refresh_token: Secret
    refresh_token_expires_at: int
    open_id: str | None
    seller_name: str | None
    seller_base_region: str | None
    user_type: int | None
    """0 a seller, 1 a creator, 3 a partner."""
    granted_scopes: tuple[str, ...] | None


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    access_token: str
    access_token_expire_in: int
    refresh_token: str
    refresh_token_expire_in: int
    open_id: str | None = None
    seller_name: str | None = None
    seller_base_region: str | None = None
    user_type: int | None = None
    granted_scopes: tuple[str, ...] | None = None

    def pair(self) -> TokenPair:
        return TokenPair(
            access_token=Secret(self.access_token),
            access_token_expires_at=self.access_token_expire_in,
            refresh_token=Secret(self.refresh_token),
            refresh_token_expires_at=self.refresh_token_expire_in,
            open_id=self.open_id,
            seller_name=self.seller_name,
            seller_base_region=self.seller_base_region,
            user_type=self.user_type,
            granted_scopes=self.granted_scopes,
        )

    def __repr__(self) -> str:
        return "TokenAnswer(***)"


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """A shop that the seller let this app into."""

    id: str
    cipher: ShopCipher
    name: str | None = None
    region: str | None = None
    seller_type: str | None = None
    code: str | None = None


class Shops(msgspec.Struct, frozen=True, kw_only=True):
    shops: tuple[Shop, ...] = ()


class Permissions(msgspec.Struct, frozen=True, kw_only=True):
    permissions: tuple[str, ...] = ()


class ActiveShop(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    region: str | None = None


class ActiveShops(msgspec.Struct, frozen=True, kw_only=True):
    shops: tuple[ActiveShop, ...] = ()


class Warehouse(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str | None = None
    effect_status: Annotated[str | None, Known(WarehouseStatus)] = None
    type: str | None = None
    """SALES_WAREHOUSE ships, RETURN_WAREHOUSE takes back."""
    sub_type: str | None = None
    is_default: bool | None = None


class Warehouses(msgspec.Struct, frozen=True, kw_only=True):
    warehouses: tuple[Warehouse, ...] | None = None


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    check_item: Annotated[str, Known(CheckItem, {"BANk_ACCOUNT": CheckItem.BANK_ACCOUNT})]
    is_failed: bool | None = None
    fail_reasons: tuple[str, ...] = ()


class Prerequisites(msgspec.Struct, frozen=True, kw_only=True):
    check_results: tuple[CheckResult, ...] = ()


class Category(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    parent_id: str | None = None
    local_name: str | None = None
    is_leaf: bool | None = None
    permission_statuses: tuple[str, ...] | None = None


class Categories(msgspec.Struct, frozen=True, kw_only=True):
    categories: tuple[Category, ...] = ()


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """When a requirement holds: the attribute has the value."""

    condition_type: str | None = None
    attribute_id: str | None = None
    attribute_value_id: str | None = None


class Certification(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str | None = None
    is_required: bool | None = None
    sample_image_url: str | None = None
    requirement_conditions: tuple[Condition, ...] = ()


class Supported(msgspec.Struct, frozen=True, kw_only=True):
    is_supported: bool | None = None
    is_required: bool | None = None


class CategoryRules(msgspec.Struct, frozen=True, kw_only=True):
    product_certifications: tuple[Certification, ...] = ()
    package_dimension: Supported | None = None
    size_chart: Supported | None = None
    cod: Supported | None = None
    epr: Supported | None = None


class AttributeValue(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str | None = None


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str | None = None
    type: str | None = None
    """SALES_PROPERTY tells SKUs apart, PRODUCT_PROPERTY describes the product."""
    is_required: Annotated[bool | None, Spelled("is_requried")] = None
    is_multiple_selection: bool | None = None
    is_customizable: bool | None = None
    value_data_format: str | None = None
    values: tuple[AttributeValue, ...] = ()
    requirement_conditions: tuple[Condition, ...] = ()


class Attributes(msgspec.Struct, frozen=True, kw_only=True):
    attributes: tuple[Attribute, ...] = ()


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    code: int | None = None
    message: str | None = None


class ListingCheck(msgspec.Struct, frozen=True, kw_only=True):
    check_result: str | None = None
    """PASS or FAILED."""
    fail_reasons: tuple[Reason, ...] = ()


class Image(msgspec.Struct, frozen=True, kw_only=True):
    uri: str
    url: str | None = None
    width: int | None = None
    height: int | None = None


class SkuAttribute(msgspec.Struct, frozen=True, kw_only=True):
    id: str | None = None
    name: str | None = None
    value_id: str | None = None
    value_name: str | None = None


class SkuId(msgspec.Struct, frozen=True, kw_only=True):
    """How TikTok named a SKU that we sent."""

    id: str
    seller_sku: str | None = None
    external_sku_id: str | None = None
    sales_attributes: tuple[SkuAttribute, ...] = ()


class Warning(msgspec.Struct, frozen=True, kw_only=True):
    message: str | None = None


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A product that was created or edited."""

    product_id: str
    skus: tuple[SkuId, ...] = ()
    warnings: tuple[Warning, ...] = ()


class SkuPrice(msgspec.Struct, frozen=True, kw_only=True):
    currency: str | None = None
    sale_price: str | None = None
    tax_exclusive_price: str | None = None
    """What was entered when it was listed."""


class SkuStock(msgspec.Struct, frozen=True, kw_only=True):
    warehouse_id: str | None = None
    quantity: int | None = None


class StatusInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a SKU may be sold."""

    status: str | None = None
    """NORMAL or DEACTIVATED."""
    deactivation_source: str | None = None


class Sku(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    seller_sku: str | None = None
    external_sku_id: str | None = None
    price: SkuPrice | None = None
    inventory: tuple[SkuStock, ...] = ()
    sales_attributes: tuple[SkuAttribute, ...] = ()
    status_info: StatusInfo | None = None


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    status: Annotated[str | None, Known(AuditStatus)] = None
    pre_approved_reasons: Annotated[tuple[str, ...] | None, Spelled("pre_approved_reason")] = None


class AuditFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Why TikTok would not have a product: `position` names the part of it."""

    position: str | None = None
    reasons: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    listing_platform: str | None = None


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product as TikTok has it. A search leaves out what only get_product gives."""

    id: str
    title: str | None = None
    status: Annotated[str | None, Known(ProductStatus)] = None
    audit: Audit | None = None
    skus: tuple[Sku, ...] = ()
    create_time: int | None = None
    update_time: int | None = None
    external_product_id: str | None = None
    description: str | None = None
    main_images: tuple[Image, ...] = ()
    category_chains: tuple[Category, ...] = ()
    audit_failed_reasons: tuple[AuditFailure, ...] = ()


class Products(msgspec.Struct, frozen=True, kw_only=True):
    products: tuple[Product, ...] | None = None
    next_page_token: str | None = None
    total_count: int | None = None


class ExtraError(msgspec.Struct, frozen=True, kw_only=True):
    code: int | None = None
    message: str | None = None
    warehouse_id: str | None = None


class ErrorDetail(msgspec.Struct, frozen=True, kw_only=True):
    product_id: str | None = None
    sku_id: str | None = None
    extra_errors: tuple[ExtraError, ...] = ()


class ItemError(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong with one item of a batch whose other items went well."""

    code: int | None = None
    message: str | None = None
    detail: ErrorDetail = ErrorDetail()

    @property
    def product_id(self) -> str | None:
        return self.detail.product_id

    @property
    def sku_id(self) -> str | None:
        return self.detail.sku_id

    @property
    def reason(self) -> str:
        """The most telling of TikTok's messages."""
        extra = [error.message for error in self.detail.extra_errors if error.message]
        return "; ".join(extra) or self.message or f"code {self.code}"


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    errors: tuple[ItemError, ...] = ()


class WarehouseStock(msgspec.Struct, frozen=True, kw_only=True):
    warehouse_id: str
    available_quantity: int | None = None
    committed_quantity: int | None = None


class SkuInventory(msgspec.Struct, frozen=True, kw_only=True):
    """What TikTok has of a SKU: `total_available_quantity` may be sold, while
    `total_committed_quantity` is ordered and has not left the warehouse."""

    id: str
    seller_sku: str | None = None
    total_available_quantity: int | None = None
    total_committed_quantity: int | None = None
    warehouse_inventory: tuple[WarehouseStock, ...] = ()


class ProductInventory(msgspec.Struct, frozen=True, kw_only=True):
    product_id: str
    skus: tuple[SkuInventory, ...] = ()


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    inventory: tuple[ProductInventory, ...] = ()


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """Usually one unit. `room_id` names the LIVE that sold it."""

    id: str
    product_id: str | None = None
    sku_id: str | None = None
    seller_sku: str | None = None
    product_name: str | None = None
    sku_name: str | None = None
    currency: str | None = None
    sale_price: str | None = None
    original_price: str | None = None
    seller_discount: str | None = None
    platform_discount: str | None = None
    display_status: str | None = None
    package_status: str | None = None
    cancel_reason: str | None = None
    cancel_user: str | None = None
    room_id: str | None = None
    package_id: str | None = None
    tracking_number: str | None = None
    shipping_provider_id: str | None = None
    shipping_provider_name: str | None = None
    is_gift: bool | None = None


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    currency: str | None = None
    sub_total: str | None = None
    total_amount: str | None = None
    shipping_fee: str | None = None
    seller_discount: str | None = None
    platform_discount: str | None = None
    tax: str | None = None


class Package(msgspec.Struct, frozen=True, kw_only=True):
    id: str


class District(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an address, from the country (level L0) down."""

    address_level: str | None = None
    address_level_name: str | None = None
    address_name: str | None = None


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """Whom and where an order goes to. TikTok blanks or masks most of it while the order is
    UNPAID, ON_HOLD or CANCELLED, and 30 days after it was COMPLETED."""

    name: str | None = None
    phone_number: str | None = None
    full_address: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    postal_code: str | None = None
    region_code: str | None = None
    district_info: tuple[District, ...] = ()

    def __repr__(self) -> str:
        return "Recipient(***)"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order. `buyer_email` is an address of TikTok's that stands for the buyer's."""

    id: str
    status: Annotated[str | None, Known(OrderStatus, {"CANCEL": OrderStatus.CANCELLED})] = None
    line_items: tuple[OrderLine, ...] = ()
    payment: Payment | None = None
    create_time: int | None = None
    update_time: int | None = None
    paid_time: int | None = None
    cancel_time: int | None = None
    cancel_reason: str | None = None
    cancellation_initiator: str | None = None
    is_on_hold_order: bool | None = None
    is_sample_order: bool | None = None
    is_buyer_request_cancel: bool | None = None
    user_id: str | None = None
    buyer_email: str | None = None
    buyer_message: str | None = None
    recipient_address: Recipient | None = None
    packages: tuple[Package, ...] = ()
    warehouse_id: str | None = None
    delivery_option_id: str | None = None
    shipping_type: Annotated[str | None, Known(ShippingType)] = None
    fulfillment_type: str | None = None
    """FULFILLMENT_BY_SELLER, or FULFILLMENT_BY_TIKTOK out of warehouses of TikTok's."""

    def __repr__(self) -> str:
        return f"Order(id={self.id!r}, status={self.status!r})"


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    orders: tuple[Order, ...] | None = None
    next_page_token: str | None = None
    total_count: int | None = None


class DeliveryOption(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str | None = None
    type: str | None = None
    """STANDARD, EXPRESS, ECONOMY or SEND_BY_SELLER."""


class DeliveryOptions(msgspec.Struct, frozen=True, kw_only=True):
    delivery_options: tuple[DeliveryOption, ...] = ()


class ShippingProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A carrier, such as USPS."""

    id: str
    name: str | None = None


class ShippingProviders(msgspec.Struct, frozen=True, kw_only=True):
    shipping_providers: tuple[ShippingProvider, ...] = ()


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """A package that TikTok was told of. `warning` is what it thinks of its tracking number."""

    package_id: str | None = None
    order_id: str | None = None
    order_line_item_ids: tuple[str, ...] = ()
    warning: Warning | None = None


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """A cancellation that was asked for. It holds once the order says so."""

    cancel_id: str | None = None
    cancel_status: str | None = None


class NextAction(msgspec.Struct, frozen=True, kw_only=True):
    """What TikTok waits for from the seller, until `deadline` (Unix seconds)."""

    action: Annotated[str | None, Known(SellerAction)] = None
    deadline: int | None = None


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """What the buyer gets back: the total is of the rest."""

    currency: str | None = None
    refund_total: str | None = None
    refund_subtotal: str | None = None
    refund_shipping_fee: str | None = None
    refund_tax: str | None = None


class CancelledLine(msgspec.Struct, frozen=True, kw_only=True):
    order_line_item_id: str
    cancel_line_item_id: str | None = None
    sku_id: str | None = None
    refund_amount: Refund | None = None


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """A cancellation of an order or of some of its line items, asked for or done."""

    cancel_id: str
    order_id: str
    cancel_type: str | None = None
    cancel_status: Annotated[
        str | None, Known(CancelStatus, {"CANCELLATION_REQUEST_CANCEL": CancelStatus.CANCELLED})
    ] = None
    role: str | None = None
    """Who wants it: BUYER, SELLER or SYSTEM."""
    cancel_reason: str | None = None
    cancel_reason_text: str | None = None
    create_time: int | None = None
    update_time: int | None = None
    refund_amount: Refund | None = None
    cancel_line_items: tuple[CancelledLine, ...] = ()
    seller_next_action_response: tuple[NextAction, ...] = ()


class Cancellations(msgspec.Struct, frozen=True, kw_only=True):
    cancellations: tuple[Cancellation, ...] | None = None
    next_page_token: str | None = None
    total_count: int | None = None


class ReturnedLine(msgspec.Struct, frozen=True, kw_only=True):
    order_line_item_id: str
    return_line_item_id: str | None = None
    sku_id: str | None = None
    refund_amount: Refund | None = None


class Return(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer's wish to give something back or to have money back, and what became of it.

    `seller_next_action_response` is empty unless it is the seller's turn; APPROVALS and
    REJECTIONS say what to decide then.
    """

    return_id: str
    order_id: str
    return_type: Annotated[str | None, Known(ReturnType)] = None
    return_status: Annotated[
        str | None,
        Known(
            ReturnStatus,
            {
                "RETURN_OR_REFUND_REQUEST_REJECT": ReturnStatus.REJECTED,
                "RETURN_OR_REFUND_REQUEST_CANCELLED": ReturnStatus.CANCELLED,
                "RETURN_OR_REFUND__REQUEST_CANCELLED": ReturnStatus.CANCELLED,
            },
        ),
    ] = None
    role: str | None = None
    """Who wants it: BUYER, SELLER, OPERATOR or SYSTEM."""
    return_reason: str | None = None
    return_reason_text: str | None = None
    return_tracking_number: str | None = None
    return_provider_name: str | None = None
    can_buyer_keep_item: bool | None = None
    create_time: int | None = None
    update_time: int | None = None
    refund_amount: Refund | None = None
    return_line_items: tuple[ReturnedLine, ...] = ()
    seller_next_action_response: tuple[NextAction, ...] = ()


class Returns(msgspec.Struct, frozen=True, kw_only=True):
    return_orders: tuple[Return, ...] | None = None
    next_page_token: str | None = None
    total_count: int | None = None


class RejectReason(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is what reject_return takes, `text` is for people."""

    name: str
    text: str | None = None


class RejectReasons(msgspec.Struct, frozen=True, kw_only=True):
    reasons: tuple[RejectReason, ...] = ()


class Done(msgspec.Struct, frozen=True):
    """An answer that says no more than that it was done."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    event_type: str
    address: str | None = None
    create_time: int | None = None
    update_time: int | None = None


class Webhooks(msgspec.Struct, frozen=True, kw_only=True):
    webhooks: tuple[Webhook, ...] = ()
    total_count: int | None = None


class Money(msgspec.Struct, frozen=True, kw_only=True):
    amount: str | None = None
    currency: str | None = None


class LiveSales(msgspec.Struct, frozen=True, kw_only=True):
    gmv: Money | None = None
    sku_orders: int | None = None
    items_sold: Annotated[int | None, Spelled("unit_sold", "units_sold")] = None
    customers: int | None = None


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """What one LIVE sold, by TikTok's count; `id` is the orders' room_id."""

    id: str
    title: str | None = None
    username: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    sales_performance: LiveSales | None = None


class Lives(msgspec.Struct, frozen=True, kw_only=True):
    live_stream_sessions: tuple[Live, ...] | None = None
    next_page_token: str | None = None
    total_count: int | None = None
    latest_available_date: str | None = None


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Part of what was found; the next one is at `token`, None where it ends."""

    items: tuple[T, ...]
    token: str | None
    total: int | None


# What is sent -----------------------------------------------------------------------------------


class SalesAttribute(msgspec.Struct, frozen=True, kw_only=True):
    """What tells a SKU from the others, such as Color: Red. `image_uri` only in the first one."""

    name: str
    value: str
    id: str | None = None
    value_id: str | None = None
    image_uri: str | None = None


class Level(msgspec.Struct, frozen=True):
    """How much of a SKU is for sale in a warehouse."""

    warehouse_id: str
    quantity: int


class SkuDraft(msgspec.Struct, frozen=True, kw_only=True):
    """`id` names a SKU that TikTok has; without one it is new."""

    seller_sku: str
    price_minor: int
    currency: str
    stock: tuple[Level, ...]
    id: str | None = None
    external_sku_id: str | None = None
    sales_attributes: tuple[SalesAttribute, ...] = ()


class ProductAttribute(msgspec.Struct, frozen=True, kw_only=True):
    """A value for an attribute of the category: by its id, or by name where it may be made up."""

    id: str
    value_ids: tuple[str, ...] = ()
    value_names: tuple[str, ...] = ()


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Images that prove a certification."""

    id: str
    image_uris: tuple[str, ...]


class Weight(msgspec.Struct, frozen=True):
    value: str
    unit: Literal["KILOGRAM", "POUND"]


class Size(msgspec.Struct, frozen=True):
    length: str
    width: str
    height: str
    unit: Literal["CENTIMETER", "INCH"]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A product to create, or all of one that is edited."""

    title: str
    description: str
    category_id: str
    image_uris: tuple[str, ...]
    skus: tuple[SkuDraft, ...]
    external_product_id: str | None = None
    attributes: tuple[ProductAttribute, ...] = ()
    certifications: tuple[Proof, ...] = ()
    package_weight: Weight | None = None
    package_dimensions: Size | None = None
    brand_id: str | None = None
    category_version: str = CATEGORY_VERSION


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change of a product; None stays as it is.

    SKUs are given all or not at all: TikTok deletes those whose id is not among them.
    """

    title: str | None = None
    description: str | None = None
    category_id: str | None = None
    image_uris: tuple[str, ...] | None = None
    skus: tuple[SkuDraft, ...] | None = None
    attributes: tuple[ProductAttribute, ...] | None = None
    certifications: tuple[Proof, ...] | None = None
    package_weight: Weight | None = None
    package_dimensions: Size | None = None
    external_product_id: str | None = None
    category_version: str = CATEGORY_VERSION


class ProductQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which products are wanted; None does not matter. Times are Unix seconds, both inclusive."""

    status: str | None = None
    seller_skus: tuple[str, ...] | None = None
    create_time_ge: int | None = None
    create_time_le: int | None = None
    update_time_ge: int | None = None
    update_time_le: int | None = None
    audit_status: tuple[str, ...] | None = None


class OrderQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders are wanted; None does not matter. Unix seconds, `_ge` inclusive, `_lt` not."""

    order_status: str | None = None
    create_time_ge: int | None = None
    create_time_lt: int | None = None
    update_time_ge: int | None = None
    update_time_lt: int | None = None


class CancellationQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which cancellations are wanted; None does not matter. Times as in OrderQuery."""

    order_ids: tuple[str, ...] | None = None
    cancel_ids: tuple[str, ...] | None = None
    cancel_status: tuple[str, ...] | None = None
    create_time_ge: int | None = None
    create_time_lt: int | None = None
    update_time_ge: int | None = None
    update_time_lt: int | None = None


class ReturnQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which returns are wanted; None does not matter. Times as in OrderQuery."""

    order_ids: tuple[str, ...] | None = None
    return_ids: tuple[str, ...] | None = None
    return_status: tuple[str, ...] | None = None
    create_time_ge: int | None = None
    create_time_lt: int | None = None
    update_time_ge: int | None = None
    update_time_lt: int | None = None


class SkuPriceChange(msgspec.Struct, frozen=True):
    sku_id: str
    price_minor: int
    currency: str


Body = dict[str, Any]


def filled(call: Call, id: str) -> str:
    """The path of `call` for the thing with that id. Raises Invalid for no id of TikTok's."""
    if not id.isascii() or not id.replace("-", "").replace("_", "").isalnum():
        raise Invalid(f"{id!r} is no identifier of TikTok's")
    return call.path.replace("{id}", id)


def product_body(draft: Draft | Changes) -> Body:
    """`draft` as create, edit and listing check want it; of Changes only what is to change."""
    body: Body = {
        "title": draft.title,
        "description": draft.description,
        "category_id": draft.category_id,
        "external_product_id": draft.external_product_id,
        "package_weight": draft.package_weight and msgspec.to_builtins(draft.package_weight),
        "package_dimensions": draft.package_dimensions
        and msgspec.to_builtins(draft.package_dimensions),
    }
    if draft.category_id is not None:
        body["category_version"] = draft.category_version
    if draft.image_uris is not None:
        body["main_images"] = _uris(draft.image_uris)
    if draft.skus is not None:
        body["skus"] = [_sku(sku) for sku in draft.skus]
    if draft.attributes:
        body["product_attributes"] = [_attribute(each) for each in draft.attributes]
    if draft.certifications:
        body["certifications"] = [
            {"id": proof.id, "images": _uris(proof.image_uris)} for proof in draft.certifications
        ]
    if isinstance(draft, Draft):
        body["brand_id"] = draft.brand_id
    return _given(body)


def create_body(draft: Draft, idempotency_key: str, save_mode: str) -> Body:
    """Raises Invalid for a key that TikTok would not take."""
    if not 0 < len(idempotency_key) <= LONGEST_IDEMPOTENCY_KEY:
        raise Invalid(f"an idempotency key has 1 to {LONGEST_IDEMPOTENCY_KEY} characters")
    return product_body(draft) | {"save_mode": save_mode, "idempotency_key": idempotency_key}


def query_body(query: ProductQuery | OrderQuery | CancellationQuery | ReturnQuery) -> Body:
    return _given(msgspec.to_builtins(query))


def stock_body(levels: Mapping[str, Sequence[Level]]) -> Body:
    """Stock by SKU, each with all its warehouses. It is an absolute set: nothing is compared."""
    return {
        "skus": [
            {"id": sku_id, "inventory": [msgspec.to_builtins(level) for level in of_sku]}
            for sku_id, of_sku in levels.items()
        ]
    }


def stock_query(product_ids: Sequence[str], sku_ids: Sequence[str]) -> Body:
    """Either may be empty; with both, TikTok looks at the SKUs only. Raises Invalid."""
    if len(product_ids) > MOST_PRODUCTS_PER_STOCK_READ or len(sku_ids) > MOST_SKUS_PER_STOCK_READ:
        raise Invalid(
            f"stock is read of at most {MOST_PRODUCTS_PER_STOCK_READ} products "
            f"or {MOST_SKUS_PER_STOCK_READ} SKUs at once"
        )
    return _given({"product_ids": list(product_ids) or None, "sku_ids": list(sku_ids) or None})


def prices_body(changes: Sequence[SkuPriceChange]) -> Body:
    return {
        "skus": [
            {"id": change.sku_id, "price": _price(change.price_minor, change.currency)}
            for change in changes
        ]
    }


def ids_body(product_ids: Sequence[str]) -> Body:
    """Raises Invalid for more than one batch takes."""
    if not 0 < len(product_ids) <= MOST_PRODUCTS_PER_BATCH:
        raise Invalid(f"one batch takes 1 to {MOST_PRODUCTS_PER_BATCH} products")
    return {"product_ids": list(product_ids)}


def orders_query(order_ids: Sequence[str]) -> dict[str, str]:
    """Raises Invalid for more than one batch takes."""
    if not 0 < len(order_ids) <= MOST_ORDERS_PER_BATCH:
        raise Invalid(f"one batch takes 1 to {MOST_ORDERS_PER_BATCH} orders")
    return {"ids": ",".join(order_ids)}


def page_query(page_size: int, token: str | None) -> dict[str, str]:
    query = {"page_size": str(page_size)}
    return query | {"page_token": token} if token else query


def category_version(region: str) -> str:
    """The tree that shops of `region` sell in."""
    return CATEGORY_VERSION if region == "US" else CATEGORY_VERSION_ELSEWHERE


def category_query(version: str) -> dict[str, str]:
    return {"category_version": version}


def days_query(first: str, day_after_last: str) -> dict[str, str]:
    """Days such as 2026-11-23, in the shop's time zone."""
    return {"start_date_ge": first, "end_date_lt": day_after_last}


def webhook_body(topic: str, address: str | None = None) -> Body:
    return _given({"event_type": topic, "address": address})


def auto_restock_body(enabled: bool) -> Body:
    """Whether TikTok adds what was cancelled to the stock again by itself."""
    return {"enable_auto_restock": enabled}


CancelWhy = Literal["out_of_stock", "wrong_price", "undeliverable", "buyer_asked", "unpaid"]
"""Why a seller cancels, in our words; `cancel_reason` gives TikTok's."""

_CANCEL_UNPAID: dict[CancelWhy, str] = {
    "out_of_stock": "seller_cancel_unpaid_reason_out_of_stock",
    "wrong_price": "seller_cancel_unpaid_reason_wrong_price",
    "unpaid": "seller_cancel_unpaid_reason_buyer_hasnt_paid_within_time_allowed",
    "buyer_asked": "seller_cancel_unpaid_reason_buyer_requested_cancellation",
}
_CANCEL_PAID: dict[CancelWhy, str] = {
    "out_of_stock": "seller_cancel_reason_out_of_stock",
    "wrong_price": "seller_cancel_reason_wrong_price",
    "undeliverable": "seller_cancel_paid_reason_address_not_deliver",
    "buyer_asked": "seller_cancel_paid_reason_buyer_requested_cancellation",
}


def cancel_reason(why: CancelWhy, status: str | None, region: str) -> str:
    """The reason that TikTok takes for cancelling an order of that status. Raises Invalid where
    it has none: `unpaid` is for UNPAID orders only, `undeliverable` for paid ones, and in GB none
    is `buyer_asked`. Source: the Partner Center's page on cancel reasons, US and UK."""
    reasons = _CANCEL_UNPAID if status == OrderStatus.UNPAID else _CANCEL_PAID
    is_british = region == "GB"
    if why not in reasons or (is_british and why == "buyer_asked"):
        raise Invalid(f"TikTok takes no {why!r} as the reason to cancel an order that is {status}")
    return reasons[why] + ("_uk" if is_british else "")


def cancel_body(order_id: str, reason: str, line_item_ids: Sequence[str]) -> Body:
    """Without line items it is for the whole order."""
    lines = list(line_item_ids) or None
    return _given({"order_id": order_id, "order_line_item_ids": lines, "cancel_reason": reason})


def shipped_body(tracking_number: str, provider_id: str, line_item_ids: Sequence[str]) -> Body:
    """Without line items it is for the whole order."""
    return _given(
        {
            "order_line_item_ids": list(line_item_ids) or None,
            "tracking_number": tracking_number,
            "shipping_provider_id": provider_id,
        }
    )


def approve_return_body(decision: str, keeps_item: bool) -> Body:
    return {"decision": decision} | ({"buyer_keep_item": True} if keeps_item else {})


def reject_return_body(decision: str, reason: str, comment: str | None) -> Body:
    return _given({"decision": decision, "reject_reason": reason, "comment": comment})


def idempotency_query(key: str) -> dict[str, str]:
    """Raises Invalid for a key that TikTok would not take."""
    if not 0 < len(key) <= LONGEST_APPROVAL_KEY:
        raise Invalid(f"an idempotency key has 1 to {LONGEST_APPROVAL_KEY} characters")
    return {"idempotency_key": key}


def reject_reasons_query(return_id: str) -> dict[str, str]:
    return {"return_or_cancel_id": return_id}


def _given(body: Body) -> Body:
    return {name: value for name, value in body.items() if value is not None}


def _uris(uris: Sequence[str]) -> list[Body]:
    return [{"uri": uri} for uri in uris]


def _sku(sku: SkuDraft) -> Body:
    return _given(
        {
            "id": sku.id,
            "seller_sku": sku.seller_sku,
            "external_sku_id": sku.external_sku_id,
            "price": _price(sku.price_minor, sku.currency),
            "inventory": [msgspec.to_builtins(level) for level in sku.stock],
            "sales_attributes": [_sales_attribute(each) for each in sku.sales_attributes] or None,
        }
    )


def _sales_attribute(attribute: SalesAttribute) -> Body:
    return _given(
        {
            "id": attribute.id,
            "name": attribute.name,
            "value_id": attribute.value_id,
            "value_name": attribute.value,
            "sku_img": attribute.image_uri and {"uri": attribute.image_uri},
        }
    )


def _attribute(attribute: ProductAttribute) -> Body:
    values = [{"id": value} for value in attribute.value_ids]
    return {
        "id": attribute.id,
        "values": values + [{"name": value} for value in attribute.value_names],
    }


def _price(minor: int, currency: str) -> Body:
    return {"amount": amount(minor, currency), "currency": currency}


# Money ------------------------------------------------------------------------------------------

_DECIMALS = dict.fromkeys(("JPY", "KRW", "VND", "CLP"), 0)
"""Currencies of TikTok Shop's markets that have no cents (ISO 4217); all others have two digits."""


_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")


def amount(minor: int, currency: str) -> str:
    """Minor units as TikTok writes money: 1050 USD is "10.50"."""
    return f"{Decimal(minor).scaleb(-_DECIMALS.get(currency, 2)):f}"


def minor_units(text: str | None, currency: str | None) -> int | None:
    """TikTok's money in minor units, None where it cannot be told exactly."""
    if text is None or currency is None or not _DECIMAL.fullmatch(text):
        return None
    minor = Decimal(text).scaleb(_DECIMALS.get(currency, 2))
    return int(minor) if minor == minor.to_integral_value() else None
