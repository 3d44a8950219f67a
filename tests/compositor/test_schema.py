from typing import Any

import jsonschema
import pytest
from hypothesis import given

from compositor.errors import LayoutError
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
