"""Whether a product may be sold at TikTok: of the product, the shop's state and TikTok's verdict.

Pure: everything that counts comes in as an argument, the time too. Every reason is given, and the
worst of them decides: ineligible, then unknown, then pending, then eligible.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from sync.eligibility.local_rules import (
    ANY_MARKET,
    MARKETS,
    RULES_GOOD_FOR_S,
    UNPLACED,
    Market,
    Markets,
    Placing,
    category_faults,
    certification_faults,
    image_faults,
    is_sold_out,
    listing_faults,
)
from sync.eligibility.reasons import REASONS, reason
from sync.eligibility.shop_state import authorization_ends_at
from sync.eligibility.tier import orders_left
from sync.model import (
    ChannelRecord,
    Eligibility,
    ImageRecord,
    Listing,
    Prerequisite,
    Product,
    Reason,
    SkuId,
    Stock,
)

VERDICT_GOOD_FOR_S = 6 * 3600.0
"""Of TikTok's word on a product. Webhooks that nobody took are sent again for up to 12 h, so they
cannot be waited for: the sidecar asks for all products more often than this."""

SHOP_GOOD_FOR_S = 6 * 3600.0
"""Of TikTok's word on the shop, whose holiday mode can be switched on at any time. A show with the
guests of an evening fits in, should TikTok's API be away for as long."""

WORST_FIRST: tuple[Eligibility, ...] = ("ineligible", "unknown", "pending", "eligible")

_RANK = {code: WORST_FIRST.index(kind.eligibility) for code, kind in REASONS.items()}

# ---- TikTok's verdict: status × audit

STATUSES = (
    "DRAFT",
    "PENDING",
    "FAILED",
    "ACTIVATE",
    "SELLER_DEACTIVATED",
    "PLATFORM_DEACTIVATED",
    "FREEZE",
    "DELETED",
)
AUDITS = ("NONE", "AUDITING", "FAILED", "PRE_APPROVED", "APPROVED")

VERDICTS: dict[str, tuple[str, str, str, str, str]] = {
    # the audit:            NONE            AUDITING            FAILED
    #                       PRE_APPROVED    APPROVED
    "DRAFT": ("draft", "in_review", "review_failed", "pre_approved", "draft"),
    "PENDING": ("in_review", "in_review", "review_failed", "pre_approved", "in_review"),
    "FAILED": ("review_failed",) * 5,
    "ACTIVATE": ("not_reviewed", "change_in_review", "review_failed", "pre_approved", "on_sale"),
    "SELLER_DEACTIVATED": ("seller_deactivated",) * 5,
    "PLATFORM_DEACTIVATED": ("platform_deactivated",) * 5,
    "FREEZE": ("frozen",) * 5,
    "DELETED": ("deleted",) * 5,
}
"""The code of the reason for each status, by AUDITS."""

PRE_APPROVED = {
    "KYC_PENDING": "pre_approved_kyc",
    "RESTRICTED_CATEGORY_PENDING": "pre_approved_category",
}
"""The code of the reason for each condition of a pre-approval that we know."""

# ---- the shop at TikTok

SHOPS: dict[str, str | None] = {
    "sells": None,
    "orders used up": "orders_used_up",
    "holiday": "warehouse_restricted",
    "kyc pending": "kyc_pending",
    "prerequisites failing": "prerequisite_failed",
    "warehouse off": "warehouse_disabled",
    "not known": "shop_unknown",
    "deauthorized": "deauthorized",
    "not connected": "not_connected",
}
"""The shop's side of the table: what may be with it, and the reason that comes of it. More than
one can hold at a time."""

QUANTITY_LIMIT = "PRODUCT_QUANTITY_LIMIT"
"""The prerequisite that is about the products still to come, and takes none off sale."""


class ShopVerdict(msgspec.Struct, frozen=True):
    """What holds for every product of the shop: computed once for many of them. `good_until` is
    None where nothing runs out; `is_full`: TikTok takes no more products."""

    reasons: tuple[Reason, ...]
    known_at: float | None = None
    good_until: float | None = None
    is_connected: bool = False
    is_full: bool = False
    auto_sync: bool = True
    market: Market = ANY_MARKET


