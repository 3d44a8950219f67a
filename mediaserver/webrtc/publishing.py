"""What WHIP needs to know of shows: who may publish where."""

from typing import Protocol

from mediaserver.feed import Feed
from mediaserver.packet import ShowId


class Publishing(Protocol):
    """The node's shows, as a publisher meets them."""

    async def show(self, show_id: ShowId) -> object:
        """Take over what other servers have stored of the show.

        Raises NotFound, StoreUnavailable.
        """

    def publisher(self, show_id: str, token: str) -> Feed:
        """The feed that `token` is an invitation to.

        Raises NotFound (no such show), Unauthorized (no such token), Forbidden (not a host's).
        """

    def elsewhere(self, show_id: str) -> str | None:
        """The base URL of another server that has the show on air, if one has."""

    def reserve(self) -> None:
        """Raises NodeFull when this node carries as many feeds as it may."""
