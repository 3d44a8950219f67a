"""The JSON of a layout: read with every fault named by its path, and written again."""

from typing import Any, get_args

from compositor.errors import LayoutError
from compositor.frame import colour
from compositor.geometry import Fractions
from compositor.layout import (
    DEFAULT_BACKGROUND,
    Easing,
    Fit,
    Layout,
    PresetName,
    Slot,
    Transition,
    TransitionKind,
)

MAX_SLOTS = 32
MAX_FEED_LENGTH = 128
MAX_Z = 1000
MAX_DURATION_MS = 10_000

EDGE_TOLERANCE = 1e-6
"""How far x + width may pass 1, for sums such as 0.1 + 0.9 in binary and sixths in decimals."""


def parse_layout(document: object) -> Layout:
    """The layout that `document`, decoded JSON, describes.

    Raises LayoutError with the path of the first fault, such as `slots[0].rect[2]`.
    """
    spec = _object(document, "", {"background", "slots", "preset", "transition"})
    background = _background(spec.get("background", DEFAULT_BACKGROUND))
    transition = _transition(spec["transition"]) if "transition" in spec else Transition()
    if "preset" in spec:
        if "slots" in spec:
            raise LayoutError("preset", "a layout has a preset or slots, not both")
        preset = _choice(spec["preset"], "preset", get_args(PresetName))
        return Layout(preset=preset, background=background, transition=transition)
    if "slots" not in spec:
        raise LayoutError("slots", "is missing; give slots, or a preset")
    return Layout(slots=_slots(spec["slots"]), background=background, transition=transition)


def layout_document(layout: Layout) -> dict[str, Any]:
    """The JSON document that `parse_layout` reads as `layout`."""
    what: dict[str, Any] = (
        {"preset": layout.preset}
        if layout.preset
        else {"slots": [_slot_document(slot) for slot in layout.slots]}
    )
    return {
        "background": layout.background,
        **what,
        "transition": _transition_document(layout.transition),
    }


def _transition_document(transition: Transition) -> dict[str, Any]:
    kind = {} if transition.kind == "move" else {"kind": transition.kind}
    return {**kind, "duration_ms": transition.duration_ms, "easing": transition.easing}


def _slot_document(slot: Slot) -> dict[str, Any]:
    key = "feed" if isinstance(slot.source, str) else "auto"
    return {key: slot.source, "rect": list(slot.rect), "fit": slot.fit, "z": slot.z}


def _slots(value: object) -> tuple[Slot, ...]:
    if not isinstance(value, list):
        raise LayoutError("slots", "must be a list")
    if len(value) > MAX_SLOTS:
        raise LayoutError("slots", f"has {len(value)} slots; at most {MAX_SLOTS} are possible")
    slots = tuple(_slot(item, f"slots[{index}]") for index, item in enumerate(value))
    seen: set[int] = set()
    for index, slot in enumerate(slots):
        if isinstance(slot.source, int):
            if slot.source in seen:
                raise LayoutError(f"slots[{index}].auto", f"{slot.source} is taken by a slot above")
            seen.add(slot.source)
    return slots


def _slot(value: object, path: str) -> Slot:
    spec = _object(value, path, {"feed", "auto", "rect", "fit", "z"})
    if ("feed" in spec) == ("auto" in spec):
        raise LayoutError(path, "must have either feed or auto")
    if "rect" not in spec:
        raise LayoutError(f"{path}.rect", "is missing")
    return Slot(
        rect=_rect(spec["rect"], f"{path}.rect"),
        source=(
            _feed(spec["feed"], f"{path}.feed")
            if "feed" in spec
            else _integer(spec["auto"], f"{path}.auto", 1, MAX_SLOTS)
        ),
        fit=_choice(spec.get("fit", "cover"), f"{path}.fit", get_args(Fit)),
        z=_integer(spec.get("z", 0), f"{path}.z", -MAX_Z, MAX_Z),
    )


def _rect(value: object, path: str) -> Fractions:
    if not isinstance(value, list) or len(value) != 4:
        raise LayoutError(path, "must be a list of x, y, width and height")
    x, y, width, height = (_fraction(item, f"{path}[{i}]") for i, item in enumerate(value))
    for index, side in ((2, width), (3, height)):
        if side <= 0:
            raise LayoutError(f"{path}[{index}]", "must be more than 0")
    for index, end, edge in ((2, x + width, "right"), (3, y + height, "bottom")):
        if end > 1 + EDGE_TOLERANCE:
            raise LayoutError(f"{path}[{index}]", f"reaches {end:g}, beyond the {edge} edge at 1")
    return x, y, width, height


def _fraction(value: object, path: str) -> float:
    # NaN fails the comparison too, and an int too large for a float is compared exactly.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise LayoutError(path, "must be a number from 0 to 1")
    return float(value)


def _feed(value: object, path: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_FEED_LENGTH:
        raise LayoutError(path, f"must be a feed's id, 1 to {MAX_FEED_LENGTH} characters")
    return value


def _background(value: object) -> str:
    if not isinstance(value, str):
        raise LayoutError("background", "must be a colour such as #101418")
    try:
        colour(value)
    except ValueError as error:
        raise LayoutError("background", "must be a colour such as #101418") from error
    return value


def _transition(value: object) -> Transition:
    spec = _object(value, "transition", {"kind", "duration_ms", "easing"})
    return Transition(
        _integer(spec.get("duration_ms", 0), "transition.duration_ms", 0, MAX_DURATION_MS),
        _choice(spec.get("easing", "linear"), "transition.easing", get_args(Easing)),
        _choice(spec.get("kind", "move"), "transition.kind", get_args(TransitionKind)),
    )


def _object(value: object, path: str, keys: set[str]) -> dict[str, object]:
    if not isinstance(value, dict):
        raise LayoutError(path, "must be an object")
    for key in value:
        if key not in keys:
            where = f"{path}.{key}" if path else str(key)
            raise LayoutError(where, f"is not known here; known are {', '.join(sorted(keys))}")
    return value


def _integer(value: object, path: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise LayoutError(path, f"must be a whole number from {low} to {high}")
    return value


def _choice(value: object, path: str, choices: tuple[Any, ...]) -> Any:
    if not isinstance(value, str) or value not in choices:
        raise LayoutError(path, f"must be one of {', '.join(choices)}")
    return value
