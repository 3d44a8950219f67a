"""Errors as RFC 9457 problem+json: one table from exceptions to HTTP."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from compositor.errors import AssetError, LayoutError
from mediaserver.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NodeFull,
    NotFound,
    PayloadTooLarge,
    TooManyRequests,
    Unauthorized,
)
from mediaserver.state import UnreadableRecord
from sync import errors as shop
from sync.errors import InsufficientStock, Shortage, StoreUnavailable
from sync.tiktok.errors import NotAuthorized, RateLimited, TikTokError, TikTokUnavailable

log = logging.getLogger(__name__)


class MalformedBody(BadRequest):
    """A body that is not what its content type says."""


_STATUS: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (LayoutError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (AssetError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (MalformedBody, HTTPStatus.BAD_REQUEST),
    (BadRequest, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Unauthorized, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (PayloadTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (TooManyRequests, HTTPStatus.TOO_MANY_REQUESTS),
    (NodeFull, HTTPStatus.SERVICE_UNAVAILABLE),
    (StoreUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (UnreadableRecord, HTTPStatus.INTERNAL_SERVER_ERROR),
    (shop.Invalid, HTTPStatus.UNPROCESSABLE_ENTITY),
    (shop.NotFound, HTTPStatus.NOT_FOUND),
    (shop.Stale, HTTPStatus.CONFLICT),
    (shop.Conflict, HTTPStatus.CONFLICT),
    (NotAuthorized, HTTPStatus.CONFLICT),
    (TikTokUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (RateLimited, HTTPStatus.SERVICE_UNAVAILABLE),
    (TikTokError, HTTPStatus.BAD_GATEWAY),
)
"""The first that fits. Whatever is not here is our fault: 500, and the log tells."""

_RETRY_AFTER_S = 2
"""When to ask again after a 503 that does not say."""

_WORDS = {
    HTTPStatus.NOT_FOUND: "there is nothing at this address",
    HTTPStatus.METHOD_NOT_ALLOWED: "this address does not take {method}",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the body is larger than allowed here",
}


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every exception as problem+json."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _from_http(request, error)
    except web.RequestPayloadError:
        request.content.feed_eof()  # else aiohttp reads on after the answer, and fails
        response = problem(HTTPStatus.BAD_REQUEST, "the body is not what its Content-Encoding says")
        response.force_close()
        return response
    except Exception as error:
        if (status := _status(request, error)) is not None:
            return problem(
                status,
                str(error),
                path=_path(error),
                shortages=error.shortages if isinstance(error, InsufficientStock) else (),
                headers=_headers(error),
            )
        log.exception("request_failed method=%s path=%s", request.method, request.path)
        return problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, "an error inside this server; its log tells more"
        )


def problem(
    status: int,
    detail: str,
    *,
    path: str | None = None,
    shortages: Sequence[Shortage] = (),
    headers: dict[str, str] | None = None,
) -> web.Response:
    """RFC 9457 §3; `path` points into the body that was sent, `shortages` say of what there was too
    little."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    if path:
        document["path"] = path
    if shortages:
        document["shortages"] = shortages
    return web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/problem+json",
        headers=headers,
    )


def _status(request: web.Request, error: Exception) -> HTTPStatus | None:
    if isinstance(error, shop.Stale) and "If-Match" in request.headers:
        return HTTPStatus.PRECONDITION_FAILED
    return next((status for kind, status in _STATUS if isinstance(error, kind)), None)


def _path(error: Exception) -> str | None:
    return error.path if isinstance(error, BadRequest | LayoutError | shop.Invalid) else None


def _headers(error: Exception) -> dict[str, str]:
    match error:
        case Unauthorized():
            return {"WWW-Authenticate": "Bearer"}
        case TooManyRequests() | NodeFull():
            return {"Retry-After": str(error.retry_after_s)}
        case StoreUnavailable() | TikTokUnavailable() | RateLimited():
            return {"Retry-After": str(_RETRY_AFTER_S)}
    return {}


def _from_http(request: web.Request, error: web.HTTPException) -> web.Response:
    """The errors of the framework, and of handlers that speak HTTP's own words."""
    usual = f"{error.status}: {error.reason}"
    detail = error.text if error.text and error.text != usual else error.reason
    if not error.text or error.text == usual or error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        words = _WORDS.get(HTTPStatus(error.status), error.reason)
        detail = words.format(method=request.method)
    kept = ("Allow", "Retry-After", "Accept-Post", "Accept-Patch")
    headers = {name: error.headers[name] for name in kept if name in error.headers}
    return problem(error.status, detail, headers=headers)
