"""Does one change of the plan at TikTok, so that a crash at any point of it is made good.

Before a request, what it changes is taken out of the listing, or its key is put in; after the
answer, what was taken is put down. Whoever finds the listing in between does it again, and
TikTok's answer to that is the same.
"""

import asyncio
import secrets
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Protocol
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace

from sync.model import Failure, Listing, Product, ProductId, SkuId
from sync.sidecar.draft import draft, sku_ids, text
from sync.sidecar.escrow import Escrow
from sync.sidecar.goal import Facts
from sync.sidecar.ledger import Ledger
from sync.sidecar.plan import (
    Activate,
    Change,
    Create,
    Deactivate,
    Delete,
    Edit,
    Forget,
    Goal,
    SetPrices,
    SetStocks,
    about,
    digest,
)
from sync.store.lease import Fence
from sync.store.uploads import Uploads
from sync.tiktok import wire
from sync.tiktok.client import TikTok
from sync.tiktok.errors import Misused, Refused, Unreadable

UPLOADS_AT_ONCE = 6
"""Images of up to 10 MB are held in memory while they are sent."""

FINAL = (Refused, Misused, Unreadable)
"""What is wrong with one product, whoever's fault it is: it rests, and the others go on."""


class ImageFiles(Protocol):
    """The fetched images of this server."""

    async def read(self, digest: str) -> bytes | None:
        """None where this server has no such file."""
        ...


