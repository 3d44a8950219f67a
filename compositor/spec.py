"""The JSON of a layout: read with every fault named by its path, and written again."""

from dataclasses import fields as dataclass_fields
from typing import Any, get_args

from compositor.document import (
    boolean,
    choice,
    fields,
    integer,
    items,
    number,
    opaque_colour,
    point,
    rectangle,
    required,
    text,
    tint,
)
from compositor.errors import LayoutError
from compositor.layout import (
    DEFAULT_BACKGROUND,
    PLAIN_VIEW,
    Backdrop,
    Border,
    Corner,
    Easing,
    Fit,
    Label,
    Layout,
    PresetName,
    Slot,
    Transition,
    TransitionKind,
    View,
)

MAX_SLOTS = 32
MAX_ID_LENGTH = 128
MAX_LABEL_LENGTH = 80
MAX_Z = 1000
MAX_DURATION_MS = 10_000
MAX_BORDER = 0.1
LABEL_SIZES = (0.01, 0.2)

VIEW = {"fit", "focus", "crop", "mirror"}
SLOT = {"feed", "auto", "rect", "z", "radius", "border", "opacity", "label"} | VIEW


def parse_layout(document: object) -> Layout:
    """The layout that `document`, decoded JSON, describes.

    Raises LayoutError with the path of the first fault, such as `slots[0].rect[2]`.
    """
    spec = fields(document, "", {"background", "slots", "preset", "corner", "transition"})
    background = _background(spec.get("background", DEFAULT_BACKGROUND))
    transition = _transition(spec["transition"]) if "transition" in spec else Transition()
    if "preset" in spec:
        if "slots" in spec:
            raise LayoutError("preset", "a layout has a preset or slots, not both")
        preset = choice(spec["preset"], "preset", get_args(PresetName))
        corner = _corner(spec["corner"], preset) if "corner" in spec else None
        return Layout((), preset, corner, background, transition)
    if "corner" in spec:
        raise LayoutError("corner", "belongs to the preset picture-in-picture")
    if "slots" not in spec:
        raise LayoutError("slots", "is missing; a layout has slots or a preset")
    return Layout(_slots(spec["slots"]), background=background, transition=transition)


def layout_document(layout: Layout) -> dict[str, Any]:
    """The JSON document that `parse_layout` reads as `layout`."""
    background = layout.background
    what: dict[str, Any] = (
        {"preset": layout.preset, **({"corner": layout.corner} if layout.corner else {})}
        if layout.preset
        else {"slots": [_slot_document(slot) for slot in layout.slots]}
    )
    return {
        "background": background
        if isinstance(background, str)
        else {"image": background.image, "fit": background.fit},
        **what,
        "transition": _transition_document(layout.transition),
    }


def _transition_document(transition: Transition) -> dict[str, Any]:
    kind = {} if transition.kind == "move" else {"kind": transition.kind}
    return {**kind, "duration_ms": transition.duration_ms, "easing": transition.easing}


def _slot_document(slot: Slot) -> dict[str, Any]:
    view = slot.view
    document: dict[str, Any] = {
        "feed" if isinstance(slot.source, str) else "auto": slot.source,
        "rect": list(slot.rect),
        "fit": view.fit,
        "z": slot.z,
    }
    plain = Slot(slot.rect, slot.source)
    if view.focus != plain.view.focus:
        document["focus"] = list(view.focus)
    if view.crop != plain.view.crop:
        document["crop"] = list(view.crop)
    if view.mirror:
        document["mirror"] = True
    if slot.radius != plain.radius:
        document["radius"] = slot.radius
    if slot.border:
        document["border"] = {"width": slot.border.width, "colour": slot.border.colour}
    if slot.opacity != plain.opacity:
        document["opacity"] = slot.opacity
    if slot.label:
        label = slot.label
        document["label"] = {f.name: getattr(label, f.name) for f in dataclass_fields(label)}
    return document


