"""A sender that obeys as a browser does: it sends what its feed's events say is wanted."""

import asyncio
from collections.abc import AsyncGenerator
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from bench import clips
from mediaserver.demo.broadcast import Invitation
from mediaserver.demo.publisher import PacketTrack
from mediaserver.wanted import Wanted

UNSHOWN = Wanted(640, 360)
"""What the host's page sends while nobody shows its picture."""


class ObeyingTrack(PacketTrack):
    """Clip `number` at the size last wanted: another one begins at the clip's next keyframe."""

    def __init__(self, number: int) -> None:
        super().__init__("video", Fraction(1, clips.FPS))
        self._clip = number
        self._wanted = UNSHOWN
        self._pictures = self._next = clips.wanted_clip(number, UNSHOWN).pictures

    async def payload(self, number: int) -> bytes:
        place = number % len(self._pictures)
        if place % clips.FPS == 0:
            self._pictures = self._next
        return self._pictures[place]

    async def want(self, wanted: Wanted) -> None:
        """Send that from the next keyframe on."""
        if wanted != self._wanted:
            self._wanted = wanted
            clip = await asyncio.to_thread(clips.wanted_clip, self._clip, wanted)
            self._next = clip.pictures

    async def obey(self, invitation: Invitation) -> None:
        """Listen to the feed's events and follow them until they end."""
        async for wanted in wanted_by(invitation):
            await self.want(wanted)


async def wanted_by(invitation: Invitation) -> AsyncGenerator[Wanted]:
    """What is wanted of the invitation's feed, at first and with each event."""
    address = urlsplit(invitation.whip_url)
    api = f"{address.scheme}://{address.netloc}/api/v1"
    show = address.path.rpartition("/")[2]
    headers = {"Authorization": f"Bearer {invitation.token}"}
    forever = aiohttp.ClientTimeout(total=None, sock_connect=5)
    async with aiohttp.ClientSession(headers=headers, timeout=forever) as http:
        async with http.post(f"{api}/session") as response:
            response.raise_for_status()
            feed = (await response.json())["feed"]
        async with http.get(f"{api}/shows/{show}/feeds/{feed}/events") as response:
            response.raise_for_status()
            async for line in response.content:
                name, _, data = line.partition(b": ")
                if name == b"data":
                    event = msgspec.json.decode(data)
                    view = event.get("feed", event)
                    if "wanted" in view:
                        yield _wanted(view["wanted"])


def _wanted(view: dict[str, Any] | None) -> Wanted:
    return UNSHOWN if view is None else Wanted(view["width"], view["height"])
