"""Answers to calls that are refused or, on demand, fail."""

from aiohttp import hdrs, web

from sync.sandbox.envelope import envelope
from sync.sandbox.errors import Refused
from sync.sandbox.faults import FaultKind
from sync.sandbox.wire import Code
from sync.sandbox.world import World


class RateLimited(Refused):
    """Too many calls; `wait_s` is when to come back."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(Code.RATE_LIMITED, "Too many requests: come back later.")
        self.wait_s = wait_s


def refused(world: World, name: str, error: Refused) -> web.Response:
    """The answer to a call of the endpoint `name` that was refused."""
    world.requests[name, error.code] += 1
    response = envelope(error.code, error.message, None, error.http_status)
    if isinstance(error, RateLimited):
        response.headers[hdrs.RETRY_AFTER] = str(error.wait_s)
    return response


def failed(world: World, name: str, fault: FaultKind, request: web.Request) -> web.Response:
    """The answer to a call that was not done because of `fault`."""
    match fault:
        case "rate_limit":
            return refused(world, name, RateLimited(1))
        case "internal":
            return refused(world, name, Refused(Code.INTERNAL, "Internal error: try again."))
        case "timeout":
            return refused(world, name, Refused(Code.TIMEOUT, "Request timeout."))
        case "error_503":
            world.requests[name, 503] += 1
            return web.Response(status=503, text="Service Unavailable")
        case "error_500":
            world.requests[name, 500] += 1
            return web.Response(status=500, text="Internal Server Error")
        case _:
            world.requests[name, -1] += 1
            return _closed(request)


async def unanswered(world: World, fault: FaultKind, request: web.Request) -> web.Response:
    """Never answer a call that was done: hang until the caller goes, or end the connection."""
    if fault == "hang_after":
        await world.closing.wait()
    return _closed(request)


def _closed(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
