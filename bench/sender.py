"""The process that plays the hosts: sends what its standard input asks for, until that closes.

One JSON object: `{"feeds": [{"clip": 0, "live": false, "whip": {"url", "token"} | "rtp": {"video",
"audio"}}, …]}`. It prints `sending` once every feed is on its way.
"""

import asyncio
import sys
from dataclasses import dataclass

import msgspec
from aiortc import MediaStreamTrack

from bench import clips
from bench.live import TimecodeTrack
from bench.rtp import RtpPorts, send_feed
from mediaserver.demo.publisher import Publisher, clip_tracks


@dataclass(frozen=True, slots=True)
class Whip:
    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Sent:
    """One feed: content `clip`, stamped with its time of capture if `live`, over one transport."""

    clip: int
    live: bool = False
    whip: Whip | None = None
    rtp: RtpPorts | None = None


@dataclass(frozen=True, slots=True)
class Job:
    feeds: list[Sent]


def tracks(feed: Sent) -> tuple[MediaStreamTrack, MediaStreamTrack]:
    video, audio = clip_tracks(clips.clip(feed.clip))
    return (TimecodeTrack(feed.clip) if feed.live else video), audio


async def send(job: Job) -> None:
    """Send all feeds until standard input closes."""
    media = [tracks(feed) for feed in job.feeds]
    publishers: list[Publisher] = []
    streams: list[asyncio.Task[None]] = []
    try:
        for feed, pair in zip(job.feeds, media, strict=True):
            if feed.whip is not None:
                publishers.append(Publisher(feed.whip.url, feed.whip.token, pair))
                await publishers[-1].start()
            elif feed.rtp is not None:
                streams.append(asyncio.create_task(send_feed(pair, feed.rtp)))
        print("sending", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    finally:
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
        for publisher in publishers:
            await publisher.close()


if __name__ == "__main__":
    asyncio.run(send(msgspec.json.decode(sys.stdin.readline(), type=Job)))
