"""Eligibility and badges: the whole table, every reason, and what always holds."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.eligibility import reasons
from sync.eligibility import verdict as eligibility
from sync.eligibility.badge import COLOURS, badge, unread
from sync.eligibility.local_rules import RULES_GOOD_FOR_S, Placing, main_images, markets
from sync.eligibility.tier import TIERS, next_day
from sync.eligibility.verdict import (
    AUDITS,
    SHOP_GOOD_FOR_S,
    STATUSES,
    VERDICT_GOOD_FOR_S,
    WORST_FIRST,
    Subject,
    shop_verdict,
    verdict,
)
from sync.model import (
    TIKTOK,
    Badge,
    CategoryRules,
    CertificationRule,
    ChannelId,
    ChannelRecord,
    Failure,
    Image,
    ImageRecord,
    Listing,
    Prerequisite,
    Product,
    ProductId,
    RemoteShop,
    Sku,
    SkuId,
    Stock,
    Warehouse,
)
from tests.sync.eligibility_page import PAGE, page
from tests.sync.selling import (
    CERTIFIED,
    CHANNEL,
    DAY_S,
    FETCHED,
    HOUR_S,
    LISTING,
    NOW,
    PICTURE,
    SHOPS,
    STOCKS,
    SUBJECT,
    of_category,
    of_channel,
    of_image,
    of_listing,
    of_placing,
    of_product,
)

TABLE = """
                                   sells  used up  holiday  kyc    failing  off    unknown  deauth  none
