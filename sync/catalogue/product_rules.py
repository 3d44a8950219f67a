"""What a product must be to be kept at all, whatever channels say of it. Pure.

The largest counts are Shopify's, so that what is sold there can be had here.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from sync.catalogue import money
from sync.errors import Invalid
from sync.images.address import web_address
from sync.model import CHANNELS, Product, Sku

MAX_SKUS: Final = 2048
MAX_OPTIONS: Final = 3
MAX_IMAGES: Final = 250
MAX_TAGS: Final = 250
MAX_CHANNELS: Final = 16
MAX_CERTIFICATIONS: Final = 50
LONGEST_TEXT: Final = 255
"""Characters of a title, a handle, a tag and every other single line."""

LONGEST_ALT: Final = 512
LONGEST_DESCRIPTION: Final = 100_000
LARGEST_STOCK: Final = 10**9
LARGEST_WEIGHT_G: Final = 10**9

_HANDLE = re.compile(r"[^\s/?#%\\]+")
_NOT_IN_LINES = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_NOT_IN_TEXTS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def check(product: Product) -> None:
    """Raises Invalid, which tells the first fault and where it is."""
    for fault in faults(product):
        raise fault


def faults(product: Product) -> Iterator[Invalid]:
    """All that is wrong with `product`; paths point into it, as `skus[2].price`."""
    yield from _line(product.title, "title", is_needed=True)
    yield from _line(product.handle, "handle", is_needed=True)
    if not _HANDLE.fullmatch(product.handle):
        yield Invalid("must be without blanks and any of / ? # % \\", "handle")
    if not money.is_currency(product.currency):
        yield Invalid("must be a currency's three letters, such as USD", "currency")
    if len(product.description) > LONGEST_DESCRIPTION:
        yield Invalid(f"has more than {LONGEST_DESCRIPTION:,} characters", "description")
    if _NOT_IN_TEXTS.search(product.description):
        yield Invalid("has a control character", "description")
    yield from _line(product.vendor, "vendor")
    yield from _line(product.type, "type")
    yield from _lines(product.tags, "tags", MAX_TAGS)
    yield from _lines(product.certifications, "certifications", MAX_CERTIFICATIONS)
    if len(product.left_out) > MAX_CHANNELS:
        yield Invalid(f"has more than {MAX_CHANNELS}", "left_out")
    for number, channel in enumerate(product.left_out):
        if channel not in CHANNELS:
            there = ", ".join(CHANNELS)
            yield Invalid(f"must be one of the channels there are: {there}", f"left_out[{number}]")
    yield from _image_faults(product)
    yield from _option_faults(product)
    yield from _sku_faults(product)


def check_stock(on_hand: int, path: str) -> None:
    """Raises Invalid for a number of units that cannot be on hand."""
    if not 0 <= on_hand <= LARGEST_STOCK:
        raise Invalid(f"must be from 0 to {LARGEST_STOCK:,} units", path)


def _image_faults(product: Product) -> Iterator[Invalid]:
    if len(product.images) > MAX_IMAGES:
        yield Invalid(f"has more than {MAX_IMAGES}", "images")
    for number, image in enumerate(product.images):
        yield from _url(image.url, f"images[{number}].url")
        if len(image.alt) > LONGEST_ALT:
            yield Invalid(f"has more than {LONGEST_ALT} characters", f"images[{number}].alt")
        if _NOT_IN_TEXTS.search(image.alt):
            yield Invalid("has a control character", f"images[{number}].alt")


def _option_faults(product: Product) -> Iterator[Invalid]:
    yield from _lines(product.options, "options", MAX_OPTIONS)
    if len(set(map(str.casefold, product.options))) < len(product.options):
        yield Invalid("names an option twice", "options")


def _sku_faults(product: Product) -> Iterator[Invalid]:
    if not product.skus:
        yield Invalid("must have one SKU at least", "skus")
    if len(product.skus) > MAX_SKUS:
        yield Invalid(f"has more than {MAX_SKUS:,}", "skus")
    numbers: dict[tuple[str, ...], int] = {}
    for number, sku in enumerate(product.skus):
        path = f"skus[{number}]"
        yield from _own_faults(sku, path)
        if len(sku.options) != len(product.options):
            yield Invalid(_values_wanted(product.options), f"{path}.options")
        elif sku.options in numbers:
            other = numbers[sku.options]
            if sku.options:
                yield Invalid(f"are those of skus[{other}]", f"{path}.options")
            else:
                yield Invalid("several SKUs need options that tell them apart", "options")
        numbers.setdefault(sku.options, number)


def _own_faults(sku: Sku, path: str) -> Iterator[Invalid]:
    if not 0 <= sku.price <= money.LARGEST:
        yield Invalid(f"must be from 0 to {money.LARGEST:,} minor units", f"{path}.price")
    if sku.weight_g is not None and not 0 <= sku.weight_g <= LARGEST_WEIGHT_G:
        yield Invalid(f"must be from 0 to {LARGEST_WEIGHT_G:,} g", f"{path}.weight_g")
    yield from _line(sku.seller_sku, f"{path}.seller_sku")
    yield from _line(sku.barcode, f"{path}.barcode")
    for number, value in enumerate(sku.options):
        yield from _line(value, f"{path}.options[{number}]", is_needed=True)
    if sku.image_url is not None:
        yield from _url(sku.image_url, f"{path}.image_url")


def _values_wanted(options: Sequence[str]) -> str:
    if not options:
        return "must be empty: the product has no options"
    return f"must be one value for each of the product's options: {', '.join(options)}"


def _lines(lines: Sequence[str], path: str, most: int) -> Iterator[Invalid]:
    if len(lines) > most:
        yield Invalid(f"has more than {most}", path)
    for number, line in enumerate(lines):
        yield from _line(line, f"{path}[{number}]", is_needed=True)


def _line(text: str, path: str, *, is_needed: bool = False) -> Iterator[Invalid]:
    if is_needed and not text.strip():
        yield Invalid("must not be empty", path)
    if len(text) > LONGEST_TEXT:
        yield Invalid(f"has more than {LONGEST_TEXT} characters", path)
    if _NOT_IN_LINES.search(text):
        yield Invalid("has a control character", path)


def _url(url: str, path: str) -> Iterator[Invalid]:
    if _NOT_IN_LINES.search(url):
        yield Invalid("has a control character", path)
        return
    try:
        web_address(url)
    except ValueError as error:
        yield Invalid(str(error), path)
