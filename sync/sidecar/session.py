"""One server's time at the sync, from its taking the lease to its losing it."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from sync.connecting.doubt import doubt
from sync.eligibility.local_rules import ANY_MARKET, Market, Markets
from sync.eligibility.tier import next_day, order_day, product_limit
from sync.errors import Conflict, StoreUnavailable, SyncError
from sync.model import (
    TIKTOK,
    ChannelRecord,
    Listing,
    ProductId,
)
from sync.orders.intake import Intake
from sync.orders.taking import Taking
from sync.sidecar.board import Board
from sync.sidecar.category_reading import CategoryReading
from sync.sidecar.escrow import Escrow
from sync.sidecar.goal import Facts, Look, goal, look
from sync.sidecar.hearing import Hearing
from sync.sidecar.ledger import Ledger
from sync.sidecar.loader import ImageRecords, Known, Loader
from sync.sidecar.outbox import ImageFiles, ImageMissing, Outbox, Shop
from sync.sidecar.plan import (
    UNSOLD,
    Activate,
    Change,
    Create,
    Goal,
    Wait,
    changes,
    is_held,
    retry_at,
)
from sync.sidecar.selection import Candidate, left_out
from sync.sidecar.watch import Watch
from sync.sidecar.work import Work
from sync.store.lease import Fence, LeaseLost
from sync.store.progress import Failed, Progress
from sync.store.stores import Stores
from sync.tiktok import wire
from sync.tiktok.client import TikTok
from sync.tiktok.errors import (
    AppRefused,
    NotAuthorized,
    RateLimited,
    ScopeMissing,
    TikTokError,
    TikTokUnavailable,
    TokenRefused,
    TokenShopMismatch,
    Unreadable,
)

log = logging.getLogger(__name__)

POLL_S = 10.0
POLL_ON_AIR_S = 5.0
"""Without hints, all orders that have changed are looked for."""

RECONCILE_S = 600.0
"""How often the levels at TikTok are compared with what is set aside: a seller may change them."""

PAUSE_S = 60.0
"""How long nothing is sent after TikTok has refused all of the shop."""

FIRST_AGAIN_S = 2.0
LONGEST_AGAIN_S = 60.0
"""When TikTok does not answer, a product is tried again so much later, each time twice as late."""

MOST_STEPS = 12
"""Changes of one product in a row. More would be a plan that does not come to an end."""

_DAY_S = 24 * 3600

_SLICE = 20
"""Products looked at between two turns of the event loop."""


class Pictures(msgspec.Struct, frozen=True):
    """Those of the products: what became of each, and the files of this server."""

    records: ImageRecords
    files: ImageFiles


class ShopChanged(SyncError):
    """Another shop at TikTok is connected now: all begins anew."""


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What is remembered of every product. `has_room`: it takes up one of the tier's listings."""

    created_at: float
    unwanted: str
    faulty: str
    is_listed: bool
    has_room: bool
    status: str | None


