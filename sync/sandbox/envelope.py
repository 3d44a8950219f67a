"""The form of every answer."""

import secrets
from typing import Any

import msgspec
from aiohttp import web


def envelope(code: int, message: str, data: Any, status: int = 200) -> web.Response:
    body = msgspec.json.encode(
        {
            "code": code,
            "data": data,
            "message": message,
            "request_id": secrets.token_hex(16).upper(),
        }
    )
    return web.Response(status=status, body=body, content_type="application/json")
