"""Real publishers: aiortc and FFmpeg's muxer, over real sockets; every picture counts."""

import asyncio
import itertools
import sys
from pathlib import Path

import av
import pytest

from mediaserver.decoder import BT601, VideoDecoder
from mediaserver.packet import AccessUnit
from tests.webrtc.certificates import self_signed
from tests.webrtc.hosts import Hosts
from tests.webrtc.publisher import picture_number
from tests.webrtc.server import TOKEN, WhipServer


def is_media(datagram: bytes) -> bool:
    return 127 < datagram[0] < 192


def numbers(units: list[AccessUnit]) -> list[int]:
    decoder = VideoDecoder(BT601)
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
    # Its own certificates are on P-224, which our OpenSSL refuses: docs/adr/0004.
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
    decoder = VideoDecoder(BT601)
    frames: list[av.VideoFrame] = [f for u in feed.of("video") for f in decoder.decode(u)]
    assert len(frames) == 60
    assert {(f.width, f.height) for f in frames} == {(320, 240)}
    assert len(feed.of("audio")) >= 95