DRAFT                NONE          amber  amber    amber    amber  red      red    grey     grey    grey
DRAFT                AUDITING      amber  amber    amber    amber  red      red    grey     grey    grey
DRAFT                FAILED        red    red      red      red    red      red    red      red     red
DRAFT                PRE_APPROVED  amber  amber    amber    amber  red      red    grey     grey    grey
DRAFT                APPROVED      amber  amber    amber    amber  red      red    grey     grey    grey
PENDING              NONE          amber  amber    amber    amber  red      red    grey     grey    grey
PENDING              AUDITING      amber  amber    amber    amber  red      red    grey     grey    grey
PENDING              FAILED        red    red      red      red    red      red    red      red     red
PENDING              PRE_APPROVED  amber  amber    amber    amber  red      red    grey     grey    grey
PENDING              APPROVED      amber  amber    amber    amber  red      red    grey     grey    grey
FAILED               NONE          red    red      red      red    red      red    red      red     red
FAILED               AUDITING      red    red      red      red    red      red    red      red     red
FAILED               FAILED        red    red      red      red    red      red    red      red     red
FAILED               PRE_APPROVED  red    red      red      red    red      red    red      red     red
FAILED               APPROVED      red    red      red      red    red      red    red      red     red
ACTIVATE             NONE          amber  amber    amber    amber  red      red    grey     grey    grey
ACTIVATE             AUDITING      amber  amber    amber    amber  red      red    grey     grey    grey
ACTIVATE             FAILED        red    red      red      red    red      red    red      red     red
ACTIVATE             PRE_APPROVED  amber  amber    amber    amber  red      red    grey     grey    grey
ACTIVATE             APPROVED      green  amber    amber    amber  red      red    grey     grey    grey
SELLER_DEACTIVATED   NONE          red    red      red      red    red      red    red      red     red
SELLER_DEACTIVATED   AUDITING      red    red      red      red    red      red    red      red     red
SELLER_DEACTIVATED   FAILED        red    red      red      red    red      red    red      red     red
SELLER_DEACTIVATED   PRE_APPROVED  red    red      red      red    red      red    red      red     red
SELLER_DEACTIVATED   APPROVED      red    red      red      red    red      red    red      red     red
PLATFORM_DEACTIVATED NONE          red    red      red      red    red      red    red      red     red
PLATFORM_DEACTIVATED AUDITING      red    red      red      red    red      red    red      red     red
PLATFORM_DEACTIVATED FAILED        red    red      red      red    red      red    red      red     red
PLATFORM_DEACTIVATED PRE_APPROVED  red    red      red      red    red      red    red      red     red
PLATFORM_DEACTIVATED APPROVED      red    red      red      red    red      red    red      red     red
FREEZE               NONE          red    red      red      red    red      red    red      red     red
FREEZE               AUDITING      red    red      red      red    red      red    red      red     red
FREEZE               FAILED        red    red      red      red    red      red    red      red     red
FREEZE               PRE_APPROVED  red    red      red      red    red      red    red      red     red
FREEZE               APPROVED      red    red      red      red    red      red    red      red     red
DELETED              NONE          red    red      red      red    red      red    red      red     red
DELETED              AUDITING      red    red      red      red    red      red    red      red     red
DELETED              FAILED        red    red      red      red    red      red    red      red     red
DELETED              PRE_APPROVED  red    red      red      red    red      red    red      red     red
DELETED              APPROVED      red    red      red      red    red      red    red      red     red
""".strip("\n")  # noqa: E501

_, *ROWS = (line.split() for line in TABLE.splitlines())


def look(subject: Subject, channel: ChannelRecord = CHANNEL, now: float = NOW) -> Badge:
    return badge(TIKTOK, subject, shop_verdict(channel, now), now)


def codes(badge: Badge) -> list[str]:
    return [reason.code for reason in badge.reasons]


def test_the_highest_price_is_what_the_settings_say() -> None:
    dear = of_product(**skus(Sku(MUG, 760_001, "MUG")))
    shop = shop_verdict(CHANNEL, NOW, markets(760_001))

    assert "price_high" not in codes(badge(TIKTOK, dear, shop, NOW))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_the_table_holds_for_every_shop(row: list[str]) -> None:
    status, audit, *expected = row
    subject = of_listing(status=status, audit=audit)

    found = [look(subject, shop).colour for shop in SHOPS.values()]

    assert found == expected


def test_the_table_has_every_combination_once() -> None:
    assert [tuple(row[:2]) for row in ROWS] == [(s, a) for s in STATUSES for a in AUDITS]
    assert list(SHOPS) == list(eligibility.SHOPS)
    for name, code in eligibility.SHOPS.items():
        assert code is None or code in codes(look(SUBJECT, SHOPS[name]))


def skus(*given: Sku) -> dict[str, Any]:
    return {"skus": given}


MUG = SkuId("s_mug")
UNLISTED = msgspec.structs.replace(SUBJECT, listing=None)
REFUSED = Failure("12052048", "the title has a phone number", NOW)
APPEARANCES: dict[str, tuple[Subject, ChannelRecord]] = {
    # the product, as the shop sees it
    "not_active": (of_product(status="draft"), CHANNEL),
    "left_out": (of_product(left_out=(TIKTOK,)), CHANNEL),
    "left_out_by_limit": (of_listing(left_out="the tier is full"), CHANNEL),
    "title_missing": (of_product(title="  "), CHANNEL),
    "title_long": (of_product(title="x" * 256), CHANNEL),
    "description_missing": (of_product(description=""), CHANNEL),
    "description_long": (of_product(description="x" * 10_001), CHANNEL),
    "skus_none": (of_product(skus=()), CHANNEL),
    "skus_many": (
        of_product(skus=tuple(Sku(SkuId(f"s_{n}"), 1250, f"MUG-{n}") for n in range(301))),
        CHANNEL,
    ),
    "options_many": (of_product(options=("Size", "Colour", "Glaze", "Print")), CHANNEL),
    "price_low": (of_product(**skus(Sku(MUG, 0, "MUG"))), CHANNEL),
    "price_high": (of_product(**skus(Sku(MUG, 760_001, "MUG"))), CHANNEL),
    "currency_wrong": (of_product(currency="EUR"), CHANNEL),
    "seller_sku_missing": (of_product(**skus(Sku(MUG, 1250))), CHANNEL),
    "seller_sku_bad": (of_product(**skus(Sku(MUG, 1250, "MUG 1"))), CHANNEL),
    "images_none": (of_product(images=()), CHANNEL),
    "images_waiting": (msgspec.structs.replace(SUBJECT, images={}), CHANNEL),
    "images_unusable": (of_image(state="failed", reason="HTTP 404"), CHANNEL),
    "category_unmapped": (of_placing(category_id=None, category=None, rules=None), CHANNEL),
    "categories_unknown": (of_placing(is_tree_known=False), CHANNEL),
    "category_gone": (of_placing(category=None, rules=None), CHANNEL),
    "category_not_leaf": (of_category(is_leaf=False), CHANNEL),
    "category_invite_only": (of_category(permission="INVITE_ONLY"), CHANNEL),
    "category_not_main": (of_category(permission="NON_MAIN_CATEGORY"), CHANNEL),
    "category_permission_unknown": (of_category(permission="ON_REQUEST"), CHANNEL),
    "rules_unknown": (of_placing(rules=None), CHANNEL),
    "rules_stale": (of_placing(rules=CategoryRules("600001", at=NOW - 8 * DAY_S)), CHANNEL),
    "certification_missing": (of_placing(rules=CERTIFIED), CHANNEL),
    "sold_out": (msgspec.structs.replace(SUBJECT, stocks={MUG: Stock(2, committed=2)}), CHANNEL),
    # the shop
    "not_connected": (SUBJECT, ChannelRecord()),
    "deauthorized": (SUBJECT, ChannelRecord(deauthorized_at=NOW)),
    "authorization_expired": (SUBJECT, of_channel(authorization_ends_at=NOW)),
    "shop_unknown": (SUBJECT, of_channel(warehouses_at=None)),
    "shop_stale": (SUBJECT, of_channel(warehouses_at=NOW - SHOP_GOOD_FOR_S)),
    "prerequisite_failed": (SUBJECT, SHOPS["prerequisites failing"]),
    "kyc_pending": (SUBJECT, of_channel(kyc_pending=True)),
    "warehouse_none": (SUBJECT, of_channel(warehouses=())),
    "warehouse_disabled": (SUBJECT, SHOPS["warehouse off"]),
    "warehouse_restricted": (SUBJECT, SHOPS["holiday"]),
    "warehouse_unknown": (SUBJECT, of_channel(warehouses=(Warehouse("w1", "Main", "AUDIT"),))),
    "orders_used_up": (SUBJECT, SHOPS["orders used up"]),
    "orders_left": (SUBJECT, of_channel(tier="beginner")),
    # TikTok's verdict
    "not_listed": (UNLISTED, CHANNEL),
    "sync_off": (UNLISTED, of_channel(auto_sync=False)),
    "listing_limit": (
        UNLISTED,
        of_channel(prerequisites=(Prerequisite("PRODUCT_QUANTITY_LIMIT", failed=True),)),
    ),
    "create_refused": (of_listing(remote_id=None, failure=REFUSED), CHANNEL),
    "change_refused": (of_listing(failure=REFUSED), CHANNEL),
    "sku_refused": (of_listing(sku_faults={MUG: "the stock is locked"}), CHANNEL),
    "draft": (of_listing(status="DRAFT"), CHANNEL),
    "in_review": (of_listing(status="PENDING"), CHANNEL),
    "change_in_review": (of_listing(audit="AUDITING"), CHANNEL),
    "not_reviewed": (of_listing(audit="NONE"), CHANNEL),
    "pre_approved": (of_listing(audit="PRE_APPROVED", pre_approved=("TAX_PENDING",)), CHANNEL),
    "pre_approved_kyc": (of_listing(audit="PRE_APPROVED", pre_approved=("KYC_PENDING",)), CHANNEL),
    "pre_approved_category": (
        of_listing(audit="PRE_APPROVED", pre_approved=("RESTRICTED_CATEGORY_PENDING",)),
        CHANNEL,
    ),
    "review_failed": (of_listing(status="FAILED", audit="FAILED"), CHANNEL),
    "seller_deactivated": (of_listing(status="SELLER_DEACTIVATED"), CHANNEL),
    "parked": (of_listing(status="SELLER_DEACTIVATED", parked=True), CHANNEL),
    "platform_deactivated": (of_listing(status="PLATFORM_DEACTIVATED"), CHANNEL),
    "frozen": (of_listing(status="FREEZE"), CHANNEL),
    "deleted": (of_listing(status="DELETED"), CHANNEL),
    "status_unknown": (of_listing(status="PAUSED"), CHANNEL),
    "audit_unknown": (of_listing(audit="APPEALED"), CHANNEL),
    "verdict_missing": (of_listing(verdict_at=None), CHANNEL),
    "verdict_stale": (of_listing(verdict_at=NOW - VERDICT_GOOD_FOR_S), CHANNEL),
    "on_sale": (SUBJECT, CHANNEL),
}


@pytest.mark.parametrize("code", [*reasons.LOCAL, *reasons.SHOP, *reasons.VERDICT])
def test_each_reason_appears_and_lets_no_better_badge_be(code: str) -> None:
    subject, channel = APPEARANCES[code]

    found = look(subject, channel)

    (given,) = (reason for reason in found.reasons if reason.code == code)
    assert given.text
    assert "{" not in given.text + given.mend
    assert given.mend
    allowed = reasons.REASONS[code].eligibility
    assert WORST_FIRST.index(found.eligibility) <= WORST_FIRST.index(allowed)
    without = codes(look(SUBJECT)) if code != "on_sale" else codes(look(UNLISTED))
    assert code not in without


def test_a_channel_of_the_shops_own_asks_nobody_else() -> None:
    own = ChannelId("shop")
    subject = of_listing(status="FREEZE")

    found = badge(own, subject, shop_verdict(ChannelRecord(), NOW), NOW)

    assert (found.colour, codes(found)) == ("green", ["sold_here"])
    gone = badge(
        own,
        of_product(left_out=(own,), status="archived"),
        shop_verdict(CHANNEL, NOW),
        NOW,
    )
    assert (gone.colour, codes(gone)) == ("red", ["not_active", "left_out"])
    empty = badge(own, of_product(skus=()), shop_verdict(CHANNEL, NOW), NOW)
    assert (empty.colour, codes(empty)) == ("red", ["skus_none", "sold_out"])
    none_left = msgspec.structs.replace(SUBJECT, stocks={})
    sold_out = badge(own, none_left, shop_verdict(CHANNEL, NOW), NOW)
    assert (sold_out.colour, codes(sold_out), sold_out.sold_out) == ("green", ["sold_out"], True)


@pytest.mark.parametrize(
    ("code", "colour"), [("store_away", "grey"), ("not_looked", "grey"), ("product_gone", "red")]
)
def test_what_cannot_be_looked_at_says_so(code: str, colour: str) -> None:
    found = unread(TIKTOK, code)

    assert (found.colour, codes(found), found.stale_at) == (colour, [code], None)


def test_every_reason_is_given_the_worst_first() -> None:
    subject = msgspec.structs.replace(
        of_product(title="", images=(), left_out=(TIKTOK,)),
        listing=msgspec.structs.replace(LISTING, audit="AUDITING"),
    )
    channel = of_channel(tier="beginner", warehouses=(Warehouse("w1", "Main", "RESTRICTED"),))

    assert codes(look(subject, channel)) == [
        *("left_out", "title_missing", "images_none"),
        *("change_in_review", "warehouse_restricted"),
        "orders_left",
    ]


@pytest.mark.parametrize("at", [None, NOW - VERDICT_GOOD_FOR_S])
def test_that_no_shop_is_connected_comes_before_what_tiktok_has_not_said(at: float | None) -> None:
    found = look(of_listing(verdict_at=at), ChannelRecord())

    assert codes(found)[0] == "not_connected"
    assert len(codes(found)) == 2


def test_the_orders_of_the_day_are_counted_and_begin_anew_with_the_next() -> None:
    channel = of_channel(tier="beginner", orders_day="2027-01-15", orders_count=13)

    today = look(SUBJECT, channel)
    used_up = look(SUBJECT, msgspec.structs.replace(channel, orders_count=50))
    tomorrow = look(SUBJECT, msgspec.structs.replace(channel, orders_day="2027-01-14"))

    assert today.reasons[-1].text == "37 of 50 orders left today"
    assert (used_up.colour, used_up.reasons[0].text) == ("amber", "0 of 50 orders left today")
    assert (tomorrow.colour, tomorrow.reasons[-1].text) == (
        "green",
        "50 of 50 orders left today",
    )


def test_a_tier_that_is_full_says_why_a_product_is_left_out() -> None:
    found = look(of_listing(status="SELLER_DEACTIVATED", left_out="100 products are listed"))

    assert found.colour == "red"
    assert found.reasons[0].text == "it is not listed: 100 products are listed"


def test_tiktoks_own_words_are_repeated() -> None:
    refused = look(of_listing(status="FAILED", reasons=("Blurred picture", "No brand")))
    frozen = look(of_listing(status="FREEZE"))

    assert refused.reasons[0].text == "TikTok has refused it: Blurred picture; No brand"
    assert frozen.reasons[0].text == "TikTok has frozen it"


def test_an_unknown_audit_leaves_what_the_status_decides_alone() -> None:
    assert codes(look(of_listing(status="FREEZE", audit="APPEALED"))) == ["frozen", "audit_unknown"]
    assert look(of_listing(status="ACTIVATE", audit="APPEALED")).colour == "grey"


def test_one_usable_picture_is_enough_and_only_those_are_sent() -> None:
    small = msgspec.structs.replace(FETCHED, width=299)
    urls = ["a", "b", PICTURE, *(f"more-{n}" for n in range(12))]
    images = dict.fromkeys(urls, FETCHED) | {"a": small, "b": ImageRecord()}
    subject = of_product(images=tuple(map(Image, urls)))
    subject = msgspec.structs.replace(subject, images=images)

    assert codes(look(subject)) == ["on_sale"]
    assert main_images(subject.product, images) == [FETCHED] * 9


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"width": 4001}, "4001×800 pixels"),
        ({"size": 12_000_000}, "12.0 MB"),
        ({"content_type": "image/gif"}, "image/gif is no JPEG, PNG or WebP"),
    ],
)
def test_a_picture_that_tiktok_would_not_take_is_named(change: dict[str, Any], why: str) -> None:
    found = look(of_image(**change))

    assert found.reasons[0].text == f"none of its pictures can be used: {why}"


@pytest.mark.parametrize(
    "subject",
    [
        of_product(title="x" * 255, description="x" * 10_000, options=("Size", "Colour", "Glaze")),
        of_product(skus=tuple(Sku(SkuId(f"s_{n}"), 1250, f"MUG-{n}") for n in range(300))),
        of_product(**skus(Sku(MUG, 1, "M" * 50), Sku(SkuId("s_cup"), 760_000, "C"))),
        of_image(width=300, height=4000, size=10 * 1024 * 1024),
    ],
    ids=["words", "variants", "prices", "picture"],
)
def test_what_is_just_within_the_limits_is_taken(subject: Subject) -> None:
    subject = msgspec.structs.replace(
        subject, stocks={sku.id: Stock(5) for sku in subject.product.skus}
    )

    assert codes(look(subject)) == ["on_sale"]


def test_one_variant_that_is_too_cheap_or_too_dear_is_enough() -> None:
    cheap, dear = Sku(MUG, 0, "MUG"), Sku(SkuId("s_cup"), 760_001, "CUP")
    usual = Sku(SkuId("s_jug"), 1250, "JUG")

    assert codes(look(of_product(**skus(usual, cheap))))[0] == "price_low"
    assert codes(look(of_product(**skus(usual, dear))))[0] == "price_high"
    assert look(of_product(**skus(cheap))).reasons[0].text == (
        "a variant costs 0.00 USD, and TikTok's lowest price is 0.01 USD"
    )


def test_while_tiktoks_categories_are_not_known_none_is_called_gone() -> None:
    subject = of_placing(is_tree_known=False, category=None, rules=None)

    assert codes(look(subject))[0] == "categories_unknown"
    assert "category_gone" not in codes(look(subject))


def test_the_next_day_begins_at_midnight_utc() -> None:
    midnight = 1_800_057_600.0

    assert next_day(NOW) == next_day(midnight - 1) == midnight
    assert next_day(midnight) == midnight + DAY_S


def test_a_market_that_we_know_nothing_of_limits_no_price() -> None:
    elsewhere = of_channel(shop=RemoteShop("7495", "Mugs", "BR", "cipher"))
    dear = of_product(currency="BRL", **skus(Sku(MUG, 9_000_000, "MUG")))

    assert look(dear, elsewhere).colour == "green"


@pytest.mark.parametrize(
    ("subject", "channel", "good_for_s"),
    [
        (of_listing(verdict_at=NOW), of_channel(prerequisites_at=NOW + 9, warehouses_at=NOW + 9),
         VERDICT_GOOD_FOR_S),
        (of_listing(verdict_at=NOW + 9), of_channel(prerequisites_at=NOW + 9, warehouses_at=NOW),
         SHOP_GOOD_FOR_S),
        (of_placing(rules=CategoryRules("600001", at=NOW + HOUR_S - RULES_GOOD_FOR_S)), CHANNEL,
         HOUR_S),
    ],
    ids=["verdict", "shop", "rules"],
)  # fmt: skip
def test_a_green_badge_is_green_until_it_is_stale_and_grey_from_then_on(
    subject: Subject, channel: ChannelRecord, good_for_s: float
) -> None:
    fresh = look(subject, channel)

    assert (fresh.colour, fresh.stale_at) == ("green", NOW + good_for_s)
    assert look(subject, channel, NOW + good_for_s - 1).colour == "green"
    assert look(subject, channel, NOW + good_for_s).colour == "grey"


def test_of_a_shop_that_is_not_connected_no_category_is_asked_for() -> None:
    subject = of_placing(is_tree_known=False, category_id=None, category=None, rules=None)

    assert codes(look(subject, ChannelRecord())) == ["not_connected", "on_sale"]


def test_a_badge_tells_how_old_the_oldest_word_of_tiktok_is() -> None:
    channel = of_channel(prerequisites_at=NOW - 120, warehouses_at=NOW - 60)

    assert look(of_listing(verdict_at=NOW - 90), channel).known_at == NOW - 120
    assert look(of_listing(verdict_at=NOW - 150), channel).known_at == NOW - 150
    assert look(SUBJECT, ChannelRecord()).known_at == NOW - HOUR_S


# ---- what holds for whatever there is

words = st.sampled_from([*STATUSES, "PAUSED", ""])
audits = st.sampled_from([*AUDITS, "APPEALED"]) | st.none()
times = st.none() | st.floats(NOW - 10 * DAY_S, NOW + HOUR_S)
texts = st.text(max_size=5) | st.just("x" * 300)
ids = st.sampled_from(["s_mug", "s_cup"]).map(SkuId)
listings = st.none() | st.builds(
    Listing,
    product=st.just(ProductId("p_mug")),
    create_key=st.just("k"),
    remote_id=st.none() | st.just("1729"),
    status=st.none() | words,
    audit=audits,
    pre_approved=st.lists(
        st.sampled_from(["KYC_PENDING", "RESTRICTED_CATEGORY_PENDING", "X"]), max_size=2
    ).map(tuple),
    reasons=st.lists(texts, max_size=2).map(tuple),
    verdict_at=times,
    sku_faults=st.dictionaries(ids, texts, max_size=1),
    failure=st.none() | st.builds(Failure, code=texts, message=texts, at=st.just(NOW)),
    left_out=st.just("") | texts,
)
products = st.builds(
    Product,
    id=st.just(ProductId("p_mug")),
    handle=st.just("mug"),
    title=texts,
    currency=st.sampled_from(["USD", "EUR"]),
    skus=st.lists(
        st.builds(Sku, id=ids, price=st.integers(-1, 10**7), seller_sku=texts), max_size=2
    ).map(tuple),
    description=texts,
    type=texts,
    options=st.lists(texts, max_size=5).map(tuple),
    images=st.lists(st.sampled_from(["a", "b"]).map(Image), max_size=2).map(tuple),
    status=st.sampled_from(["active", "draft"]),
    left_out=st.lists(st.just(TIKTOK), max_size=1).map(tuple),
    certifications=st.lists(st.sampled_from(["c1", "c2"]), max_size=2).map(tuple),
)
images = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.builds(
        ImageRecord,
        content_type=st.sampled_from(["image/png", "text/html"]),
        width=st.integers(0, 5000),
        height=st.integers(0, 5000),
        size=st.integers(0, 2 * 10**7),
    ),
)
rules = st.none() | st.builds(
    CategoryRules,
    category_id=st.just("600001"),
    certifications=st.lists(
        st.builds(CertificationRule, id=st.sampled_from(["c1", "c2"]), name=texts), max_size=2
    ).map(tuple),
    at=st.floats(NOW - 10 * DAY_S, NOW),
)
placings = st.builds(
    Placing,
    is_tree_known=st.booleans(),
    category_id=st.none() | st.just("600001"),
    category=st.none() | st.just(SUBJECT.placing.category) | st.just(of_category(
        is_leaf=False, permission="?").placing.category),
    rules=rules,
)  # fmt: skip
subjects = st.just(SUBJECT) | st.builds(
    Subject,
    product=st.just(SUBJECT.product) | products,
    stocks=st.just(STOCKS) | st.dictionaries(ids, st.builds(Stock, on_hand=st.integers(0, 9))),
    images=st.just(SUBJECT.images) | images,
    listing=st.just(LISTING) | listings,
    placing=st.just(SUBJECT.placing) | placings,
)
channels = st.sampled_from(list(SHOPS.values())) | st.builds(
    of_channel,
    tier=st.none() | st.sampled_from(list(TIERS)),
    auto_sync=st.booleans(),
    prerequisites=st.lists(
        st.builds(
            Prerequisite,
            item=st.sampled_from(["SHOP_TAX", "PRODUCT_QUANTITY_LIMIT", "NEW_ITEM"]),
            reasons=st.lists(texts, max_size=2).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    prerequisites_at=times,
    warehouses=st.lists(
        st.builds(
            Warehouse, status=st.sampled_from(["ENABLED", "DISABLED", "RESTRICTED", "AUDIT", ""])
        ),
        max_size=2,
    ).map(tuple),
    warehouses_at=times,
    kyc_pending=st.booleans(),
    authorization_ends_at=times,
    orders_day=st.sampled_from(["", "2027-01-15"]),
    orders_count=st.integers(0, 300),
)
moments = st.floats(NOW - DAY_S, NOW + 400 * DAY_S)


@given(subjects, channels, moments)
def test_whatever_there_is_has_a_verdict_that_its_worst_reason_makes(
    subject: Subject, channel: ChannelRecord, now: float
) -> None:
    found = verdict(subject, shop_verdict(channel, now), now)

    effects = [reasons.REASONS[reason.code].eligibility for reason in found.reasons]
    assert effects == sorted(effects, key=WORST_FIRST.index)
    assert found.eligibility == effects[0]
    assert len({reason.code for reason in found.reasons}) == len(found.reasons)
    assert found.stale_at is None or found.stale_at > now


@given(subjects, channels, moments)
def test_green_is_only_what_tiktok_sells_by_fresh_words_and_nothing_here_is_against(
    subject: Subject, channel: ChannelRecord, now: float
) -> None:
    found = look(subject, channel, now)
    if found.colour != "green":
        return
    listing = subject.listing
    assert listing is not None
    assert (listing.status, listing.audit) == ("ACTIVATE", "APPROVED")
    assert listing.verdict_at is not None
    assert now < listing.verdict_at + VERDICT_GOOD_FOR_S
    assert channel.is_connected
    assert "ENABLED" in {warehouse.status for warehouse in channel.warehouses}
    assert found.known_at is not None
    assert now < found.known_at + min(VERDICT_GOOD_FOR_S, SHOP_GOOD_FOR_S)
    local = {code for code in codes(found) if code in reasons.LOCAL}
    assert local <= {"sold_out"}


@given(subjects, channels, moments, st.floats(0, 400 * DAY_S))
def test_time_alone_makes_no_badge_green_but_by_a_new_day(
    subject: Subject, channel: ChannelRecord, now: float, later_s: float
) -> None:
    channel = msgspec.structs.replace(channel, orders_count=0)
    before, after = look(subject, channel, now), look(subject, channel, now + later_s)

    if before.colour != "green":
        assert after.colour != "green"
    if after.colour != before.colour and after.colour == "grey" and before.colour == "green":
        assert before.stale_at is not None
        assert before.stale_at <= now + later_s


def _worse(subject: Subject) -> list[Subject]:
    """`subject` with one thing more against it each, first those that take no fault from it."""
    product, listing = subject.product, subject.listing or LISTING
    replace = msgspec.structs.replace
    return [
        replace(subject, product=replace(product, title="")),
        replace(subject, product=replace(product, status="draft")),
        replace(subject, product=replace(product, left_out=(TIKTOK,))),
        replace(subject, product=replace(product, images=())),
        replace(subject, placing=replace(subject.placing, rules=None)),
        replace(subject, listing=replace(listing, failure=REFUSED)),
        replace(subject, listing=replace(listing, status="FREEZE")),
    ]


@given(subjects, channels, moments)
def test_one_thing_more_against_it_makes_no_badge_better(
    subject: Subject, channel: ChannelRecord, now: float
) -> None:
    before = WORST_FIRST.index(look(subject, channel, now).eligibility)
    for worse in _worse(subject)[:4]:
        assert WORST_FIRST.index(look(worse, channel, now).eligibility) <= before
    for worse in _worse(subject)[4:]:
        assert look(worse, channel, now).colour != "green"


@given(subjects, channels, moments)
def test_selling_out_changes_no_colour(
    subject: Subject, channel: ChannelRecord, now: float
) -> None:
    none_left = look(msgspec.structs.replace(subject, stocks={}), channel, now)

    assert none_left.sold_out
    assert none_left.colour == look(subject, channel, now).colour


def test_every_eligibility_has_its_colour() -> None:
    assert list(COLOURS) == ["eligible", "pending", "ineligible", "unknown"]
    assert sorted(COLOURS.values()) == ["amber", "green", "grey", "red"]


def test_the_page_says_what_the_tables_say() -> None:
    assert PAGE.read_text() == page()
