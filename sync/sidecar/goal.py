"""How a product should be at TikTok, from all that is known of it here. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from sync.eligibility.local_rules import (
    Market,
    Placing,
    category_faults,
    certification_faults,
    image_faults,
    listing_faults,
    main_images,
)
from sync.eligibility.reasons import REASONS, reason
from sync.model import ImageRecord, Product, Reason, SkuId, Stock
from sync.sidecar.plan import Goal, digest

_UNWANTED = ("not_active", "left_out")
"""Reasons by which the shop itself does not want it listed."""

_AWAITED = ("images_waiting", "categories_unknown", "rules_unknown")
"""Reasons that go by themselves, and before that nothing is sent."""


class Look(msgspec.Struct, frozen=True):
    """What local rules say of a product. `unwanted`: why the shop does not want it at TikTok;
    `faulty`: why TikTok would not take it; `wait`: why nothing can be said yet. "" where not."""

    unwanted: str = ""
    faulty: str = ""
    wait: str = ""


class Facts(msgspec.Struct, frozen=True):
    """A product with what its goal depends on; `images` are by their addresses."""

    product: Product
    placing: Placing
    images: Mapping[str, ImageRecord]
    stocks: Mapping[SkuId, Stock]

    @property
    def digests(self) -> list[str]:
        """Of the images that TikTok gets, in order."""
        return [image.digest for image in main_images(self.product, self.images)]


def look(facts: Facts, market: Market, now: float) -> Look:
    product, placing = facts.product, facts.placing
    found = [
        *listing_faults(product, market),
        *category_faults(product.type, placing, now),
        *certification_faults(product, placing.rules),
        *image_faults(product, facts.images),
    ]
    unwanted = [each for each in found if each.code in _UNWANTED]
    awaited = [each for each in found if each.code in _AWAITED]
    if not awaited and any(
        facts.images.get(image.url, ImageRecord()).state == "waiting" for image in product.images
    ):
        awaited.append(reason("images_waiting"))  # of some: what is sent has them all
    faulty = [
        each
        for each in found
        if REASONS[each.code].eligibility == "ineligible" and each not in unwanted
    ]
    return Look(_first(unwanted), _first(faulty), _first(awaited))


def goal(
    facts: Facts | None, looked: Look, levels: Mapping[SkuId, int], *, is_left_out: bool
) -> Goal:
    """`facts` are None of a product that was deleted; `levels` are how many units of each SKU
    TikTok is to have; `is_left_out`: others come before it."""
    if facts is None:
        return Goal("deleted")
    if looked.unwanted or is_left_out:
        return Goal("parked")
    if looked.faulty:
        return Goal("stopped")
    product = facts.product
    return Goal(
        "sold",
        content=digest(
            product.title,
            product.description,
            facts.placing.category_id,
            facts.digests,
            weight_g(product),
        ),
        structure=digest(
            product.currency,
            product.options,
            [(sku.id, sku.seller_sku, sku.options) for sku in product.skus],
        ),
        prices={sku.id: sku.price for sku in product.skus},
        stocks=dict(levels),
        wait=looked.wait,
    )


def weight_g(product: Product) -> int | None:
    """Of the package: that of the heaviest variant, None where no variant says."""
    return max((sku.weight_g for sku in product.skus if sku.weight_g), default=None)


def _first(reasons: Sequence[Reason]) -> str:
    return reasons[0].text if reasons else ""
