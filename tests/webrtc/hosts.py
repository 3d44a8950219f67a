"""aiortc hosts of a server under test, near it or behind a bad network."""

import re
from collections.abc import Callable

import aiohttp
from aiortc import MediaStreamTrack

from tests.webrtc.publisher import Publisher
from tests.webrtc.relay import (
    CLEAR,
    Line,
    UdpRelay,
    rerouted,
    server_address,
    without_candidates,
)
from tests.webrtc.server import TOKEN, WhipServer


class Hosts:
    """Makes publishers and relays, and ends them all."""

    def __init__(self, server: WhipServer) -> None:
        self._server = server
        self._made: list[Publisher | UdpRelay] = []

    async def direct(
        self, codec: str, change: Callable[[str], str] = lambda offer: offer
    ) -> Publisher:
        """A host whose offer is posted as `change` makes it."""
        publisher = Publisher(codec)
        self._made.append(publisher)
        await publisher.accept(await self._posted(change(await publisher.offer())))
        return publisher

    async def relayed(
        self,
        codec: str,
        loses: Callable[[bytes], bool] = lambda datagram: False,
        *,
        up: Line = CLEAR,
        down: Line = CLEAR,
        camera: MediaStreamTrack | None = None,
        repairs: bool = True,
    ) -> tuple[Publisher, UdpRelay]:
        """A host behind a bad network: neither side knows another way."""
        publisher = Publisher(codec, camera)
        self._made.append(publisher)
        offer = without_candidates(await publisher.offer())
        if not repairs:
            offer = re.sub(r"a=rtcp-fb:\d+ nack\r\n", "", offer)
        answer = await self._posted(offer)
        relay = UdpRelay(server_address(answer), up=up, down=down, loses=loses)
        self._made.append(relay)
        await publisher.accept(rerouted(answer, await relay.start()))
        return publisher, relay

    async def _posted(self, offer: str) -> str:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/sdp"}
        async with (
            aiohttp.ClientSession() as http,
            http.post(self._server.url, data=offer, headers=headers) as response,
        ):
            response.raise_for_status()
            return await response.text()

    async def close(self) -> None:
        for made in self._made:
            await made.close()
