import pytest

from sync.eligibility.categories import LONGEST_TYPE, Placements, checked_mapping
from sync.errors import Invalid
from sync.model import Category, CategoryRules

MUGS = Category("2", "1", "Mugs", is_leaf=True, permission="AVAILABLE")
KITCHEN = Category("1", "0", "Kitchen", is_leaf=False, permission="AVAILABLE")
TREE = (KITCHEN, MUGS)


def test_a_type_is_placed_whatever_its_case() -> None:
    rules = CategoryRules("2")
    placing = Placements({"Mug": "2"}, TREE, {"2": rules}).of("MUG")
    assert (placing.category_id, placing.category, placing.rules) == ("2", MUGS, rules)
    assert placing.is_tree_known


def test_a_type_that_nobody_has_mapped_has_no_place() -> None:
    placing = Placements({"Mug": "2"}, TREE).of("Vase")
    assert (placing.category_id, placing.category) == (None, None)


def test_a_category_that_tiktok_gave_up_is_still_the_one_chosen() -> None:
    placing = Placements({"Mug": "9"}, TREE).of("Mug")
    assert (placing.category_id, placing.category, placing.is_tree_known) == ("9", None, True)


def test_the_categories_in_use_are_those_that_tiktok_has() -> None:
    assert Placements({"Mug": "2", "Cup": "2", "Vase": "9"}, TREE).used == ["2"]


def test_a_mapping_is_taken_as_it_is() -> None:
    assert checked_mapping({"Mug": "2"}, TREE) == {"Mug": "2"}


def test_any_category_is_taken_while_the_tree_is_not_known() -> None:
    assert checked_mapping({"Mug": "9"}, ()) == {"Mug": "9"}


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ({"Mug": "9"}, "TikTok has no category '9'"),
        ({"Mug": "1"}, "'Kitchen' is a group"),
        ({"Mug": "2", "mug": "2"}, "names the same type"),
        ({"m" * (LONGEST_TYPE + 1): "2"}, "at most 255 characters"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(mapping: dict[str, str], reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        checked_mapping(mapping, TREE)
