"""A product that is on sale at TikTok, and everything that makes it so."""

from typing import Any

import msgspec

from sync.eligibility.local_rules import Placing
from sync.eligibility.verdict import Subject
from sync.model import (
    Authorization,
    Category,
    CategoryRules,
    CertificationRule,
    ChannelRecord,
    Image,
    ImageRecord,
    Listing,
    Prerequisite,
    RemoteShop,
    SkuId,
    Stock,
    Warehouse,
)
from tests.sync.things import product

NOW = 1_800_000_000.0
HOUR_S, DAY_S = 3600.0, 24 * 3600.0
PICTURE = "https://pictures.example/mug.jpg"

PRODUCT = product(
    description="<p>Holds 300 ml</p>", type="Mugs", images=(Image(PICTURE),), updated_at=NOW - DAY_S
)
STOCKS = {SkuId("s_mug"): Stock(on_hand=5)}
FETCHED = ImageRecord(
    "fetched", digest=64 * "d", content_type="image/jpeg", width=800, height=800, size=90_000
)
CATEGORY = Category("600001", "600000", "Cups & Mugs", is_leaf=True, permission="AVAILABLE")
RULES = CategoryRules("600001", at=NOW - DAY_S)
PLACING = Placing(True, CATEGORY.id, CATEGORY, RULES)
LISTING = Listing(
    PRODUCT.id,
    "k1",
    remote_id="1729",
    status="ACTIVATE",
    audit="APPROVED",
    verdict_at=NOW - HOUR_S,
)
SUBJECT = Subject(PRODUCT, STOCKS, {PICTURE: FETCHED}, LISTING, PLACING)
CHANNEL = ChannelRecord(
    authorization=Authorization("a", "r", NOW + 7 * DAY_S, NOW + 365 * DAY_S),
    shop=RemoteShop("7495", "Mugs & more", "US", "cipher"),
    tier="pro",
    prerequisites=(Prerequisite("SHOP_STATUS", failed=False),),
    prerequisites_at=NOW - HOUR_S,
    warehouses=(Warehouse("w1", "Main", "ENABLED"),),
    warehouses_at=NOW - HOUR_S,
)
CERTIFIED = CategoryRules(
    "600001",
    (
        CertificationRule("c1", "Food contact report", is_required=True),
        CertificationRule("c2", "Brand letter", is_required=False),
    ),
    NOW - DAY_S,
)


def of_product(**changes: Any) -> Subject:
    changed = msgspec.structs.replace(PRODUCT, **changes)
    return msgspec.structs.replace(SUBJECT, product=changed)


def of_listing(**changes: Any) -> Subject:
    changed = msgspec.structs.replace(LISTING, **changes)
    return msgspec.structs.replace(SUBJECT, listing=changed)


def of_image(**changes: Any) -> Subject:
    changed = msgspec.structs.replace(FETCHED, **changes)
    return msgspec.structs.replace(SUBJECT, images={PICTURE: changed})


def of_placing(**changes: Any) -> Subject:
    changed = msgspec.structs.replace(PLACING, **changes)
    return msgspec.structs.replace(SUBJECT, placing=changed)


def of_category(**changes: Any) -> Subject:
    return of_placing(category=msgspec.structs.replace(CATEGORY, **changes))


def of_channel(**changes: Any) -> ChannelRecord:
    return msgspec.structs.replace(CHANNEL, **changes)


SHOPS: dict[str, ChannelRecord] = {
    "sells": CHANNEL,
    "orders used up": of_channel(tier="beginner", orders_day="2027-01-15", orders_count=50),
    "holiday": of_channel(warehouses=(Warehouse("w1", "Main", "RESTRICTED"),)),
    "kyc pending": of_channel(kyc_pending=True),
    "prerequisites failing": of_channel(
        prerequisites=(Prerequisite("SHOP_TAX", failed=True, reasons=("no tax form",)),)
    ),
    "warehouse off": of_channel(warehouses=(Warehouse("w1", "Main", "DISABLED"),)),
    "not known": of_channel(prerequisites_at=None, warehouses_at=None),
    "deauthorized": ChannelRecord(deauthorized_at=NOW - HOUR_S),
    "not connected": ChannelRecord(),
}
"""One shop for each of sync.eligibility.verdict.SHOPS."""
