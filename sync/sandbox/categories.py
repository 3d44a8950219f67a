"""A small tree of categories with their rules and attributes, in the form of the US's v2 tree.

Names and ids are ours. Which are gated follows what sellers report: supplements, beauty, fine
jewellery, children's things.
"""

import msgspec

from sync.sandbox.ids import CategoryId
from sync.sandbox.sellers import Shop
from sync.sandbox.wire import AVAILABLE, INVITE_ONLY, NON_MAIN_CATEGORY


class Certification(msgspec.Struct, frozen=True):
    """A document that a category wants: always where `is_required`, or else of a product whose
    attribute has a value, `when` (the ids of both)."""

    id: str
    name: str
    is_required: bool
    when: tuple[str, str] | None = None


class Attribute(msgspec.Struct, frozen=True):
    """`values` are the platform's own by their ids; a customizable one takes any name."""

    id: str
    name: str
    type: str = "PRODUCT_PROPERTY"
    is_required: bool = False
    is_multiple: bool = False
    is_customizable: bool = True
    values: tuple[tuple[str, str], ...] = ()


class Category(msgspec.Struct, frozen=True):
    id: CategoryId
    parent_id: str
    name: str
    is_leaf: bool = True
    permission: str = AVAILABLE
    certifications: tuple[Certification, ...] = ()
    attributes: tuple[Attribute, ...] = ()


SALES_COLOR = Attribute("100000", "Color", type="SALES_PROPERTY")
SALES_SIZE = Attribute("100007", "Size", type="SALES_PROPERTY")
SALES_FLAVOR = Attribute("100343", "Flavor", type="SALES_PROPERTY")

_MATERIAL = Attribute(
    "100701",
    "Material",
    is_multiple=True,
    values=(("1000039", "Ceramic"), ("1000040", "Glass"), ("1000041", "Wood")),
)
_ORIGIN = Attribute(
    "100149",
    "Country of origin",
    is_customizable=False,
    values=(("1000851", "United States"), ("1000852", "Portugal"), ("1000853", "India")),
)
_HAZARD = Attribute(
    "101610",
    "Contains batteries",
    is_required=True,
    is_customizable=False,
    values=(("1000058", "Yes"), ("1000059", "No")),
)
_INGREDIENTS = Certification("7182427311584347905", "Product facts label", True)
_CHILD_SAFETY = Certification("7182427311584347912", "Children's product certificate", True)
_APPRAISAL = Certification("7182427311584347919", "Certificate of appraisal", True)
_ALLERGENS = Attribute(
    "101633",
    "Contains allergens",
    is_customizable=False,
    values=(("1000058", "Yes"), ("1000059", "No")),
)
_ALLERGEN_STATEMENT = Certification(
    "7182427311584347926", "Allergen statement", False, when=("101633", "1000058")
)

_EVERYWHERE = (SALES_COLOR, SALES_SIZE, _MATERIAL, _ORIGIN)

CATEGORIES = (
    Category(CategoryId("600001"), "0", "Home Supplies", is_leaf=False),
    Category(CategoryId("851848"), "600001", "Home Decor", is_leaf=False),
    Category(CategoryId("600338"), "851848", "Candles & Holders", attributes=_EVERYWHERE),
    Category(CategoryId("600339"), "851848", "Vases", attributes=_EVERYWHERE),
    Category(CategoryId("600024"), "0", "Kitchenware", is_leaf=False),
    Category(CategoryId("600154"), "600024", "Mugs", attributes=_EVERYWHERE),
    Category(CategoryId("601226"), "0", "Womenswear & Underwear", is_leaf=False),
    Category(CategoryId("842248"), "601226", "Women's Tops", is_leaf=False),
    Category(CategoryId("601302"), "842248", "T-shirts", attributes=_EVERYWHERE),
    Category(
        CategoryId("601352"),
        "601226",
        "Coats",
        permission=NON_MAIN_CATEGORY,
        attributes=_EVERYWHERE,
    ),
    Category(CategoryId("601739"), "0", "Phones & Electronics", is_leaf=False),
    Category(
        CategoryId("601999"),
        "601739",
        "Chargers",
        attributes=(*_EVERYWHERE, _HAZARD),
    ),
    Category(CategoryId("601450"), "0", "Beauty & Personal Care", is_leaf=False),
    Category(
        CategoryId("601583"),
        "601450",
        "Face Serums",
        permission=INVITE_ONLY,
        certifications=(_INGREDIENTS,),
        attributes=(SALES_SIZE, _ORIGIN),
    ),
    Category(CategoryId("700437"), "0", "Food & Beverages", is_leaf=False),
    Category(
        CategoryId("700645"),
        "700437",
        "Vitamins & Supplements",
        permission=INVITE_ONLY,
        certifications=(_INGREDIENTS, _ALLERGEN_STATEMENT),
        attributes=(SALES_SIZE, SALES_FLAVOR, _ALLERGENS),
    ),
    Category(
        CategoryId("700646"),
        "700437",
        "Coffee Beans",
        certifications=(_ALLERGEN_STATEMENT,),
        attributes=(SALES_SIZE, SALES_FLAVOR, _ALLERGENS),
    ),
    Category(CategoryId("605196"), "0", "Jewelry Accessories", is_leaf=False),
    Category(
        CategoryId("605280"),
        "605196",
        "Gold Rings",
        permission=INVITE_ONLY,
        certifications=(_APPRAISAL,),
        attributes=_EVERYWHERE,
    ),
    Category(CategoryId("604206"), "0", "Toys & Hobbies", is_leaf=False),
    Category(
        CategoryId("604309"),
        "604206",
        "Wooden Toys",
        certifications=(_CHILD_SAFETY,),
        attributes=_EVERYWHERE,
    ),
)

BY_ID = {category.id: category for category in CATEGORIES}


def chain(category: Category) -> list[Category]:
    """The categories from the root down to `category`."""
    up = [category]
    while (parent := BY_ID.get(CategoryId(up[-1].parent_id))) is not None:
        up.append(parent)
    return up[::-1]


def permission(category: Category, shop: Shop) -> str:
    """What `shop` may do in `category`: a permission of its own opens a gated one."""
    return AVAILABLE if category.id in shop.granted else category.permission
