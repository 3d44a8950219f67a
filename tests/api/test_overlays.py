import asyncio

import pytest

from mediaserver.app import Server
from mediaserver.packet import CanvasId, ShowId
from tests.api.client import Client
from tests.api.conftest import Invited
from tests.peers.rtmp_record import RtmpRecord

OVERLAYS = "canvases/landscape/overlays"
LAYOUT = "canvases/landscape/layout"
SALE = {"kind": "text", "rect": [0.0, 0.0, 1.0, 0.2], "text": "Sale"}
RED = {"kind": "ticker", "rect": [0.0, 0.0, 1.0, 1.0], "text": ".", "box": "#ff0000"}


async def test_overlays_and_layout_are_changed_each_without_the_other(
    owner: Client, invited: Invited
) -> None:
    put = await owner.put(f"{invited.path}/{OVERLAYS}", [SALE])
    after_layout = await owner.put(f"{invited.path}/{LAYOUT}", {"preset": "grid"})
    gone = await owner.put(f"{invited.path}/{OVERLAYS}", [])

    (overlay,) = put["overlays"]
    assert SALE.items() <= overlay.items()
    assert put["durable"] is True
    assert after_layout["overlays"] == put["overlays"]
    assert (gone["overlays"], gone["layout"]["preset"]) == ([], "grid")
    assert (await owner.get(invited.path))["canvases"]["landscape"]["overlays"] == []


async def test_what_was_given_back_can_be_put_again(owner: Client, invited: Invited) -> None:
    put = await owner.put(f"{invited.path}/{OVERLAYS}", [SALE, RED])

    again = await owner.put(f"{invited.path}/{OVERLAYS}", put["overlays"])

    assert again["overlays"] == put["overlays"]


async def test_listeners_hear_of_new_overlays(owner: Client, invited: Invited) -> None:
    async with owner.events(f"{invited.path}/events") as events:
        await events.until("state")
        put = await owner.put(f"{invited.path}/{OVERLAYS}", [SALE])
        told = await events.until("canvas", id="landscape")

    assert told["overlays"] == put["overlays"]


@pytest.mark.parametrize(
    ("overlays", "path"),
    [
        ([{"rect": [0, 0, 1, 1]}], "[0].kind"),
        ([SALE, SALE | {"rect": [0, 0, 2, 1]}], "[1].rect[2]"),
        ([{"kind": "image", "rect": [0, 0, 1, 1], "image": "none"}], "[0].image"),
        ([SALE | {"font": "none"}], "[0].font"),
    ],
)
async def test_overlays_that_cannot_be_used_say_where_and_change_nothing(
    overlays: list[object], path: str, owner: Client, invited: Invited
) -> None:
    before = await owner.put(f"{invited.path}/{OVERLAYS}", [SALE])

    answer = await owner.call("PUT", f"{invited.path}/{OVERLAYS}", overlays)

    assert answer.problem()[0] == 422
    assert answer.json["path"] == path
    show = await owner.get(invited.path)
    assert show["canvases"]["landscape"]["overlays"] == before["overlays"]


async def test_overlays_are_seen_on_air_and_go_again(
    owner: Client, server: Server, invited: Invited, destination: RtmpRecord
) -> None:
    body = {"platform": "custom", "url": destination.url, "stream_key": "k"}
    await owner.post(f"{invited.path}/targets", body, 201)
    await owner.post(f"{invited.path}/start")
    program = (await server.node.show(ShowId(invited.show))).program(CanvasId("landscape"))

    async def redness() -> int:
        return int((await program.snapshot(20)).to_ndarray(format="rgb24")[5, 5, 0])

    async with asyncio.timeout(20):
        await owner.put(f"{invited.path}/{OVERLAYS}", [RED])
        while await redness() < 200:
            pass
        await owner.put(f"{invited.path}/{OVERLAYS}", [])
        while await redness() > 100:
            pass
