"""The sandbox as an aiohttp app: TikTok's API and its authorization, and the control beside."""

from aiohttp import web

from sync.sandbox import access, control_api
from sync.sandbox.control import Control
from sync.sandbox.gateway import Gateway
from sync.sandbox.world import World

_LONGEST_BODY = 12 * 1024 * 1024
"""Above the longest image, so that its own limit is what refuses it."""


def sandbox_app(world: World, control: Control) -> web.Application:
    app = web.Application(client_max_size=_LONGEST_BODY)
    app.add_routes(access.routes(world))
    app.add_routes(control_api.routes(control))
    app.router.add_route("*", "/{path:.*}", Gateway(world).answer)
    return app
