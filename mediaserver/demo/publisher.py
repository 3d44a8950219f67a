"""A WHIP client (RFC 9725) that publishes one feed: tracks of encoded packets over WebRTC."""

import asyncio
import time
from collections.abc import Sequence
from fractions import Fraction
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urljoin

import aiohttp
import av
from aioice import ice
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from mediaserver.demo.clip import OPUS_FRAME, SAMPLE_RATE, Clip


class PublishError(Exception):
    """The feed could not be published; the text says what the server answered."""


class PacketTrack(MediaStreamTrack):
    """A track of `av.Packet`, which aiortc packetizes as they are, one every `interval`.

    Subclasses give the bytes of the packet with a number, counted from 0.
    """

    def __init__(self, kind: Literal["video", "audio"], interval: Fraction) -> None:
        super().__init__()
        self.kind = kind
        self.interval = interval
        self._number = 0
        self._started_s: float | None = None

    async def payload(self, number: int) -> bytes:
        raise NotImplementedError

    async def recv(self) -> "av.Packet[Any]":
        """The next packet, when it is due; its pts counts intervals since the first."""
        if self.readyState != "live":
            raise MediaStreamError
        now_s = time.monotonic()
        if self._started_s is None:
            self._started_s = now_s
        number = self._number
        self._number += 1
        wait_s = self._started_s + float(number * self.interval) - now_s
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        packet = av.Packet(await self.payload(number))
        packet.pts = number
        packet.time_base = self.interval
        return packet


class LoopTrack(PacketTrack):
    """The same packets again and again."""

    def __init__(
        self, kind: Literal["video", "audio"], interval: Fraction, payloads: Sequence[bytes]
    ) -> None:
        super().__init__(kind, interval)
        self._payloads = payloads

    async def payload(self, number: int) -> bytes:
        return self._payloads[number % len(self._payloads)]


def clip_tracks(clip: Clip) -> tuple[LoopTrack, LoopTrack]:
    """The picture and the sound of a clip, each to be read by one sender."""
    return (
        LoopTrack("video", Fraction(1, clip.fps), clip.pictures),
        LoopTrack("audio", Fraction(OPUS_FRAME, SAMPLE_RATE), clip.sound),
    )


def publish_over_loopback() -> None:
    """Let this process's publishers send from 127.0.0.1 alone.

    aioice leaves loopback out, and a machine without a network has nothing else.
    """
    ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class Publisher:
    """One WHIP session, from `start` until `close`."""

    def __init__(self, whip_url: str, token: str, tracks: Sequence[MediaStreamTrack]) -> None:
        self._whip_url = whip_url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._tracks = tracks
        self._session_url: str | None = None
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connected = asyncio.Event()
        self._ended = asyncio.Event()
        self._connection.on("connectionstatechange", self._on_state)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self, timeout_s: float = 10.0) -> None:
        """Publish, and return once media may flow.

        Raises PublishError if the server refuses or the connection does not come about.
        """
        for track in self._tracks:
            transceiver = self._connection.addTransceiver(track, direction="sendonly")
            if track.kind == "video":
                transceiver.setCodecPreferences(
                    [
                        codec
                        for codec in RTCRtpSender.getCapabilities("video").codecs
                        if codec.mimeType in ("video/H264", "video/rtx")
                    ]
                )
        try:
            async with asyncio.timeout(timeout_s):
                await self._connection.setLocalDescription(await self._connection.createOffer())
                answer = await self._post(self._connection.localDescription.sdp)
                await self._connection.setRemoteDescription(
                    RTCSessionDescription(sdp=answer, type="answer")
                )
                await self._connected.wait()
        except (TimeoutError, aiohttp.ClientError) as error:
            await self.close()
            raise PublishError(f"cannot publish to {self._whip_url}: {error!r}") from error
        except PublishError:
            await self.close()
            raise
        if self._ended.is_set():
            raise PublishError(f"cannot publish to {self._whip_url}: the connection failed")

    async def ended(self) -> None:
        """Wait until the connection is over, from either side."""
        await self._ended.wait()

    async def close(self) -> None:
        """End the session on the server and here; may be called again."""
        session_url, self._session_url = self._session_url, None
        if session_url is not None:
            timeout = aiohttp.ClientTimeout(total=3)
            try:
                async with (
                    aiohttp.ClientSession(timeout=timeout) as http,
                    http.delete(session_url, headers=self._headers),
                ):
                    pass
            except (aiohttp.ClientError, TimeoutError):
                pass  # a server that is gone has ended the session too
        await self._connection.close()

    async def _post(self, offer: str) -> str:
        headers = {**self._headers, "Content-Type": "application/sdp"}
        async with (
            aiohttp.ClientSession() as http,
            http.post(self._whip_url, data=offer, headers=headers) as response,
        ):
            text = await response.text()
            if response.status != 201:
                raise PublishError(f"{self._whip_url} answered {response.status}: {text}")
            self._session_url = urljoin(str(response.url), response.headers["Location"])
            return text

    def _on_state(self) -> None:
        state = self._connection.connectionState
        if state in ("failed", "closed"):
            self._ended.set()
        if state in ("connected", "failed", "closed"):
            self._connected.set()
