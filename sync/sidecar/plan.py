"""What has to be done at TikTok for a product to be there as it should be: pure rules.

`changes` compares a Goal, what should be, with a Listing, what is, and says what is to be done, the
most urgent first. The caller does one, records it, and asks again.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from sync.model import Failure, Listing, SkuId, Stock
from sync.quota import due

Presence = Literal["sold", "stopped", "parked", "deleted"]
"""Sold; there, but nothing of it for sale; deactivated; gone."""

FIRST_RETRY_S = 60.0
LONGEST_RETRY_S = 6 * 3600.0
"""What TikTok refused is tried again that much later, each time twice as late."""

FOUND_WITHIN_S = 300.0
"""What was to be created that long before a search began, and was not found by it, never was."""

UNSOLD = frozenset(
    {"DRAFT", "FAILED", "SELLER_DEACTIVATED", "PLATFORM_DEACTIVATED", "FREEZE", "DELETED"}
)
"""TikTok's statuses in which nobody can buy. A word we do not know is none of them."""


class Goal(msgspec.Struct, frozen=True):
    """How a product should be at TikTok. `content` and `structure` are digests as in Listing;
    `wait` says why they cannot be sent yet, "" where they can."""

    presence: Presence
    content: str = ""
    structure: str = ""
    prices: dict[SkuId, int] = {}
    stocks: dict[SkuId, int] = {}
    wait: str = ""


class Create(msgspec.Struct, frozen=True):
    """`again`: TikTok has deleted what there was, so that a new key is needed."""

    digest: str
    again: bool = False


class Edit(msgspec.Struct, frozen=True):
    """`whole`: with its SKUs, their prices and stock; else these stay untouched."""

    digest: str
    whole: bool


class SetPrices(msgspec.Struct, frozen=True):
    prices: dict[SkuId, int]


class SetStocks(msgspec.Struct, frozen=True):
    stocks: dict[SkuId, int]


class Activate(msgspec.Struct, frozen=True):
    pass


class Deactivate(msgspec.Struct, frozen=True):
    pass


class Delete(msgspec.Struct, frozen=True):
    pass


class Forget(msgspec.Struct, frozen=True):
    """TikTok has nothing of it, so there is nothing to remember."""


class Wait(msgspec.Struct, frozen=True):
    """Nothing can be done yet, for this reason."""

    reason: str


Change = Create | Edit | SetPrices | SetStocks | Activate | Deactivate | Delete | Forget | Wait


def digest(*parts: Any) -> str:
    """A name for a value, equal for equal ones: 32 hex digits. Parts are as msgspec encodes."""
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()[:32]


def about(change: Change) -> str:
    """What `change` is, as Failure.about has it."""
    return f"{_kind(change)} {digest(msgspec.to_builtins(change, str_keys=True))}"


def changes(
    goal: Goal,
    listing: Listing | None,
    stocks: Mapping[SkuId, Stock],
    *,
    on_air: bool = False,
    searched_at: float | None = None,
) -> list[Change]:
    """What is to be done, the most urgent first; nothing where all is as it should be.

    `stocks` are those of SKUs whose units are set aside for TikTok, which say what it offers; of
    others the listing does. `searched_at` is when the latest search began that told of every
    product TikTok has changed.
    """
    if listing is None:
        return _missing(goal)
    if listing.remote_id is None:
        if goal.presence != "sold" and listing.sending:
            if searched_at is None or searched_at < (listing.sent_at or 0.0) + FOUND_WITHIN_S:
                return [Wait("it is not known yet whether TikTok has created it")]
            return [Forget()]
        if goal.presence == "deleted":
            return [Forget()]
        return _missing(goal)
    if listing.status == "DELETED":
        return _deleted(goal, listing)
    match goal.presence:
        case "sold":
            return _sold(goal, listing, stocks)
        case "stopped":
            return _stopped(listing, stocks)
        case "parked":
            return _stopped(listing, stocks) + _ended(listing, Deactivate(), on_air=on_air)
        case "deleted":
            return _stopped(listing, stocks) + _ended(listing, Delete(), on_air=on_air)


