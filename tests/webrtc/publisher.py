"""An aiortc host: publishes numbered pictures and a tone by WHIP; also a program of its own.

python -m tests.webrtc.publisher URL TOKEN CODEC [CA-FILE]: until it is ended.
"""

import asyncio
import ssl
import sys

import aiohttp
import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import AudioStreamTrack

WIDTH, HEIGHT, BITS = 320, 240, 8


class NumberedPictures(VideoStreamTrack):
    """Pictures at 30 fps that carry their number in black and white stripes."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0

    async def recv(self) -> av.VideoFrame:
        pts, time_base = await self.next_timestamp()
        stripe = WIDTH // BITS
        luma = np.repeat([235 if self.sent >> bit & 1 else 16 for bit in range(BITS)], stripe)
        planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
        planes[:HEIGHT] = luma
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = pts, time_base
        self.sent += 1
        return frame


def picture_number(frame: av.VideoFrame) -> int:
    """The number (modulo 256) that a decoded picture carries."""
    luma = frame.to_ndarray(format="gray")
    stripe = WIDTH // BITS
    row = luma[HEIGHT // 2, stripe // 2 :: stripe]
    return sum(1 << bit for bit, level in enumerate(row) if level > 128)


class Publisher:
    """One host with a camera and a microphone; the camera counts if no other is given."""

    def __init__(self, codec: str, camera: MediaStreamTrack | None = None) -> None:
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        video = self.peer.addTransceiver(camera or NumberedPictures(), direction="sendonly")
        codecs = RTCRtpSender.getCapabilities("video").codecs
        wanted = (f"video/{codec}".lower(), "video/rtx")
        video.setCodecPreferences([c for c in codecs if c.mimeType.lower() in wanted])
        self.peer.addTransceiver(AudioStreamTrack(), direction="sendonly")

    async def offer(self) -> str:
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def accept(self, answer: str) -> None:
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def publish(
        self,
        url: str,
        token: str,
        tls: ssl.SSLContext | bool = True,
        resume_secret: str | None = None,
    ) -> str:
        """Offer, post, accept; gives back the answer."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        if resume_secret is not None:
            headers["Shopcast-Resume"] = resume_secret
        async with (
            aiohttp.ClientSession() as http,
            http.post(url, data=await self.offer(), headers=headers, ssl=tls) as response,
        ):
            response.raise_for_status()
            answer = await response.text()
            await self.accept(answer)
            return answer

    async def close(self) -> None:
        await self.peer.close()


async def _main(url: str, token: str, codec: str, ca_file: str | None = None) -> None:
    publisher = Publisher(codec)
    tls = ssl.create_default_context(cafile=ca_file) if ca_file else True
    print(await publisher.publish(url, token, tls), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