class ImageMissing(Exception):
    """An image was fetched, by another server perhaps, and is not here."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"the image {digest} is not on this server")
        self.digest = digest


class Shop(msgspec.Struct, frozen=True):
    """Where it goes: `warehouse` is where all stock is kept, `category_version` the tree that the
    shop sells in."""

    cipher: wire.ShopCipher
    warehouse: str
    category_version: str


class Outbox:
    """Each call does one change and returns the listing after it. Raises TikTokError for what
    is nobody's fault in particular, ImageMissing, StoreUnavailable and LeaseLost; what TikTok
    refuses of the product is put down as its failure."""

    def __init__(
        self,
        tiktok: TikTok,
        ledger: Ledger,
        uploads: Uploads,
        files: ImageFiles,
        escrow: Escrow,
        fence: Fence,
        now: Callable[[], float],
    ) -> None:
        self._tiktok = tiktok
        self._ledger = ledger
        self._escrow = escrow
        self._uploads = uploads
        self._files = files
        self._fence = fence
        self._now = now
        self._uploading: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._upload_slots = asyncio.Semaphore(UPLOADS_AT_ONCE)

    async def do(
        self, change: Change, goal: Goal, facts: Facts | None, listing: Listing, shop: Shop
    ) -> Listing | None:
        """The listing afterwards, None when there is none any more."""
        try:
            return await self._done(change, goal, facts, listing, shop)
        except FINAL as error:
            failed = failing(change, str(error.code), error.message, self._now())
            # Refused the first time, it certainly is not there, and nothing needs to be set aside.
            is_absent = (
                isinstance(change, Create)
                and (change.again or not listing.sending)
                and not isinstance(error, Unreadable)
            )

            def ended(there: Listing) -> Listing:
                there = failed(there)
                return replace(there, sending="") if is_absent else there

            return await self._ledger.change(listing.product, ended)

    async def _done(
        self, change: Change, goal: Goal, facts: Facts | None, listing: Listing, shop: Shop
    ) -> Listing | None:
        match change:
            case Create(again=again) if facts is not None:
                return await self._create(change, goal, facts, listing, shop, again=again)
            case Edit(whole=whole) if facts is not None:
                return await self._edit(change, goal, facts, listing, shop, whole=whole)
            case SetPrices(prices) if facts is not None:
                return await self._set_prices(change, prices, facts.product, listing, shop)
            case SetStocks(stocks):
                return await self._set_stocks(change, stocks, listing, shop)
            case Activate():
                return await self._activate(change, listing, shop)
            case Deactivate():
                return await self._deactivate(change, listing, shop)
            case Delete():
                return await self._delete(change, listing, shop)
            case Forget():
                await self._ledger.forget(listing.product)
                return None
        raise AssertionError(change)

    async def _create(
        self, change: Change, goal: Goal, facts: Facts, listing: Listing, shop: Shop, *, again: bool
    ) -> Listing:
        product = facts.product
        uris = await self._uris(facts.digests)
        sending = digest(goal.content, goal.structure, goal.prices, shop.warehouse)
        is_new = again or not listing.create_key
        create_key = _new_key(product.id) if is_new else listing.create_key

        def begun(there: Listing) -> Listing:
            fresh = Listing(there.product, create_key, failure=there.failure) if is_new else there
            return replace(fresh, sending=sending, sent_at=self._now())

        await self._ledger.change(product.id, begun)
        async with self._escrow.levels(goal.stocks) as levels:
            body = draft(
                product,
                replace(goal, stocks=levels),
                category_id=facts.placing.category_id or "",
                category_version=shop.category_version,
                uris=uris,
                warehouse=shop.warehouse,
                remote_skus={},
            )
            saved = await self._tiktok.create_product(shop.cipher, body, create_key)
        # Under the same key something else may have been created before: then all of it is unknown.
        is_known = is_new or listing.sending in ("", sending)
        is_first = is_new or not listing.sending

        def created(there: Listing) -> Listing:
            ids = sku_ids(product, saved.skus, {})
            there = replace(
                there, remote_id=saved.product_id, remote_skus=ids, warehouse=shop.warehouse
            )
            return _whole(there, change, goal, levels if is_first else {}, is_known=is_known)

        return await self._ledger.change(product.id, created)

    async def _edit(
        self, change: Change, goal: Goal, facts: Facts, listing: Listing, shop: Shop, *, whole: bool
    ) -> Listing:
        product, remote_id = facts.product, _remote_id(listing)
        category_id = facts.placing.category_id or ""
        uris = await self._uris(facts.digests)
        if not whole:
            await self._ledger.change(product.id, lambda there: replace(there, content=""))
            body = text(
                product, category_id=category_id, category_version=shop.category_version, uris=uris
            )
            await self._tiktok.partial_edit(shop.cipher, remote_id, body)
            return await self._ledger.change(
                product.id, lambda there: _taken(there, change, content=goal.content)
            )
        warehouse = listing.warehouse or shop.warehouse
        await self._ledger.change(
            product.id,
            lambda there: replace(there, content="", structure="", prices={}, stocks={}),
        )
        async with self._escrow.levels(goal.stocks, is_audited=True) as levels:
            all_of_it = draft(
                product,
                replace(goal, stocks=levels),
                category_id=category_id,
                category_version=shop.category_version,
                uris=uris,
                warehouse=warehouse,
                remote_skus=listing.remote_skus,
            )
            saved = await self._tiktok.edit_product(shop.cipher, remote_id, all_of_it)

        def edited(there: Listing) -> Listing:
            ids = sku_ids(product, saved.skus, there.remote_skus)
            there = replace(there, remote_skus=ids, warehouse=warehouse)
            return _whole(there, change, goal, levels, is_known=True)

        return await self._ledger.change(product.id, edited)

    async def _set_prices(
        self,
        change: Change,
        prices: Mapping[SkuId, int],
        product: Product,
        listing: Listing,
        shop: Shop,
    ) -> Listing:
        await self._ledger.change(
            product.id, lambda there: replace(there, prices=_without(there.prices, prices))
        )
        errors = await self._tiktok.set_prices(
            shop.cipher,
            _remote_id(listing),
            [
                wire.SkuPriceChange(listing.remote_skus[sku], price, product.currency)
                for sku, price in prices.items()
            ],
        )
        faults = _faults(errors, prices, listing)

        def set_(there: Listing) -> Listing:
            taken = dict(there.prices) | _without(prices, faults)
            return _after_batch(there, change, faults, self._now(), prices=taken)

        return await self._ledger.change(product.id, set_)

    async def _set_stocks(
        self, change: Change, stocks: Mapping[SkuId, int], listing: Listing, shop: Shop
    ) -> Listing:
        await self._ledger.change(
            listing.product, lambda there: replace(there, stocks=_without(there.stocks, stocks))
        )
        warehouse = listing.warehouse or shop.warehouse
        async with self._escrow.levels(stocks) as levels:
            errors = await self._tiktok.set_stock(
                shop.cipher,
                _remote_id(listing),
                {
                    listing.remote_skus[sku]: [wire.Level(warehouse, units)]
                    for sku, units in levels.items()
                },
            )
            faults = _faults(errors, stocks, listing)
            for sku in faults:
                del levels[sku]

        def set_(there: Listing) -> Listing:
            taken = dict(there.stocks) | levels
            return _after_batch(there, change, faults, self._now(), stocks=taken)

        return await self._ledger.change(listing.product, set_)

    async def _activate(self, change: Change, listing: Listing, shop: Shop) -> Listing:
        _raise_first(await self._tiktok.activate(shop.cipher, [_remote_id(listing)]))
        return await self._ledger.change(
            listing.product, lambda there: _taken(there, change, parked=False, status="PENDING")
        )

    async def _deactivate(self, change: Change, listing: Listing, shop: Shop) -> Listing:
        await self._ledger.change(listing.product, lambda there: replace(there, parked=True))
        _raise_first(await self._tiktok.deactivate(shop.cipher, [_remote_id(listing)]))
        return await self._ledger.change(
            listing.product, lambda there: _taken(there, change, status="SELLER_DEACTIVATED")
        )

    async def _delete(self, change: Change, listing: Listing, shop: Shop) -> Listing:
        _raise_first(await self._tiktok.delete(shop.cipher, [_remote_id(listing)]))
        return await self._ledger.change(
            listing.product, lambda there: _taken(there, change, status="DELETED")
        )

    async def _uris(self, digests: Sequence[str]) -> list[str]:
        """What TikTok calls the images, uploaded now where it has them not."""
        known = await self._uploads.uris(digests)
        return [known.get(each) or await self._uploaded(each) for each in digests]

    async def _uploaded(self, digest: str) -> str:
        """Once, however many products want it at the same time."""
        lock = self._uploading.setdefault(digest, asyncio.Lock())
        async with lock:
            known = await self._uploads.uris([digest])
            if digest in known:
                return known[digest]
            async with self._upload_slots:
                data = await self._files.read(digest)
                if data is None:
                    raise ImageMissing(digest)
                image = await self._tiktok.upload_image(data)
            await self._uploads.add(digest, image.uri, self._fence)
            return image.uri


def failing(change: Change, code: str, message: str, now: float) -> Callable[[Listing], Listing]:
    """The listing with the failure of `change`. Its tries go on counting while other changes fail
    in between, so that two that fail in turn rest as one does."""
    what = about(change)

    def failed(there: Listing) -> Listing:
        before = there.failure
        is_other = (
            before is not None and before.about != what and _kind(before.about) == _kind(what)
        )
        tries = 1 if before is None or is_other else before.tries + 1
        return replace(there, failure=Failure(code, message, now, tries, what))

    return failed


def _taken(there: Listing, change: Change, **fields: Any) -> Listing:
    """The listing after `change` was taken, whose failure is over."""
    failure = there.failure
    is_over = failure is not None and (
        isinstance(change, Create)
        or _kind(failure.about) == _kind(about(change))
        or (isinstance(change, Edit) and change.whole)
    )
    return replace(there, failure=None if is_over else failure, **fields)


def _whole(
    there: Listing, change: Change, goal: Goal, levels: Mapping[SkuId, int], *, is_known: bool
) -> Listing:
    """The listing after all of the product was taken, with these levels of stock."""
    if not is_known:
        return _taken(there, change, content="", structure="", prices={}, stocks={})
    skus = there.remote_skus
    return _taken(
        there,
        change,
        content=goal.content,
        structure=goal.structure,
        prices={sku: price for sku, price in goal.prices.items() if sku in skus},
        stocks={sku: units for sku, units in levels.items() if sku in skus},
        sku_faults={},
    )


def _after_batch(
    there: Listing, change: Change, faults: Mapping[SkuId, str], now: float, **fields: Any
) -> Listing:
    """The listing after TikTok took all SKUs of `change` but those with `faults`."""
    there = replace(there, sku_faults=dict(faults), **fields)
    if not faults:
        return _taken(there, change)
    return failing(change, "sku", next(iter(faults.values())), now)(there)


def _faults(
    errors: Sequence[wire.ItemError], wanted: Mapping[SkuId, int], listing: Listing
) -> dict[SkuId, str]:
    """What went wrong by SKU; an error that names none of them is about all."""
    ours = {listing.remote_skus[sku]: sku for sku in wanted}
    named = {ours[error.sku_id]: error.reason for error in errors if error.sku_id in ours}
    if errors and not named:
        return dict.fromkeys(wanted, errors[0].reason)
    return named


def _raise_first(errors: Sequence[wire.ItemError]) -> None:
    if errors:
        raise Refused(errors[0].reason, code=errors[0].code or 0)


def _without(amounts: Mapping[SkuId, int], skus: Container[SkuId]) -> dict[SkuId, int]:
    return {sku: amount for sku, amount in amounts.items() if sku not in skus}


def _remote_id(listing: Listing) -> str:
    if listing.remote_id is None:
        raise AssertionError("only what is at TikTok is changed there")
    return listing.remote_id


def _new_key(product: ProductId) -> str:
    return f"{product}-{secrets.token_hex(8)}"


def _kind(what: str) -> str:
    return what.split(" ", 1)[0]
