import json
import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from compositor.errors import LayoutError
from compositor.overlay import (
    Clock,
    Countdown,
    LowerThird,
    Picture,
    Product,
    Style,
    Text,
    Ticker,
)
from compositor.overlay_spec import (
    LOWER_THIRD_RECT,
    TICKER_RECT,
    overlays_document,
    parse_overlays,
)
from tests.compositor.strategies import overlay_lists

RECT = [0.1, 0.2, 0.3, 0.4]
SPOT = (0.1, 0.2, 0.3, 0.4)


def test_what_is_not_said_is_as_usual() -> None:
    assert parse_overlays(
        [
            {"kind": "text", "rect": RECT, "text": "Sale"},
            {"kind": "image", "rect": RECT, "image": "logo"},
            {"kind": "clock", "rect": RECT},
            {"kind": "lower-third", "title": "Anna"},
            {"kind": "ticker", "text": "Free shipping"},
            {"kind": "product", "rect": RECT, "product": "pinned"},
        ]
    ) == (
        Text(SPOT, "Sale"),
        Picture(SPOT, "logo"),
        Clock(SPOT),
        LowerThird(LOWER_THIRD_RECT, "Anna"),
        Ticker(TICKER_RECT, "Free shipping"),
        Product(SPOT, "pinned"),
    )


def test_an_outline_and_a_box_belong_to_the_style() -> None:
    outline = {"width": 0.1, "colour": "#102030"}
    text = {"kind": "text", "rect": RECT, "text": "Sale", "outline": outline, "box": "#00000080"}
    style = Style(outline=0.1, outline_colour="#102030", box="#00000080")
    assert parse_overlays([text]) == (Text(SPOT, "Sale", style),)


@pytest.mark.parametrize(
    "until", ["2027-01-15T09:00:00+01:00", "2027-01-15T08:00:00Z", 1_800_000_000]
)
def test_a_moment_is_a_number_or_a_time_with_its_offset(until: object) -> None:
    countdown = {"kind": "countdown", "rect": RECT, "until": until}
    assert parse_overlays([countdown]) == (Countdown(SPOT, 1_800_000_000.0),)


@given(overlay_lists())
def test_overlays_survive_the_way_to_json_and_back(document: list[dict[str, Any]]) -> None:
    overlays = parse_overlays(document)
    assert parse_overlays(json.loads(json.dumps(overlays_document(overlays)))) == overlays


def text(**changes: object) -> list[dict[str, Any]]:
    return [{"kind": "text", "rect": RECT, "text": "Sale", **changes}]


def countdown(until: object) -> list[dict[str, Any]]:
    return [{"kind": "countdown", "rect": RECT, "until": until}]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (None, ""),
        ({}, ""),
        (text() * 33, ""),
        ([3], "[0]"),
        ([{}], "[0].kind"),
        ([{"kind": "video"}], "[0].kind"),
        ([*text(), {"kind": "text", "rect": RECT}], "[1].text"),
        ([{"kind": "text", "text": "Sale"}], "[0].rect"),
        (text(text=""), "[0].text"),
        (text(text="x" * 1001), "[0].text"),
        (text(rect=[0, 0, 1, 2]), "[0].rect[3]"),
        (text(size=0), "[0].size"),
        (text(weight=50), "[0].weight"),
        (text(colour="red"), "[0].colour"),
        (text(align="middle"), "[0].align"),
        (text(valign="center"), "[0].valign"),
        (text(font=""), "[0].font"),
        (text(outline=1), "[0].outline"),
        (text(outline={"colour": "#000000"}), "[0].outline.width"),
        (text(image="logo"), "[0].image"),
        ([{"kind": "clock", "rect": RECT, "zone": "Mars/Olympus"}], "[0].zone"),
        ([{"kind": "clock", "rect": RECT, "zone": "../../etc/passwd"}], "[0].zone"),
        ([{"kind": "clock", "rect": RECT, "zone": "\0"}], "[0].zone"),
        (countdown("tomorrow"), "[0].until"),
        (countdown("2027-01-15T09:00:00"), "[0].until"),
        (countdown(-1), "[0].until"),
        (countdown(True), "[0].until"),
        ([{"kind": "qr", "rect": RECT, "data": "x" * 501}], "[0].data"),
        ([{"kind": "image", "rect": RECT, "image": "logo", "opacity": 2}], "[0].opacity"),
        ([{"kind": "ticker", "text": "x", "speed": 2}], "[0].speed"),
        ([{"kind": "clock", "rect": [0, 0, 1, 1]}] * 5, "[4].rect"),
        ([{"kind": "product", "rect": [0, 0, 1, 1], "product": "pinned"}] * 5, "[4].rect"),
        ([{"kind": "product", "rect": RECT}], "[0].product"),
        ([{"kind": "product", "product": "pinned"}], "[0].rect"),
        ([{"kind": "product", "rect": RECT, "product": "pinned", "left": "x" * 41}], "[0].left"),
        ([{"kind": "product", "rect": RECT, "product": "pinned", "qr": "x" * 501}], "[0].qr"),
    ],
)
def test_a_fault_is_named_by_its_path(document: object, path: str) -> None:
    with pytest.raises(LayoutError) as caught:
        parse_overlays(document)
    assert caught.value.path == path
    assert caught.value.reason


@given(overlay_lists(), st.data())
def test_valid_overlays_with_one_value_spoilt_are_refused_there(
    document: list[dict[str, Any]], data: st.DataObject
) -> None:
    assume(document)
    index = data.draw(st.integers(0, len(document) - 1))
    key = data.draw(st.sampled_from(sorted(document[index])))
    document[index][key] = data.draw(st.sampled_from([None, math.nan, {"x": 1}, -7.5, [[]]]))
    with pytest.raises(LayoutError) as caught:
        parse_overlays(document)
    path = f"[{index}].{key}"
    assert caught.value.path in (path, f"{path}.x", f"{path}.width")
