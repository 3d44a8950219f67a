from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compositor.errors import LayoutError
from compositor.overlay_spec import parse_overlays
from compositor.schema import LAYOUT, OVERLAYS, SCHEMAS
from compositor.spec import parse_layout
from tests.compositor.golden import GOLDENS
from tests.compositor.strategies import documents, overlay_lists

LAYOUTS = jsonschema.Draft202012Validator(LAYOUT)
LISTS = jsonschema.Draft202012Validator(OVERLAYS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


@given(documents(), overlay_lists())
def test_every_valid_document_fits_its_schema(
    layout: dict[str, Any], overlays: list[dict[str, Any]]
) -> None:
    LAYOUTS.validate(layout)
    LISTS.validate(overlays)


def test_every_golden_document_fits_its_schema() -> None:
    for golden in GOLDENS:
        LAYOUTS.validate(golden.document["layout"])
        LISTS.validate(golden.document.get("overlays", []))


@pytest.mark.parametrize(
    "layout",
    [
        [],
        {},
        {"slots": [], "preset": "solo"},
        {"preset": "grid", "corner": "top-left"},
        {"slots": [], "corner": "top-left"},
        {"slots": [{"rect": [0, 0, 1, 1]}]},
        {"slots": [{"feed": "a", "auto": 1, "rect": [0, 0, 1, 1]}]},
        {"slots": [{"auto": 1, "rect": [0, 0, 1]}]},
        {"slots": [{"auto": 1, "rect": [0, 0, 0, 1]}]},
        {"slots": [{"auto": 1, "rect": [0, 0, 1, 1], "border": {}}]},
        {"slots": [], "background": "red"},
    ],
)
def test_what_the_reader_refuses_the_schema_refuses_too(layout: object) -> None:
    with pytest.raises(LayoutError):
        parse_layout(layout)
    assert not LAYOUTS.is_valid(layout)


SPOILT: tuple[object, ...] = (
    *(None, True, 0, 1, 2.0, 0.5, -1, 1e9, "", "x", "x" * 2000, "#ffffff", "#ffffff80", "cover"),
    *("left", "grid", [], [0.1, 0.2], [0, 0, 1, 1], [0, 0, 1, 1, 1], {}, {"width": 0.05}),
    *({"width": 0.2}, {"image": "logo"}, {"image": "logo", "colour": "#ffffff"}, {"text": "x"}),
)
READER_ONLY = (
    "beyond the",
    "is taken by a slot above",
    "must be a time zone",
    "must be a time with its offset",
    "canvases together",
)
"""Reasons that a schema cannot have."""


@given(documents(), st.data())
def test_reader_and_schema_take_the_same_layouts(
    document: dict[str, Any], data: st.DataObject
) -> None:
    assert_alike(parse_layout, LAYOUTS, spoilt(document, data))


@given(overlay_lists(), st.data())
def test_reader_and_schema_take_the_same_overlays(
    document: list[dict[str, Any]], data: st.DataObject
) -> None:
    assert_alike(parse_overlays, LISTS, spoilt(document, data))


def assert_alike(
    parse: Callable[[object], object], schema: jsonschema.Draft202012Validator, document: object
) -> None:
    refused = refusal(parse, document)
    if refused is None:
        schema.validate(document)
    elif not any(reason in refused for reason in READER_ONLY):
        assert not schema.is_valid(document), refused


def refusal(parse: Callable[[object], object], document: object) -> str | None:
    try:
        parse(document)
    except LayoutError as error:
        return error.reason
    return None


def spoilt(document: Any, data: st.DataObject) -> object:
    """`document` with one value, at any depth, taken out, replaced or put in."""
    whole = [document]
    holder, key = data.draw(st.sampled_from(list(places(whole))))
    match data.draw(st.sampled_from(["replace", "remove", "add"])), holder[key]:
        case "add", dict(inner):
            inner[data.draw(st.sampled_from(NAMES))] = data.draw(st.sampled_from(SPOILT))
        case "add", list(inner):
            inner.append(data.draw(st.sampled_from(SPOILT)))
        case "remove", _ if holder is not whole:
            del holder[key]
        case _:
            holder[key] = data.draw(st.sampled_from(SPOILT))
    return whole[0]


NAMES = ("feed", "auto", "slots", "preset", "corner", "kind", "rect", "text", "font", "other")


def places(holder: Any) -> Iterator[tuple[Any, Any]]:
    """Every value below `holder`, as what holds it and its key there."""
    keys = list(holder) if isinstance(holder, dict) else range(len(holder))
    for key in keys:
        yield holder, key
        if isinstance(holder[key], dict | list):
            yield from places(holder[key])
