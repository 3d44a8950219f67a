"""Every name of TikTok Shop's API that the sandbox speaks: endpoints, codes, statuses, events.

Codes of the gateway (36009xxx, 105xxx, 106xxx) are those of the Partner Center's page on common
errors; those of listing (1205xxxx, 1201xxxx, 1203xxxx) of its tables per endpoint.
"""

from enum import Enum
from typing import NamedTuple

TOKEN_GET = "/api/v2/token/get"
TOKEN_REFRESH = "/api/v2/token/refresh"
AUTHORIZE = "/open/authorize"

ACCESS_TOKEN_HEADER = "x-tts-access-token"
WEBHOOK_SIGNATURE_HEADER = "Authorization"


class Cipher(Enum):
    """Whether an endpoint wants `shop_cipher`; where it does not, sending one is an error."""

    REQUIRED = "required"
    FORBIDDEN = "forbidden"


class Endpoint(NamedTuple):
    """One call: `/service/version/template`, where `{id}` in the template is any one segment."""

    name: str
    method: str
    service: str
    versions: tuple[str, ...]
    template: str
    scope: str
    cipher: Cipher = Cipher.REQUIRED
    multipart: bool = False


AUTHORIZATION_INFO = "seller.authorization.info"
SHOP_INFO = "seller.shop.info"
LOGISTICS = "seller.logistics"
PRODUCT_BASIC = "seller.product.basic"
PRODUCT_WRITE = "seller.product.write"
PRODUCT_DELETE = "seller.product.delete"
ORDER_INFO = "seller.order.info"
ANALYTICS_READ = "data.shop_analytics.public.read"

SCOPES = (
    AUTHORIZATION_INFO,
    SHOP_INFO,
    LOGISTICS,
    PRODUCT_BASIC,
    PRODUCT_WRITE,
    PRODUCT_DELETE,
    ORDER_INFO,
    ANALYTICS_READ,
)

_OF_PRODUCTS = ("202309",)

ENDPOINTS = (
    Endpoint(
        "shops",
        "GET",
        "authorization",
        ("202309",),
        "shops",
        AUTHORIZATION_INFO,
        Cipher.FORBIDDEN,
    ),
    Endpoint(
        "permissions", "GET", "seller", ("202309",), "permissions", SHOP_INFO, Cipher.FORBIDDEN
    ),
    Endpoint("active_shops", "GET", "seller", ("202309",), "shops", SHOP_INFO, Cipher.FORBIDDEN),
    Endpoint("warehouses", "GET", "logistics", ("202309",), "warehouses", LOGISTICS),
    Endpoint("prerequisites", "GET", "product", ("202312",), "prerequisites", PRODUCT_BASIC),
    Endpoint("categories", "GET", "product", _OF_PRODUCTS, "categories", PRODUCT_BASIC),
    Endpoint(
        "category_rules", "GET", "product", _OF_PRODUCTS, "categories/{id}/rules", PRODUCT_BASIC
    ),
    Endpoint(
        "category_attributes",
        "GET",
        "product",
        _OF_PRODUCTS,
        "categories/{id}/attributes",
        PRODUCT_BASIC,
    ),
    Endpoint(
        "listing_check", "POST", "product", _OF_PRODUCTS, "products/listing_check", PRODUCT_BASIC
    ),
    Endpoint(
        "upload_image",
        "POST",
        "product",
        _OF_PRODUCTS,
        "images/upload",
        PRODUCT_WRITE,
        Cipher.FORBIDDEN,
        multipart=True,
    ),
    Endpoint("create_product", "POST", "product", _OF_PRODUCTS, "products", PRODUCT_WRITE),
    Endpoint("delete_products", "DELETE", "product", _OF_PRODUCTS, "products", PRODUCT_DELETE),
    Endpoint("get_product", "GET", "product", _OF_PRODUCTS, "products/{id}", PRODUCT_BASIC),
    Endpoint("edit_product", "PUT", "product", ("202509",), "products/{id}", PRODUCT_WRITE),
    Endpoint(
        "partial_edit_product",
        "POST",
        "product",
        ("202509", "202309"),
        "products/{id}/partial_edit",
        PRODUCT_WRITE,
    ),
    Endpoint("search_products", "POST", "product", ("202502",), "products/search", PRODUCT_BASIC),
    Endpoint(
        "activate_products", "POST", "product", _OF_PRODUCTS, "products/activate", PRODUCT_WRITE
    ),
    Endpoint(
        "deactivate_products",
        "POST",
        "product",
        _OF_PRODUCTS,
        "products/deactivate",
        PRODUCT_WRITE,
    ),
    Endpoint(
        "update_inventory",
        "POST",
        "product",
        _OF_PRODUCTS,
        "products/{id}/inventory/update",
        PRODUCT_WRITE,
    ),
    Endpoint(
        "search_inventory", "POST", "product", _OF_PRODUCTS, "inventory/search", PRODUCT_BASIC
    ),
    Endpoint(
        "stock_settings",
        "POST",
        "product",
        ("202608",),
        "inventory/operation/settings",
        PRODUCT_BASIC,
    ),
    Endpoint(
        "update_prices",
        "POST",
        "product",
        _OF_PRODUCTS,
        "products/{id}/prices/update",
        PRODUCT_WRITE,
    ),
    Endpoint("search_orders", "POST", "order", ("202309",), "orders/search", ORDER_INFO),
    Endpoint("get_orders", "GET", "order", ("202507",), "orders", ORDER_INFO),
    Endpoint(
        "live_performance",
        "GET",
        "analytics",
        ("202609",),
        "shop_lives/performance",
        ANALYTICS_READ,
    ),
    Endpoint("get_webhooks", "GET", "event", ("202309",), "webhooks", SHOP_INFO),
    Endpoint("put_webhook", "PUT", "event", ("202309",), "webhooks", SHOP_INFO),
    Endpoint("delete_webhook", "DELETE", "event", ("202309",), "webhooks", SHOP_INFO),
)


