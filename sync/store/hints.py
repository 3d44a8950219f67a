"""Hints: what a channel said has changed there, kept until the sidecar has looked.

A hint names a thing and says nothing of how it is now, so that hints which come twice, late or in
another order do no harm, and many of one thing are one. Whoever looks strikes off what they have
seen: a hint that comes while they look stays.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from sync.connection import Connection
from sync.errors import SyncError
from sync.model import TIKTOK
from sync.store.keys import NOTICES, key
from sync.store.notices import encoded

HINTS = key("hints")

REPEATED_S = 3 * 24 * 3600
"""How long a notification is known again: TikTok gives up repeating one long before."""


class OtherShop(SyncError):
    """The hint is of a shop that is not connected."""

    def __init__(self) -> None:
        super().__init__("it is of a shop that is not connected")


Kind = Literal["product", "order"]


class Hint(NamedTuple):
    """`id` is the channel's."""

    kind: Kind
    id: str


class Hints:
    """Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis

    async def add(self, hint: Hint, notification_id: str | None, shop: str = "") -> bool:
        """Whether the notification was new. Raises OtherShop where it names a `shop` at TikTok
        that is not the one that is connected."""
        about = f"{hint.kind}:{hint.id}"
        answer = await self._connection.script(
            "sync.store",
            "add_hint",
            [key(f"notified:{notification_id or ''}"), HINTS, key(f"channel:{TIKTOK}")],
            [about, REPEATED_S if notification_id else 0, NOTICES, encoded("hint", about), shop],
        )
        if answer[0] == "foreign":
            raise OtherShop
        return answer[0] == "new"

    async def of(self, kind: Kind) -> dict[Hint, int]:
        """Those of that kind."""
        return {hint: count for hint, count in (await self.all()).items() if hint.kind == kind}

    async def all(self) -> dict[Hint, int]:
        """The hints nobody has looked at yet, each with how often it came."""
        found = await self._connection.asked(lambda: self._redis.hgetall(HINTS))
        hints = {}
        for about, count in found.items():
            kind, _, of = about.decode().partition(":")
            if kind == "product" or kind == "order":  # a newer server may know more kinds
                hints[Hint(kind, of)] = int(count)
        return hints

    async def seen(self, hints: Mapping[Hint, int]) -> None:
        """Strike off `hints`, as `all` told them, of which none has come since."""
        if hints:
            arguments: list[str | bytes | int] = []
            for hint, count in hints.items():
                arguments += [f"{hint.kind}:{hint.id}", count]
            await self._connection.script("sync.store", "seen", [HINTS], arguments)
