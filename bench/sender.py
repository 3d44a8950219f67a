"""The process that plays the hosts: sends what its standard input asks for, until that closes.

It reads one line, a `Job` as JSON, and prints `sending` once every feed is on its way.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

import msgspec
from aiortc import MediaStreamTrack

from bench import clips
from bench.live import TimecodeTrack
from bench.obeying import ObeyingTrack
from bench.rtp import RtpPorts, send_feed
from mediaserver.demo.broadcast import Invitation
from mediaserver.demo.child import standard_input
from mediaserver.demo.publisher import Publisher, clip_tracks, publish_over_loopback


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


def tracks(feed: Sent) -> tuple[MediaStreamTrack, MediaStreamTrack]:
    video, audio = clip_tracks(clips.clip(feed.clip))
    if feed.obeys:
        return ObeyingTrack(feed.clip), audio
    return (TimecodeTrack(feed.clip) if feed.live else video), audio


async def send() -> None:
    """Send all feeds until standard input closes or a feed can no more be sent."""
    parent = await standard_input()
    job = msgspec.json.decode(await parent.readline(), type=Job)
    media = [tracks(feed) for feed in job.feeds]
    ends: list[asyncio.Task[object]] = [asyncio.create_task(parent.read())]
    async with AsyncExitStack() as sessions:
        for feed, pair in zip(job.feeds, media, strict=True):
            if feed.whip is not None:
                publisher = Publisher(feed.whip.whip_url, feed.whip.token, pair)
                await sessions.enter_async_context(publisher)
                ends.append(asyncio.create_task(publisher.ended()))
                if isinstance(pair[0], ObeyingTrack):
                    ends.append(asyncio.create_task(pair[0].obey(feed.whip)))
            elif feed.rtp is not None:
                ends.append(asyncio.create_task(send_feed(pair, feed.rtp)))
        print("sending", flush=True)
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)


if __name__ == "__main__":
    publish_over_loopback()
    asyncio.run(send())
