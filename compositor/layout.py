"""What a canvas is to show: slots for feeds, independent of any size or feed."""

from dataclasses import dataclass, field
from typing import Literal

from compositor.geometry import Fractions

Fit = Literal["cover", "contain", "fill"]
"""How a picture meets a rectangle of another shape: cropped, whole with borders, or stretched."""

Easing = Literal["linear", "ease-in", "ease-out", "ease-in-out"]

TransitionKind = Literal["move", "fade", "cut"]
"""Tiles go to their new places; they fade where they are; or all is there at once."""

PresetName = Literal["solo", "side-by-side", "stack", "picture-in-picture", "grid", "spotlight"]

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]

DEFAULT_BACKGROUND = "#101418"

FULL: Fractions = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Transition:
    """How the canvas comes to this layout, and how its `auto` slots open and close; 0 ms is a
    cut."""

    duration_ms: int = 0
    easing: Easing = "linear"
    kind: TransitionKind = "move"


@dataclass(frozen=True, slots=True)
class View:
    """What of a feed's picture is seen, in fractions of that picture.

    `crop` is cut out first. Of what is left, `cover` keeps the point `focus` as near to the
    middle as it can. `mirror` swaps left and right last.
    """

    fit: Fit = "cover"
    focus: tuple[float, float] = (0.5, 0.5)
    crop: Fractions = FULL
    mirror: bool = False


PLAIN_VIEW = View()


@dataclass(frozen=True, slots=True)
class Border:
    """A line of `width`, a fraction of the canvas's shorter side, inside the slot's edge."""

    width: float
    colour: str = "#ffffff"


@dataclass(frozen=True, slots=True)
class Label:
    """A name on a tile: the feed's own if `text` is empty.

    `size` is the height of its letters as a fraction of the canvas's shorter side.
    """

    text: str = ""
    at: Corner = "bottom-left"
    size: float = 0.035
    colour: str = "#ffffff"
    box: str = "#000000a0"


@dataclass(frozen=True, slots=True)
class Slot:
    """A hole for one feed: `source` is its id, or n for the n-th admitted one, from 1.

    A slot of higher `z` lies over one of lower `z`; at the same `z` the later one is on top.
    `radius` rounds the corners, as a fraction of the slot's shorter side: 0.5 is round.
    """

    rect: Fractions
    source: str | int
    view: View = PLAIN_VIEW
    z: int = 0
    radius: float = 0.0
    border: Border | None = None
    opacity: float = 1.0
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Backdrop:
    """An image behind the slots, by its asset's id."""

    image: str
    fit: Fit = "cover"


@dataclass(frozen=True, slots=True)
class Layout:
    """Slots over a background, or a preset that makes its slots for the feeds there are.

    `corner` is where the picture in picture lies; None leaves it to the orientation.
    """

    slots: tuple[Slot, ...] = ()
    preset: PresetName | None = None
    corner: Corner | None = None
    background: str | Backdrop = DEFAULT_BACKGROUND
    transition: Transition = field(default_factory=Transition)

    @classmethod
    def empty(cls) -> "Layout":
        """No slots: what a canvas has before anybody gave it a layout."""
        return cls()