class Code:
    """What `code` of an answer says; 0 is success."""

    OK = 0
    WRONG_SHOP = 101000
    TOKEN_EXPIRED = 105002
    SCOPE_MISSING = 105005
    BAD_SIGN = 106001
    CIPHER_MISSING = 106013
    REFRESH_TOKEN_EXPIRED = 36004001
    BAD_AUTH_CODE = 36004004
    NO_AUTHORIZATION = 36004005
    RATE_LIMITED = 36009002
    INTERNAL = 36009003
    INVALID = 36009004
    TIMEOUT = 36009007
    BAD_PATH = 36009009
    BAD_METHOD = 36009010
    BAD_VERSION = 36009014
    FILE_TOO_LARGE = 36009021
    BAD_FORMAT = 36009022
    NOT_MULTIPART = 36009023

    SELLER_SKU_INVALID = 12019059
    NO_WAREHOUSE = 12019022
    TOO_MANY_SELLER_SKUS = 12019027
    STATUS_UNFIT = 12019113
    TOO_MANY_PRODUCTS = 12019120
    IMAGE_UNREADABLE = 12038004
    IMAGE_TOO_LARGE = 12038005
    IMAGE_DIMENSIONS = 12038014
    IMAGE_FORMAT = 12038015
    PRICE_FORMAT = 12052012
    DESCRIPTION_TOO_LONG = 12052013
    DESCRIPTION_MISSING = 12052015
    CATEGORY_UNKNOWN = 12052023
    CATEGORY_NOT_LEAF = 12052024
    PRICE_LOCKED = 12052038
    NOT_YOURS = 12052048
    TITLE_TOO_LONG = 12052051
    SELLER_SKU_TOO_LONG = 12052054
    QUANTITY_OUT_OF_RANGE = 12052055
    CURRENCY = 12052084
    PRODUCT_LIMIT_REACHED = 12052093
    ATTRIBUTE_MISSING = 12052104
    CERTIFICATION_MISSING = 12052105
    NO_PICKUP_WAREHOUSE = 12052115
    SEARCH_TOO_DEEP = 12052180
    WEIGHT_INVALID = 12052181
    CATEGORY_VERSION_WRONG = 12052230
    CATEGORY_V2_ONLY = 12052217
    CATEGORY_NOT_MAIN = 12052225
    PRODUCT_UNKNOWN = 12052260
    TITLE_MISSING = 12052261
    MAIN_IMAGE_MISSING = 12052300
    MAIN_IMAGE_TOO_SMALL = 12052301
    MAIN_IMAGES_TOO_MANY = 12052306
    NO_SHIPPING_TEMPLATE = 12052402
    STOCK_INCOMPLETE = 12052516
    TOO_MANY_SALES_ATTRIBUTES = 12052525
    ATTRIBUTE_UNKNOWN = 12052527
    ATTRIBUTE_VALUE_UNKNOWN = 12052529
    WAREHOUSE_UNKNOWN = 12052530
    NO_RETURN_WAREHOUSE = 12052535
    SALES_ATTRIBUTES_DIFFER = 12052550
    WAREHOUSE_TWICE = 12052555
    SKU_NOT_OF_PRODUCT = 12052557
    TOO_MANY_SKUS = 12052558
    SALES_ATTRIBUTES_TWICE = 12052560
    PRICE_OUT_OF_RANGE = 12052570
    PRICE_MISSING = 12052571
    CERTIFICATION_UNKNOWN = 12052655
    IMAGE_UNKNOWN = 12052722
    SKUS_MISSING = 12052902
    PARAMETER = 12052910
    CHECK_FAILED = 12052990


