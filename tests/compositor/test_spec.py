import json
import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from compositor.errors import LayoutError
from compositor.layout import Layout, Slot, Transition
from compositor.presets import preset
from compositor.spec import layout_document, parse_layout
from tests.compositor.strategies import documents


def test_the_documented_layout_is_read() -> None:
    document = json.loads(
        """{"background": "#101418",
            "slots": [{"feed": "phone", "rect": [0, 0.25, 0.5, 0.5], "fit": "cover", "z": 0},
                      {"auto": 1, "rect": [0.5, 0, 0.5, 1]}],
            "transition": {"duration_ms": 300, "easing": "ease-in-out"}}"""
    )
    assert parse_layout(document) == Layout(
        slots=(
            Slot((0.0, 0.25, 0.5, 0.5), "phone"),
            Slot((0.5, 0.0, 0.5, 1.0), 1),
        ),
        background="#101418",
        transition=Transition(300, "ease-in-out"),
    )


def test_a_preset_is_read_with_its_transition() -> None:
    document = {"preset": "side-by-side", "transition": {"duration_ms": 300}}
    assert parse_layout(document) == Layout(preset="side-by-side", transition=Transition(300))


def test_a_whole_number_may_be_written_with_a_point() -> None:
    layout = parse_layout({"slots": [{"auto": 1.0, "rect": [0, 0, 1, 1], "z": -2.0}]})
    (slot,) = layout.slots
    assert (repr(slot.source), repr(slot.z)) == ("1", "-2")


@given(documents())
def test_every_layout_survives_the_way_to_json_and_back(document: dict[str, Any]) -> None:
    layout = parse_layout(document)
    assert parse_layout(json.loads(json.dumps(layout_document(layout)))) == layout


def test_a_preset_spelt_out_can_be_given_back_as_a_layout() -> None:
    layout = preset("picture-in-picture", "portrait", 5)
    assert parse_layout(layout_document(layout)) == layout


SLOT = {"feed": "phone", "rect": [0, 0, 1, 1]}


def with_slot(**changes: object) -> dict[str, Any]:
    return {"slots": [{**SLOT, **changes}]}


