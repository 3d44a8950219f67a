"""Bodies of requests and answers: JSON, checked once, here."""

import asyncio
import re
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from mediaserver.api.problems import MalformedBody
from mediaserver.errors import BadRequest, PayloadTooLarge

T = TypeVar("T")

MAX_BODY_BYTES = 64 * 1024
BODY_TIMEOUT_S = 10.0
UPLOAD_TIMEOUT_S = 60.0

_AT = re.compile(r"(.*) - at `(?:key in )?\$\.?(.*)`")


async def read_json(request: web.Request, kind: type[T]) -> T:
    """The request's JSON as a `kind`.

    Raises MalformedBody where it is no JSON, BadRequest with the path of what does not fit,
    PayloadTooLarge, and HTTP 408 and 415.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send the body as Content-Type: application/json")
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise PayloadTooLarge(MAX_BODY_BYTES)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the body did not come") from None
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        found = _AT.fullmatch(str(error))
        reason, path = found.groups() if found else (str(error), None)
        raise BadRequest(reason, path or None) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedBody(f"the body is not valid JSON: {error}") from None


async def read_bytes(request: web.Request, limit_bytes: int) -> bytes:
    """The request's body, whatever it is. Raises PayloadTooLarge, and HTTP 408."""
    if (request.content_length or 0) > limit_bytes:
        raise PayloadTooLarge(limit_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(UPLOAD_TIMEOUT_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit_bytes:
                    raise PayloadTooLarge(limit_bytes)
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the body did not come") from None
    return bytes(body)


def answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """`document` as JSON; answers of the API are nobody's to keep."""
    return web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
