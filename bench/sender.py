"""The process that plays the hosts: sends what its standard input asks for, until that closes.

For each line that it reads, a `Job` as JSON, it prints `sending` once every feed is on its way.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

import msgspec

from bench import clips
from bench.host import Host
from bench.live import TimecodeTrack
from bench.obeying import ObeyingTrack
from bench.rtp import RtpPorts, send_feed
from mediaserver.demo.broadcast import Invitation
from mediaserver.demo.child import standard_input
from mediaserver.demo.publisher import PacketTrack, clip_tracks, publish_over_loopback


@dataclass(frozen=True, slots=True)
class Sent:
    """One feed: content `clip`, stamped with its time of capture if `live`, over one transport.

    One that `obeys` sends over WebRTC what its feed's events say is wanted.
    """

    clip: int
    live: bool = False
    whip: Invitation | None = None
    rtp: RtpPorts | None = None
    obeys: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    feeds: list[Sent]


def tracks(feed: Sent) -> tuple[PacketTrack, PacketTrack]:
    video, audio = clip_tracks(clips.clip(feed.clip))
    if feed.obeys:
        return ObeyingTrack(feed.clip), audio
    return (TimecodeTrack(feed.clip) if feed.live else video), audio


async def begin(job: Job, hosts: AsyncExitStack) -> list[asyncio.Task[object]]:
    """Send the feeds of `job` until `hosts` ends; what ends when one can no more be sent."""
    media = [tracks(feed) for feed in job.feeds]
    ends: list[asyncio.Task[object]] = []
    for feed, pair in zip(job.feeds, media, strict=True):
        if feed.whip is not None:
            host = Host(feed.whip.whip_url, feed.whip.token, pair)
            await hosts.enter_async_context(host)
            ends.append(asyncio.create_task(host.ended()))
            if isinstance(pair[0], ObeyingTrack):
                ends.append(asyncio.create_task(pair[0].obey(feed.whip)))
        elif feed.rtp is not None:
            ends.append(asyncio.create_task(send_feed(pair, feed.rtp)))
    return ends


async def send() -> None:
    """Send until standard input closes or a feed can no more be sent."""
    parent = await standard_input()
    ends: list[asyncio.Task[object]] = []
    async with AsyncExitStack() as hosts:
        line = asyncio.create_task(parent.readline())
        while not any(end.done() for end in ends):
            await asyncio.wait([line, *ends], return_when=asyncio.FIRST_COMPLETED)
            if not line.done():
                continue
            if not line.result():
                break
            ends += await begin(msgspec.json.decode(line.result(), type=Job), hosts)
            print("sending", flush=True)
            line = asyncio.create_task(parent.readline())
        for task in (line, *ends):
            task.cancel()
        await asyncio.gather(line, *ends, return_exceptions=True)


if __name__ == "__main__":
    publish_over_loopback()
    asyncio.run(send())
