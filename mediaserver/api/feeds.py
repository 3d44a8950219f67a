"""Feeds: invitations for hosts, admission, and what a host's page needs."""

from typing import Annotated
from urllib.parse import urlencode

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from mediaserver.api.bodies import answer, read_json
from mediaserver.api.canvases import jpeg
from mediaserver.api.keys import DEPLOYMENT, THUMBNAILS
from mediaserver.api.shows import show_of
from mediaserver.packet import FeedId, ShowId
from mediaserver.view import View
from sync.secret import Secret

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Gain = Annotated[float, Meta(ge=-60, le=20)]


class NewFeed(Struct, forbid_unknown_fields=True):
    name: Name
    admitted: bool = False


class FeedChange(Struct, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    admitted: bool | UnsetType = UNSET
    gain_db: Gain | UnsetType = UNSET
    muted: bool | UnsetType = UNSET
    solo: bool | UnsetType = UNSET


async def create(request: web.Request) -> web.Response:
    body = await read_json(request, NewFeed)
    show = await show_of(request)
    feed_id, token, durable = await show.add_feed(body.name, admitted=body.admitted)
    invitation = _invitation(request, show.id, token)
    return answer(show.feed_view(feed_id) | invitation | {"durable": durable}, 201)


async def change(request: web.Request) -> web.Response:
    body = await read_json(request, FeedChange)
    show = await show_of(request)
    feed_id = _feed_id(request)
    durable = await show.change_feed(
        feed_id,
        name=None if body.name is UNSET else body.name,
        admitted=None if body.admitted is UNSET else body.admitted,
        gain_db=None if body.gain_db is UNSET else body.gain_db,
        muted=None if body.muted is UNSET else body.muted,
        solo=None if body.solo is UNSET else body.solo,
    )
    return answer(show.feed_view(feed_id) | {"durable": durable})


async def delete(request: web.Request) -> web.Response:
    show = await show_of(request)
    durable = await show.remove_feed(_feed_id(request))
    return answer({"durable": durable})


async def reissue_token(request: web.Request) -> web.Response:
    show = await show_of(request)
    feed_id = _feed_id(request)
    token, durable = await show.reissue_token(feed_id)
    invitation = _invitation(request, show.id, token)
    return answer(show.feed_view(feed_id) | invitation | {"durable": durable}, 201)


async def thumbnail(request: web.Request) -> web.Response:
    show = await show_of(request)
    feed = show.feed(_feed_id(request))
    return jpeg(await request.app[THUMBNAILS].jpeg(show.id, feed))


def _feed_id(request: web.Request) -> FeedId:
    return FeedId(request.match_info["feed"])


def _invitation(request: web.Request, show_id: ShowId, token: Secret) -> View:
    """What a host needs to join; the one answer that holds the token. In a link it travels in
    the fragment only, which browsers do not send."""
    deployment = request.app[DEPLOYMENT]
    base_url, rtmp_base = deployment.base_url, deployment.rtmp_base
    fragment = urlencode({"show": show_id, "token": token.reveal()})
    return {
        "token": token.reveal(),
        "whip_url": f"{base_url}/whip/{show_id}",
        "join_url": f"{base_url}/host#{fragment}",
        "rtmp_url": f"{rtmp_base}/{token.reveal()}" if rtmp_base else None,
    }
