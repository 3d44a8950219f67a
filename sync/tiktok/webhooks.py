"""What TikTok Shop sends of itself: signed hints that something has changed.

Each is a hint and no more: it may come late, twice, out of order or never, and its ids are looked
up again before anything is done. The quirks of TikTok's pages end here: statuses are spelled as
the API spells them, and every id is a string.
"""

import hashlib
import hmac
import json
import logging
from typing import Annotated

import msgspec

from sync.errors import Invalid
from sync.secret import Secret
from sync.tiktok import wire
from sync.tiktok.reading import Known, Missing, Spelled, read

log = logging.getLogger(__name__)

SIGNATURE_HEADER = "Authorization"
"""It holds the bare signature: there is no Bearer before it."""


class OrderChanged(msgspec.Struct, frozen=True, kw_only=True):
    """An order is new, or in another status."""

    order_id: str
    order_status: Annotated[
        str | None, Known(wire.OrderStatus, {"CANCEL": wire.OrderStatus.CANCELLED})
    ] = None
    is_on_hold_order: bool | None = None
    update_time: int | None = None


class ProductChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A product is new, was edited, or stands otherwise; `status` is a kind of change here."""

    product_id: str
    status: str | None = None
    suspended_reason: str | None = None
    changed_fields: tuple[str, ...] = ()
    update_time: int | None = None


class AuditChanged(msgspec.Struct, frozen=True, kw_only=True):
    """TikTok has come further with looking at a product."""

    product_id: str
    audit: wire.Audit | None = None
    update_time: int | None = None


class Deauthorized(msgspec.Struct, frozen=True, kw_only=True):
    """The seller has shut this app out."""

    message: str | None = None


class AuthorizationExpiring(msgspec.Struct, frozen=True, kw_only=True):
    """The seller has to consent again before `expiration_time` (Unix seconds)."""

    message: str | None = None
    expiration_time: int | None = None


class CancellationChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Someone wants an order cancelled, or no longer."""

    order_id: str
    cancel_id: str | None = None
    cancel_status: str | None = None
    role: Annotated[str | None, Spelled("cancellations_role")] = None
    create_time: int | None = None
    update_time: int | None = None


class ReturnChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Someone sends something back, or wants money back."""

    order_id: str
    return_id: str | None = None
    return_status: str | None = None
    return_type: str | None = None
    role: Annotated[str | None, Spelled("return_role")] = None
    create_time: int | None = None
    update_time: int | None = None


Data = (
    OrderChanged
    | ProductChanged
    | AuditChanged
    | Deauthorized
    | AuthorizationExpiring
    | CancellationChanged
    | ReturnChanged
)

_DATA: dict[str, type[Data]] = {
    wire.Topic.ORDER_STATUS_CHANGE: OrderChanged,
    wire.Topic.PRODUCT_STATUS_CHANGE: ProductChanged,
    wire.Topic.SELLER_DEAUTHORIZATION: Deauthorized,
    wire.Topic.UPCOMING_AUTHORIZATION_EXPIRATION: AuthorizationExpiring,
    wire.Topic.CANCELLATION_STATUS_CHANGE: CancellationChanged,
    wire.Topic.RETURN_STATUS_CHANGE: ReturnChanged,
    wire.Topic.PRODUCT_INFORMATION_CHANGE: ProductChanged,
    wire.Topic.PRODUCT_CREATION: ProductChanged,
    wire.Topic.PRODUCT_CATEGORY_CHANGE: ProductChanged,
    wire.Topic.PRODUCT_AUDIT_STATUS_CHANGE: AuditChanged,
}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook. `notification_id` is the same however often it is sent; `topic` and `data` are
    None for a kind that we do not know, `data` also where it could not be read."""

    type: int
    notification_id: str | None
    shop_id: str | None
    timestamp: int | None
    topic: str | None
    data: Data | None


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    type: int
    tts_notification_id: str | None = None
    shop_id: str | None = None
    timestamp: int | None = None


def signature(app_key: str, app_secret: Secret, body: bytes) -> str:
    """What SIGNATURE_HEADER holds for `body`: 64 lower case hex digits."""
    key = app_secret.reveal().encode()
    return hmac.new(key, app_key.encode() + body, hashlib.sha256).hexdigest()


def is_signed(app_key: str, app_secret: Secret, body: bytes, header: str | None) -> bool:
    """Whether the bytes of `body` come from TikTok. Takes as long for any wrong signature."""
    expected = signature(app_key, app_secret, body).encode()
    return hmac.compare_digest(expected, (header or "").encode(errors="surrogatepass"))


def parse(body: bytes) -> Event:
    """Raises Invalid for what is no webhook of TikTok's at all."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raise Invalid("the body is not JSON") from None
    if not isinstance(raw, dict):
        raise Invalid("the body is not an object")
    try:
        envelope, _ = read(_Envelope, {name: raw[name] for name in raw if name != "data"}, "body")
    except Missing as error:
        raise Invalid("is missing, or no number", error.path) from None
    topic = wire.TOPICS.get(envelope.type)
    return Event(
        type=envelope.type,
        notification_id=envelope.tts_notification_id,
        shop_id=envelope.shop_id,
        timestamp=envelope.timestamp,
        topic=topic,
        data=None if topic is None else _data(topic, raw.get("data")),
    )


def _data(topic: str, raw: object) -> Data | None:
    try:
        data, notes = read(_DATA[topic], raw)
    except Missing as error:
        log.warning("tiktok_webhook_unreadable topic=%s lacks=%s", topic, error.path)
        return None
    for note in notes:
        log.debug("tiktok_webhook_%s topic=%s at=%r", note.kind, topic, note.path)
    return data
