"""What TikTok Shop tells of itself: checked, kept, and answered at once. Nothing is done here but
that: a webhook is a hint, and whoever keeps in step with TikTok looks for themselves."""

import logging

from aiohttp import web

from mediaserver.api.bodies import BODY_TIMEOUT_S, MAX_BODY_BYTES, answer, read_bytes
from mediaserver.api.keys import COMMERCE
from mediaserver.commerce import Commerce
from mediaserver.errors import BadRequest, Unauthorized
from sync.connecting.doubt import doubt
from sync.errors import Invalid
from sync.model import TIKTOK
from sync.store.hints import Hint, OtherShop
from sync.tiktok.webhooks import (
    SIGNATURE_HEADER,
    AuditChanged,
    AuthorizationExpiring,
    CancellationChanged,
    Deauthorized,
    Event,
    OrderChanged,
    ProductChanged,
    ReturnChanged,
    is_signed,
    parse,
)

log = logging.getLogger(__name__)


async def receive(request: web.Request) -> web.Response:
    """200 once what it says is kept; 503 while the store is away, so that TikTok sends it again."""
    commerce = request.app[COMMERCE]
    app = commerce.tiktok.app
    body = await read_bytes(request, MAX_BODY_BYTES, BODY_TIMEOUT_S)
    if not is_signed(app.key, app.secret, body, request.headers.get(SIGNATURE_HEADER)):
        raise Unauthorized("the signature is not TikTok's for this app")
    try:
        event = parse(body)
    except Invalid as error:
        raise BadRequest(error.reason, error.path) from None
    try:
        await _keep(commerce, event)
    except OtherShop:
        log.info("tiktok_webhook_of_another_shop topic=%s", event.topic)
    return answer({})


async def _keep(commerce: Commerce, event: Event) -> None:
    """Raises OtherShop. What comes often costs one round trip to the store."""
    stores, shop = commerce.stores, event.shop_id
    if not shop:
        raise OtherShop
    match event.data:
        case OrderChanged() | CancellationChanged() | ReturnChanged():
            hint = Hint("order", event.data.order_id)
            await stores.hints.add(hint, event.notification_id, shop)
            return
        case ProductChanged() | AuditChanged():
            hint = Hint("product", event.data.product_id)
            await stores.hints.add(hint, event.notification_id, shop)
            return
    record = await stores.channels.get(TIKTOK)
    if record.shop is None or record.shop.id != shop:
        raise OtherShop
    match event.data:
        case Deauthorized():
            await doubt(stores.channels, commerce.now())
        case AuthorizationExpiring(expiration_time=int(ends_at)):
            said_at = float(event.timestamp or 0)
            await commerce.tiktok.keeper.expiring(float(ends_at), said_at)
        case _:
            log.info("tiktok_webhook_unknown type=%d", event.type)