def shop_verdict(channel: ChannelRecord, now: float, markets: Markets = MARKETS) -> ShopVerdict:
    """What TikTok's shop lets every product do at `now`."""
    shop, ends_at = channel.shop, authorization_ends_at(channel)
    if shop is None or ends_at is None:
        gone_at = channel.deauthorized_at
        return _unusable("not_connected" if gone_at is None else "deauthorized", gone_at)
    if now >= ends_at:
        return _unusable("authorization_expired", ends_at)
    told = [at for at in (channel.prerequisites_at, channel.warehouses_at) if at is not None]
    good_until = None
    reasons: list[Reason] = []
    if len(told) < 2:
        reasons.append(reason("shop_unknown"))
    elif now >= min(told) + SHOP_GOOD_FOR_S:
        reasons.append(reason("shop_stale"))
    else:
        good_until = min(min(told) + SHOP_GOOD_FOR_S, ends_at)
        reasons += _shop_faults(channel)
    left = orders_left(channel, now)
    if left is not None and left.left:
        reasons.append(reason("orders_left", left=left.left, limit=left.limit))
    elif left is not None:
        reasons.append(reason("orders_used_up", limit=left.limit))
    return ShopVerdict(
        reasons=tuple(reasons),
        known_at=min(told, default=None),
        good_until=good_until,
        is_connected=True,
        is_full=any(each.item == QUANTITY_LIMIT and each.failed for each in channel.prerequisites),
        auto_sync=channel.auto_sync,
        market=markets.get(shop.region, ANY_MARKET),
    )


def _unusable(code: str, known_at: float | None = None) -> ShopVerdict:
    return ShopVerdict((reason(code),), known_at)


def _shop_faults(channel: ChannelRecord) -> Iterator[Reason]:
    failed = [each for each in channel.prerequisites if each.failed and each.item != QUANTITY_LIMIT]
    if failed:
        yield reason("prerequisite_failed", items="; ".join(map(_in_words, failed)))
    if channel.kyc_pending:
        yield reason("kyc_pending")
    statuses = {warehouse.status for warehouse in channel.warehouses}
    if not statuses:
        yield reason("warehouse_none")
    elif "ENABLED" in statuses:
        return
    elif "RESTRICTED" in statuses:
        yield reason("warehouse_restricted")
    elif statuses == {"DISABLED"}:
        yield reason("warehouse_disabled")
    else:
        yield reason("warehouse_unknown", status=min(statuses - {"DISABLED"}))


def _in_words(prerequisite: Prerequisite) -> str:
    reasons = ", ".join(prerequisite.reasons)
    return f"{prerequisite.item} ({reasons})" if reasons else prerequisite.item


# ---- one product


class Subject(msgspec.Struct, frozen=True):
    """What is known of a product: `images` by their addresses, `listing` None of one that
    TikTok was never sent."""

    product: Product
    stocks: Mapping[SkuId, Stock] = {}
    images: Mapping[str, ImageRecord] = {}
    listing: Listing | None = None
    placing: Placing = UNPLACED


class Verdict(msgspec.Struct, frozen=True):
    """`reasons` come worst first; `known_at` and `stale_at` are as a badge has them: of what
    TikTok said of the product and the shop, since what it asks in a category hardly changes."""

    eligibility: Eligibility
    sold_out: bool
    reasons: tuple[Reason, ...]
    known_at: float | None
    stale_at: float | None


