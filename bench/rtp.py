"""Feeds as plain RTP on loopback, for a peer without WebRTC, and the SDP it reads them by."""

import asyncio
from dataclasses import dataclass
from typing import Literal

import av
from aiortc import MediaStreamTrack

PAYLOAD_TYPE = {"video": 96, "audio": 97}


@dataclass(frozen=True, slots=True)
class RtpPorts:
    """Even UDP ports of one feed on 127.0.0.1; the odd one after each is its RTCP's."""

    video: int
    audio: int


def sdp(feeds: list[RtpPorts]) -> str:
    """One session description for all feeds, each with a video and an audio stream (RFC 8866)."""
    lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=feeds", "c=IN IP4 127.0.0.1", "t=0 0"]
    for feed in feeds:
        lines += [
            f"m=video {feed.video} RTP/AVP 96",
            "a=rtpmap:96 H264/90000",
            "a=fmtp:96 packetization-mode=1",
            f"m=audio {feed.audio} RTP/AVP 97",
            "a=rtpmap:97 opus/48000/2",
        ]
    return "\r\n".join(lines) + "\r\n"


async def send(track: MediaStreamTrack, kind: Literal["video", "audio"], port: int) -> None:
    """Send the packets of `track` to `port` as they come, until cancelled."""
    container = av.open(
        f"rtp://127.0.0.1:{port}",
        "w",
        format="rtp",
        container_options={"payload_type": str(PAYLOAD_TYPE[kind])},
    )
    stream = (
        container.add_mux_stream("h264", rate=30, width=1280, height=720)
        if kind == "video"
        else container.add_mux_stream("libopus", rate=48_000)
    )
    try:
        while True:
            packet = await track.recv()
            assert isinstance(packet, av.Packet)
            packet.dts = packet.pts
            packet.stream = stream
            container.mux(packet)
    finally:
        container.close()


async def send_feed(tracks: tuple[MediaStreamTrack, MediaStreamTrack], ports: RtpPorts) -> None:
    """Send picture and sound of one feed, until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(send(tracks[0], "video", ports.video))
        tasks.create_task(send(tracks[1], "audio", ports.audio))
