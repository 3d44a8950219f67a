"""aiortc as a player and as a host with a tone, for what is heard of a show.

`python -m tests.webrtc.player URL TOKEN` watches until it is ended; at the first picture it prints
where its session is.
"""

import asyncio
import fractions
import sys
from collections.abc import Awaitable, Callable

import aiohttp
import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from numpy.typing import NDArray

SAMPLE_RATE = 48_000
WINDOW = SAMPLE_RATE // 4
TIMEOUT_S = 30.0


class Tone(MediaStreamTrack):
    """A steady sine in both channels, half as loud as can be."""

    kind = "audio"

    def __init__(self, hertz: float) -> None:
        super().__init__()
        self._hertz = hertz
        self._sent = 0
        self._began_s: float | None = None

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        if self._began_s is None:
            self._began_s = loop.time()
        await asyncio.sleep(self._began_s + self._sent / SAMPLE_RATE - loop.time())
        times = (self._sent + np.arange(960)) / SAMPLE_RATE
        wave = (np.sin(2 * np.pi * self._hertz * times) * 16_384).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave.repeat(2).reshape(1, -1), "s16", "stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts, frame.time_base = self._sent, fractions.Fraction(1, SAMPLE_RATE)
        self._sent += 960
        return frame


class Peer:
    """A connection that a POST of its offer makes."""

    def __init__(self) -> None:
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.location = ""

    async def open(
        self, url: str, token: str, change: Callable[[str], Awaitable[str]] | None = None
    ) -> None:
        """Offer, post, accept the answer as `change` makes it."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        offer = self.peer.localDescription.sdp
        async with (
            aiohttp.ClientSession() as http,
            http.post(url, data=offer, headers=headers) as response,
        ):
            answer = await response.text()
            assert response.status == 201, answer
            self.location = response.headers["Location"]
        if change is not None:
            answer = await change(answer)
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def close(self) -> None:
        await self.peer.close()


class ToneHost(Peer):
    """A host who is heard by one tone."""

    def __init__(self, hertz: float) -> None:
        super().__init__()
        self.peer.addTransceiver(Tone(hertz), direction="sendonly")


class Player(Peer):
    """Watches and listens: counts pictures, keeps the last quarter of a second of sound."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures = 0
        self.sound: NDArray[np.float32] = np.zeros((2, WINDOW), np.float32)
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.peer.addTransceiver("audio", direction="recvonly")
        self.peer.addTransceiver("video", direction="recvonly")
        self.peer.on("track", lambda t: self._tasks.append(asyncio.create_task(self._take(t))))

    def loudness(self, hertz: float) -> float:
        """Of a tone, as a share of the loudest: what ToneHost sends is 0.5."""
        wave = np.exp(-2j * np.pi * hertz * np.arange(WINDOW) / SAMPLE_RATE)
        window = np.hanning(WINDOW)
        return float(2 * abs((self.sound[0] * window * wave).sum()) / window.sum())

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait until `done` holds; looked at whenever something comes."""
        async with asyncio.timeout(TIMEOUT_S):
            while not done():
                self._changed.clear()
                await self._changed.wait()

    async def close(self) -> None:
        await super().close()
        await asyncio.gather(*self._tasks)

    async def _take(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, av.AudioFrame):
                samples = frame.to_ndarray().reshape(-1, 2).T / np.float32(32_768)
                heard = np.concatenate((self.sound, samples), axis=1, dtype=np.float32)
                self.sound = heard[:, -WINDOW:]
            else:
                self.pictures += 1
            self._changed.set()


async def _main(url: str, token: str) -> None:
    player = Player()
    await player.open(url, token)
    await player.until(lambda: player.pictures > 0)
    print(player.location, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
