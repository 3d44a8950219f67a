"""What handlers find in the application, typed."""

from dataclasses import dataclass

from aiohttp import web

from mediaserver.clock import Clock
from mediaserver.commerce import Commerce
from mediaserver.loop_lag import LoopLag
from mediaserver.node import Node, Principal
from mediaserver.preview import Previews
from mediaserver.product_pictures import ProductPictures
from mediaserver.rate_limit import RateLimit
from mediaserver.recordings import Recordings
from mediaserver.rundowns import Rundowns
from mediaserver.sales import ShowSales
from mediaserver.shop_news import ShopNews
from mediaserver.stills import Stills, Thumbnails
from mediaserver.store import Store
from sync.secret import Vault


@dataclass(frozen=True)
class Deployment:
    """`base_url` is how the world reaches this server, without a slash at the end. `warnings`
    are for the operator; a `foreign_store` is a Redis that is not ours. `rtmp_base` is where
    encoders publish, None where they cannot."""

    base_url: str
    warnings: tuple[str, ...] = ()
    foreign_store: bool = False
    rtmp_base: str | None = None


CLOCK = web.AppKey("clock", Clock)
COMMERCE = web.AppKey("commerce", Commerce)
LOOP_LAG = web.AppKey("loop_lag", LoopLag)
DEPLOYMENT = web.AppKey("deployment", Deployment)
GUESSES = web.AppKey("guesses", RateLimit)
NODE = web.AppKey("node", Node)
PREVIEWS = web.AppKey("previews", Previews)
PRODUCT_PICTURES = web.AppKey("product_pictures", ProductPictures)
RECORDINGS = web.AppKey("recordings", Recordings)
RUNDOWNS = web.AppKey("rundowns", Rundowns)
SHOP_NEWS = web.AppKey("shop_news", ShopNews)
SHOW_SALES = web.AppKey("show_sales", ShowSales)
STILLS = web.AppKey("stills", Stills)
STORE = web.AppKey("store", Store)
THUMBNAILS = web.AppKey("thumbnails", Thumbnails)
VAULT = web.AppKey("vault", Vault)

PRINCIPAL = web.RequestKey("principal", Principal)
