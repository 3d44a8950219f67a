"""When TikTok is asked for its verdicts: as hints say, now and then without any, not too often."""

from collections.abc import Callable, Mapping

from sync.sidecar.watch import Watch
from sync.store.hints import Hint, Hints
from sync.tiktok import wire

SEARCH_EVERY_S = 30.0
"""Without hints: webhooks may be lost."""

HINTED_EVERY_S = 5.0
"""When many hints come, one search tells of all: no more often than this."""

ASKED_AT_ONCE = 5
"""So many hints are followed one by one, and that many again for each HINTED_EVERY_S."""


class Hearing:
    """Of one server's time at the sync. `searched` is called after each search, which tells of all
    products that have changed. Raises TikTokError, StoreUnavailable and LeaseLost."""

    def __init__(
        self,
        hints: Hints,
        watch: Watch,
        searched: Callable[[], None],
        now: Callable[[], float],
    ) -> None:
        self._hints = hints
        self._watch = watch
        self._searched = searched
        self._now = now
        self._searched_at = float("-inf")
        self._hinted_at = float("-inf")
        self._asked = 0
        self._met: set[str] = set()

    def ask_again(self, remote_id: str) -> None:
        """Of a product that TikTok told of before it was known to be ours."""
        self._met.add(remote_id)

    async def hear(self, shop: wire.ShopCipher) -> bool:
        """Read what is due or hinted at; whether it was time for a search."""
        now = self._now()
        is_due = not 0 <= now - self._searched_at < SEARCH_EVERY_S  # the clock may be put back
        is_sated = self._asked >= ASKED_AT_ONCE and now - self._hinted_at < HINTED_EVERY_S
        if is_sated and not is_due:
            return False
        met = {Hint("product", remote_id): 0 for remote_id in self._met}
        hints = met | await self._hints.of("product")
        if is_due:
            await self._search(shop)
        elif hints and not await self._followed(shop, hints):
            return False
        await self._hints.seen(hints)
        self._met -= {hint.id for hint in met}
        return is_due

    async def _search(self, shop: wire.ShopCipher) -> None:
        self._searched_at = self._hinted_at = self._now()
        await self._watch.search(shop)
        self._searched()

    async def _followed(self, shop: wire.ShopCipher, hints: Mapping[Hint, int]) -> bool:
        """Few hints are followed one by one, at once; many, with one search for all of them.
        Whether they were by now."""
        if self._now() - self._hinted_at >= HINTED_EVERY_S:
            self._asked = 0
        if self._asked + len(hints) <= ASKED_AT_ONCE:
            if not self._asked:
                self._hinted_at = self._now()
            self._asked += len(hints)
            if not await self._watch.ask(shop, [hint.id for hint in hints]):
                await self._search(shop)
        elif self._now() - self._hinted_at >= HINTED_EVERY_S:
            await self._search(shop)
        else:
            self._asked = ASKED_AT_ONCE
            return False
        return True