def retry_at(failure: Failure) -> float:
    """When what failed is tried again, in unix seconds."""
    return failure.at + min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failure.tries - 1, 30))


def is_held(change: Change, failure: Failure | None, now: float) -> bool:
    """Whether `change` waits for the time at which a failure is tried again.

    After a failure the product rests, but what failed is tried at once when it has become
    something else, and a failure of other things holds no stock back.
    """
    if failure is None or now >= retry_at(failure):
        return False
    failed = failure.about.split(" ", 1)[0]
    if _kind(change) == failed:
        return about(change) == failure.about
    return not isinstance(change, SetStocks)


def _kind(change: Change) -> str:
    return type(change).__name__.lower()


def _missing(goal: Goal) -> list[Change]:
    if goal.presence != "sold":
        return []
    return [Wait(goal.wait) if goal.wait else Create(_whole(goal))]


def _deleted(goal: Goal, listing: Listing) -> list[Change]:
    """Somebody has deleted it at TikTok: it is made anew when it is changed here, not before."""
    if goal.presence == "deleted":
        return [Forget()]
    if goal.presence != "sold" or not _differs(goal, listing):
        return []
    return [Wait(goal.wait) if goal.wait else Create(_whole(goal), again=True)]


def _sold(goal: Goal, listing: Listing, stocks: Mapping[SkuId, Stock]) -> list[Change]:
    found: list[Change] = []
    if levels := _levels(goal.stocks, listing, stocks):
        found.append(SetStocks(levels))
    if listing.parked and listing.status == "SELLER_DEACTIVATED":
        found.append(Activate())
    if listing.status == "FREEZE":
        return found
    prices = {
        sku: price
        for sku, price in goal.prices.items()
        if sku in listing.remote_skus and listing.prices.get(sku) != price
    }
    is_settable = listing.status == "ACTIVATE"
    resubmit = bool(prices) and listing.status in ("FAILED", "PLATFORM_DEACTIVATED")
    is_other = goal.content != listing.content
    # Of an edit that was refused, TikTok has kept nothing, its SKUs neither.
    is_refused = is_other and listing.audit == "FAILED"
    whole = goal.structure != listing.structure or resubmit or is_refused
    if whole or is_other:
        found.append(Wait(goal.wait) if goal.wait else Edit(_whole(goal), whole))
    if prices and not whole:
        found.append(
            SetPrices(prices)
            if is_settable
            else Wait("TikTok takes a new price once the product is active")
        )
    return found


def _stopped(listing: Listing, stocks: Mapping[SkuId, Stock]) -> list[Change]:
    levels = _levels(dict.fromkeys(listing.remote_skus, 0), listing, stocks)
    return [SetStocks(levels)] if levels and listing.status != "FREEZE" else []


def _ended(listing: Listing, end: Deactivate | Delete, *, on_air: bool) -> list[Change]:
    if isinstance(end, Deactivate) and listing.status in UNSOLD:
        return []
    if on_air:
        return [Wait("it leaves TikTok when no show is on air; until then it has no stock there")]
    return [end]


def _levels(
    wanted: Mapping[SkuId, int], listing: Listing, stocks: Mapping[SkuId, Stock]
) -> dict[SkuId, int]:
    """What has to be sent now of those SKUs that TikTok has."""
    levels = {
        sku: due(stocks.get(sku), level, listing.stocks.get(sku))
        for sku, level in wanted.items()
        if sku in listing.remote_skus
    }
    return {sku: level for sku, level in levels.items() if level is not None}


def _differs(goal: Goal, listing: Listing) -> bool:
    return goal.content != listing.content or goal.structure != listing.structure


def _whole(goal: Goal) -> str:
    """Of all that is audited: for other stock nothing is sent again that was refused."""
    return digest(goal.content, goal.structure, sorted(goal.prices.items()))
