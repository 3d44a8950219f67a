"""Sign-in: a token is exchanged for a cookie, which EventSource and pages send by themselves."""

from aiohttp import web

from mediaserver.api.bodies import answer
from mediaserver.api.keys import DEPLOYMENT, PRINCIPAL, VAULT
from mediaserver.api.roles import SESSION_S, session_cookie
from mediaserver.errors import Unauthorized
from mediaserver.secret import token_hash
from sync.secret import Secret


async def sign_in(request: web.Request) -> web.Response:
    token = request.headers.get("Authorization", "").partition(" ")[2].strip()
    if not token:
        raise Unauthorized("send the token as `Authorization: Bearer …` to sign in")
    principal = request[PRINCIPAL]
    response = answer(
        {"role": principal.role, "show": principal.show_id, "feed": principal.feed_id}
    )
    name, path = session_cookie(principal)
    response.set_cookie(
        name,
        request.app[VAULT].seal(Secret(token_hash(Secret(token)))),
        path=path,
        max_age=SESSION_S,
        httponly=True,
        samesite="Strict",
        secure=request.app[DEPLOYMENT].base_url.startswith("https://"),
    )
    return response


async def sign_out(request: web.Request) -> web.Response:
    name, path = session_cookie(request[PRINCIPAL])
    response = web.Response(status=204)
    response.del_cookie(name, path=path)
    return response
