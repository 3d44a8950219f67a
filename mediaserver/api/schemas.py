"""JSON Schemas of the documents that canvases take."""

from aiohttp import web

from compositor.schema import SCHEMAS
from mediaserver.api.bodies import answer
from mediaserver.errors import NotFound


async def schema(request: web.Request) -> web.Response:
    name = request.match_info["schema"]
    if name not in SCHEMAS:
        raise NotFound("schema", name)
    return answer(SCHEMAS[name], headers={"Access-Control-Allow-Origin": "*"})
