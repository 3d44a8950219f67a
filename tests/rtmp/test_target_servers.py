"""Targets at servers that other people wrote."""

import asyncio
import json
import sys

import av

from mediaserver.rtmp.publisher import Timeouts
from mediaserver.target import Status
from tests.peers.nginx_rtmp import Nginx
from tests.peers.relay import relay
from tests.peers.rtmp_record import TIMEOUT_S
from tests.peers.tcp import free_ports
from tests.rtmp.conftest import Channel, MakeTarget, Watched
from tests.rtmp.simulated import SimulatedTime


def decoded(path: str) -> tuple[int, int]:
    """How many pictures and how many blocks of sound a file decodes to."""
    with av.open(path) as file:
        pictures = sum(1 for _ in file.decode(video=0))
    with av.open(path) as file:
        sounds = sum(1 for _ in file.decode(audio=0))
    return pictures, sounds


async def test_nginx_records_every_frame(nginx: Nginx, channel: Channel, start: MakeTarget) -> None:
    watched = start(nginx.url("live?token=x"), "every-frame?sign=1%2F2")
    await watched.until("live")
    packets = channel.play_all()
    await watched.target.stop()
    await nginx.until_unpublished("every-frame")

    pictures = sum(packet.kind == "video" for packet in packets)
    assert decoded(str(nginx.recorded("every-frame"))) == (pictures, len(packets) - pictures)
    assert watched.target.snapshot().frames_sent == pictures
    assert watched.statuses == ["connecting", "live", "stopped"]


async def test_nginx_refusing_the_key_is_retried_with_advice(
    nginx: Nginx, time: SimulatedTime, start: MakeTarget
) -> None:
    # nginx says nothing when its on_publish callback refuses: it hangs up.
    watched = start(nginx.url("members"))
    retrying = await watched.until("retrying")
    assert retrying.reason == (
        "the server closed the connection before the stream began; "
        "are the address and the stream key right?"
    )
    assert retrying.retries == 1
    await time.pass_next_sleep()
    assert (await watched.until("retrying", 2)).retries == 2


async def test_nginx_denying_the_address_never_looks_live(
    nginx: Nginx, time: SimulatedTime, start: MakeTarget
) -> None:
    # It answers NetStream.Publish.Start, and hangs up.
    watched = start(nginx.url("denied"), trial_s=0.25)
    reasons = {(await watched.until("retrying")).reason}
    for count in (2, 3):
        await time.pass_next_sleep()
        reasons.add((await watched.until("retrying", count)).reason)
    assert reasons == {
        "the server closed the connection right after the start; is the stream key right?"
    }
    assert watched.statuses == ["connecting", "retrying", "retrying", "retrying"]


async def test_key_in_use_at_nginx_before_the_first_live_is_final(
    nginx: Nginx, channel: Channel, start: MakeTarget
) -> None:
    first = start(nginx.url(), "shared")
    await first.until("live")
    second = start(nginx.url(), "shared")
    rejected = await second.until("rejected")
    assert rejected.reason == (
        "the stream key is wrong or already in use (it says: Already publishing)"
    )
    assert second.statuses == ["connecting", "rejected"]
    assert first.target.status == "live"


async def test_target_comes_back_after_a_half_open_connection_at_nginx(
    nginx: Nginx, channel: Channel, time: SimulatedTime, start: MakeTarget
) -> None:
    async with relay("127.0.0.1", nginx.port) as network:
        watched = start(network.url, "half-open", timeouts=Timeouts(stall_s=0.5))
        await watched.until("live")

        network.swallow()
        await play_until(channel, watched, "retrying")
        assert watched.history[-1].reason == "the server stopped taking the stream for 0.5 s"

        # nginx has not noticed: to it, the stream is still being published.
        await time.pass_next_sleep()
        refused = await watched.until("retrying", 2)
        assert refused.reason == (
            "the stream key is wrong or already in use (it says: Already publishing)"
        )
        await network.end_upstream()
        await nginx.until_unpublished("half-open")
        await time.pass_next_sleep()
        await watched.until("live", 2)
        channel.play_all()
        await watched.target.stop()
        await nginx.until_unpublished("half-open")
    assert watched.statuses == ["connecting", "live", "retrying", "retrying", "live", "stopped"]
    assert decoded(str(nginx.recorded("half-open")))[0] > 0


async def test_libavformat_decodes_every_frame(
    channel: Channel, time: SimulatedTime, start: MakeTarget
) -> None:
    (port,) = free_ports(1)
    url = f"rtmp://127.0.0.1:{port}/live"
    listening = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.peers.rtmp_libav", "listen", f"{url}/key"),
        stdout=asyncio.subprocess.PIPE,
    )
    watched = start(url)
    retrying = asyncio.create_task(retry_until_live(watched, time))
    await watched.until("live")
    retrying.cancel()
    # Somebody who joins late begins with a keyframe, at zero.
    packets = channel.play_all()
    await watched.target.stop()
    output, _ = await listening.communicate()

    pictures = sum(packet.kind == "video" for packet in packets)
    assert json.loads(output) == {
        "pictures": pictures,
        "sounds": len(packets) - pictures,
        "first_pts_s": 0.0,
    }


async def play_until(channel: Channel, watched: Watched, status: Status) -> None:
    """Play on until the target has that status."""
    async with asyncio.timeout(TIMEOUT_S):
        while watched.target.status != status:
            channel.play(10)
            await asyncio.sleep(0)


async def retry_until_live(watched: Watched, time: SimulatedTime) -> None:
    """Let the time between two attempts pass at once, for a server that is yet to come up."""
    while watched.target.status != "live":
        await time.pass_next_sleep()
