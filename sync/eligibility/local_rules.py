"""What TikTok takes of a product, as far as the shop itself can see: answers before TikTok's.

Each rule gives the reasons why the product breaks it. Source of the limits: TikTok Shop's Open
API, Create Product (202309), for the US market.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from sync.catalogue.money import decimal
from sync.eligibility.reasons import reason
from sync.model import (
    TIKTOK,
    Category,
    CategoryRules,
    ImageRecord,
    Product,
    Reason,
    SkuId,
    Stock,
)

TITLE_CHARACTERS = 255
DESCRIPTION_CHARACTERS = 10_000
MOST_SKUS = 300
MOST_OPTIONS = 3
SELLER_SKU_CHARACTERS = 50
_SELLER_SKU = re.compile(rf"\S{{1,{SELLER_SKU_CHARACTERS}}}")
MOST_IMAGES = 9
IMAGE_SIDE_PX = (300, 4000)
IMAGE_BYTES = 10 * 1024 * 1024
IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})

RULES_GOOD_FOR_S = 7 * 24 * 3600.0
"""What TikTok asks in a category changes every few months, and is announced weeks ahead."""


class Market(msgspec.Struct, frozen=True):
    """Prices, in minor units, that TikTok takes in a region; None is any."""

    currency: str | None = None
    least: int = 1
    most: int | None = None


US_HIGHEST_PRICE = 760_000
"""In cents, unless the settings know better."""

Markets = Mapping[str, Market]
"""By the region of the shop. TikTok alone knows the limits of those left out."""


def markets(us_highest_price: int) -> Markets:
    return {"US": Market("USD", 1, us_highest_price)}


MARKETS = markets(US_HIGHEST_PRICE)

ANY_MARKET = Market()


class Placing(msgspec.Struct, frozen=True):
    """Where products of a type belong at TikTok: what the shop chose, and what TikTok says of it.

    `category` is None where TikTok's tree has none of that id, `rules` where they were not read.
    """

    is_tree_known: bool = False
    category_id: str | None = None
    category: Category | None = None
    rules: CategoryRules | None = None


UNPLACED = Placing()


def listing_faults(product: Product, market: Market) -> Iterator[Reason]:
    """Of the product's own words and numbers."""
    if product.status != "active":
        yield reason("not_active", status=product.status)
    if TIKTOK in product.left_out:
        yield reason("left_out")
    title = product.title.strip()
    if not title:
        yield reason("title_missing")
    elif len(title) > TITLE_CHARACTERS:
        yield reason("title_long", length=len(title), most=TITLE_CHARACTERS)
    if not product.description.strip():
        yield reason("description_missing")
    elif len(product.description) > DESCRIPTION_CHARACTERS:
        length = len(product.description)
        yield reason("description_long", length=length, most=DESCRIPTION_CHARACTERS)
    yield from _sku_faults(product)
    yield from _price_faults(product, market)


def _sku_faults(product: Product) -> Iterator[Reason]:
    skus = product.skus
    if not skus:
        yield reason("skus_none")
    if len(skus) > MOST_SKUS:
        yield reason("skus_many", count=len(skus), most=MOST_SKUS)
    if len(product.options) > MOST_OPTIONS:
        yield reason("options_many", count=len(product.options), most=MOST_OPTIONS)
    missing = 0
    bad: str | None = None
    for sku in skus:
        code = sku.seller_sku
        if not code:
            missing += 1
        elif not _SELLER_SKU.fullmatch(code):
            bad = bad or code
    if missing:
        yield reason("seller_sku_missing", count=missing)
    if bad:
        yield reason("seller_sku_bad", found=bad[:60], most=SELLER_SKU_CHARACTERS)


def _price_faults(product: Product, market: Market) -> Iterator[Reason]:
    if not product.skus:
        return
    if market.currency is not None and product.currency != market.currency:
        yield reason("currency_wrong", currency=product.currency, wanted=market.currency)
        return
    prices = [sku.price for sku in product.skus]
    lowest, highest = min(prices), max(prices)
    currency = product.currency
    if lowest < market.least:
        yield reason(
            "price_low", price=_money(lowest, currency), least=_money(market.least, currency)
        )
    if market.most is not None and highest > market.most:
        yield reason(
            "price_high", price=_money(highest, currency), most=_money(market.most, currency)
        )


def _money(amount: int, currency: str) -> str:
    return f"{decimal(amount, currency)} {currency}"


def main_images(product: Product, images: Mapping[str, ImageRecord]) -> list[ImageRecord]:
    """The pictures that TikTok is sent, in order; `images` are by their addresses."""
    records = (images.get(image.url) for image in product.images)
    usable = [record for record in records if record is not None and not unusable(record)]
    return usable[:MOST_IMAGES]


def unusable(image: ImageRecord) -> str:
    """Why TikTok would not take the picture, "" if it would."""
    if image.state != "fetched":
        return image.reason or "not fetched"
    if image.content_type not in IMAGE_TYPES:
        return f"{image.content_type or 'the file'} is no JPEG, PNG or WebP"
    least, most = IMAGE_SIDE_PX
    if not (least <= image.width <= most and least <= image.height <= most):
        return f"{image.width}×{image.height} pixels"
    if image.size > IMAGE_BYTES:
        return f"{image.size / 1e6:.1f} MB"
    return ""


def image_faults(product: Product, images: Mapping[str, ImageRecord]) -> Iterator[Reason]:
    """One picture that can be used is enough."""
    if not product.images:
        yield reason("images_none")
        return
    why = ""
    is_waiting = False
    for image in product.images:
        record = images.get(image.url)
        if record is None or record.state == "waiting":
            is_waiting = True
            continue
        fault = unusable(record)
        if not fault:
            return
        why = why or fault
    yield reason("images_waiting") if is_waiting else reason("images_unusable", why=why)


def category_faults(product_type: str, placing: Placing, now: float) -> Iterator[Reason]:
    """The same for every product of a type."""
    if not placing.is_tree_known:
        yield reason("categories_unknown")
    if placing.category_id is None:
        yield reason("category_unmapped", type=product_type)
        return
    category = placing.category
    if category is None:
        if placing.is_tree_known:
            yield reason("category_gone", category=placing.category_id)
        return
    if not category.is_leaf:
        yield reason("category_not_leaf", category=category.name)
    match category.permission:
        case "AVAILABLE":
            pass
        case "INVITE_ONLY":
            yield reason("category_invite_only", category=category.name)
        case "NON_MAIN_CATEGORY":
            yield reason("category_not_main", category=category.name)
        case word:
            yield reason("category_permission_unknown", permission=word, category=category.name)
    if placing.rules is None:
        yield reason("rules_unknown", category=category.name)
    elif now >= placing.rules.at + RULES_GOOD_FOR_S:
        yield reason("rules_stale", category=category.name)


def certification_faults(product: Product, rules: CategoryRules | None) -> Iterator[Reason]:
    wanted = [rule for rule in rules.certifications if rule.is_required] if rules else []
    missing = [rule.name for rule in wanted if rule.id not in product.certifications]
    if missing:
        yield reason("certification_missing", names=", ".join(missing))


def is_sold_out(product: Product, stocks: Mapping[SkuId, Stock]) -> bool:
    """Whether nothing of it could be sold anywhere."""
    return available(product, stocks) == 0


def available(product: Product, stocks: Mapping[SkuId, Stock]) -> int:
    """Units of all variants together that could still be sold."""
    found = (stocks.get(sku.id) for sku in product.skus)
    return sum(max(0, stock.available) for stock in found if stock is not None)
