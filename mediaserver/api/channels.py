"""Channels: where the shop sells besides its own checkout. TikTok Shop is the one there is."""

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from mediaserver.api.bodies import answer, read_json, shown
from mediaserver.api.keys import COMMERCE, DEPLOYMENT
from mediaserver.api.products import parameters
from mediaserver.channel_view import channel_view, in_brief
from mediaserver.commerce import Commerce
from mediaserver.errors import BadRequest
from mediaserver.view import View
from sync.connecting import authorizing
from sync.model import TIKTOK, ChannelRecord, Tier
from sync.quota import MOST
from sync.store.channel import STATE_LIVES_S

CONSENT_COOKIE = "shopcast_consent"
CONSENT_PATH = "/oauth"


class PolicyChange(Struct, forbid_unknown_fields=True):
    mode: Literal["escrow", "buffered"] | UnsetType = UNSET
    share: Annotated[int, Meta(ge=0, le=100)] | UnsetType | None = UNSET
    buffer: Annotated[int, Meta(ge=0, le=MOST)] | UnsetType = UNSET


class ChannelChange(Struct, forbid_unknown_fields=True):
    auto_sync: bool | UnsetType = UNSET
    tier: Tier | UnsetType | None = UNSET
    account_attested: bool | UnsetType = UNSET
    stock: PolicyChange | UnsetType = UNSET


class ChosenShop(Struct, forbid_unknown_fields=True):
    shop: Annotated[str, Meta(min_length=1, max_length=100)]


async def listing(request: web.Request) -> web.Response:
    return answer({"channels": [await current_view(request.app[COMMERCE])]})


async def read(request: web.Request) -> web.Response:
    return answer(await current_view(request.app[COMMERCE]))


async def change(request: web.Request) -> web.Response:
    body = await read_json(request, ChannelChange)
    commerce = request.app[COMMERCE]

    def changed(record: ChannelRecord) -> ChannelRecord:
        changes: dict[str, Any] = {}
        if body.auto_sync is not UNSET:
            changes["auto_sync"] = body.auto_sync
        if body.tier is not UNSET:
            changes["tier"] = body.tier
        if body.account_attested is not UNSET:
            at = record.account_attested_at or commerce.now()
            changes["account_attested_at"] = at if body.account_attested else None
        if body.stock is not UNSET:
            said = msgspec.structs.asdict(body.stock)
            stock = {name: value for name, value in said.items() if value is not UNSET}
            changes["stock"] = msgspec.structs.replace(record.stock, **stock)
        return msgspec.structs.replace(record, **changes)

    await commerce.stores.channels.change(TIKTOK, changed)
    return answer(await current_view(commerce))


async def connect(request: web.Request) -> web.Response:
    consent = await request.app[COMMERCE].tiktok.authorizing.begin()
    response = answer({"authorize_url": consent.url})
    response.set_cookie(
        CONSENT_COOKIE,
        consent.state_hash,
        path=CONSENT_PATH,
        max_age=2 * STATE_LIVES_S,  # so that who comes too late is told so
        httponly=True,
        samesite="Lax",  # TikTok sends the browser back here: a navigation from its site
        secure=request.app[DEPLOYMENT].base_url.startswith("https://"),
    )
    return response


async def choose_shop(request: web.Request) -> web.Response:
    body = await read_json(request, ChosenShop)
    commerce = request.app[COMMERCE]
    await commerce.tiktok.authorizing.choose(body.shop)
    return answer(await current_view(commerce))


async def check(request: web.Request) -> web.Response:
    """Ask TikTok anew what it says of the shop."""
    commerce = request.app[COMMERCE]
    await commerce.tiktok.keeper.check()
    return answer(await current_view(commerce))


async def disconnect(request: web.Request) -> web.Response:
    """Unless told so, what TikTok may still sell stays set aside for it."""
    commerce = request.app[COMMERCE]
    stock = parameters(request, ("stock",)).get("stock", "keep")
    if stock not in ("keep", "release"):
        raise BadRequest(f"must be keep or release, not {shown(stock)!r}", "stock")
    await authorizing.disconnect(commerce.stores.channels)
    if stock == "release":
        await commerce.stores.stocks.release_quotas(TIKTOK, None)
    return answer(await current_view(commerce))


async def current_view(commerce: Commerce, *, brief: bool = False) -> View:
    """The channel as it is now, `brief` as events have it. Raises StoreUnavailable."""
    record, progress = await asyncio.gather(
        commerce.stores.channels.get(TIKTOK), commerce.stores.progress.get()
    )
    inventory = await commerce.inventory.look(record, progress)
    return channel_view(
        record,
        inventory,
        in_brief(progress) if brief else progress,
        is_configured=commerce.has_tiktok,
        now=commerce.now(),
    )
