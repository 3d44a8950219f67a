"""What is found by what."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.catalogue.search import Search, folded, search_entry
from sync.model import Sku, SkuId
from tests.sync.things import product

TEAPOT = search_entry(
    product(
        handle="tea-pot",
        title="Große Teekanne",
        type="Kitchen",
        vendor="Acme",
        tags=("Gift Ideas", "new"),
        skus=(Sku(SkuId("s_1"), 1, "TP-1", barcode="40123"), Sku(SkuId("s_2"), 1, "TP-2")),
        options=(),
    )
)


@pytest.mark.parametrize(
    "words",
    [
        ("teekanne",),
        ("GROSSE",),
        ("große", "kanne"),
        ("tea-pot",),
        ("kitchen",),
        ("acme",),
        ("gift ideas",),
        ("tp-2",),
        ("40123",),
        ("tp", "tp-1"),
        (),
    ],
)
def test_a_product_is_found_by_any_words_of_it(words: tuple[str, ...]) -> None:
    assert Search(words).folded().fits(TEAPOT)


@pytest.mark.parametrize("words", [("cup",), ("teekanne", "cup"), ("kanne\nkitchen",), ("new tp",)])
def test_every_word_must_be_there_and_none_goes_over_two_lines(words: tuple[str, ...]) -> None:
    assert not Search(words).folded().fits(TEAPOT)


def test_type_tag_and_status_are_whole() -> None:
    assert Search(type="KITCHEN", tag="gift ideas", status="active").folded().fits(TEAPOT)
    assert not Search(type="kitch").folded().fits(TEAPOT)
    assert not Search(tag="gift").folded().fits(TEAPOT)
    assert not Search(status="draft").folded().fits(TEAPOT)


@given(st.text(min_size=1), st.text(), st.text())
def test_what_is_in_the_title_is_found(word: str, before: str, after: str) -> None:
    entry = search_entry(product(title=before + word + after))

    if folded(word) in folded(
        before + word + after
    ):  # else it became one letter with its neighbour
        assert Search((word,)).folded().fits(entry)


def test_an_entry_comes_back_from_json_as_it_was() -> None:
    assert msgspec.json.decode(msgspec.json.encode(TEAPOT), type=type(TEAPOT)) == TEAPOT
