"""Where TikTok sends the seller back to: a small page that tells how it went."""

from collections.abc import Mapping
from html import escape
from http import HTTPStatus

from aiohttp import web

from mediaserver.api.channels import CONSENT_COOKIE, CONSENT_PATH
from mediaserver.api.keys import COMMERCE, DEPLOYMENT
from sync.connecting.authorizing import Returned
from sync.connecting.outcome import Outcome, OutcomeCode
from sync.errors import Conflict, StoreUnavailable

_STATUS: dict[OutcomeCode, HTTPStatus] = {
    "connected": HTTPStatus.OK,
    "choose_shop": HTTPStatus.OK,
    "going_on": HTTPStatus.ACCEPTED,
    "denied": HTTPStatus.FORBIDDEN,
    "no_state": HTTPStatus.BAD_REQUEST,
    "other_browser": HTTPStatus.FORBIDDEN,
    "used_state": HTTPStatus.CONFLICT,
    "expired_state": HTTPStatus.GONE,
    "no_code": HTTPStatus.BAD_REQUEST,
    "code_refused": HTTPStatus.CONFLICT,
    "not_a_seller": HTTPStatus.CONFLICT,
    "no_shop": HTTPStatus.CONFLICT,
    "scopes_missing": HTTPStatus.CONFLICT,
    "app_refused": HTTPStatus.BAD_GATEWAY,
    "tiktok_changed": HTTPStatus.BAD_GATEWAY,
}

_TITLES: dict[OutcomeCode, str] = {
    "connected": "TikTok Shop is connected",
    "choose_shop": "One thing is left to do",
    "going_on": "Almost there",
    "used_state": "This link works once",  # and may well have connected the shop then
}

_NOT_CONNECTED = "TikTok Shop was not connected"
"""By this: a connection of before goes on."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{title}</title>
  <link rel="icon" href="data:,">
</head>
<body data-outcome="{code}">
  <main>
    <h1>{title}</h1>
    <p>{text}</p>
    <p><a href="{back}">Back to Shopcast</a></p>
  </main>
</body>
</html>
"""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
}

_LONGEST = 2000
"""A state or code that is longer is none of TikTok's."""


async def tiktok_callback(request: web.Request) -> web.Response:
    """The outcome as a page. A store that is away, or a server without an app, is told so too."""
    back = Returned(
        state=_given(request.query, "state"),
        code=_given(request.query, "code"),
        error=_given(request.query, "error"),
        kept=request.cookies.get(CONSENT_COOKIE, ""),
    )
    base_url = request.app[DEPLOYMENT].base_url
    try:
        found = await request.app[COMMERCE].tiktok.authorizing.returned(back)
    except Conflict as error:
        return _page("no_app", _NOT_CONNECTED, f"{error}.", HTTPStatus.CONFLICT, base_url)
    except StoreUnavailable as error:
        text = f"{error}. Load this page again in a moment."
        return _page("store_away", "Not yet", text, HTTPStatus.SERVICE_UNAVAILABLE, base_url)
    response = _outcome_page(found, base_url)
    if not found.is_refusal:
        response.del_cookie(CONSENT_COOKIE, path=CONSENT_PATH)
    return response


def _given(query: Mapping[str, str], name: str) -> str:
    text = query.get(name, "")
    return text if len(text) <= _LONGEST and text.isprintable() else ""


def _outcome_page(found: Outcome, base_url: str) -> web.Response:
    title = _TITLES.get(found.code, _NOT_CONNECTED)
    return _page(found.code, title, found.text, _STATUS[found.code], base_url)


def _page(code: str, title: str, text: str, status: HTTPStatus, base_url: str) -> web.Response:
    document = _PAGE.format(
        code=escape(code), title=escape(title), text=escape(text), back=escape(f"{base_url}/")
    )
    return web.Response(
        text=document, status=status, content_type="text/html", charset="utf-8", headers=_HEADERS
    )