def _slots(value: object) -> tuple[Slot, ...]:
    listed = items(value, "slots", "slots", MAX_SLOTS)
    slots = tuple(_slot(item, f"slots[{index}]") for index, item in enumerate(listed))
    seen: set[int] = set()
    for index, slot in enumerate(slots):
        if isinstance(slot.source, int):
            if slot.source in seen:
                raise LayoutError(f"slots[{index}].auto", f"{slot.source} is taken by a slot above")
            seen.add(slot.source)
    return slots


def _slot(value: object, path: str) -> Slot:
    spec = fields(value, path, SLOT)
    if ("feed" in spec) == ("auto" in spec):
        raise LayoutError(path, "must have either feed or auto")
    return Slot(
        rect=rectangle(required(spec, "rect", path), f"{path}.rect"),
        source=(
            text(spec["feed"], f"{path}.feed", "a feed's id", MAX_ID_LENGTH)
            if "feed" in spec
            else integer(spec["auto"], f"{path}.auto", 1, MAX_SLOTS)
        ),
        view=_view({key: value for key, value in spec.items() if key in VIEW}, path),
        z=integer(spec.get("z", 0), f"{path}.z", -MAX_Z, MAX_Z),
        radius=number(spec.get("radius", 0), f"{path}.radius", 0, 0.5),
        border=_border(spec["border"], f"{path}.border") if "border" in spec else None,
        opacity=number(spec.get("opacity", 1), f"{path}.opacity", 0, 1),
        label=_label(spec.get("label", False), f"{path}.label"),
    )


def _view(spec: dict[str, object], path: str) -> View:
    plain = PLAIN_VIEW
    return View(
        fit=choice(spec.get("fit", plain.fit), f"{path}.fit", get_args(Fit)),
        focus=point(spec["focus"], f"{path}.focus") if "focus" in spec else plain.focus,
        crop=rectangle(spec["crop"], f"{path}.crop") if "crop" in spec else plain.crop,
        mirror=boolean(spec.get("mirror", plain.mirror), f"{path}.mirror"),
    )


def _border(value: object, path: str) -> Border:
    spec = fields(value, path, {"width", "colour"})
    return Border(
        number(required(spec, "width", path), f"{path}.width", 0, MAX_BORDER),
        opaque_colour(spec.get("colour", "#ffffff"), f"{path}.colour"),
    )


def _label(value: object, path: str) -> Label | None:
    if isinstance(value, bool):
        return Label() if value else None
    spec = fields(value, path, {field.name for field in dataclass_fields(Label)})
    plain = Label()
    return Label(
        text=text(spec.get("text", ""), f"{path}.text", "a name", MAX_LABEL_LENGTH, 0),
        at=choice(spec.get("at", plain.at), f"{path}.at", get_args(Corner)),
        size=number(spec.get("size", plain.size), f"{path}.size", *LABEL_SIZES),
        colour=tint(spec.get("colour", plain.colour), f"{path}.colour"),
        box=tint(spec.get("box", plain.box), f"{path}.box"),
    )


def _corner(value: object, preset: PresetName) -> Corner:
    if preset != "picture-in-picture":
        raise LayoutError("corner", "belongs to the preset picture-in-picture")
    corner: Corner = choice(value, "corner", get_args(Corner))
    return corner


def _background(value: object) -> str | Backdrop:
    if not isinstance(value, dict):
        return opaque_colour(value, "background")
    spec = fields(value, "background", {"image", "fit"})
    image = required(spec, "image", "background")
    return Backdrop(
        text(image, "background.image", "an asset's id", MAX_ID_LENGTH),
        choice(spec.get("fit", "cover"), "background.fit", get_args(Fit)),
    )


def _transition(value: object) -> Transition:
    spec = fields(value, "transition", {"kind", "duration_ms", "easing"})
    return Transition(
        integer(spec.get("duration_ms", 0), "transition.duration_ms", 0, MAX_DURATION_MS),
        choice(spec.get("easing", "linear"), "transition.easing", get_args(Easing)),
        choice(spec.get("kind", "move"), "transition.kind", get_args(TransitionKind)),
    )
