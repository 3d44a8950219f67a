"""The host's page sends its picture at the size that the show wants."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Page

from compositor.frame import planes
from mediaserver.app import Server
from mediaserver.decoder import BT601, VideoDecoder
from mediaserver.feed import Feed
from mediaserver.packet import AccessUnit
from tests.api.client import Client
from tests.peers.rtmp_record import RtmpRecord

LARGER_WITHIN_S = 1.0
SMALLER_AFTER_S = 2.0
GOOD_DB = 32.0
"""Blocks are seen below some 30 dB (luma); the camera's picture is noisy all over."""
ATTEMPTS = 3
"""A machine with two busy cores takes its time; what is too slow is so each time."""


class Watched:
    """The pictures that a feed brings, decoded beside the show."""

    def __init__(self) -> None:
        self.pictures: list[tuple[float, av.VideoFrame]] = []
        self._decoder = VideoDecoder(BT601)
        self._begun = False
        self._changed = asyncio.Event()

    def see(self, unit: AccessUnit) -> None:
        self._begun = self._begun or (unit.kind == "video" and unit.is_keyframe)
        if unit.kind == "video" and self._begun:
            frames = self._decoder.decode(unit)
            self.pictures += [(unit.arrived_s, frame) for frame in frames]
            self._changed.set()

    @property
    def size(self) -> tuple[int, int]:
        _, frame = self.pictures[-1]
        return frame.width, frame.height

    async def latest(self, count: int) -> list[av.VideoFrame]:
        """The last picture and those that follow it."""
        first = len(self.pictures) - 1
        await self.until(lambda: len(self.pictures) >= first + count)
        return [frame for _, frame in self.pictures[first : first + count]]

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not (self.pictures and done()):
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    watched, push = Watched(), Feed.push

    def pushed(feed: Feed, unit: AccessUnit) -> None:
        push(feed, unit)
        watched.see(unit)

    monkeypatch.setattr(Feed, "push", pushed)
    return watched


@pytest.fixture
async def on_air(owner: Client, destination: RtmpRecord, page: Page) -> AsyncIterator[str]:
    """A show on air whose one host comes from the page; its address."""
    show = await owner.post("/api/v1/shows", {"title": "Autumn"}, 201)
    path = f"/api/v1/shows/{show['id']}"
    feed = await owner.post(f"{path}/feeds", {"name": "Ann", "admitted": True}, 201)
    body = {"platform": "custom", "url": destination.url, "stream_key": "k"}
    await owner.post(f"{path}/targets", body, 201)
    await owner.put(f"{path}/canvases/landscape/layout", tile(0.5))
    await owner.post(f"{path}/start")
    await page.goto(feed["join_url"])
    await page.get_by_role("button", name="Join").click()
    yield path
    await page.close()


def tile(side: float) -> dict[str, Any]:
    """A layout in which the host fills that much of the canvas, which is 1280×720."""
    rect = [0, 0, side, side]
    return {"slots": [{"feed": "ann", "rect": rect}], "transition": {"duration_ms": 300}}


def luma(frame: av.VideoFrame) -> NDArray[np.float32]:
    return planes(frame).y.astype(np.float32)


def worst_db(frames: list[av.VideoFrame], camera: Path) -> float:
    """The least PSNR (luma) of `frames`, each against the camera's picture that it shows."""
    with av.open(str(camera)) as source:
        originals = [luma(frame) for frame in source.decode(video=0)]
    errors = [
        min(float(np.mean(np.square(luma(frame) - original))) for original in originals)
        for frame in frames
    ]
    return float(10 * np.log10(255**2 / max(errors)))


async def test_picture_grows_with_its_tile_within_a_second_and_looks_good_at_once(
    owner: Client, server: Server, on_air: str, watched: Watched, busy_camera: Path
) -> None:
    layout = f"{on_air}/canvases/landscape/layout"
    loop = asyncio.get_running_loop()

    async def resized(side: float, size: tuple[int, int]) -> float:
        """Seconds from the layout to the first picture of that size."""
        asked_s = loop.time()
        await owner.put(layout, tile(side))
        await watched.until(lambda: watched.size == size)
        return watched.pictures[-1][0] - asked_s

    await watched.until(lambda: watched.size == (640, 360))
    for _ in range(ATTEMPTS):
        larger_after_s = await resized(1, (1280, 720))
        grown = await watched.latest(15)
        smaller_after_s = await resized(0.5, (640, 360))
        if larger_after_s <= LARGER_WITHIN_S:
            break

    assert larger_after_s <= LARGER_WITHIN_S
    assert smaller_after_s >= SMALLER_AFTER_S
    assert {(frame.width, frame.height) for frame in grown} == {(1280, 720)}
    assert worst_db(grown, busy_camera) >= GOOD_DB
