"""Channels: where the shop sells besides its own checkout. TikTok Shop is the one there is."""

from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from mediaserver.api.bodies import answer, read_json
from mediaserver.api.keys import COMMERCE, DEPLOYMENT
from mediaserver.commerce import Commerce
from mediaserver.view import View, time_view
from sync.connecting import authorizing
from sync.connecting.checklist import Inventory, Item, checklist
from sync.model import TIKTOK, ChannelRecord, RemoteShop, Tier
from sync.shop_state import authorization_ends_at, shop_state
from sync.store.channel import STATE_LIVES_S
from sync.tier import TIERS, orders_left

CONSENT_COOKIE = "shopcast_consent"
CONSENT_PATH = "/oauth"


class ChannelChange(Struct, forbid_unknown_fields=True):
    auto_sync: bool | UnsetType = UNSET
    tier: Tier | UnsetType | None = UNSET
    account_attested: bool | UnsetType = UNSET


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
        return msgspec.structs.replace(record, **changes)

    await commerce.channels.change(TIKTOK, changed)
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
    commerce = request.app[COMMERCE]
    await authorizing.disconnect(commerce.channels)
    return answer(await current_view(commerce))


async def current_view(commerce: Commerce) -> View:
    record = await commerce.channels.get(TIKTOK)
    inventory = Inventory(await commerce.products.count())
    return channel_view(record, inventory, is_configured=commerce.has_tiktok, now=commerce.now())


def channel_view(
    record: ChannelRecord, inventory: Inventory, *, is_configured: bool, now: float
) -> View:
    """TikTok as the crew sees it: no token, no cipher."""
    state = shop_state(record, now)
    choices = record.attempt.choices if record.attempt is not None else ()
    return {
        "id": TIKTOK,
        "configured": is_configured,
        "connected": record.is_connected,
        "state": state.state,
        "conditions": list(state.conditions),
        "text": state.text,
        "shop": None if record.shop is None else _shop_view(record.shop),
        "choices": [_shop_view(shop) for shop in choices],
        "connected_at": time_view(record.connected_at),
        "authorization_ends_at": time_view(authorization_ends_at(record)),
        "auto_sync": record.auto_sync,
        "account_attested": record.account_attested_at is not None,
        "tier": record.tier,
        "limits": None if record.tier is None else _limits_view(record, record.tier, now),
        "checklist": [_item_view(item) for item in checklist(record, inventory, now)],
        "revision": record.revision,
    }


def _shop_view(shop: RemoteShop) -> View:
    return {"id": shop.id, "name": shop.name, "region": shop.region}


def _limits_view(record: ChannelRecord, tier: Tier, now: float) -> View:
    """What the probation allows; null is without limit."""
    orders = orders_left(record, now)
    return {
        "products": TIERS[tier].products,
        "orders_a_day": None if orders is None else orders.limit,
        "orders_left_today": None if orders is None else orders.left,
    }


def _item_view(item: Item) -> View:
    return {
        "id": item.code,
        "title": item.title,
        "state": item.state,
        "said": list(item.said),
        "next_step": item.next_step,
        "at": time_view(item.at),
    }
