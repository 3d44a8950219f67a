"""The gateway: each call is checked as TikTok checks it before its handler sees it, and answered
in TikTok's envelope, or as a fault on demand would have it."""

import hmac
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from aiohttp import web

from sync.sandbox.api import (
    analytics,
    cancellations,
    categories,
    images,
    inventory,
    lifecycle,
    orders,
    prices,
    product,
    returns,
    searching,
    shipping,
    shops,
    writing,
)
from sync.sandbox.api import webhooks as webhook_calls
from sync.sandbox.call import Call
from sync.sandbox.envelope import envelope
from sync.sandbox.errors import Refused
from sync.sandbox.failing import RateLimited, failed, refused, unanswered
from sync.sandbox.faults import DONE_BEFORE_FAILING, LATE_S
from sync.sandbox.signing import call_signature
from sync.sandbox.tokens import Authorization
from sync.sandbox.wire import ACCESS_TOKEN_HEADER, ENDPOINTS, Cipher, Code, Endpoint
from sync.sandbox.world import Market, World

OLDEST_TIMESTAMP_S = 5 * 60
NEWEST_TIMESTAMP_S = 30

HANDLERS: dict[str, Callable[[Call], Any]] = {
    "shops": shops.shops,
    "permissions": shops.permissions,
    "active_shops": shops.active_shops,
    "warehouses": shops.warehouses,
    "prerequisites": shops.prerequisites,
    "categories": categories.all_categories,
    "category_rules": categories.rules,
    "category_attributes": categories.attributes,
    "listing_check": writing.check,
    "upload_image": images.upload,
    "create_product": writing.create,
    "delete_products": lifecycle.delete,
    "get_product": product.get,
    "edit_product": writing.edit,
    "partial_edit_product": writing.partial_edit,
    "search_products": searching.search,
    "activate_products": lifecycle.activate,
    "deactivate_products": lifecycle.deactivate,
    "update_inventory": inventory.update,
    "search_inventory": inventory.search,
    "stock_settings": inventory.settings,
    "update_prices": prices.update_prices,
    "search_orders": orders.search,
    "get_orders": orders.get,
    "delivery_options": shipping.delivery_options,
    "shipping_providers": shipping.providers,
    "mark_shipped": shipping.mark_shipped,
    "cancel_order": cancellations.cancel,
    "search_cancellations": cancellations.search,
    "approve_cancellation": cancellations.approve,
    "search_returns": returns.search,
    "reject_reasons": returns.reject_reasons,
    "approve_return": returns.approve,
    "reject_return": returns.reject,
    "live_performance": analytics.live_performance,
    "get_webhooks": webhook_calls.get,
    "put_webhook": webhook_calls.put,
    "delete_webhook": webhook_calls.delete,
}

_TEMPLATES: dict[tuple[str, int], list[tuple[list[str], Endpoint]]] = {}
for _endpoint in ENDPOINTS:
    _parts = _endpoint.template.split("/")
    _TEMPLATES.setdefault((_endpoint.service, len(_parts)), []).append((_parts, _endpoint))


def endpoint_of(method: str, path: str) -> tuple[Endpoint, str]:
    """The endpoint of a call and the id in its path ("" without one). Raises Refused."""
    parts = path.split("/")[1:]
    if len(parts) < 3:
        raise Refused(Code.BAD_PATH, f"Invalid path: no endpoint is at {path}.")
    service, version, rest = parts[0], parts[1], parts[2:]
    matching = [
        endpoint
        for template, endpoint in _TEMPLATES.get((service, len(rest)), ())
        if all(want in ("{id}", part) for want, part in zip(template, rest, strict=True))
    ]
    literal = [each for each in matching if "{id}" not in each.template]
    matching = literal or matching
    if not matching:
        raise Refused(Code.BAD_PATH, f"Invalid path: no endpoint is at {path}.")
    of_version = [each for each in matching if version in each.versions]
    if not of_version:
        raise Refused(Code.BAD_VERSION, f"Invalid API version: {version} is not of this path.")
    of_method = [each for each in of_version if each.method == method]
    if not of_method:
        raise Refused(Code.BAD_METHOD, f"Invalid method: {method} is not of this path.")
    endpoint = of_method[0]
    template = endpoint.template.split("/")
    return endpoint, rest[template.index("{id}")] if "{id}" in template else ""


