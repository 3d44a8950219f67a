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
from sync.store.hints import Hint
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
    record = await commerce.stores.channels.get(TIKTOK)
    if record.shop is None or event.shop_id != record.shop.id:
        log.info("tiktok_webhook_of_another_shop topic=%s", event.topic)
        return answer({})
    await _kept(commerce, event)
    return answer({})


async def _kept(commerce: Commerce, event: Event) -> None:
    match event.data:
        case Deauthorized():
            await doubt(commerce.stores.channels, commerce.now())
        case AuthorizationExpiring(expiration_time=int(ends_at)):
            said_at = float(event.timestamp or 0)
            await commerce.tiktok.keeper.expiring(float(ends_at), said_at)
        case OrderChanged() | CancellationChanged() | ReturnChanged():
            await commerce.stores.hints.add(
                Hint("order", event.data.order_id), event.notification_id
            )
        case ProductChanged() | AuditChanged():
            await commerce.stores.hints.add(
                Hint("product", event.data.product_id), event.notification_id
            )
        case _:
            log.info("tiktok_webhook_unknown type=%d", event.type)
