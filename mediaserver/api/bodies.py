"""Bodies of requests and answers: JSON, checked once, here."""

import asyncio
import re
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import web

from mediaserver.api.problems import MalformedBody
from mediaserver.errors import BadRequest, PayloadTooLarge

T = TypeVar("T")

MAX_BODY_BYTES = 64 * 1024
BODY_TIMEOUT_S = 10.0

_AT = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)
_QUOTED = re.compile(r"'(.*)'", re.DOTALL)


async def read_json(request: web.Request, kind: type[T], limit_bytes: int = MAX_BODY_BYTES) -> T:
    """The request's JSON as a `kind`.

    Raises MalformedBody where it is no JSON, BadRequest with the path of what does not fit,
    PayloadTooLarge, and HTTP 408 and 415.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send the body as Content-Type: application/json")
    return decoded(await read_bytes(request, limit_bytes, BODY_TIMEOUT_S), kind)


def decoded(body: bytes | msgspec.Raw, kind: type[T], within: str = "") -> T:
    """JSON as a `kind`; `within` is the path of this part in the whole body.

    Raises MalformedBody, and BadRequest with the path of what does not fit.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        found = _AT.fullmatch(str(error))
        reason, path = found.groups() if found else (str(error), "")
        whole = ".".join(part for part in (within, path) if part)
        raise BadRequest(_in_words(reason, path, kind), whole or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBody(f"the body is not valid JSON: {error}") from None


async def read_bytes(request: web.Request, limit_bytes: int, timeout_s: float) -> bytes:
    """The request's body, whatever it is. Raises PayloadTooLarge, and HTTP 408."""
    if (request.content_length or 0) > limit_bytes:
        raise PayloadTooLarge(limit_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit_bytes:
                    raise PayloadTooLarge(limit_bytes)
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the body did not come") from None
    return bytes(body)


def shown(value: object, longest: int = 60) -> str:
    """`value` as an answer repeats it: callers may send very long ones."""
    text = str(value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def _in_words(reason: str, path: str, kind: Any) -> str:
    """What msgspec says of the field at `path`, with what may be there instead."""
    quoted = _QUOTED.search(reason)
    if quoted and reason.startswith("Invalid enum value"):
        hint = get_type_hints(kind).get(path) if isinstance(kind, type) else None
        literals = [each for each in (hint, *get_args(hint)) if get_origin(each) is Literal]
        allowed = [value for literal in literals for value in get_args(literal)]
        if allowed:
            return f"must be one of {', '.join(allowed)}, not {shown(quoted[1])!r}"
    if quoted and "matching regex" in reason:
        return f"must be of the form {quoted[1]}"
    return shown(reason, 160)


def answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """`document` as JSON; answers of the API are nobody's to keep."""
    return web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
