"""The HTTP application: every route, in one place."""

from collections.abc import Iterable

from aiohttp import web

from mediaserver.api import (
    assets,
    canvases,
    categories,
    channels,
    events,
    feeds,
    health,
    imports,
    metrics,
    oauth,
    orders,
    pages,
    product_images,
    products,
    recordings,
    reports,
    rundown,
    schemas,
    session,
    shows,
    targets,
    tiktok_webhooks,
    tokens,
)
from mediaserver.api.bodies import MAX_BODY_BYTES
from mediaserver.api.problems import problems
from mediaserver.api.roles import authorize, check_rules
from mediaserver.api.signalling import allow_any_origin
from mediaserver.commerce import CALLBACK_PATH, WEBHOOK_PATH

_SHOW = "/api/v1/shows/{show}"
_FEED = _SHOW + "/feeds/{feed}"
_TARGET = _SHOW + "/targets/{target}"
_CANVAS = _SHOW + "/canvases/{canvas}"
_RECORDING = _SHOW + "/recordings/{recording}"
_ASSET = _SHOW + "/assets/{asset}"
_TIKTOK = "/api/v1/channels/tiktok"
_PRODUCT = "/api/v1/products/{product}"
_ORDER = "/api/v1/orders/{order}"
_STOCK = _PRODUCT + "/skus/{sku}/stock"


def application(whip: Iterable[web.AbstractRouteDef]) -> web.Application:
    """The application without its keys, which whoever runs it puts in.

    Raises RouteWithoutRule when a route does not say who may call it.
    """
    app = web.Application(middlewares=[problems, authorize], client_max_size=MAX_BODY_BYTES)
    app.add_routes(
        [
            web.get("/host", pages.host),
            web.get(r"/{name:[a-z0-9][a-z0-9_-]*\.(?:js|css|svg)}", pages.asset),
            web.get("/healthz", health.healthz),
            web.get("/readyz", health.readyz),
            web.get("/metrics", metrics.metrics),
            web.post("/api/v1/session", session.sign_in),
            web.delete("/api/v1/session", session.sign_out),
            web.get("/api/v1/tokens", tokens.listing),
            web.post("/api/v1/tokens", tokens.mint),
            web.delete("/api/v1/tokens/{token}", tokens.revoke),
            web.get("/api/v1/shows", shows.listing),
            web.post("/api/v1/shows", shows.create),
            web.get(_SHOW, shows.read),
            web.patch(_SHOW, shows.change),
            web.delete(_SHOW, shows.delete),
            web.post(_SHOW + "/start", shows.start),
            web.post(_SHOW + "/end", shows.end),
            web.get(_SHOW + "/events", events.show_events, allow_head=False),
            web.put(_CANVAS + "/layout", canvases.set_layout),
            web.put(_CANVAS + "/overlays", canvases.set_overlays),
            web.post(_CANVAS + "/preview", canvases.preview),
            web.get(_CANVAS + "/snapshot.jpg", canvases.snapshot),
            web.post(_CANVAS + "/recording/start", recordings.start),
            web.post(_CANVAS + "/recording/stop", recordings.stop),
            web.get(_SHOW + "/recordings", recordings.listing),
            web.get(_RECORDING, recordings.read),
            web.delete(_RECORDING, recordings.delete),
            web.get(_SHOW + "/assets", assets.listing),
            web.post(_SHOW + "/assets", assets.upload),
            web.get(_ASSET, assets.read),
            web.delete(_ASSET, assets.delete),
            web.post(_SHOW + "/feeds", feeds.create),
            web.patch(_FEED, feeds.change),
            web.delete(_FEED, feeds.delete),
            web.post(_FEED + "/token", feeds.reissue_token),
            web.get(_FEED + "/thumbnail.jpg", feeds.thumbnail),
            web.get(_FEED + "/events", events.feed_events, allow_head=False),
            web.get(_SHOW + "/rundown", rundown.read),
            web.put(_SHOW + "/rundown", rundown.replace),
            web.put(_SHOW + "/rundown/pinned", rundown.pin),
            web.get("/api/v1/events", events.shop_events, allow_head=False),
            web.post(_SHOW + "/targets", targets.create),
            web.patch(_TARGET, targets.change),
            web.delete(_TARGET, targets.delete),
            web.post(_TARGET + "/start", targets.start),
            web.post(_TARGET + "/stop", targets.stop),
            web.get("/api/v1/products", products.listing),
            web.post("/api/v1/products", products.create),
            web.post("/api/v1/products/import", imports.begin),
            web.get("/api/v1/products/imports/{import}", imports.read),
            web.get("/api/v1/products/export", imports.export, allow_head=False),
            web.get(_PRODUCT, products.read),
            web.get(_PRODUCT + "/images/{image}.jpg", product_images.read),
            web.patch(_PRODUCT, products.change),
            web.delete(_PRODUCT, products.delete),
            web.get(_STOCK, products.read_stock),
            web.put(_STOCK, products.set_stock),
            web.post(_STOCK + "/adjust", products.adjust_stock),
            web.get(_STOCK + "/history", products.stock_history),
            web.get("/api/v1/orders", orders.listing),
            web.post("/api/v1/orders", orders.place),
            web.get(_ORDER, orders.read),
            web.get(_ORDER + "/buyer", orders.buyer),
            web.post(_ORDER + "/pay", orders.pay),
            web.post(_ORDER + "/fulfil", orders.fulfil),
            web.post(_ORDER + "/cancel", orders.cancel),
            web.post(_ORDER + "/complete", orders.complete),
            web.post(_ORDER + "/return", orders.give_back),
            web.post(_ORDER + "/restock", orders.restock),
            web.get("/api/v1/schemas/{schema}", schemas.schema),
            web.get("/api/v1/reports/gmv", reports.gmv),
            web.get("/api/v1/reports/lives", reports.lives),
            web.put("/api/v1/reports/lives/{room}", reports.attribute),
            web.get("/api/v1/channels", channels.listing),
            web.get(_TIKTOK, channels.read),
            web.patch(_TIKTOK, channels.change),
            web.delete(_TIKTOK, channels.disconnect),
            web.post(_TIKTOK + "/connect", channels.connect),
            web.post(_TIKTOK + "/shop", channels.choose_shop),
            web.post(_TIKTOK + "/check", channels.check),
            web.get(_TIKTOK + "/categories", categories.tree),
            web.get(_TIKTOK + "/categories/mapping", categories.read_mapping),
            web.put(_TIKTOK + "/categories/mapping", categories.save_mapping),
            web.get(CALLBACK_PATH, oauth.tiktok_callback, allow_head=False),
            web.post(WEBHOOK_PATH, tiktok_webhooks.receive),
            *whip,
        ]
    )
    check_rules(app.router.routes())
    app.on_response_prepare.append(allow_any_origin)
    app.on_response_prepare.append(_harden)
    return app


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.popall("Server", None)