class Gateway:
    """Answers the signed calls of `world`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = "unknown"
        try:
            endpoint, path_id = endpoint_of(request.method, request.path)
            name = endpoint.name
            authorization, market, body = await self._check(request, endpoint)
            fault = self._world.faults.next(name)
            if fault is not None and fault not in DONE_BEFORE_FAILING and fault != "done_late":
                return failed(self._world, name, fault, request)
            form = await _form(request) if endpoint.multipart else {}
            call = Call(
                self._world, endpoint, path_id, request.query, body, form, authorization, market
            )
            if fault == "done_late":
                self._world.clock.after(LATE_S, partial(_done_late, call))
                return failed(self._world, name, fault, request)
            for hook in self._world.hooks.before[name]:
                await hook()
            try:
                data = HANDLERS[name](call)
            finally:
                for hook in self._world.hooks.after[name]:
                    await hook()
            data = self._world.faults.changed(name, data)
        except Refused as error:
            return refused(self._world, name, error)
        self._world.requests[name, Code.OK] += 1
        if fault is not None:
            return await unanswered(self._world, fault, request)
        return envelope(Code.OK, "Success", data)

    async def _check(
        self, request: web.Request, endpoint: Endpoint
    ) -> tuple[Authorization, Market | None, bytes]:
        """Who calls, for which shop, with which body (b"" of a multipart one). Raises Refused."""
        query = request.query
        if query.get("app_key") != self._world.app_key:
            raise Refused(Code.INVALID, "Invalid credentials: Invalid `app_key`.")
        self._check_timestamp(query.get("timestamp", ""))
        is_multipart = request.content_type == "multipart/form-data"
        body = b""
        if not is_multipart:
            try:
                body = await request.read()
            except web.HTTPRequestEntityTooLarge as error:
                raise Refused(Code.FILE_TOO_LARGE, "The body is too large.") from error
        self._check_sign(request, body)
        authorization = self._world.tokens.authorized(request.headers.get(ACCESS_TOKEN_HEADER))
        if endpoint.scope not in authorization.scopes:
            raise Refused(
                Code.SCOPE_MISSING, f"Access denied: the scope {endpoint.scope} is not granted."
            )
        market = self._market(endpoint, authorization, query.get("shop_cipher"))
        _check_format(request, endpoint, body, is_multipart=is_multipart)
        if (wait_s := self._world.limit.wait_s(authorization.seller.open_id)) is not None:
            raise RateLimited(wait_s)
        return authorization, market, body

    def _check_timestamp(self, text: str) -> None:
        """Moving the sandbox's clock moves no caller's: its own time and the machine's count."""
        if not text.lstrip("-").isdecimal() or len(text) > 12:
            raise Refused(Code.INVALID, "Invalid timestamp: `timestamp` must be Unix seconds.")
        timestamp = int(text)
        ages = [now - timestamp for now in (self._world.clock.now(), self._world.wall_clock())]
        if any(-NEWEST_TIMESTAMP_S <= age <= OLDEST_TIMESTAMP_S for age in ages):
            return
        if ages[0] > 0:
            raise Refused(
                Code.INVALID, "Invalid timestamp: `timestamp` is earlier than 5 minutes before now."
            )
        raise Refused(
            Code.INVALID, "Invalid timestamp: `timestamp` is more than 30 seconds ahead of now."
        )

    def _check_sign(self, request: web.Request, body: bytes) -> None:
        sign = request.query.get("sign")
        if not sign:
            raise Refused(Code.INVALID, "Missing credentials: the query has no signature (`sign`).")
        expected = call_signature(self._world.app_secret, request.path, request.query.items(), body)
        if not hmac.compare_digest(sign.encode(), expected.encode()):
            raise Refused(Code.BAD_SIGN, "Invalid credentials: `sign` does not fit the request.")

    def _market(
        self, endpoint: Endpoint, authorization: Authorization, cipher: str | None
    ) -> Market | None:
        if endpoint.cipher is Cipher.FORBIDDEN:
            if cipher is not None:
                raise Refused(
                    Code.INVALID, "Unexpected identifier: `shop_cipher` is not required here."
                )
            return None
        if not cipher:
            raise Refused(Code.CIPHER_MISSING, "Missing identifier: `shop_cipher` is required.")
        for shop in authorization.seller.shops:
            if shop.cipher == cipher:
                return self._world.markets[shop.id]
        raise Refused(
            Code.WRONG_SHOP, "`shop_cipher` and `x-tts-access-token` are not of the same seller."
        )


def _check_format(
    request: web.Request, endpoint: Endpoint, body: bytes, *, is_multipart: bool
) -> None:
    if endpoint.multipart and not is_multipart:
        raise Refused(Code.NOT_MULTIPART, "Invalid request format: send multipart/form-data.")
    if not endpoint.multipart and (
        is_multipart or (body and request.content_type != "application/json")
    ):
        raise Refused(Code.BAD_FORMAT, "Invalid request format: send application/json.")


async def _form(request: web.Request) -> dict[str, bytes]:
    """The parts of a multipart body by name. Raises Refused."""
    form: dict[str, bytes] = {}
    try:
        fields = await request.post()
        for name, value in fields.items():
            form[name] = value.encode() if isinstance(value, str) else _read(value)
    except web.HTTPRequestEntityTooLarge as error:
        raise Refused(Code.FILE_TOO_LARGE, "The file is too large.") from error
    except ValueError as error:
        raise Refused(Code.BAD_FORMAT, "Invalid request format: multipart is broken.") from error
    return form


def _read(value: bytes | bytearray | web.FileField) -> bytes:
    if isinstance(value, web.FileField):
        with value.file as file:
            return file.read()
    return bytes(value)


def _done_late(call: Call) -> None:
    with suppress(Refused):  # nobody hears of it
        HANDLERS[call.endpoint.name](call)
