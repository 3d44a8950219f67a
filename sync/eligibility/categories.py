"""Where products belong at TikTok: their types mapped to its categories by the shop. Pure."""

from collections.abc import Iterable, Mapping

from sync.catalogue.search import folded
from sync.eligibility.local_rules import Placing
from sync.errors import Invalid
from sync.model import Category, CategoryRules

LONGEST_MAPPING = 2_000
LONGEST_TYPE = 255


class Placements:
    """What is known of categories, looked up by types of products, in which case does not count."""

    def __init__(
        self,
        mapping: Mapping[str, str] = {},
        categories: Iterable[Category] = (),
        rules: Mapping[str, CategoryRules] = {},
    ) -> None:
        self._mapping = {folded(name): category_id for name, category_id in mapping.items()}
        self._by_id = {category.id: category for category in categories}
        self._rules = rules

    @property
    def used(self) -> list[str]:
        """The categories in use, of those that TikTok has."""
        return sorted(set(self._mapping.values()) & self._by_id.keys())

    def of(self, product_type: str) -> Placing:
        category_id = self._mapping.get(folded(product_type))
        return Placing(
            is_tree_known=bool(self._by_id),
            category_id=category_id,
            category=None if category_id is None else self._by_id.get(category_id),
            rules=None if category_id is None else self._rules.get(category_id),
        )


def checked_mapping(mapping: Mapping[str, str], categories: Iterable[Category]) -> dict[str, str]:
    """`mapping` as it may be stored. Raises Invalid for a category that takes no products; while
    TikTok's tree is not known, any is taken."""
    if len(mapping) > LONGEST_MAPPING:
        raise Invalid(f"at most {LONGEST_MAPPING} types can be mapped", "mapping")
    by_id = {category.id: category for category in categories}
    names: set[str] = set()
    for name, category_id in mapping.items():
        where = f"mapping.{name[:60]}"
        if len(name) > LONGEST_TYPE:
            raise Invalid(f"a type has at most {LONGEST_TYPE} characters", where)
        if folded(name) in names:
            raise Invalid("another entry names the same type: case does not count", where)
        names.add(folded(name))
        category = by_id.get(category_id)
        if by_id and category is None:
            raise Invalid(f"TikTok has no category {category_id[:40]!r}", where)
        if category is not None and not category.is_leaf:
            raise Invalid(
                f"{category.name!r} is a group of categories: choose one inside it", where
            )
    return dict(mapping)
