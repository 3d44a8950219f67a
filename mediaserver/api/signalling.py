"""What WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) have in common over HTTP.

Trickle ICE is taken; ICE restart is not (422, RFC 9725 §4.3.1): a page that lost its path asks for
a new session.
"""

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import web

from mediaserver.api.bodies import BODY_TIMEOUT_S, MAX_BODY_BYTES, read_bytes
from mediaserver.api.keys import DEPLOYMENT
from mediaserver.errors import Unauthorized
from mediaserver.settings import IceServer
from mediaserver.webrtc.sdp import Candidate, IceCredentials, SdpError, parse_fragment

OFFER_TYPE = "application/sdp"
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"

_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Retry-After, Shopcast-Contender",
}
_PREFLIGHT = {
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, Shopcast-Resume",
    "Access-Control-Max-Age": "86400",
}


class Session(Protocol):
    """A connection that was made by an offer and its answer."""

    id: str
    etag: str
    remote_credentials: IceCredentials

    async def add_candidates(self, candidates: Sequence[Candidate]) -> None: ...


async def allow_any_origin(request: web.Request, response: web.StreamResponse) -> None:
    """Signal for `Application.on_response_prepare`: pages from anywhere may publish and watch.

    Errors too: a page that may not read them could not say what is wrong.
    """
    if request.path.startswith(("/whip/", "/whep/")):
        response.headers.update(_CORS)


def bearer(request: web.Request) -> str:
    """Raises Unauthorized when no token came."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("send the invitation's token as Authorization: Bearer")
    return token.strip()


async def offer_of(request: web.Request) -> str:
    """Raises SdpError, PayloadTooLarge, and HTTP 408 and 415."""
    return await _body(request, OFFER_TYPE)


def created(
    request: web.Request, path: str, session: Session, answer: str, servers: Sequence[IceServer]
) -> web.Response:
    """201 for a new session at `path`."""
    response = web.Response(status=201, text=answer, content_type=OFFER_TYPE)
    root = urlsplit(request.app[DEPLOYMENT].base_url).path
    response.headers["Location"] = f"{root}{path}"
    response.headers["ETag"] = session.etag
    for link in ice_server_links(servers):
        response.headers.add("Link", link)
    return response


async def trickled(request: web.Request, session: Session) -> web.Response:
    """Take the candidates of a PATCH."""
    text = await _body(request, FRAGMENT_TYPE)
    condition = request.headers.get("If-Match")
    if condition is None:
        raise web.HTTPPreconditionRequired(text="send the session's ETag as If-Match")
    named = [tag.strip() for tag in condition.split(",")]
    if named != ["*"] and session.etag not in named:
        raise web.HTTPPreconditionFailed(text="this ETag is of another ICE session")
    fragment = parse_fragment(text)
    if fragment.credentials not in (None, session.remote_credentials):
        raise web.HTTPUnprocessableEntity(
            text="ICE restart is not supported here: begin anew with POST"
        )
    await session.add_candidates(fragment.candidates)
    return web.Response(status=204)


async def describe_endpoint(_request: web.Request) -> web.Response:
    return web.Response(status=204)


async def endpoint_options(_request: web.Request) -> web.Response:
    return _options("POST, GET, HEAD, OPTIONS", {"Accept-Post": OFFER_TYPE})


async def session_options(_request: web.Request) -> web.Response:
    accepted = {"Accept-Post": OFFER_TYPE, "Accept-Patch": FRAGMENT_TYPE}
    return _options("PATCH, DELETE, GET, HEAD, OPTIONS", accepted)


def _options(allowed: str, accepted: dict[str, str]) -> web.Response:
    methods = {"Allow": allowed, "Access-Control-Allow-Methods": allowed}
    return web.Response(headers=_PREFLIGHT | methods | accepted)


async def _body(request: web.Request, content_type: str) -> str:
    if request.content_type != content_type:
        raise web.HTTPUnsupportedMediaType(text=f"send {content_type}")
    body = await read_bytes(request, MAX_BODY_BYTES, BODY_TIMEOUT_S)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise SdpError("the body is not UTF-8 text") from None


def ice_server_links(servers: Sequence[IceServer]) -> list[str]:
    """Values of Link headers (RFC 9725 §4.6)."""
    links = []
    for server in servers:
        account = ""
        if server.username is not None and server.credential is not None:
            account = (
                f"; username={_quoted(server.username)}"
                f"; credential={_quoted(server.credential.reveal())}"
                '; credential-type="password"'
            )
        links += [f'<{url}>; rel="ice-server"{account}' for url in server.urls]
    return links


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
