"""What a canvas is to show: slots for feeds, independent of any size or feed."""

from dataclasses import dataclass, field
from typing import Literal

from compositor.geometry import Fractions

Fit = Literal["cover", "contain", "fill"]
"""How a picture meets a rectangle of another shape: cropped, whole with borders, or stretched."""

Easing = Literal["linear", "ease-in", "ease-out", "ease-in-out"]

TransitionKind = Literal["move", "fade", "cut"]
"""Tiles go to their new places; they fade where they are; or all is there at once."""

PresetName = Literal["solo", "side-by-side", "stack", "picture-in-picture", "grid"]

DEFAULT_BACKGROUND = "#101418"


@dataclass(frozen=True, slots=True)
class Transition:
    """How the canvas comes to this layout, and how its `auto` slots open and close; 0 ms is a
    cut."""

    duration_ms: int = 0
    easing: Easing = "linear"
    kind: TransitionKind = "move"


@dataclass(frozen=True, slots=True)
class Slot:
    """A hole for one feed: `source` is its id, or n for the n-th admitted one, from 1.

    A slot of higher `z` lies over one of lower `z`; at the same `z` the later one is on top.
    """

    rect: Fractions
    source: str | int
    fit: Fit = "cover"
    z: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """Slots over a background, or a preset that makes its slots for the feeds there are."""

    slots: tuple[Slot, ...] = ()
    preset: PresetName | None = None
    background: str = DEFAULT_BACKGROUND
    transition: Transition = field(default_factory=Transition)

    @classmethod
    def empty(cls) -> "Layout":
        """No slots: what a canvas has before anybody gave it a layout."""
        return cls()
