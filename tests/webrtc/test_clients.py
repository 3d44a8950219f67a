"""Real publishers: aiortc and FFmpeg's muxer, over real sockets; every picture counts."""

import asyncio
import itertools
import re
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import av
import pytest
from aioice import ice

from mediaserver.decoder import VideoDecoder
from mediaserver.packet import AccessUnit
from tests.webrtc.certificates import self_signed
from tests.webrtc.conftest import TOKEN, WhipServer
from tests.webrtc.publisher import Publisher, picture_number
from tests.webrtc.relay import UdpRelay


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiortc leaves loopback out; these hosts have nothing else."""
    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


class Hosts:
    """Makes publishers and relays, and ends them all."""

    def __init__(self, server: WhipServer) -> None:
        self._server = server
        self._made: list[Publisher | UdpRelay] = []

    async def direct(self, codec: str) -> Publisher:
        publisher = Publisher(codec)
        self._made.append(publisher)
        await publisher.publish(self._server.url, TOKEN)
        return publisher

    async def relayed(
        self, codec: str, loses: Callable[[bytes], bool], *, repairs: bool = True
    ) -> tuple[Publisher, UdpRelay]:
        """A host behind a bad network: neither side knows another way."""
        publisher = Publisher(codec)
        self._made.append(publisher)
        offer = re.sub(r"a=candidate:.*\r\n", "", await publisher.offer())
        if not repairs:
            offer = re.sub(r"a=rtcp-fb:\d+ nack\r\n", "", offer)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/sdp"}
        async with (
            aiohttp.ClientSession() as http,
            http.post(self._server.url, data=offer, headers=headers) as response,
        ):
            answer = await response.text()
        found = re.search(r"udp \d+ (127\.0\.0\.1) (\d+) typ host", answer)
        assert found is not None
        relay = UdpRelay((found[1], int(found[2])), loses=loses)
        self._made.append(relay)
        await publisher.accept(answer.replace(found[2], str(await relay.start())))
        return publisher, relay

    async def close(self) -> None:
        for made in self._made:
            await made.close()


@pytest.fixture
async def hosts(whip_server: WhipServer) -> AsyncIterator[Hosts]:
    hosts = Hosts(whip_server)
    yield hosts
    await hosts.close()


def is_media(datagram: bytes) -> bool:
    return 127 < datagram[0] < 192


def numbers(units: list[AccessUnit]) -> list[int]:
    decoder = VideoDecoder()
    return [picture_number(frame) for unit in units for frame in decoder.decode(unit)]


def assert_consecutive(units: list[AccessUnit], count: int) -> None:
    """`count` pictures or more, each decoded, none left out."""
    found = numbers(units)
    assert len(found) >= count
    assert found == [(found[0] + i) % 256 for i in range(len(found))]


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_aiortc_host_brings_every_picture_and_its_sound(
    whip_server: WhipServer, hosts: Hosts, codec: str
) -> None:
    feed = whip_server.feed
    publisher = await hosts.direct(codec)
    await feed.until(lambda: len(feed.of("video")) >= 45 and len(feed.of("audio")) >= 45)
    await publisher.close()
    await feed.until(lambda: feed.source is None)
    video, audio = feed.of("video"), feed.of("audio")
    assert {unit.codec for unit in video} == {codec.lower()}
    assert video[0].is_keyframe
    assert_consecutive(video, 45)
    steps = {after.timestamp - before.timestamp for before, after in itertools.pairwise(audio)}
    assert steps == {960}


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_lost_packets_are_repaired_and_no_picture_is_missing(
    whip_server: WhipServer, hosts: Hosts, codec: str
) -> None:
    feed = whip_server.feed
    media = itertools.count(1)
    _, relay = await hosts.relayed(
        codec, lambda datagram: is_media(datagram) and next(media) % 15 == 0
    )
    await feed.until(lambda: len(feed.of("video")) >= 60)
    assert relay.dropped > 5
    assert_consecutive(feed.of("video"), 60)


async def test_host_whose_network_was_gone_comes_back_at_a_keyframe(
    whip_server: WhipServer, hosts: Hosts
) -> None:
    feed = whip_server.feed
    dark = False
    _, relay = await hosts.relayed("H264", lambda d: dark and is_media(d), repairs=False)
    await feed.until(lambda: len(feed.of("video")) >= 10)
    dark = True
    await relay.until(lambda: relay.dropped >= 50)
    dark = False
    seen = len(feed.of("video"))
    await feed.until(lambda: len(feed.of("video")) >= seen + 10)
    after = feed.of("video")[seen:]
    assert after[0].is_keyframe
    assert_consecutive(after, 10)


async def test_same_invitation_used_again_takes_over_while_the_first_still_sends(
    whip_server: WhipServer, hosts: Hosts
) -> None:
    feed = whip_server.feed
    await hosts.direct("VP8")
    await feed.until(lambda: len(feed.of("video")) >= 5)
    await hosts.direct("H264")
    await feed.until(lambda: sum(u.codec == "h264" for u in feed.units) >= 20)
    codecs = [unit.codec for unit in feed.of("video")]
    assert codecs == sorted(codecs, reverse=True)  # vp8 … h264, never mixed


async def test_ffmpeg_publishes_with_a_certificate_on_p256(
    whip_server: WhipServer, tmp_path: Path
) -> None:
    # Its own certificates are on P-224, which our OpenSSL refuses: docs/adr/0003.
    certificate, key = self_signed(tmp_path)
    feed = whip_server.feed
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.webrtc.ffmpeg_publisher", whip_server.url, TOKEN),
        *(str(certificate), str(key), "60"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, errors.decode()
    await feed.until(lambda: feed.source is None)
    decoder = VideoDecoder()
    frames: list[av.VideoFrame] = [f for u in feed.of("video") for f in decoder.decode(u)]
    assert len(frames) == 60
    assert {(f.width, f.height) for f in frames} == {(320, 240)}
    assert len(feed.of("audio")) >= 95
