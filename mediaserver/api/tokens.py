"""Producers' tokens, minted and revoked by the owner."""

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from mediaserver.api.bodies import answer, read_json
from mediaserver.api.keys import NODE
from mediaserver.view import time_view


class NewToken(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=100)]


async def mint(request: web.Request) -> web.Response:
    body = await read_json(request, NewToken)
    token_id, token = await request.app[NODE].mint(body.name)
    minted = {"id": token_id, "name": body.name, "role": "producer", "token": token.reveal()}
    return answer(minted, 201)


async def listing(request: web.Request) -> web.Response:
    tokens = await request.app[NODE].tokens()
    return answer(
        {
            "tokens": [
                {
                    "id": token.id,
                    "name": token.name,
                    "role": "producer",
                    "created_at": time_view(token.created_at),
                }
                for token in tokens
            ]
        }
    )


async def revoke(request: web.Request) -> web.Response:
    await request.app[NODE].revoke(request.match_info["token"])
    return web.Response(status=204)
