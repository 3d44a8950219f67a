"""What lies over a canvas whatever its layout: words, images, clocks, codes, products.

Rectangles are fractions of the canvas, sizes of letters fractions of its shorter side, colours
`#rrggbb` or `#rrggbbaa`. Times are unix seconds.
"""

from dataclasses import dataclass
from typing import Literal

from compositor.assets import BOLD
from compositor.geometry import Fractions
from compositor.layout import Fit
from compositor.text import Align

VerticalAlign = Literal["top", "middle", "bottom"]


@dataclass(frozen=True, slots=True)
class Style:
    """How words look: `font` is an asset's id, `outline` a fraction of the letters' size."""

    size: float = 0.05
    colour: str = "#ffffff"
    weight: int = BOLD
    font: str = ""
    align: Align = "left"
    valign: VerticalAlign = "top"
    outline: float = 0.0
    outline_colour: str = "#000000"
    box: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Words, wrapped to the rectangle; what does not fit is cut off with an ellipsis."""

    rect: Fractions
    text: str
    style: Style = Style()


@dataclass(frozen=True, slots=True)
class Picture:
    """An image, by its asset's id, with its alpha."""

    rect: Fractions
    image: str
    fit: Fit = "contain"
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of day in `zone`, an IANA name."""

    rect: Fractions
    zone: str = "UTC"
    seconds: bool = False
    style: Style = Style()


@dataclass(frozen=True, slots=True)
class Countdown:
    """The time that is left, and `done` when none is."""

    rect: Fractions
    until_s: float
    done: str = ""
    style: Style = Style()


@dataclass(frozen=True, slots=True)
class QrCode:
    """`data`, mostly an address, for viewers' phones."""

    rect: Fractions
    data: str
    dark: str = "#000000"
    light: str = "#ffffff"


@dataclass(frozen=True, slots=True)
class LowerThird:
    """Who or what is seen: two lines on a plate with a bar of `accent` before it."""

    rect: Fractions
    title: str
    subtitle: str = ""
    accent: str = "#ff5c5c"
    style: Style = Style(size=0.065, box="#0f1218e0")


@dataclass(frozen=True, slots=True)
class Ticker:
    """Words that run through a band for ever; `speed` is in canvas widths a second."""

    rect: Fractions
    text: str
    speed: float = 0.08
    style: Style = Style(size=0.05, box="#0f1218e0")


@dataclass(frozen=True, slots=True)
class Product:
    """A product for sale, on a card that fills the rectangle: its Card says what is on it.

    `product` is its id, or PINNED. `qr` is an address for viewers' phones, in which `{id}` and
    `{handle}` stand for the product's; "" is none. `left` says how many are left, `{count}` being
    the number, and `prices` what is said of a `{price}` that is the lowest of several.
    """

    rect: Fractions
    product: str
    qr: str = ""
    left: str = "{count} left"
    prices: str = "from {price}"
    accent: str = "#c01c3c"
    style: Style = Style(size=0.065, colour="#14181f", valign="middle", box="#fffffff2")


PINNED = "pinned"
"""In place of an id: whatever product is pinned."""

Overlay = Text | Picture | Clock | Countdown | QrCode | LowerThird | Ticker | Product
