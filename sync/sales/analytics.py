"""What TikTok says that its LIVEs sold: asked when somebody wants to know, and kept for a while.

It stands beside our own count and nothing is made of it, so that its absence is no error.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from sync.errors import SyncError
from sync.model import TIKTOK
from sync.orders.order import RoomId
from sync.store.channel import Channels
from sync.tiktok import wire
from sync.tiktok.client import TikTok

KEPT_S = 300.0
WITHIN_S = 5.0
"""How long whoever asks for a report waits for TikTok."""

_FAILED_S = 30.0
"""How long TikTok is left in peace when it did not answer."""

MOST_DAYS = 30
_MOST_PAGES = 20


class Analytics(msgspec.Struct, frozen=True):
    """What TikTok said `at` (unix seconds), by room. Where it said nothing, `reason` is why."""

    lives: dict[RoomId, wire.Live] = {}
    at: float | None = None
    reason: str = ""


class LiveAnalytics:
    """`tiktok` is None where the settings name no app; `now` gives unix seconds."""

    def __init__(self, tiktok: TikTok | None, channels: Channels, now: Callable[[], float]) -> None:
        self._tiktok = tiktok
        self._channels = channels
        self._now = now
        self._known: dict[tuple[str, str, str], Analytics] = {}
        self._failed_at = float("-inf")
        self._reason = ""
        self._asking = asyncio.Lock()

    async def of(self, first: float, last: float) -> Analytics:
        """Of the LIVEs between two moments (unix seconds), the latest MOST_DAYS of them."""
        end = datetime.fromtimestamp(last, UTC) + timedelta(days=2)  # whatever TikTok's zone is
        begin = max(
            datetime.fromtimestamp(first, UTC) - timedelta(days=1), end - timedelta(days=MOST_DAYS)
        )
        try:
            async with asyncio.timeout(WITHIN_S), self._asking:
                return await self._asked(begin.date().isoformat(), end.date().isoformat())
        except TimeoutError:
            return self._failed("TikTok does not answer in time")
        except SyncError as error:
            return self._failed(str(error))

    def _failed(self, reason: str) -> Analytics:
        self._failed_at, self._reason = self._now(), reason
        return Analytics(reason=reason)

    async def _asked(self, first_day: str, day_after_last: str) -> Analytics:
        """Raises SyncError."""
        shop = (await self._channels.get(TIKTOK)).shop
        if self._tiktok is None or shop is None:
            return Analytics(reason="TikTok Shop is not connected")
        now, asked = self._now(), (shop.id, first_day, day_after_last)
        self._known = {
            about: known
            for about, known in self._known.items()
            if known.at is not None and now - known.at < KEPT_S
        }
        if asked not in self._known:
            if now - self._failed_at < _FAILED_S:
                return Analytics(reason=self._reason)
            found = await self._read(
                self._tiktok, wire.ShopCipher(shop.cipher), first_day, day_after_last
            )
            self._known[asked] = Analytics(found, now)
        return self._known[asked]

    async def _read(
        self, tiktok: TikTok, shop: wire.ShopCipher, first_day: str, day_after_last: str
    ) -> dict[RoomId, wire.Live]:
        found: dict[RoomId, wire.Live] = {}
        token = None
        for _ in range(_MOST_PAGES):
            page = await tiktok.lives(shop, first_day, day_after_last, token=token)
            found |= {RoomId(live.id): live for live in page.items}
            token = page.token
            if token is None:
                break
        return found
