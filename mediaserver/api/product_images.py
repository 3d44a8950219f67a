"""Products' pictures as this server has fetched them, for panels that ask no other host."""

import re

from aiohttp import web

from mediaserver.api.keys import COMMERCE, NODE, PRINCIPAL, PRODUCT_PICTURES
from mediaserver.errors import NotFound
from mediaserver.product_pictures import SmallPicture
from sync.model import ProductId

_NUMBER = re.compile(r"[0-9]{1,3}")


async def read(request: web.Request) -> web.Response:
    picture = await _picture(request)
    tag = f'"{picture.digest}"'
    headers = {"Cache-Control": "private, max-age=60", "ETag": tag}
    if tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    return web.Response(body=picture.jpeg, content_type="image/jpeg", headers=headers)


async def _picture(request: web.Request) -> SmallPicture:
    """Raises NotFound, also for a host where the product is not on their show's rundown."""
    product_id, number = ProductId(request.match_info["product"]), request.match_info["image"]
    principal, found = request[PRINCIPAL], None
    if principal.show_id is not None:
        show = await request.app[NODE].show(principal.show_id)
        if product_id not in show.record.rundown:
            raise NotFound("product", product_id)
    product = await request.app[COMMERCE].stores.products.get(product_id)
    if _NUMBER.fullmatch(number) and int(number) < len(product.images):
        found = await request.app[PRODUCT_PICTURES].of(product.images[int(number)].url)
    if found is None:
        raise NotFound("picture", f"{product_id}/{number}")
    return found