def with_rect(*numbers: object) -> dict[str, Any]:
    return with_slot(rect=list(numbers))


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (None, ""),
        ([], ""),
        ("solo", ""),
        ({}, "slots"),
        ({"slots": {}}, "slots"),
        ({"slots": [], "colour": 1}, "colour"),
        ({"slots": [], "preset": "solo"}, "preset"),
        ({"preset": "spiral"}, "preset"),
        ({"preset": None}, "preset"),
        ({"preset": ["solo"]}, "preset"),
        ({"slots": [SLOT] * 33}, "slots"),
        ({"slots": [None]}, "slots[0]"),
        ({"slots": [SLOT, 7]}, "slots[1]"),
        ({"slots": [{"rect": [0, 0, 1, 1]}]}, "slots[0]"),
        ({"slots": [{"feed": "phone"}]}, "slots[0].rect"),
        (with_slot(auto=1), "slots[0]"),
        (with_slot(size=3), "slots[0].size"),
        (with_slot(feed=""), "slots[0].feed"),
        (with_slot(feed=7), "slots[0].feed"),
        (with_slot(feed="x" * 129), "slots[0].feed"),
        ({"slots": [{"auto": 0, "rect": [0, 0, 1, 1]}]}, "slots[0].auto"),
        ({"slots": [{"auto": True, "rect": [0, 0, 1, 1]}]}, "slots[0].auto"),
        ({"slots": [{"auto": 33, "rect": [0, 0, 1, 1]}]}, "slots[0].auto"),
        ({"slots": [{"auto": 1, "rect": [0, 0, 1, 1]}] * 2}, "slots[1].auto"),
        (with_slot(fit="crop"), "slots[0].fit"),
        (with_slot(fit=1), "slots[0].fit"),
        (with_slot(z=0.5), "slots[0].z"),
        (with_slot(z=1001), "slots[0].z"),
        (with_slot(z=True), "slots[0].z"),
        (with_slot(rect="0,0,1,1"), "slots[0].rect"),
        (with_rect(0, 0, 1), "slots[0].rect"),
        (with_rect(0, 0, 1, 1, 1), "slots[0].rect"),
        (with_rect("0", 0, 1, 1), "slots[0].rect[0]"),
        (with_rect(0, False, 1, 1), "slots[0].rect[1]"),
        (with_rect(0, 0, math.nan, 1), "slots[0].rect[2]"),
        (with_rect(0, 0, math.inf, 1), "slots[0].rect[2]"),
        (with_rect(0, 0, 1, -math.inf), "slots[0].rect[3]"),
        (with_rect(0, 0, 10**400, 1), "slots[0].rect[2]"),
        (with_rect(-0.1, 0, 1, 1), "slots[0].rect[0]"),
        (with_rect(0, 1.1, 1, 1), "slots[0].rect[1]"),
        (with_rect(0, 0, 0, 1), "slots[0].rect[2]"),
        (with_rect(0, 0, 1, 0.0), "slots[0].rect[3]"),
        (with_rect(0.5, 0, 0.6, 1), "slots[0].rect[2]"),
        (with_rect(0, 0.75, 1, 0.2501), "slots[0].rect[3]"),
        (with_slot(focus=[0.5]), "slots[0].focus"),
        (with_slot(focus=[0.5, 2]), "slots[0].focus[1]"),
        (with_slot(crop=[0, 0, 2, 1]), "slots[0].crop[2]"),
        (with_slot(mirror=1), "slots[0].mirror"),
        (with_slot(radius=0.6), "slots[0].radius"),
        (with_slot(opacity=-1), "slots[0].opacity"),
        (with_slot(border=2), "slots[0].border"),
        (with_slot(border={}), "slots[0].border.width"),
        (with_slot(border={"width": 1}), "slots[0].border.width"),
        (with_slot(border={"width": 0.1, "colour": "#ffffff80"}), "slots[0].border.colour"),
        (with_slot(label="Anna"), "slots[0].label"),
        (with_slot(label={"at": "middle"}), "slots[0].label.at"),
        (with_slot(label={"text": "x" * 81}), "slots[0].label.text"),
        (with_slot(label={"box": "red"}), "slots[0].label.box"),
        ({"slots": [], "corner": "top-left"}, "corner"),
        ({"preset": "grid", "corner": "top-left"}, "corner"),
        ({"preset": "picture-in-picture", "corner": "middle"}, "corner"),
        ({"slots": [], "background": {}}, "background.image"),
        ({"slots": [], "background": {"image": ""}}, "background.image"),
        ({"slots": [], "background": {"image": "a", "fit": "tile"}}, "background.fit"),
        ({"slots": [], "background": "black"}, "background"),
        ({"slots": [], "background": 0}, "background"),
        ({"slots": [], "transition": 300}, "transition"),
        ({"slots": [], "transition": {"ms": 300}}, "transition.ms"),
        ({"slots": [], "transition": {"duration_ms": -1}}, "transition.duration_ms"),
        ({"slots": [], "transition": {"duration_ms": 10_001}}, "transition.duration_ms"),
        ({"slots": [], "transition": {"duration_ms": 1.5}}, "transition.duration_ms"),
        ({"slots": [], "transition": {"easing": "bounce"}}, "transition.easing"),
    ],
)
def test_a_fault_is_named_by_its_path(document: object, path: str) -> None:
    with pytest.raises(LayoutError) as caught:
        parse_layout(document)
    assert caught.value.path == path
    assert caught.value.reason


def test_the_reason_is_a_sentence_with_the_path() -> None:
    with pytest.raises(LayoutError) as caught:
        parse_layout(with_rect(0.5, 0, 0.75, 1))
    assert str(caught.value) == "slots[0].rect[2]: reaches 1.25, beyond the right edge at 1"


def test_decimals_that_add_up_to_one_in_binary_only_almost_are_taken() -> None:
    assert parse_layout(with_rect(0.9, 0.7, 0.1, 0.3)).slots[0].rect == (0.9, 0.7, 0.1, 0.3)
    parse_layout(with_rect(0.6666667, 0, 0.3333334, 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["slots", "feed", "auto", "rect", "fit", "z", "preset", "transition"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_either_a_layout_or_a_layout_error(document: object) -> None:
    try:
        layout = parse_layout(document)
    except LayoutError:
        return
    assert parse_layout(layout_document(layout)) == layout


@given(documents(), st.data())
def test_a_valid_layout_with_one_value_spoilt_is_refused_there(
    document: dict[str, Any], data: st.DataObject
) -> None:
    paths: list[tuple[tuple[str | int, ...], str]] = [((key,), key) for key in document]
    for index, slot in enumerate(document.get("slots", [])):
        paths += [(("slots", index, key), f"slots[{index}].{key}") for key in slot]
        paths += [(("slots", index, "rect", i), f"slots[{index}].rect[{i}]") for i in range(4)]
    keys, path = data.draw(st.sampled_from(paths))
    holder: Any = document
    for key in keys[:-1]:
        holder = holder[key]
    spoilt = data.draw(st.sampled_from([None, True, math.nan, "", {"x": 1}, -7.5]))
    assume(spoilt is not True or keys[-1] not in ("mirror", "label"))
    holder[keys[-1]] = spoilt
    with pytest.raises(LayoutError) as caught:
        parse_layout(document)
    assert caught.value.path in (path, f"{path}.x", f"{path}.image", f"{path}.width")
