"""Products on canvases: what is seen of them on air, and when they are taken off."""

import asyncio
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mediaserver.app import Server
from mediaserver.packet import CanvasId, ShowId
from mediaserver.program import Program
from sync.connection import Connection
from sync.images.files import ImageFiles
from sync.model import ProductId, SkuId
from tests.api.client import Client, EventStream
from tests.api.conftest import SMALL
from tests.api.test_store_away import Redis
from tests.peers.rtmp_record import RtmpRecord
from tests.sync.shop import Shop

TIMEOUT_S = 20.0
CARD = {
    "kind": "product",
    "rect": [0.0, 0.5, 1.0, 0.5],
    "product": "pinned",
    "box": "#ff00ff",
    "accent": "#00ff00",
    "size": 0.12,
}


@pytest.fixture
async def shop(store: Connection, data_dir: Path) -> Shop:
    shop = Shop(store, time.time, ImageFiles(data_dir / "images", reserve_bytes=0))
    await shop.open()
    return shop


@pytest.fixture
async def mug(shop: Shop) -> ProductId:
    mug = await shop.stocked("mug")
    await shop.on_sale(mug)
    return mug


class OnAir:
    """A show with the mug pinned: `portrait` goes to TikTok, `landscape` elsewhere."""

    def __init__(self, owner: Client, server: Server, path: str, show_id: ShowId) -> None:
        self.owner, self.path = owner, path
        self._server, self._show_id = server, show_id

    async def program(self, canvas: str) -> Program:
        return (await self._server.node.show(self._show_id)).program(CanvasId(canvas))

    async def has_card(self, canvas: str) -> bool:
        """Whether the colour of the card is seen on that canvas now."""
        return _is_seen(await pixels(await self.program(canvas)))

    async def until_cards(self, *canvases: str) -> None:
        """Wait until the card is on these canvases and no other."""
        async with asyncio.timeout(TIMEOUT_S):
            for canvas in ("landscape", "portrait"):
                while await self.has_card(canvas) != (canvas in canvases):
                    pass

    async def until_picture(self) -> None:
        """Wait until the landscape's card has its picture, which is black as nothing else there."""
        program = await self.program("landscape")
        async with asyncio.timeout(TIMEOUT_S):
            while (await pixels(program))[95:175, 10:80].max() > 40:
                pass


async def pixels(program: Program) -> np.ndarray[Any, Any]:
    """What the canvas shows now, in RGB."""
    return (await program.snapshot(TIMEOUT_S)).to_ndarray(format="rgb24").astype(int)


def _is_seen(pixels: np.ndarray[Any, Any]) -> bool:
    return bool((abs(pixels.astype(int) - (255, 0, 255)).max(axis=2) < 40).mean() > 0.1)


@pytest.fixture
async def on_air(owner: Client, server: Server, mug: ProductId, destination: RtmpRecord) -> OnAir:
    portrait = SMALL | {"width": 180, "height": 320}
    body = {
        "title": "Autumn",
        "canvases": {"landscape": SMALL, "portrait": portrait},
        "channels": ["tiktok"],
    }
    show = await owner.post("/api/v1/shows", body, 201)
    path = f"/api/v1/shows/{show['id']}"
    for platform, canvas in (("custom", "landscape"), ("tiktok", "portrait")):
        target = {"platform": platform, "url": destination.url, "stream_key": platform}
        await owner.post(f"{path}/targets", target | {"canvas": canvas}, 201)
        await owner.put(f"{path}/canvases/{canvas}/overlays", [CARD])
    await owner.put(f"{path}/rundown", {"products": [mug]})
    await owner.put(f"{path}/rundown/pinned", {"product": mug})
    await owner.post(f"{path}/start")
    on_air = OnAir(owner, server, path, ShowId(show["id"]))
    await on_air.until_cards("landscape", "portrait")
    return on_air


