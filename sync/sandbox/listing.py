"""What a listing must be: the US limits, and what the category, the shop and its images allow."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from sync.sandbox import categories
from sync.sandbox.bodies import ProductBody, SkuBody
from sync.sandbox.categories import Category
from sync.sandbox.ids import CategoryId, SkuId
from sync.sandbox.images import SHORTEST_SIDE, Images
from sync.sandbox.products import Price, Product
from sync.sandbox.sellers import Shop
from sync.sandbox.wire import NON_MAIN_CATEGORY, Code

LONGEST_TITLE = 255
LONGEST_DESCRIPTION = 10_000
MOST_IMAGES = 9
MOST_SKUS = 300
MOST_SALES_ATTRIBUTES = 3
LONGEST_SELLER_SKU = 50
MOST_UNITS = 99_999
CHEAPEST_CENTS = 1
DEAREST_CENTS = 760_000

SHORT_TITLE = 25
"""Below this a listing is let through with a warning."""

_AMOUNT = re.compile(r"\d{1,9}(\.\d{1,2})?")


class Flaw(NamedTuple):
    code: int
    message: str


def flaws(
    body: ProductBody, shop: Shop, images: Images, owner: str, product: Product | None = None
) -> Iterator[Flaw]:
    """Everything for which TikTok would refuse `body`, first what it would say first.

    `product` is the one edited: its SKUs keep the price and the stock that `body` leaves out.
    """
    yield from _text(body)
    yield from _category(body, shop)
    yield from _images(body, images, owner)
    yield from _papers(body, images, owner)
    yield from _skus(body, shop, images, owner, product)
    yield from _package(body)


def price(amount: str, currency: str) -> Price:
    """Raises ValueError unless `amount` is a decimal of two places at most."""
    if not _AMOUNT.fullmatch(amount):
        raise ValueError(amount)
    try:
        cents = int(Decimal(amount) * 100)
    except InvalidOperation as error:
        raise ValueError(amount) from error
    return Price(amount, currency, cents)


def price_flaws(amount: str, currency: str, shop: Shop, of: str) -> Iterator[Flaw]:
    """What is wrong with the price of the SKU that `of` names."""
    if currency != shop.currency:
        yield Flaw(Code.CURRENCY, f"{of}: the currency must be {shop.currency}.")
    try:
        cents = price(amount, currency).cents
    except ValueError:
        yield Flaw(Code.PRICE_FORMAT, f"{of}: {amount!r} is not a price with two decimals.")
        return
    if not CHEAPEST_CENTS <= cents <= DEAREST_CENTS:
        yield Flaw(Code.PRICE_OUT_OF_RANGE, f"{of}: the price must be from 0.01 to 7600.")


def warnings(body: ProductBody) -> list[str]:
    """What TikTok would rather have otherwise."""
    if body.title is not None and 0 < len(body.title) < SHORT_TITLE:
        return [f"A title of {SHORT_TITLE} characters or more is found more easily."]
    return []


def _text(body: ProductBody) -> Iterator[Flaw]:
    if not (body.title or "").strip():
        yield Flaw(Code.TITLE_MISSING, "The title must not be empty.")
    elif len(body.title or "") > LONGEST_TITLE:
        yield Flaw(Code.TITLE_TOO_LONG, f"The title has more than {LONGEST_TITLE} characters.")
    if not (body.description or "").strip():
        yield Flaw(Code.DESCRIPTION_MISSING, "The description must not be empty.")
    elif len(body.description or "") > LONGEST_DESCRIPTION:
        yield Flaw(
            Code.DESCRIPTION_TOO_LONG,
            f"The description has more than {LONGEST_DESCRIPTION} characters.",
        )


def _category(body: ProductBody, shop: Shop) -> Iterator[Flaw]:
    if body.category_version is not None:
        yield from version_flaws(body.category_version, shop)
    category = categories.BY_ID.get(CategoryId(body.category_id or ""))
    if category is None:
        yield Flaw(Code.CATEGORY_UNKNOWN, f"There is no category {body.category_id!r}.")
        return
    if not category.is_leaf:
        yield Flaw(Code.CATEGORY_NOT_LEAF, f"{category.name} is not a final category.")
        return
    if categories.permission(category, shop) == NON_MAIN_CATEGORY:
        yield Flaw(Code.CATEGORY_NOT_MAIN, f"{category.name} is not of the shop's main category.")
    yield from _attributes(body, category)
    yield from _certifications(body, category)


def version_flaws(version: str | None, shop: Shop) -> Iterator[Flaw]:
    """US shops have the v2 tree alone, the others v1, which goes without saying there."""
    if shop.region == "US" and version != "v2":
        yield Flaw(Code.CATEGORY_V2_ONLY, "Shops of the US use `category_version` v2.")
    if shop.region != "US" and version not in (None, "v1"):
        yield Flaw(Code.CATEGORY_VERSION_WRONG, "Shops of this region use `category_version` v1.")


def _attributes(body: ProductBody, category: Category) -> Iterator[Flaw]:
    known = {attribute.id: attribute for attribute in category.attributes}
    given = {attribute.id: attribute.values for attribute in body.product_attributes or ()}
    for attribute_id, values in given.items():
        attribute = known.get(attribute_id)
        if attribute is None:
            yield Flaw(
                Code.ATTRIBUTE_UNKNOWN, f"{category.name} has no attribute {attribute_id!r}."
            )
            continue
        own = dict(attribute.values)
        for value in values:
            if value.id not in own and not (attribute.is_customizable and value.name):
                yield Flaw(
                    Code.ATTRIBUTE_VALUE_UNKNOWN,
                    f"{attribute.name} has no value {value.id or value.name!r}.",
                )
    for attribute in category.attributes:
        if attribute.is_required and not given.get(attribute.id):
            yield Flaw(Code.ATTRIBUTE_MISSING, f"{attribute.name} ({attribute.id}) is required.")


def _certifications(body: ProductBody, category: Category) -> Iterator[Flaw]:
    known = {certification.id for certification in category.certifications}
    given = {
        certification.id: certification.images or certification.files
        for certification in body.certifications or ()
    }
    for certification_id in given.keys() - known:
        yield Flaw(
            Code.CERTIFICATION_UNKNOWN,
            f"{category.name} has no certification {certification_id!r}.",
        )
    values = {
        (attribute.id, value.id)
        for attribute in body.product_attributes or ()
        for value in attribute.values
    }
    for certification in category.certifications:
        wanted = certification.is_required or certification.when in values
        if wanted and not given.get(certification.id):
            yield Flaw(
                Code.CERTIFICATION_MISSING,
                f"{certification.name} ({certification.id}) is required.",
            )


def _images(body: ProductBody, images: Images, owner: str) -> Iterator[Flaw]:
    if not body.main_images:
        yield Flaw(Code.MAIN_IMAGE_MISSING, "At least one main image is required.")
    elif len(body.main_images) > MOST_IMAGES:
        yield Flaw(Code.MAIN_IMAGES_TOO_MANY, f"There are more than {MOST_IMAGES} main images.")
    for image in body.main_images or ():
        uploaded = images.of(image.uri, owner)
        if uploaded is None:
            yield Flaw(Code.IMAGE_UNKNOWN, f"The image {image.uri!r} was not uploaded.")
        elif min(uploaded.width, uploaded.height) < SHORTEST_SIDE:
            yield Flaw(Code.MAIN_IMAGE_TOO_SMALL, f"The image {image.uri!r} is too small.")


def _papers(body: ProductBody, images: Images, owner: str) -> Iterator[Flaw]:
    for certification in body.certifications or ():
        for image in certification.images:
            if images.of(image.uri, owner) is None:
                yield Flaw(Code.IMAGE_UNKNOWN, f"The image {image.uri!r} was not uploaded.")


def _skus(
    body: ProductBody, shop: Shop, images: Images, owner: str, product: Product | None
) -> Iterator[Flaw]:
    skus = body.skus or []
    if not skus:
        yield Flaw(Code.SKUS_MISSING, "At least one SKU is required.")
        return
    if len(skus) > MOST_SKUS:
        yield Flaw(Code.TOO_MANY_SKUS, f"There are more than {MOST_SKUS} SKUs.")
    kept = product.stock.keys() if product is not None else ()
    combinations: set[tuple[tuple[str, str], ...]] = set()
    names = {_attribute_names(sku) for sku in skus}
    if len(names) > 1:
        yield Flaw(Code.SALES_ATTRIBUTES_DIFFER, "Each SKU must have the same sales attributes.")
    for number, sku in enumerate(skus, 1):
        of = f"SKU {sku.seller_sku or number}"
        if sku.id and sku.id not in kept:
            yield Flaw(Code.SKU_NOT_OF_PRODUCT, f"{of}: the product has no SKU {sku.id!r}.")
        combination = tuple(
            (attribute.id or attribute.name, attribute.value_id or attribute.value_name)
            for attribute in sku.sales_attributes
        )
        if combination in combinations:
            yield Flaw(Code.SALES_ATTRIBUTES_TWICE, f"{of}: another SKU has the same attributes.")
        combinations.add(combination)
        yield from _sku(sku, shop, images, owner, of, is_new=SkuId(sku.id) not in kept)


def _sku(
    sku: SkuBody, shop: Shop, images: Images, owner: str, of: str, *, is_new: bool
) -> Iterator[Flaw]:
    if len(sku.seller_sku) > LONGEST_SELLER_SKU:
        yield Flaw(
            Code.SELLER_SKU_TOO_LONG,
            f"{of}: a seller SKU has {LONGEST_SELLER_SKU} characters at most.",
        )
    if any(character.isspace() for character in sku.seller_sku):
        yield Flaw(Code.SELLER_SKU_INVALID, f"{of}: a seller SKU has no spaces.")
    if len(sku.sales_attributes) > MOST_SALES_ATTRIBUTES:
        yield Flaw(
            Code.TOO_MANY_SALES_ATTRIBUTES,
            f"{of}: a SKU has {MOST_SALES_ATTRIBUTES} sales attributes at most.",
        )
    for attribute in sku.sales_attributes:
        if not (attribute.id or attribute.name) or not (attribute.value_id or attribute.value_name):
            yield Flaw(Code.ATTRIBUTE_UNKNOWN, f"{of}: a sales attribute has no name or no value.")
        if attribute.sku_img is not None and images.of(attribute.sku_img.uri, owner) is None:
            yield Flaw(
                Code.IMAGE_UNKNOWN, f"{of}: the image {attribute.sku_img.uri!r} was not uploaded."
            )
    if sku.price is not None:
        yield from price_flaws(sku.price.amount, sku.price.currency, shop, of)
    elif is_new:
        yield Flaw(Code.PRICE_MISSING, f"{of}: a price is required.")
    if sku.inventory:
        yield from stock_flaws(
            [(stock.warehouse_id, stock.quantity) for stock in sku.inventory], shop, of
        )
    elif is_new:
        yield Flaw(Code.NO_WAREHOUSE, f"{of}: a warehouse with a quantity is required.")


def stock_flaws(stock: list[tuple[str, int | None]], shop: Shop, of: str) -> Iterator[Flaw]:
    """What is wrong with the quantities, by warehouse, of the SKU that `of` names."""
    places = {place.id for place in shop.sales_warehouses()}
    seen: set[str] = set()
    for warehouse_id, quantity in stock:
        if warehouse_id not in places:
            yield Flaw(Code.WAREHOUSE_UNKNOWN, f"{of}: no sales warehouse {warehouse_id!r}.")
        if warehouse_id in seen:
            yield Flaw(Code.WAREHOUSE_TWICE, f"{of}: the warehouse {warehouse_id!r} comes twice.")
        seen.add(warehouse_id)
        if quantity is None or not 0 <= quantity <= MOST_UNITS:
            yield Flaw(
                Code.QUANTITY_OUT_OF_RANGE, f"{of}: a quantity must be from 0 to {MOST_UNITS}."
            )


def _package(body: ProductBody) -> Iterator[Flaw]:
    weight = body.package_weight
    if weight is None:
        return
    try:
        value = Decimal(weight.value)
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0 or weight.unit not in ("KILOGRAM", "GRAM", "POUND"):
        yield Flaw(Code.WEIGHT_INVALID, "The package's weight must be above 0, with its unit.")


def _attribute_names(sku: SkuBody) -> tuple[str, ...]:
    return tuple(sorted(attribute.id or attribute.name for attribute in sku.sales_attributes))
