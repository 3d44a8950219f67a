"""Units at TikTok that are set aside here, so that no other channel sells them, too.

Before a request that sets the level of a SKU, as many units are set aside as may be sold by it
(`levels`). What TikTok really has after it is known at once where it had nothing before; else it
is read, then all orders up to then are taken in, and what is set aside beyond that is given back.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from msgspec.structs import replace

from sync.allocation import Found
from sync.model import TIKTOK, Listing, SkuId, Stock
from sync.sidecar.ledger import Ledger
from sync.store.lease import Fence
from sync.store.listings import Listings
from sync.store.progress import Drift
from sync.store.stock import Stocks
from sync.tiktok import wire
from sync.tiktok.client import TikTok
from sync.tiktok.errors import Misused, Refused, TikTokError

log = logging.getLogger(__name__)

QUIET_S = 5.0
"""How long TikTok may still do what it was asked for by who has no answer."""

FIRST_AGAIN_S = 1.0
LONGEST_AGAIN_S = 60.0
"""When what could not be settled is looked at again, each time twice as late."""

READ_AT_ONCE = 500
"""SKUs; TikTok tells of 600."""

MOST_DRIFTS = 20

FINAL = (Refused, Misused)
"""TikTok says that it has not done it."""


class Orders(Protocol):
    async def poll(self) -> None:
        """Take in all of TikTok's orders up to now."""
        ...


