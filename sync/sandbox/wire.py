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
FULFILLMENT = "seller.fulfillment.basic"
RETURN_REFUND = "seller.return_refund.basic"
ANALYTICS_READ = "data.shop_analytics.public.read"

SCOPES = (
    AUTHORIZATION_INFO,
    SHOP_INFO,
    LOGISTICS,
    PRODUCT_BASIC,
    PRODUCT_WRITE,
    PRODUCT_DELETE,
    ORDER_INFO,
    FULFILLMENT,
    RETURN_REFUND,
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
        "delivery_options",
        "GET",
        "logistics",
        ("202309",),
        "warehouses/{id}/delivery_options",
        LOGISTICS,
    ),
    Endpoint(
        "shipping_providers",
        "GET",
        "logistics",
        ("202309",),
        "delivery_options/{id}/shipping_providers",
        LOGISTICS,
    ),
    Endpoint(
        "mark_shipped", "POST", "fulfillment", ("202309",), "orders/{id}/packages", FULFILLMENT
    ),
    Endpoint("cancel_order", "POST", "return_refund", ("202309",), "cancellations", RETURN_REFUND),
    Endpoint(
        "search_cancellations",
        "POST",
        "return_refund",
        ("202309",),
        "cancellations/search",
        RETURN_REFUND,
    ),
    Endpoint(
        "approve_cancellation",
        "POST",
        "return_refund",
        ("202309",),
        "cancellations/{id}/approve",
        RETURN_REFUND,
    ),
    Endpoint(
        "search_returns", "POST", "return_refund", ("202309",), "returns/search", RETURN_REFUND
    ),
    Endpoint(
        "reject_reasons", "GET", "return_refund", ("202309",), "reject_reasons", RETURN_REFUND
    ),
    Endpoint(
        "approve_return",
        "POST",
        "return_refund",
        ("202309",),
        "returns/{id}/approve",
        RETURN_REFUND,
    ),
    Endpoint(
        "reject_return",
        "POST",
        "return_refund",
        ("202309",),
        "returns/{id}/reject",
        RETURN_REFUND,
    ),
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

    SHIPPED_BY_TIKTOK = 21008117
    TRACKING_NUMBER_FORMAT = 21004012
    NOT_OF_THE_ORDER = 21011029
    NOT_OF_THE_SELLER = 21008111
    STATUS_NOT_SHIPPABLE = 21042057
    ALREADY_SHIPPED = 21011006
    PROVIDER_UNKNOWN = 21011022
    ON_HOLD = 21011044
    OPTION_UNKNOWN = 21008116

    AFTERSALES_PARAMETER = 25001001
    ALREADY_CANCELLED = 25001011
    REASON_UNKNOWN = 25001014
    REASON_NOT_SELLERS = 25001015
    REASON_UNFIT = 25001021
    SHIPPED_ALREADY = 25001045
    CLOSED_ALREADY = 25001051
    LINES_NOT_ALONE = 25005010
    LINES_UNKNOWN = 25005011
    CANNOT_APPROVE = 25011012
    DECISION_UNFIT = 25020004
    AFTERSALES_NOT_YOURS = 25020005


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


class CancelStatus:
    PENDING = "CANCELLATION_REQUEST_PENDING"
    SUCCESS = "CANCELLATION_REQUEST_SUCCESS"
    CANCELLED = "CANCELLATION_REQUEST_CANCELLED"
    COMPLETE = "CANCELLATION_REQUEST_COMPLETE"


CANCEL = "CANCEL"
BUYER_CANCEL = "BUYER_CANCEL"
"""The types of cancellations: one that holds at once, and a wish that the seller grants."""


class ReturnStatus:
    PENDING = "RETURN_OR_REFUND_REQUEST_PENDING"
    REJECTED = "REFUND_OR_RETURN_REQUEST_REJECT"
    AWAITING_BUYER_SHIP = "AWAITING_BUYER_SHIP"
    BUYER_SHIPPED_ITEM = "BUYER_SHIPPED_ITEM"
    PACKAGE_REJECTED = "REJECT_RECEIVE_PACKAGE"
    SUCCESS = "RETURN_OR_REFUND_REQUEST_SUCCESS"
    CANCELLED = "RETURN_OR_REFUND_REQUEST_CANCEL"
    COMPLETE = "RETURN_OR_REFUND_REQUEST_COMPLETE"

    TURNED_DOWN = frozenset({REJECTED, PACKAGE_REJECTED, CANCELLED})


REFUND = "REFUND"
RETURN_AND_REFUND = "RETURN_AND_REFUND"

SELLER_CANCELS_UNPAID = frozenset(
    {
        "seller_cancel_unpaid_reason_out_of_stock",
        "seller_cancel_unpaid_reason_wrong_price",
        "seller_cancel_unpaid_reason_buyer_hasnt_paid_within_time_allowed",
        "seller_cancel_unpaid_reason_buyer_requested_cancellation",
    }
)
SELLER_CANCELS_PAID = frozenset(
    {
        "seller_cancel_reason_out_of_stock",
        "seller_cancel_reason_wrong_price",
        "seller_cancel_paid_reason_address_not_deliver",
        "seller_cancel_paid_reason_buyer_requested_cancellation",
    }
)
"""What a seller in the US may cancel for, by whether the order was paid; in the UK they end in
_uk, and none is that the buyer asked for it."""

DELIVERY_OPTION = "7091146663229654786"
DELIVERY_OPTION_NAME = "Shipped by seller"
PROVIDERS = {
    "7117858858072016686": "USPS",
    "7117859084333745966": "UPS",
    "7129720299146184490": "FedEx",
}
"""How every warehouse here sends, and by whom."""

REJECT_REASONS = {
    "seller_reject_apply_you_have_reached_an_agreement_with_the_buyer": (
        "You have reached an agreement with the buyer"
    ),
    "seller_reject_apply_product_has_been_packed": "Product has been packed",
}


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
