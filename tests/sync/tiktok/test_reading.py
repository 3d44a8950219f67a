from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.tiktok import wire
from sync.tiktok.reading import Known, Missing, Note, Spelled, read
from tests.sync.tiktok import shapes


class Colour:
    RED = "RED"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    id: str


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    count: int | None = None
    good: bool | None = None
    colour: Annotated[str | None, Known(Colour, {"RDE": "RED"})] = None
    wanted: Annotated[bool | None, Spelled("watned")] = None
    parts: tuple[Part, ...] = ()
    tags: tuple[str, ...] = ()
    part: Part | None = None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


def test_integers_are_read_where_a_string_should_be_and_the_other_way_round() -> None:
    thing, notes = read(Thing, {"id": 576486316948490000, "count": "12", "good": "true"})

    assert (thing.id, thing.count, thing.good) == ("576486316948490000", 12, True)
    assert notes == set()


def test_misspelled_names_and_values_are_read_as_the_right_ones() -> None:
    thing, notes = read(Thing, {"id": "1", "watned": True, "colour": "RDE"})

    assert thing.wanted is True
    assert thing.colour == "RED"
    assert notes == set()


def test_unknown_fields_and_values_are_noted_and_the_values_kept() -> None:
    thing, notes = read(
        Thing, {"id": "1", "colour": "BLUE", "new": 1, "parts": [{"id": "2", "new": 1}]}
    )

    assert thing.colour == "BLUE"
    assert notes == {
        Note("data.colour=BLUE", "unknown_value"),
        Note("data.new", "unknown_field"),
        Note("data.parts[].new", "unknown_field"),
    }


@pytest.mark.parametrize("value", [{}, [], "many", 1.5, True, "1" * 30, "١٢ "])
def test_a_value_of_another_type_is_absent_and_noted(value: Any) -> None:
    thing, notes = read(Thing, {"id": "1", "count": value})

    assert thing.count is None
    assert notes == {Note("data.count", "unreadable")}


def test_null_is_absent() -> None:
    thing, notes = read(Thing, {"id": "1", "count": None, "parts": None, "part": None})

    assert thing == Thing(id="1")
    assert notes == set()


def test_the_one_item_of_a_list_may_come_without_the_list() -> None:
    thing, _ = read(Thing, {"id": "1", "tags": "new", "parts": {"id": "2"}})

    assert thing.tags == ("new",)
    assert thing.parts == (Part(id="2"),)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({}, "data.id"),
        ({"id": None}, "data.id"),
        ({"id": []}, "data.id"),
        ({"id": "1", "parts": [{"name": "x"}]}, "data.parts[].id"),
        ([], "data"),
        (None, "data"),
    ],
)
def test_what_nothing_can_be_done_without_is_named_when_it_lacks(raw: Any, path: str) -> None:
    with pytest.raises(Missing) as error:
        read(Thing, raw)

    assert error.value.path == path


@given(JSON)
def test_nothing_that_is_json_makes_it_fall(raw: Any) -> None:
    for kind in (Thing, wire.Products, wire.Orders, wire.BatchResult, wire.CategoryRules):
        try:
            read(kind, raw)
        except Missing:
            continue


@given(st.data())
def test_an_answer_is_read_whatever_is_added_to_it(data: st.DataObject) -> None:
    shape = shapes.calls()["search_products"]["response"]
    plain, _ = read(wire.Products, shapes.example(shape))

    def more(value: Any) -> Any:
        if isinstance(value, dict):
            extra = data.draw(st.dictionaries(st.text(min_size=31), JSON, max_size=2))
            return {name: more(part) for name, part in value.items()} | extra
        return [more(part) for part in value] if isinstance(value, list) else value

    assert read(wire.Products, more(shapes.example(shape)))[0] == plain


@given(st.text(), st.text())
def test_new_statuses_are_kept(status: str, audit: str) -> None:
    raw = {"products": [{"id": "1", "status": status, "audit": {"status": audit}}]}

    (product,) = read(wire.Products, raw)[0].products or ()

    assert product.status == status
    assert product.audit is not None
    assert product.audit.status == audit
