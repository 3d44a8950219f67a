"""Whether the server lives, and whether it is ready."""

from http import HTTPStatus

from aiohttp import web

from mediaserver.api.bodies import answer
from mediaserver.api.keys import DEPLOYMENT, STORE


async def healthz(_request: web.Request) -> web.Response:
    return answer({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """503 while the store is away; `warnings` are what an operator should mend."""
    store, deployment = request.app[STORE], request.app[DEPLOYMENT]
    await store.ping()
    faults = await store.faults() if deployment.foreign_store else []
    return answer({"status": "ready", "warnings": [*deployment.warnings, *faults]}, HTTPStatus.OK)
