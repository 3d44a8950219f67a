"""The control over HTTP: POST /_control/NAME with the arguments of Control's method NAME as a
JSON object; those that only look are GET, too, with the arguments in the query."""

import inspect
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any, get_type_hints

import msgspec
from aiohttp import web

from sync.sandbox.control import Control
from sync.sandbox.errors import ControlError, ShopperRefused

PREFIX = "/_control"
LOOKING = frozenset({"state", "products", "orders", "requests", "webhooks"})

NAMES = tuple(
    name
    for name, _ in inspect.getmembers(Control, inspect.iscoroutinefunction)
    if not name.startswith("_")
)


def routes(control: Control) -> list[web.RouteDef]:
    found = []
    for name in NAMES:
        answer = _handler(getattr(control, name), _arguments(name))
        found.append(web.post(f"{PREFIX}/{name}", answer))
        if name in LOOKING:
            found.append(web.get(f"{PREFIX}/{name}", answer, allow_head=False))
    return found


def _arguments(name: str) -> type[msgspec.Struct]:
    """A struct whose fields are the arguments of Control's method `name`."""
    method = getattr(Control, name)
    hints = get_type_hints(method)
    fields: list[Any] = []
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        hint = hints[parameter.name]
        if parameter.default is inspect.Parameter.empty:
            fields.append((parameter.name, hint))
        else:
            fields.append((parameter.name, hint, parameter.default))
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True)


def _handler(
    method: Callable[..., Awaitable[Any]], arguments: type[msgspec.Struct]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        if not _is_loopback(request.remote):
            return _error(403, "forbidden", "the control answers to this machine alone")
        try:
            if request.method == "GET":
                given = msgspec.convert(dict(request.query), arguments, strict=False)
            else:
                given = msgspec.json.decode(await request.read() or b"{}", type=arguments)
        except msgspec.MsgspecError as error:
            return _error(422, "arguments", str(error))
        try:
            result = await method(**msgspec.structs.asdict(given))
        except ShopperRefused as error:
            return _error(409, error.reason, str(error))
        except ControlError as error:
            return _error(422, "control", str(error))
        return web.Response(body=msgspec.json.encode(result), content_type="application/json")

    return answer


def _is_loopback(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _error(status: int, reason: str, text: str) -> web.Response:
    body = msgspec.json.encode({"reason": reason, "detail": text})
    return web.Response(status=status, body=body, content_type="application/json")
