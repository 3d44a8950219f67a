"""Products of a file laid over those of the catalogue. Pure.

A file adds and changes; it takes nothing away: products and SKUs that it does not name stay as they
are, since what is missing in it may as well be a row with a fault.
"""

from typing import NamedTuple

import msgspec

from sync.catalogue.csv_records import Fault
from sync.catalogue.product_draft import Ids, changed, created
from sync.catalogue.product_rules import check
from sync.catalogue.shopify_csv import Entry
from sync.errors import Invalid
from sync.model import Product, SkuId


class Merged(NamedTuple):
    """What becomes of `entry`. `on_hand` are the units that the file says of SKUs, new ones and
    others; `lines` are where they stand in it; `note` is for people to know."""

    entry: Entry
    base: Product | None
    product: Product
    on_hand: dict[SkuId, int]
    lines: dict[SkuId, int]
    note: Fault | None


def merged(entry: Entry, base: Product | None, ids: Ids) -> Merged | Fault:
    """`entry` laid over `base`, the product that has its handle, if there is one."""
    try:
        draft = entry.draft
        outcome = created(draft, ids) if base is None else changed(base, draft, ids)
        product = outcome.product
        lines = {sku.id: line for sku, line in zip(product.skus, entry.lines, strict=True)}
        kept = () if base is None else tuple(sku for sku in base.skus if sku.id not in lines)
        if kept:
            if any(len(sku.options) != len(product.options) for sku in kept):
                return entry.fault(Invalid(_other_options(len(kept)), "options"))
            product = msgspec.structs.replace(product, skus=product.skus + kept)
            check(product)
    except Invalid as error:
        return entry.fault(error)
    note = None
    if kept:
        note = Fault(entry.line, "", f"{_variants(len(kept))} not in the file and kept as before")
    return Merged(entry, base, product, outcome.on_hand, lines, note)


def _other_options(count: int) -> str:
    return (
        f"{_variants(count)} not in the file and have other options: "
        "add them to the file, or remove them from the product first"
    )


def _variants(count: int) -> str:
    return "1 variant is" if count == 1 else f"{count} variants are"