async def places_with(events: EventStream, **codes: str | None) -> dict[str, Any]:
    """The next rundown in which the canvases give these reasons."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            (product, *_) = (await events.until("rundown"))["products"]
            if reasons(product) == codes:
                return dict(product)


def reasons(product: dict[str, Any]) -> dict[str, str | None]:
    found = product["canvases"]
    assert all(place["shown"] == (place["reason"] is None) for place in found.values())
    return {key: each["reason"] and each["reason"]["code"] for key, each in found.items()}


async def test_a_product_is_seen_while_it_may_be_and_comes_back_by_itself(
    on_air: OnAir, shop: Shop, mug: ProductId
) -> None:
    async with on_air.owner.events(f"{on_air.path}/events") as events:
        _, _, state = await events.next()
        assert reasons(state["rundown"]["products"][0]) == {"landscape": None, "portrait": None}

        await shop.judged(mug, audit="AUDITING")
        await places_with(events, landscape=None, portrait="tiktok_not_green")
        await on_air.until_cards("landscape")

        await shop.judged(mug, status="FREEZE")
        await places_with(events, landscape="badge_red", portrait="badge_red")
        await on_air.until_cards()

        await shop.on_sale(mug)
        await places_with(events, landscape=None, portrait=None)
        await on_air.until_cards("landscape", "portrait")

        await shop.stores.stocks.adjust(SkuId("s_mug"), -5, by="test", reason="sold")
        await places_with(events, landscape="sold_out", portrait="sold_out")
        await on_air.until_cards()

        await shop.stores.stocks.adjust(SkuId("s_mug"), 2, by="test", reason="found")
        await places_with(events, landscape=None, portrait=None)
        await on_air.until_cards("landscape", "portrait")

        await on_air.owner.put(f"{on_air.path}/rundown/pinned", {"product": None})
        await places_with(events)
        await on_air.until_cards()


async def test_a_write_of_stock_at_tiktok_leaves_the_card_where_it_is(
    on_air: OnAir, shop: Shop, mug: ProductId
) -> None:
    async with on_air.owner.events(f"{on_air.path}/events") as events:
        await events.next()
        await shop.judged(mug, stocks={SkuId("s_mug"): 0})
        await shop.judged(mug, stocks={})
        await shop.judged(mug, stocks={SkuId("s_mug"): 4})
        await shop.stores.stocks.adjust(SkuId("s_mug"), -1, by="test", reason="sold")
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                (product,) = (await events.until("rundown"))["products"]
                assert reasons(product) == {"landscape": None, "portrait": None}
                if product["available"] == 4:
                    break
    assert await on_air.has_card("portrait")


async def test_with_redis_away_tiktok_sees_no_product_and_others_do(
    on_air: OnAir, data_dir: Path
) -> None:
    redis = Redis(data_dir)
    async with on_air.owner.events(f"{on_air.path}/events") as events:
        await events.next()
        redis.hang()
        try:
            await places_with(events, landscape=None, portrait="tiktok_not_green")
            await on_air.until_cards("landscape")
        finally:
            redis.go_on()
        await places_with(events, landscape=None, portrait=None)
    await on_air.until_cards("landscape", "portrait")


async def test_a_target_on_tiktok_takes_what_is_not_green_off_its_canvas(
    on_air: OnAir, shop: Shop, mug: ProductId, destination: RtmpRecord
) -> None:
    async with on_air.owner.events(f"{on_air.path}/events") as events:
        await events.next()
        await shop.judged(mug, audit="AUDITING")
        await places_with(events, landscape=None, portrait="tiktok_not_green")
        body = {"platform": "tiktok", "url": destination.url, "canvas": "landscape"}
        target = await on_air.owner.post(f"{on_air.path}/targets", body, 201)
        await places_with(events, landscape="tiktok_not_green", portrait="tiktok_not_green")
        await on_air.until_cards()

        deleted = await on_air.owner.call("DELETE", f"{on_air.path}/targets/{target['id']}")
        assert deleted.status == 200
        await places_with(events, landscape=None, portrait="tiktok_not_green")
        await on_air.until_cards("landscape")


async def test_a_card_has_the_picture_as_it_was_fetched(on_air: OnAir) -> None:
    await on_air.until_picture()


async def test_the_preview_and_the_snapshot_show_it_too(
    owner: Client, server: Server, on_air: OnAir, mug: ProductId
) -> None:
    small = CARD | {"rect": [0, 0, 1, 1], "product": mug}
    answer = await owner.call(
        "POST", f"{on_air.path}/canvases/landscape/preview", {"overlays": [small]}
    )
    assert _is_seen(np.asarray(Image.open(io.BytesIO(answer.body)).convert("RGB"))[:90])

    still = await owner.call("GET", f"{on_air.path}/canvases/portrait/snapshot.jpg")
    assert _is_seen(np.asarray(Image.open(io.BytesIO(still.body))))


async def test_overlays_name_products_of_the_rundown_which_may_be_taken_off_it(
    owner: Client, on_air: OnAir, mug: ProductId
) -> None:
    overlays = f"{on_air.path}/canvases/landscape/overlays"
    refused = await owner.call("PUT", overlays, [CARD | {"product": "p_none"}])
    assert refused.problem() == (
        422,
        "[0].product: 'p_none' is not on the rundown: put it there first, or show whatever is "
        "pinned",
    )
    named = (await owner.put(overlays, [CARD | {"product": mug}]))["overlays"]
    assert named[0]["product"] == mug

    await owner.put(f"{on_air.path}/rundown", {"products": []})
    await on_air.until_cards()
    assert (await owner.put(overlays, named))["overlays"] == named


async def test_a_change_of_what_is_sold_is_on_the_card(
    owner: Client, on_air: OnAir, shop: Shop, mug: ProductId
) -> None:
    program = await on_air.program("landscape")

    async def until_other_than(before: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        async with asyncio.timeout(TIMEOUT_S):
            while abs((seen := await pixels(program)) - before).max() < 60:
                pass
        return seen

    await on_air.until_picture()
    first = await pixels(program)
    (sku,) = (await shop.stores.products.get(mug)).skus
    dearer = {"id": sku.id, "price": 88_888, "seller_sku": sku.seller_sku}
    await owner.patch(f"/api/v1/products/{mug}", {"skus": [dearer]})
    second = await until_other_than(first)
    await shop.stores.stocks.adjust(sku.id, -2, by="test", reason="sold")
    await until_other_than(second)