class Session:
    """Steps that `Sidecar` takes in turn or at the same time. All raise StoreUnavailable,
    LeaseLost and ShopChanged, which end the session, and keep every other trouble to themselves."""

    def __init__(
        self,
        stores: Stores,
        pictures: Pictures,
        tiktok: TikTok,
        intake: Intake,
        fence: Fence,
        *,
        markets: Markets,
        next_rundown: Callable[[], Sequence[ProductId]],
        on_air: Callable[[], bool],
        now: Callable[[], float],
    ) -> None:
        self.work = Work()
        self._stores = stores
        self._images = pictures.records
        self._tiktok = tiktok
        self._fence = fence
        self._markets = markets
        self._next_rundown = next_rundown
        self._on_air = on_air
        self._now = now
        self._ledger = Ledger(stores.listings, fence, self._changed)
        self._taking = Taking(tiktok, stores, intake, fence, now)
        self._escrow = Escrow(
            stores.stocks,
            stores.listings,
            self._ledger,
            tiktok,
            self._taking,
            fence,
            is_escrowing=lambda: self._channel.stock.mode == "escrow",
            now=now,
        )
        self._outbox = Outbox(
            tiktok, self._ledger, stores.uploads, pictures.files, self._escrow, fence, now
        )
        self._watch = Watch(
            tiktok,
            self._ledger,
            stores.listings,
            stores.products,
            stores.stocks,
            stores.progress,
            fence,
            is_creating=self._creating_now,
            found=self._found,
            now=now,
        )
        self._hearing = Hearing(stores.hints, self._watch, self._searched, now)
        self._board = Board()
        self._told: Progress | None = None
        self._channel = ChannelRecord()
        self._categories = CategoryReading(stores.categories, tiktok, fence, now)
        self._loader = Loader(
            stores,
            pictures.records,
            policy=lambda: self._channel.stock,
            placements=lambda: self._categories.placements,
            now=now,
        )
        self._seen: dict[ProductId, Seen] = {}
        self._out: dict[ProductId, str] = {}
        """Who is left out, and why."""
        self._noted: dict[ProductId, str] = {}
        """The same as listings say it: also those that another server has written."""
        self._is_selection_due = True
        self._unjudged: dict[ProductId, bool] = {}
        """Whether it is urgent."""
        self._rundown: tuple[ProductId, ...] = ()
        self._was_on_air = False
        self._grounded: set[ProductId] = set()
        """What waits for the end of the show."""
        self._sought: set[ProductId] = set()
        """What waits for the next search."""
        self._roomless: set[ProductId] = set()
        """What waits for room among the listings."""
        self._in_room: set[ProductId] = set()
        self._creating: set[ProductId] = set()
        self._tries: dict[ProductId, int] = {}
        self._refused_until = 0.0
        self._refusal = ""
        self._polled_at = float("-inf")
        self._reconciled_at = now()

    # ---- taking in what has changed here

    async def begin(self) -> None:
        """Look at everything there is."""
        self._channel = await self._stores.channels.get(TIKTOK)
        await self._categories.load()
        await self._watch.begin()
        await self._escrow_for(self._channel)
        await self._escrow.begin()
        await self._follow_policy()
        self._rundown, self._was_on_air = tuple(self._next_rundown()), self._on_air()
        await self._look_at_all()

    async def channel_changed(self) -> None:
        """Somebody has connected or disconnected TikTok, or changed the settings of it."""
        before, after = self._channel, await self._stores.channels.get(TIKTOK)
        if before.shop is None:
            await self._escrow_for(after)
        self._channel = after
        if before.shop is not None and after.shop is not None and before.shop.id != after.shop.id:
            raise ShopChanged("another shop was connected")
        if before.authorization != after.authorization:
            self._refused_until = 0.0
        if before.stock.mode != after.stock.mode:
            await self._follow_policy()
        if _about_listing(before) != _about_listing(after):
            await self._look_at_all()

    async def _escrow_for(self, channel: ChannelRecord) -> None:
        """What was set aside for another shop bounds nothing of this one's."""
        if channel.shop is None:
            return
        shop, progress = channel.shop.id, self._stores.progress
        if await progress.escrowed_shop() != shop:
            await self._stores.stocks.release_quotas(TIKTOK, self._fence)
            await progress.save_escrowed_shop(shop, self._fence)

    async def _follow_policy(self) -> None:
        """Without escrow nothing stays set aside."""
        if self._channel.stock.mode == "buffered":
            await self._stores.stocks.release_quotas(TIKTOK, self._fence)

    async def categories_changed(self) -> None:
        if await self._categories.load():
            await self._look_at_all()

    async def take_in(self) -> None:
        """Look at what has changed here since."""
        now = self._now()
        self._see_the_show()
        self.work.add_due(now)
        if self._refused_until and now >= self._refused_until:
            self._refused_until = 0.0
            self.work.add_all_later()
        changed = await self._stores.dirty.all()
        ids = list(changed)
        for at in range(0, len(ids), _SLICE):
            some = ids[at : at + _SLICE]
            await self._look_at(some, urgent=True)
            await self._stores.dirty.seen({product: changed[product] for product in some})
            await asyncio.sleep(0)
        await self._select()

    def _see_the_show(self) -> None:
        rundown, on_air = tuple(self._next_rundown()), self._on_air()
        if rundown != self._rundown:
            self._rundown, self._is_selection_due = rundown, True
        if self._was_on_air and not on_air:
            self.work.add(self._grounded)
            self._grounded.clear()
        self._was_on_air = on_air

    async def _look_at_all(self) -> None:
        ids = dict.fromkeys(await self._stores.products.ids())
        ids |= dict.fromkeys(sorted(await self._stores.listings.ids()))
        every = list(ids)
        for at in range(0, len(every), _SLICE):
            await self._look_at(every[at : at + _SLICE])
            await asyncio.sleep(0)
        for gone in self._seen.keys() - ids.keys():
            self._forget(gone)
        await self._select()

    async def _look_at(self, ids: Sequence[ProductId], *, urgent: bool = False) -> None:
        """Remember what these products are like, and see whether there is work with them: of a
        shop whose listings are limited, once it is known who is left out."""
        self.work.add_busy(ids, urgent=urgent)
        for known in await self._loader.load(ids):
            self._remember(known)
            if self._limit is None:
                self._judge(known, urgent=urgent)
            else:
                self._unjudged[known.product] = urgent

    def _remember(self, known: Known) -> None:
        product, facts, listing = known.product, known.facts, known.listing
        if facts is None and listing is None:
            self._forget(product)
            return
        looked = _look(facts, self._market, self._now())
        before = self._seen.get(product)
        seen = Seen(
            created_at=0.0 if facts is None else facts.product.created_at,
            unwanted="it was deleted" if facts is None else looked.unwanted,
            faulty=looked.faulty,
            is_listed=listing is not None and listing.remote_id is not None,
            has_room=_has_room(listing),
            status=None if listing is None else listing.status,
        )
        noted = "" if listing is None else listing.left_out
        if noted:
            self._noted[product] = noted
        if self._counts(product, before, seen) or noted != self._out.get(product, ""):
            self._is_selection_due = True
        self._seen[product] = seen
        self._count_room(product, has_room=seen.has_room)
        now = self._now()
        wanted = [
            stock.wanted_until
            for stock in known.stocks
            if stock.wanted and stock.wanted_until > now
        ]
        if wanted:  # then nobody wants them any more
            self.work.add_at(product, max(wanted))

    def _judge(self, known: Known, *, urgent: bool = False) -> None:
        """Whether there is work with it."""
        todo, _ = self._todo(known)
        now = self._now()
        if known.listing is not None and known.listing.failure is not None and not todo:
            self.work.add([known.product])  # its failure is over
        elif any(not isinstance(each, Wait) for each in todo):
            self.work.add([known.product], urgent=urgent)
            self._board.put(known.product, "waiting", now)
        else:
            self._settle(known, todo)

    async def _select(self) -> None:
        """Say anew who is left out, where something has changed that counts, and judge those
        whom that concerns."""
        if self._is_selection_due:
            self._is_selection_due = False
            await self._leave_out()
        unjudged, self._unjudged = self._unjudged, {}
        ids = [each for each in unjudged if each in self._seen]
        for at in range(0, len(ids), _SLICE):
            for known in await self._loader.load(ids[at : at + _SLICE]):
                self._judge(known, urgent=unjudged[known.product])
            await asyncio.sleep(0)

    async def _leave_out(self) -> None:
        if self._limit is None and not self._out and not self._noted:
            return
        candidates = [
            Candidate(
                product,
                seen.created_at,
                seen.unwanted or ("" if seen.is_listed else seen.faulty),
                seen.is_listed,
            )
            for product, seen in self._seen.items()
        ]
        barred = {each.id for each in candidates if each.barred}
        found = left_out(candidates, self._rundown, self._limit)
        out = {product: why for product, why in found.items() if product not in barred}
        before, self._out = self._out, out
        changed = [
            each
            for each in before.keys() | out.keys() | self._noted.keys()
            if each in self._seen
            and not (before.get(each, "") == self._noted.get(each, "") == out.get(each, ""))
        ]
        for at in range(0, len(changed), _SLICE):
            some = changed[at : at + _SLICE]
            await self._ledger.change_all(
                {product: self._left_out(out.get(product, "")) for product in some}
            )
            await asyncio.sleep(0)
        self._noted = {product: why for product, why in out.items() if product in self._seen}
        self._unjudged |= dict.fromkeys(changed, False)

    @staticmethod
    def _left_out(why: str) -> Callable[[Listing], Listing]:
        return lambda there: replace(there, left_out=why)

    def _forget(self, product: ProductId) -> None:
        if self._seen.pop(product, None) is not None:
            self._is_selection_due = True
        self._noted.pop(product, None)
        self._board.remove(product)
        self._count_room(product, has_room=False)

    # ---- sending changes

    async def do_next(self, *, urgent_only: bool = False) -> bool:
        """Do what there is to do with one product; whether there was one."""
        product = None if self.paused else self.work.next(urgent_only=urgent_only)
        if product is None:
            return False
        await self.do(product)
        return True

    async def do(self, product: ProductId) -> None:
        """Make the product's changes, one after the other. It has been taken from the work."""
        try:
            await self._do(product)
            self._tries.pop(product, None)
        except (StoreUnavailable, LeaseLost):
            self.work.add([product])
            raise
        except (RateLimited, TikTokUnavailable, ImageMissing) as error:
            self._try_again(product, error)
        except (NotAuthorized, ScopeMissing, AppRefused) as error:
            await self._refuse(error)
            self.work.add_at(product, self._refused_until)
        except Exception:
            log.exception("sync_of_product_failed product=%s", product)
            self._try_again(product, None)
        finally:
            self.work.done(product)

    def _try_again(self, product: ProductId, error: Exception | None) -> None:
        tries = self._tries.get(product, 0)
        self._tries[product] = tries + 1
        pause_s = min(LONGEST_AGAIN_S, FIRST_AGAIN_S * 2.0 ** min(tries, 10))
        if error is not None:
            log.info("sync_tries_again product=%s in_s=%.0f error=%s", product, pause_s, error)
        self._board.put(product, "waiting", self._now())
        self.work.add_at(product, self._now() + pause_s)

    async def _refuse(self, error: TikTokError) -> None:
        """TikTok takes nothing of the shop at all: there is no use in trying product by product."""
        if isinstance(error, TokenRefused | TokenShopMismatch):
            await doubt(self._stores.channels, self._now())
        if not self._refused_until:
            log.warning("sync_refused error=%s", error)
        self._refusal = error.message
        self._refused_until = self._now() + PAUSE_S

    async def _do(self, product: ProductId) -> None:
        (known,) = await self._loader.load([product])
        self._remember(known)
        for _ in range(MOST_STEPS):
            todo, wanted = self._todo(known)
            change = self._possible(known, todo)
            shop = self._shop
            if change is None:
                break
            if shop is None or self.paused:
                self.work.add([product])
                return
            if known.listing is None:
                known = replace(known, listing=Listing(product, ""))
            if isinstance(change, Create):
                self._creating.add(product)
                self._count_room(product, has_room=True)
            try:
                listing = await self._outbox.do(
                    change, wanted, known.facts, known.listing or Listing(product, ""), shop
                )
            except ImageMissing as error:
                urls = [
                    url
                    for url, image in (known.facts.images if known.facts else {}).items()
                    if image.digest == error.digest
                ]
                await self._images.again(urls, self._now())
                raise
            finally:
                self._creating.discard(product)
            known = await self._loader.restocked(replace(known, listing=listing))
        else:
            raise AssertionError(f"the plan of {product} does not come to an end")
        if known.facts is None and known.listing is None:
            self._forget(product)
            return
        if not todo and known.listing is not None and known.listing.failure is not None:
            listing = await self._ledger.change(product, lambda there: replace(there, failure=None))
            known = replace(known, listing=listing)
        self._settle(known, todo)

    def _todo(self, known: Known) -> tuple[list[Change], Goal]:
        looked = _look(known.facts, self._market, self._now())
        wanted = goal(
            known.facts, looked, self._loader.levels(known), is_left_out=known.product in self._out
        )
        return (
            changes(
                wanted,
                known.listing,
                self._loader.set_aside(known),
                on_air=self._on_air(),
                searched_at=self._watch.searched_at,
            ),
            wanted,
        )

    def _possible(self, known: Known, todo: Sequence[Change]) -> Change | None:
        failure = None if known.listing is None else known.listing.failure
        now = self._now()
        for change in todo:
            if isinstance(change, Wait) or is_held(change, failure, now):
                continue
            if isinstance(change, Create | Activate) and self._lacks_room(known.product):
                self._roomless.add(known.product)
                continue
            return change
        return None

    def _settle(self, known: Known, todo: Sequence[Change]) -> None:
        """Nothing more can be done with it now."""
        product, listing, now = known.product, known.listing, self._now()
        failure = None if listing is None else listing.failure
        if failure is not None and todo:
            due = retry_at(failure)
            failed = Failed(product, failure.code, failure.message, failure.tries, due)
            self._board.put(product, "failed", now, failed)
            if due > now:
                self.work.add_at(product, due)
        elif todo:
            self._board.put(product, "waiting", now)
        elif product in self._out or (seen := self._seen.get(product)) is None or _is_out(seen):
            self._board.put(product, "left_out", now)
        else:
            self._board.put(product, "done", now)
        if todo and self._on_air():
            self._grounded.add(product)
        if todo and listing is not None and listing.remote_id is None and listing.sending:
            self._sought.add(product)

    def _changed(self, listing: Listing) -> None:
        """A listing was written: by a worker, or because TikTok told of it."""
        product = listing.product
        seen = self._seen.get(product)
        has_room = _has_room(listing)
        self._count_room(product, has_room=has_room or product in self._creating)
        if listing.remote_id is not None and self._watch.is_stranger(listing.remote_id):
            self._hearing.ask_again(listing.remote_id)
        if seen is None:
            return
        is_drifted = listing.remote_id is not None and not listing.structure
        if seen.status != listing.status or is_drifted:
            self.work.add([product])
        after = replace(
            seen,
            is_listed=listing.remote_id is not None,
            has_room=has_room,
            status=listing.status,
        )
        if self._counts(product, seen, after):
            self._is_selection_due = True
        self._seen[product] = after

    def _counts(self, product: ProductId, before: Seen | None, after: Seen) -> bool:
        """Whether the selection may be another. That what was chosen is listed now, is none."""
        if before is None or (before.is_listed and not after.is_listed):
            return True
        if (before.unwanted, before.faulty) != (after.unwanted, after.faulty):
            return True
        return after.is_listed and not before.is_listed and product in self._out

    def _lacks_room(self, product: ProductId) -> bool:
        limit = self._limit
        return limit is not None and product not in self._in_room and len(self._in_room) >= limit

    def _count_room(self, product: ProductId, *, has_room: bool) -> None:
        if has_room:
            self._in_room.add(product)
        elif product in self._in_room:
            self._in_room.discard(product)
            self.work.add(self._roomless)
            self._roomless.clear()

    def _creating_now(self, product: ProductId) -> bool:
        return product in self._creating

    def _found(self, product: ProductId) -> None:
        self.work.add([product])

    def _searched(self) -> None:
        self.work.add(self._sought)
        self._sought.clear()

    # ---- reading what TikTok says

    async def read(self) -> None:
        """Read TikTok's verdicts, where that is due or a webhook hints at it."""
        shop = self._shop
        if shop is None or self._refused_until:
            return
        try:
            is_searched = await self._hearing.hear(shop.cipher)
            if is_searched and await self._categories.read(shop.cipher, shop.category_version):
                await self._categories.load()
                await self._look_at_all()
        except (NotAuthorized, ScopeMissing, AppRefused) as error:
            await self._refuse(error)
        except TikTokError as error:
            log.info("sync_reads_again error=%s", error)

    # ---- orders, and what is set aside for them

    async def take_orders(self) -> None:
        """Take in the orders that hints name, and now and then all that have changed."""
        shop = self._shop
        if shop is None or self._refused_until:
            return
        hints = await self._stores.hints.of("order")
        try:
            if hints:
                try:
                    await self._taking.take([hint.id for hint in hints])
                except Unreadable as error:  # it keeps no other back, and looks ask for it again
                    log.warning("order_unreadable error=%s", error)
                await self._stores.hints.seen(hints)
            pause_s = POLL_ON_AIR_S if self._on_air() else POLL_S
            if not 0 <= self._now() - self._polled_at < pause_s:  # the clock may be put back
                self._polled_at = self._now()
                await self._taking.poll()
                await self._count_orders(shop.cipher)
        except Conflict:  # it was disconnected meanwhile
            return
        except (NotAuthorized, ScopeMissing, AppRefused) as error:
            await self._refuse(error)
        except TikTokError as error:
            log.info("orders_taken_later error=%s", error)

    async def settle(self) -> None:
        """Find out what TikTok has of what is in doubt, and now and then of everything."""
        shop = self._shop
        if shop is None or self._refused_until or self._channel.stock.mode != "escrow":
            return
        try:
            await self._escrow.settle(shop.cipher)
            if not 0 <= self._now() - self._reconciled_at < RECONCILE_S:
                self._reconciled_at = self._now()
                await self._escrow.reconcile(shop.cipher)
        except Conflict:  # it was disconnected meanwhile
            return
        except (NotAuthorized, ScopeMissing, AppRefused) as error:
            await self._refuse(error)
        except TikTokError as error:
            log.info("stock_settled_later error=%s", error)

    async def _count_orders(self, shop: wire.ShopCipher) -> None:
        """The orders of the day, where the tier limits them."""
        if self._channel.tier in (None, "pro"):
            return
        now, counted = self._now(), self._channel.shop
        query = wire.OrderQuery(create_time_ge=int(next_day(now)) - _DAY_S)
        found = await self._tiktok.search_orders(shop, query, page_size=1)
        if found.total is None:
            return
        count = found.total

        def told(record: ChannelRecord) -> ChannelRecord:
            if record.shop != counted:  # another one is connected by now
                return record
            return replace(record, orders_day=order_day(now), orders_count=count)

        await self._stores.channels.change(TIKTOK, told)

    # ---- telling

    @property
    def paused(self) -> str:
        """Why nothing is sent, "" while it is."""
        if self._refused_until:
            return self._refusal
        if not self._channel.is_connected:
            return "no TikTok Shop is connected"
        if not self._channel.auto_sync:
            return "automatic sync is off"
        if self._shop is None:
            return "TikTok has not told of a warehouse yet"
        return ""

    async def tell(self) -> None:
        """Put down the progress, where it is another."""
        progress = replace(
            self._board.progress(self._now(), self.paused or self._categories.held_up),
            drifts=self._escrow.drifts,
        )
        if self._told is None or replace(progress, at=self._told.at) != self._told:
            await self._stores.progress.save(progress, self._fence)
            self._told = progress

    # ---- the shop

    @property
    def _shop(self) -> Shop | None:
        channel = self._channel
        if channel.shop is None or not channel.is_connected:
            return None
        places = [each for each in channel.warehouses if each.type != "RETURN_WAREHOUSE"]
        places.sort(key=lambda each: (each.status == "DISABLED", not each.is_default, each.id))
        if not places:
            return None
        version = wire.category_version(channel.shop.region)
        return Shop(wire.ShopCipher(channel.shop.cipher), places[0].id, version)

    @property
    def _market(self) -> Market:
        shop = self._channel.shop
        return ANY_MARKET if shop is None else self._markets.get(shop.region, ANY_MARKET)

    @property
    def _limit(self) -> int | None:
        return product_limit(self._channel.tier)


def _look(facts: Facts | None, market: Market, now: float) -> Look:
    return Look() if facts is None else look(facts, market, now)


def _has_room(listing: Listing | None) -> bool:
    return listing is not None and listing.remote_id is not None and listing.status not in UNSOLD


def _is_out(seen: Seen) -> bool:
    """Whether it is not to be at TikTok, and is not."""
    return bool(seen.unwanted or (seen.faulty and not seen.is_listed))


def _about_listing(channel: ChannelRecord) -> object:
    """What of the channel decides about listings."""
    return (
        channel.is_connected,
        channel.auto_sync,
        channel.tier,
        channel.shop,
        channel.warehouses,
        channel.stock,
    )
