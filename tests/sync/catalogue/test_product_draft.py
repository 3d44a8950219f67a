"""What becomes of products as they are written down."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.catalogue.product_draft import Ids, ProductDraft, changed, created, handle_of
from sync.catalogue.product_rules import faults
from sync.errors import Invalid
from sync.model import Product, Sku, SkuId
from tests.sync.now import Now
from tests.sync.things import product

RED = Sku(SkuId("s_red"), 500, "R-1", ("Red",))
BLUE = Sku(SkuId("s_blue"), 700, "B-1", ("Blue",))
COLOURED = product(options=("Colour",), skus=(RED, BLUE))


def new_ids() -> Ids:
    return Ids(Now(), lambda _bits: 0)


def draft(**said: Any) -> ProductDraft:
    return msgspec.convert(said, ProductDraft)


def made(**said: Any) -> Product:
    whole = {"title": "Mug", "currency": "USD", "skus": [{"price": 1250}], **said}
    return created(draft(**whole), new_ids()).product


def test_a_product_needs_a_title_a_currency_and_a_sku_with_a_price() -> None:
    least = made()

    assert (least.title, least.handle, least.status) == ("Mug", "mug", "active")
    assert [sku.price for sku in least.skus] == [1250]


@pytest.mark.parametrize("name", ["title", "currency", "skus"])
def test_what_a_new_product_needs_is_asked_for(name: str) -> None:
    whole = {"title": "Mug", "currency": "USD", "skus": [{"price": 1250}]}
    del whole[name]

    with pytest.raises(Invalid, match=f"^{name}: is missing$"):
        created(draft(**whole), new_ids())


def test_a_new_sku_needs_a_price() -> None:
    with pytest.raises(Invalid, match=r"^skus\[0\]\.price: is missing$"):
        made(skus=[{"seller_sku": "R-1"}])


def test_what_is_not_said_stays() -> None:
    outcome = changed(COLOURED, draft(title="Cup"), new_ids())

    assert outcome.product == msgspec.structs.replace(COLOURED, title="Cup")
    assert outcome.on_hand == {}


def test_a_sku_is_known_by_its_id() -> None:
    said = draft(skus=[{"id": "s_blue", "price": 800}, {"id": "s_red", "options": ["Rouge"]}])

    assert changed(COLOURED, said, new_ids()).product.skus == (
        msgspec.structs.replace(BLUE, price=800),
        msgspec.structs.replace(RED, options=("Rouge",)),
    )


def test_a_sku_without_an_id_is_known_by_its_options() -> None:
    said = draft(skus=[{"options": ["Blue"], "price": 800, "seller_sku": "R-1"}])

    (sku,) = changed(COLOURED, said, new_ids()).product.skus
    assert (sku.id, sku.price, sku.seller_sku) == ("s_blue", 800, "R-1")


def test_a_sku_with_other_options_is_known_by_its_seller_sku() -> None:
    said = draft(
        options=["Colour", "Size"],
        skus=[
            {"options": ["Red", "L"], "price": 500, "seller_sku": "R-1"},
            {"options": ["Red", "XL"], "price": 500, "seller_sku": "R-2"},
        ],
    )

    first, second = changed(COLOURED, said, new_ids()).product.skus
    assert first == msgspec.structs.replace(RED, options=("Red", "L"))
    assert second.id not in ("s_red", "s_blue")


def test_no_two_skus_become_one() -> None:
    with pytest.raises(Invalid, match=r"^skus\[1\]\.id: .*or it is here twice"):
        changed(COLOURED, draft(skus=[{"id": "s_red"}, {"id": "s_red"}]), new_ids())
    with pytest.raises(Invalid, match=r"^skus\[0\]\.id: the product has no SKU 's_none'"):
        changed(COLOURED, draft(skus=[{"id": "s_none"}]), new_ids())


def test_units_are_told_by_sku() -> None:
    said = draft(
        skus=[
            {"options": ["Red"], "on_hand": 5},
            {"options": ["Green"], "price": 900, "on_hand": 7},
            {"options": ["Grey"], "price": 900},
        ]
    )
    outcome = changed(COLOURED, said, new_ids())

    _, green, _ = outcome.product.skus
    assert outcome.on_hand == {SkuId("s_red"): 5, green.id: 7}


def test_units_that_cannot_be_are_refused() -> None:
    with pytest.raises(Invalid, match=r"^skus\[0\]\.on_hand: must be from 0 to 1,000,000,000"):
        made(skus=[{"price": 1, "on_hand": -1}])


@pytest.mark.parametrize(
    ("title", "handle"),
    [
        ("Crème Brûlée, set of 2!", "creme-brulee-set-of-2"),
        ("  Straße__7 ", "straße-7"),
        ("マグカップ", "マクカッフ"),
        ("???", ""),
        ("a" * 300, "a" * 235),
    ],
)
def test_a_handle_is_made_of_the_titles_letters_and_digits(title: str, handle: str) -> None:
    assert handle_of(title) == handle


def test_a_title_without_letters_leaves_the_id_as_the_handle() -> None:
    nameless = made(title="???")

    assert nameless.handle == nameless.id


@given(st.text(min_size=1, max_size=300))
def test_every_title_that_may_be_has_a_handle_that_may_be(title: str) -> None:
    handle = handle_of(title) or "p_1"

    assert not [fault for fault in faults(product(handle=handle)) if fault.path == "handle"]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_ids_sort_by_the_time_of_their_making_whatever_the_clock_does(moves: list[float]) -> None:
    now = Now(0)
    ids = Ids(now, lambda bits: (1 << bits) - 1)
    made = []
    for moved in moves:
        now.at = moved
        made.append(ids.product())

    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {len(each) for each in made} == {18}


def test_ids_of_servers_differ_by_chance() -> None:
    one, other = Ids(Now(), lambda _: 1), Ids(Now(), lambda _: 2)

    assert one.sku() != other.sku()
