"""The WHIP client, against servers that will not have it."""

from collections.abc import AsyncIterator
from fractions import Fraction

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc.mediastreams import MediaStreamError

from mediaserver.demo.clip import Clip
from mediaserver.demo.publisher import LoopTrack, Publisher, PublishError, clip_tracks

CLIP = Clip(pictures=(b"one", b"two"), fps=1000, sound=(b"tick",))


@pytest.fixture
async def refusing_server() -> AsyncIterator[TestServer]:
    async def refuse(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer secret-of-feed"
        assert request.content_type == "application/sdp"
        offer = await request.text()
        assert "H264/90000" in offer
        assert "VP8" not in offer
        assert "opus/48000/2" in offer
        assert "a=sendonly" in offer
        return web.Response(status=403, text="this feed was removed")

    app = web.Application()
    app.router.add_post("/whip/show", refuse)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


async def test_refusal_is_told_in_the_servers_words(refusing_server: TestServer) -> None:
    url = str(refusing_server.make_url("/whip/show"))
    publisher = Publisher(url, "secret-of-feed", clip_tracks(CLIP))
    with pytest.raises(PublishError, match="answered 403: this feed was removed"):
        await publisher.start()


async def test_absent_server_is_told() -> None:
    publisher = Publisher("http://127.0.0.1:9/whip/show", "secret-of-feed", clip_tracks(CLIP))
    with pytest.raises(PublishError, match=r"cannot publish to http://127\.0\.0\.1:9/whip/show"):
        await publisher.start()


async def test_loop_repeats_its_packets_and_counts_on() -> None:
    track = LoopTrack("video", Fraction(1, 1000), (b"one", b"two"))
    packets = [await track.recv() for _ in range(3)]
    assert [bytes(packet) for packet in packets] == [b"one", b"two", b"one"]
    assert [(packet.pts, packet.time_base) for packet in packets] == [
        (0, Fraction(1, 1000)),
        (1, Fraction(1, 1000)),
        (2, Fraction(1, 1000)),
    ]


async def test_stopped_loop_gives_no_more_packets() -> None:
    track = LoopTrack("audio", Fraction(1, 1000), (b"tick",))
    track.stop()
    with pytest.raises(MediaStreamError):
        await track.recv()
