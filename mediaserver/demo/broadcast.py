"""A show that is set up, watched and ended through the server's HTTP alone."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mediaserver.demo.api import Api

POLL_S = 0.1


class NotReached(Exception):
    """The show did not become what it was waited for; the text has its state."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What one host needs to publish."""

    whip_url: str
    token: str


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A show on a server, spoken with as its owner; `invitations` are its feeds'."""

    api: Api
    show: str
    invitations: list[Invitation]

    @classmethod
    async def create(
        cls,
        api: Api,
        title: str,
        feeds: Iterable[str],
        layout: Mapping[str, Any],
        channels: Sequence[str] = (),
    ) -> "Broadcast":
        """A show off air with the default canvas in `layout`, and `feeds` by name, admitted.

        Raises ApiError.
        """
        show = await api.request("POST", "/shows", {"title": title, "channels": channels})
        path = f"/shows/{show['id']}"
        invited = [
            await api.request("POST", f"{path}/feeds", {"name": name, "admitted": True})
            for name in feeds
        ]
        await api.request("PUT", f"{path}/canvases/landscape/layout", layout)
        invitations = [Invitation(feed["whip_url"], feed["token"]) for feed in invited]
        return cls(api, show["id"], invitations)

    @property
    def path(self) -> str:
        return f"/shows/{self.show}"

    async def state(self) -> Any:
        return await self.api.request("GET", self.path)

    async def rundown(self) -> Any:
        return await self.api.request("GET", f"{self.path}/rundown")

    async def add_target(self, name: str, url: str, stream_key: str) -> str:
        """Add a destination that is not started yet; its id."""
        body = {"name": name, "platform": "custom", "url": url, "stream_key": stream_key}
        target = await self.api.request("POST", f"{self.path}/targets", body)
        return str(target["id"])

    async def start_target(self, target: str) -> None:
        await self.api.request("POST", f"{self.path}/targets/{target}/start")

    async def start(self) -> None:
        """Start every target."""
        await self.api.request("POST", f"{self.path}/start")

    async def end(self) -> None:
        await self.api.request("POST", f"{self.path}/end")

    async def feeds_on(self, timeout_s: float) -> None:
        """Wait for every feed's pictures. Raises NotReached."""
        await self._until("feeds", "state", "on", timeout_s)

    async def targets_live(self, timeout_s: float) -> None:
        """Wait until every target takes the show. Raises NotReached."""
        await self._until("targets", "status", "live", timeout_s)

    async def _until(self, noun: str, key: str, value: str, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + timeout_s
        while any(each[key] != value for each in (await self.state())[noun]):
            if loop.time() > give_up_s:
                found = (await self.state())[noun]
                raise NotReached(f"{noun} not {value} after {timeout_s:g} s: {found}")
            await asyncio.sleep(POLL_S)