def verdict(subject: Subject, shop: ShopVerdict, now: float) -> Verdict:
    """Whether the product may be sold at TikTok at `now`, with every reason."""
    product, listing, placing = subject.product, subject.listing, subject.placing
    local = list(listing_faults(product, shop.market))
    local += image_faults(product, subject.images)
    if shop.is_connected:
        local += category_faults(product.type, placing, now)
        local += certification_faults(product, placing.rules)
    if listing is not None and listing.left_out and _worst(local) > 0:  # else it says the same
        local.append(reason("left_out_by_limit", why=listing.left_out))
    sold_out = is_sold_out(product, subject.stocks)
    if sold_out:
        local.append(reason("sold_out"))
    of_product = list(_listing_reasons(listing, shop, now))
    # Without a shop TikTok has nothing to say of the product: that comes first.
    told = [*of_product, *shop.reasons] if shop.is_connected else [*shop.reasons, *of_product]
    reasons = [*local, *told]
    if len(reasons) > 1:
        reasons.sort(key=_rank)
    rank = _RANK[reasons[0].code]

    known, ends = [shop.known_at], [shop.good_until]
    if listing is not None and listing.verdict_at is not None:
        known.append(listing.verdict_at)
        ends.append(listing.verdict_at + VERDICT_GOOD_FOR_S)
    if shop.is_connected and placing.rules is not None:
        ends.append(placing.rules.at + RULES_GOOD_FOR_S)
    # What the shop itself sees does not age: then nothing turns grey.
    is_lasting = _worst(local) == 0
    return Verdict(
        eligibility=WORST_FIRST[rank],
        sold_out=sold_out,
        reasons=tuple(reasons),
        known_at=min((at for at in known if at is not None), default=None),
        stale_at=None
        if is_lasting
        else min((at for at in ends if at is not None and at > now), default=None),
    )


def _listing_reasons(listing: Listing | None, shop: ShopVerdict, now: float) -> Iterator[Reason]:
    """What TikTok makes of the product."""
    failure = listing.failure if listing else None
    if listing is None or listing.remote_id is None:
        yield reason("not_listed" if shop.auto_sync else "sync_off")
        if shop.is_full:
            yield reason("listing_limit")
        if failure is not None:
            yield reason("create_refused", message=failure.message, code=failure.code)
        return
    yield from _word(listing, now)
    if failure is not None:
        yield reason("change_refused", message=failure.message, code=failure.code)
    if listing.sku_faults:
        first = next(iter(listing.sku_faults.values()))
        yield reason("sku_refused", count=len(listing.sku_faults), message=first)


def _word(listing: Listing, now: float) -> Iterator[Reason]:
    status, audit = listing.status, listing.audit or "NONE"
    if status is None or listing.verdict_at is None:
        yield reason("verdict_missing")
    elif now >= listing.verdict_at + VERDICT_GOOD_FOR_S:
        yield reason("verdict_stale", status=status, audit=audit)
    elif status not in VERDICTS:
        yield reason("status_unknown", status=status)
    elif audit not in AUDITS:
        yield from _of_unknown_audit(status, audit)
    else:
        code = VERDICTS[status][AUDITS.index(audit)]
        if code == "pre_approved":
            yield from _conditions(listing.pre_approved)
        elif code == "seller_deactivated" and listing.parked:
            yield reason("parked")
        elif "{reasons}" in REASONS[code].text:
            yield reason(code, reasons=_listed(listing.reasons))
        else:
            yield reason(code)


def _of_unknown_audit(status: str, audit: str) -> Iterator[Reason]:
    """A status that decides by itself does so; else the word counts, which we do not know."""
    codes = set(VERDICTS[status])
    if len(codes) == 1:
        (code,) = codes
        yield reason(code, reasons="") if "{reasons}" in REASONS[code].text else reason(code)
    yield reason("audit_unknown", audit=audit)


def _conditions(pre_approved: Iterable[str]) -> Iterator[Reason]:
    known = [word for word in pre_approved if word in PRE_APPROVED]
    others = tuple(word for word in pre_approved if word not in PRE_APPROVED)
    yield from (reason(PRE_APPROVED[word]) for word in known)
    if others or not known:
        yield reason("pre_approved", reasons=_listed(others))


def _listed(words: Iterable[str]) -> str:
    text = "; ".join(words)
    return f": {text}" if text else ""


def _rank(of: Reason) -> int:
    return _RANK[of.code]


def _worst(reasons: Iterable[Reason]) -> int:
    return min(map(_rank, reasons), default=len(WORST_FIRST) - 1)