class Escrow:
    """Of one server's time at the sync; nothing is set aside unless `is_escrowing`. Raises
    TikTokError, StoreUnavailable and LeaseLost."""

    def __init__(
        self,
        stocks: Stocks,
        listings: Listings,
        ledger: Ledger,
        tiktok: TikTok,
        orders: Orders,
        fence: Fence,
        *,
        is_escrowing: Callable[[], bool],
        now: Callable[[], float],
    ) -> None:
        self.drifts: tuple[Drift, ...] = ()
        """What the last looks found to be offered beyond what is set aside."""
        self._stocks = stocks
        self._listings = listings
        self._ledger = ledger
        self._tiktok = tiktok
        self._orders = orders
        self._fence = fence
        self._is_escrowing = is_escrowing
        self._now = now
        self._writing: Counter[SkuId] = Counter()
        self._quiet_at: dict[SkuId, float] = {}
        """When what is in doubt may be looked at."""
        self._pauses: dict[SkuId, float] = {}
        self._turn = asyncio.Lock()

    # ---- writing

    @asynccontextmanager
    async def levels(
        self, wanted: Mapping[SkuId, int], *, is_audited: bool = False
    ) -> AsyncIterator[dict[SkuId, int]]:
        """What TikTok may be told to offer of each SKU in the block: it is set aside. 0 where
        too little is free while more may still be offered there; once that is settled the rest
        follows. The block takes those out that TikTok has refused. What `is_audited` first may be
        there much later, and may be sent twice: then 0 is told, and the rest follows, too."""
        if not self._is_escrowing():
            yield dict(wanted)
            return
        # Before they are set aside: a level read meanwhile is not that of this generation.
        self._writing.update(wanted.keys())
        try:
            asked = dict.fromkeys(wanted, 0) if is_audited else wanted
            reserved = await self._stocks.reserve(asked, TIKTOK, self._fence)
            levels = {sku: reserved[sku].level if sku in reserved else 0 for sku in wanted}
            yield levels
        except FINAL:
            self._look_at(wanted, self._now())
            raise
        except BaseException:  # TikTok may do it all the same, a little later
            self._look_at(wanted, self._now() + QUIET_S)
            raise
        finally:
            self._writing -= Counter(wanted.keys())
        self._look_at(wanted, self._now())
        exact = {
            sku: Found(each.level, each.generation, each.sold)
            for sku, each in reserved.items()
            if each.exact and sku in levels
        }
        if exact:
            await self._stocks.settle(exact, TIKTOK, self._fence)

    def _look_at(self, skus: Iterable[SkuId], at: float) -> None:
        """Not before `at`, nor before what an earlier request may still do is done."""
        for sku in skus:
            was_pause = self._pauses.pop(sku, None) is not None
            before = 0.0 if was_pause else self._quiet_at.get(sku, 0.0)
            self._quiet_at[sku] = max(at, before)

    # ---- reading

    async def begin(self) -> None:
        """What is in doubt was left so by a server that may just have been killed."""
        inherited = await self._stocks.unsettled(TIKTOK)
        self._quiet_at.update(dict.fromkeys(inherited, self._now() + QUIET_S))

    async def settle(self, shop: wire.ShopCipher) -> None:
        """Find out what TikTok has of all that is in doubt."""
        async with self._turn:
            now = self._now()
            latest = now + LONGEST_AGAIN_S  # beyond it the clock was put back
            self._quiet_at = {sku: at for sku, at in self._quiet_at.items() if now < at <= latest}
            waiting = self._quiet_at.keys() | self._writing.keys()
            unsettled = await self._stocks.unsettled(TIKTOK, but=waiting)
            if unsettled:
                await self._look(shop, unsettled)

    async def reconcile(self, shop: wire.ShopCipher) -> None:
        """Compare all levels at TikTok with what is set aside for them."""
        async with self._turn:
            self.drifts = ()
            await self._look(shop, await self._stocks.many(await self._stocks.escrowed(TIKTOK)))

    async def _look(self, shop: wire.ShopCipher, stocks: Mapping[SkuId, Stock]) -> None:
        """One poll of orders is for all, that begins when the last level was read."""
        now = self._now()
        skus = [
            sku
            for sku in stocks
            if sku not in self._writing and self._quiet_at.get(sku, 0.0) <= now
        ]
        levels: dict[SkuId, int] = {}
        settled: set[SkuId] = set()
        try:
            for at in range(0, len(skus), READ_AT_ONCE):
                levels |= await self._levels(shop, skus[at : at + READ_AT_ONCE])
            if levels:
                await self._orders.poll()
                settled = await self._settle({sku: stocks[sku] for sku in levels}, levels)
        except TikTokError:
            for sku in skus:  # of one that is set meanwhile, that counts
                if self._quiet_at.get(sku, 0.0) <= now:
                    self._quiet_at[sku] = now + FIRST_AGAIN_S
            raise
        for sku in skus:
            if self._quiet_at.get(sku, 0.0) > now:  # set meanwhile, and perhaps not answered
                continue
            self._quiet_at.pop(sku, None)
            pause_s = self._pauses.pop(sku, FIRST_AGAIN_S)
            if sku not in settled and sku not in self._writing:
                self._pauses[sku] = min(LONGEST_AGAIN_S, 2 * pause_s)
                self._quiet_at[sku] = now + pause_s

    async def _levels(self, shop: wire.ShopCipher, skus: Sequence[SkuId]) -> dict[SkuId, int]:
        """What TikTok has of `skus` now; of which that cannot be known yet are missing."""
        products = await self._stocks.products(skus)
        listings = await self._listings.many(list(dict.fromkeys(products.values())))
        levels: dict[SkuId, int] = {}
        remotes: dict[str, SkuId] = {}
        for sku, product in products.items():
            listing = listings.get(product, Listing(product, ""))
            if _is_absent(listing, sku):
                levels[sku] = 0
            elif sku in listing.remote_skus:
                remotes[listing.remote_skus[sku]] = sku
        if remotes:
            for found in await self._tiktok.read_stock(shop, sku_ids=list(remotes)):
                for each in found.skus:
                    if each.id in remotes and each.total_available_quantity is not None:
                        levels[remotes[each.id]] = each.total_available_quantity
        return levels

    async def _settle(
        self, stocks: Mapping[SkuId, Stock], levels: Mapping[SkuId, int]
    ) -> set[SkuId]:
        """Those that are not to be looked at again: settled, or set anew meanwhile."""
        found = {
            sku: Found(levels[sku], stock.generations.get(TIKTOK, 0), stock.sold.get(TIKTOK, 0))
            for sku, stock in stocks.items()
        }
        settled = await self._stocks.settle(found, TIKTOK, self._fence)
        for sku, each in settled.items():
            if each.stock is not None and TIKTOK in each.stock.unbound:
                await self._unbound(sku, each.drift)
        return {
            sku
            for sku, each in settled.items()
            if each.stock is None or TIKTOK not in each.stock.unbound
        }

    async def _unbound(self, sku: SkuId, drift: int) -> None:
        """More is offered than is set aside: whatever level was sent, it is another now."""
        product = (await self._stocks.products([sku])).get(sku)
        if product is None:
            return
        if drift:
            log.warning("stock_drifted product=%s sku=%s units=%d", product, sku, drift)
            told = Drift(product, sku, drift, self._now())
            self.drifts = (*self.drifts, told)[-MOST_DRIFTS:]
        await self._ledger.change(
            product,
            lambda there: replace(
                there, stocks={each: n for each, n in there.stocks.items() if each != sku}
            ),
        )


def _is_absent(listing: Listing, sku: SkuId) -> bool:
    """Whether TikTok certainly has nothing of the SKU."""
    if listing.remote_id is None:
        return not listing.sending
    if listing.status == "DELETED":
        return True
    return sku not in listing.remote_skus and bool(listing.structure)