HTTP_STATUS = {
    Code.WRONG_SHOP: 401,
    Code.TOKEN_EXPIRED: 401,
    Code.SCOPE_MISSING: 403,
    Code.BAD_SIGN: 401,
    Code.CIPHER_MISSING: 400,
    Code.RATE_LIMITED: 429,
    Code.INTERNAL: 500,
    Code.INVALID: 400,
    Code.TIMEOUT: 408,
    Code.BAD_PATH: 404,
    Code.BAD_METHOD: 405,
    Code.BAD_VERSION: 400,
    Code.FILE_TOO_LARGE: 413,
    Code.BAD_FORMAT: 400,
    Code.NOT_MULTIPART: 400,
}
"""The HTTP status of the gateway's codes; what a call itself refuses is answered with 200."""


class Status:
    """A product's status."""

    DRAFT = "DRAFT"
    PENDING = "PENDING"
    FAILED = "FAILED"
    ACTIVATE = "ACTIVATE"
    SELLER_DEACTIVATED = "SELLER_DEACTIVATED"
    PLATFORM_DEACTIVATED = "PLATFORM_DEACTIVATED"
    FREEZE = "FREEZE"
    DELETED = "DELETED"


LISTED = frozenset({Status.PENDING, Status.ACTIVATE})
"""The statuses that count against a shop's limit of listed products."""

HIDDEN = frozenset({Status.FREEZE, Status.DELETED})
"""The statuses whose products a get does not give, though a search does."""


class Audit:
    """A product's audit."""

    NONE = "NONE"
    AUDITING = "AUDITING"
    FAILED = "FAILED"
    PRE_APPROVED = "PRE_APPROVED"
    APPROVED = "APPROVED"


KYC_PENDING = "KYC_PENDING"
RESTRICTED_CATEGORY_PENDING = "RESTRICTED_CATEGORY_PENDING"


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


WEBHOOK_CANCELLED = "CANCEL"
"""What webhooks call CANCELLED."""


class Event:
    """The types of webhooks that the configuration call knows, by their names."""

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


EVENT_TYPES = {
    Event.ORDER_STATUS_CHANGE: 1,
    Event.PRODUCT_STATUS_CHANGE: 5,
    Event.SELLER_DEAUTHORIZATION: 6,
    Event.UPCOMING_AUTHORIZATION_EXPIRATION: 7,
    Event.CANCELLATION_STATUS_CHANGE: 11,
    Event.RETURN_STATUS_CHANGE: 12,
    Event.PRODUCT_INFORMATION_CHANGE: 15,
    Event.PRODUCT_CREATION: 16,
    Event.PRODUCT_CATEGORY_CHANGE: 18,
    Event.PRODUCT_AUDIT_STATUS_CHANGE: 37,
}

OTHER_EVENTS = frozenset(
    {
        "RECIPIENT_ADDRESS_UPDATE",
        "PACKAGE_UPDATE",
        "NEW_CONVERSATION",
        "NEW_MESSAGE",
        "NEW_MESSAGE_LISTENER",
        "INVOICE_STATUS_CHANGE",
        "REVERSE_STATUS_UPDATE",
    }
)
"""Types that can be configured too; of what they tell nothing happens here."""

PREREQUISITES = (
    "SHOP_STATUS",
    "SHOP_TAX",
    "PICKUP_WAREHOUSE",
    "RETURN_WAREHOUSE",
    "DELIVERY_OPTION",
    "SHIPPING_TEMPLATE",
    "PRODUCT_QUANTITY_LIMIT",
    "EXTENDED_PRODUCER_RESPONSIBILITY",
    "BANk_ACCOUNT",
    "CONTACT_INFO",
)
"""`check_item`s, spelled as TikTok spells them."""

BLOCKING_PREREQUISITES = {
    "SHOP_STATUS": Code.CHECK_FAILED,
    "PICKUP_WAREHOUSE": Code.NO_PICKUP_WAREHOUSE,
    "RETURN_WAREHOUSE": Code.NO_RETURN_WAREHOUSE,
    "DELIVERY_OPTION": Code.CHECK_FAILED,
    "SHIPPING_TEMPLATE": Code.NO_SHIPPING_TEMPLATE,
    "PRODUCT_QUANTITY_LIMIT": Code.PRODUCT_LIMIT_REACHED,
}
"""Those without which nothing is listed, and the code that a listing is refused with."""

AVAILABLE = "AVAILABLE"
INVITE_ONLY = "INVITE_ONLY"
NON_MAIN_CATEGORY = "NON_MAIN_CATEGORY"

WAREHOUSE_ENABLED = "ENABLED"
WAREHOUSE_RESTRICTED = "RESTRICTED"

IMAGE_USE_CASES = frozenset(
    {
        "MAIN_IMAGE",
        "ATTRIBUTE_IMAGE",
        "DESCRIPTION_IMAGE",
        "CERTIFICATION_IMAGE",
        "SIZE_CHART_IMAGE",
    }
)
