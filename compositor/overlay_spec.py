"""The JSON of overlays: read with every fault named by its path, and written again."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

from compositor.document import (
    boolean,
    choice,
    fields,
    integer,
    items,
    number,
    opaque_colour,
    rectangle,
    required,
    text,
    tint,
)
from compositor.errors import LayoutError
from compositor.geometry import Fractions
from compositor.layout import Fit
from compositor.overlay import (
    Clock,
    Countdown,
    LowerThird,
    Overlay,
    Picture,
    Product,
    QrCode,
    Style,
    Text,
    Ticker,
    VerticalAlign,
)
from compositor.spec import MAX_ID_LENGTH
from compositor.text import Align

MAX_OVERLAYS = 32
MAX_TELLING = 4.0
"""The area in which clocks, countdowns and products may be, together, in canvases: they are drawn
again every second, and with every unit that is sold."""
MAX_TEXT_LENGTH = 1000
MAX_LINE_LENGTH = 120
MAX_TICKER_LENGTH = 500
MAX_QR_LENGTH = 500
MAX_SAID_LENGTH = 40
"""Of the words around a number or a price."""
SIZES = (0.01, 0.5)
WEIGHTS = (100, 900)
MAX_OUTLINE = 0.25
MAX_SPEED = 1.0
MAX_TIME_S = 253_402_300_799
"""The last second of the year 9999."""

PRODUCT_WORDS = "pinned, or a product's id"

STYLE = {"size", "colour", "weight", "font", "align", "valign", "outline", "box"}

LOWER_THIRD_RECT: Fractions = (0.05, 0.72, 0.9, 0.2)
TICKER_RECT: Fractions = (0.0, 0.93, 1.0, 0.07)


def parse_overlays(document: object) -> tuple[Overlay, ...]:
    """The overlays that `document`, a decoded JSON list, describes, the last one on top.

    Raises LayoutError with the path of the first fault, such as `[0].rect[2]`.
    """
    listed = items(document, "", "overlays", MAX_OVERLAYS)
    overlays = tuple(_overlay(item, f"[{index}]") for index, item in enumerate(listed))
    area = 0.0
    for index, overlay in enumerate(overlays):
        if isinstance(overlay, Clock | Countdown | Product):
            area += overlay.rect[2] * overlay.rect[3]
            if area > MAX_TELLING:
                raise LayoutError(
                    f"[{index}].rect",
                    f"makes the areas of clocks, countdowns and products {area:.3g} canvases"
                    f" together; {MAX_TELLING:g} are possible",
                )
    return overlays


def overlays_document(overlays: tuple[Overlay, ...]) -> list[dict[str, Any]]:
    """The JSON document that `parse_overlays` reads as `overlays`."""
    return [_document(overlay) for overlay in overlays]


def _document(overlay: Overlay) -> dict[str, Any]:
    document = {"kind": _KIND_OF[type(overlay)], **asdict(overlay)}
    document["rect"] = list(overlay.rect)
    if "until_s" in document:
        document["until"] = document.pop("until_s")
    style, plain = document.pop("style", {}), Style()
    width, colour = style.pop("outline", 0), style.pop("outline_colour", "")
    if style and (width, colour) != (plain.outline, plain.outline_colour):
        style["outline"] = {"width": width, "colour": colour}
    return document | {key: value for key, value in style.items() if value != ""}


def _overlay(value: object, path: str) -> Overlay:
    if not isinstance(value, dict):
        raise LayoutError(path, "must be an object")
    kind = choice(required(value, "kind", path), f"{path}.kind", tuple(KINDS))
    keys, read = KINDS[kind]
    return read(fields(value, path, keys | {"kind", "rect"}), path)


def _text(spec: dict[str, object], path: str) -> Text:
    words = text(required(spec, "text", path), f"{path}.text", "a text", MAX_TEXT_LENGTH)
    return Text(_rect(spec, path), words, _style(spec, path, Style()))


def _picture(spec: dict[str, object], path: str) -> Picture:
    image = required(spec, "image", path)
    return Picture(
        _rect(spec, path),
        text(image, f"{path}.image", "an asset's id", MAX_ID_LENGTH),
        choice(spec.get("fit", "contain"), f"{path}.fit", get_args(Fit)),
        number(spec.get("opacity", 1), f"{path}.opacity", 0, 1),
    )


def _clock(spec: dict[str, object], path: str) -> Clock:
    return Clock(
        _rect(spec, path),
        _zone(spec.get("zone", "UTC"), f"{path}.zone"),
        boolean(spec.get("seconds", False), f"{path}.seconds"),
        _style(spec, path, Style()),
    )


def _zone(value: object, path: str) -> str:
    name = text(value, path, "a time zone such as Europe/Berlin", MAX_ID_LENGTH)
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise LayoutError(path, "must be a time zone such as Europe/Berlin") from error
    return name


def _countdown(spec: dict[str, object], path: str) -> Countdown:
    return Countdown(
        _rect(spec, path),
        _moment(required(spec, "until", path), f"{path}.until"),
        text(spec.get("done", ""), f"{path}.done", "a text", MAX_LINE_LENGTH, 0),
        _style(spec, path, Style()),
    )


def _moment(value: object, path: str) -> float:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = datetime.min
        if moment.tzinfo is None:
            raise LayoutError(path, "must be a time with its offset, as 2026-11-27T20:00:00+01:00")
        value = moment.timestamp()
    return number(value, path, 0, MAX_TIME_S)


def _qr(spec: dict[str, object], path: str) -> QrCode:
    return QrCode(
        _rect(spec, path),
        text(required(spec, "data", path), f"{path}.data", "a text", MAX_QR_LENGTH),
        opaque_colour(spec.get("dark", "#000000"), f"{path}.dark"),
        opaque_colour(spec.get("light", "#ffffff"), f"{path}.light"),
    )


def _lower_third(spec: dict[str, object], path: str) -> LowerThird:
    title, plain = required(spec, "title", path), LowerThird(LOWER_THIRD_RECT, "")
    return LowerThird(
        _rect(spec, path, plain.rect),
        text(title, f"{path}.title", "a text", MAX_LINE_LENGTH),
        text(spec.get("subtitle", ""), f"{path}.subtitle", "a text", MAX_LINE_LENGTH, 0),
        tint(spec.get("accent", plain.accent), f"{path}.accent"),
        _style(spec, path, plain.style),
    )


def _ticker(spec: dict[str, object], path: str) -> Ticker:
    words, plain = required(spec, "text", path), Ticker(TICKER_RECT, "")
    return Ticker(
        _rect(spec, path, plain.rect),
        text(words, f"{path}.text", "a text", MAX_TICKER_LENGTH),
        number(spec.get("speed", plain.speed), f"{path}.speed", 0, MAX_SPEED),
        _style(spec, path, plain.style),
    )


def _rect(spec: Mapping[str, object], path: str, usual: Fractions | None = None) -> Fractions:
    if usual is not None and "rect" not in spec:
        return usual
    return rectangle(required(dict(spec), "rect", path), f"{path}.rect")


def _style(spec: Mapping[str, object], path: str, plain: Style) -> Style:
    outline, outline_colour = plain.outline, plain.outline_colour
    if "outline" in spec:
        line = fields(spec["outline"], f"{path}.outline", {"width", "colour"})
        width = required(line, "width", f"{path}.outline")
        outline = number(width, f"{path}.outline.width", 0, MAX_OUTLINE)
        outline_colour = tint(line.get("colour", outline_colour), f"{path}.outline.colour")
    return Style(
        size=number(spec.get("size", plain.size), f"{path}.size", *SIZES),
        colour=tint(spec.get("colour", plain.colour), f"{path}.colour"),
        weight=integer(spec.get("weight", plain.weight), f"{path}.weight", *WEIGHTS),
        font=text(spec["font"], f"{path}.font", "an asset's id", MAX_ID_LENGTH)
        if "font" in spec
        else plain.font,
        align=choice(spec.get("align", plain.align), f"{path}.align", get_args(Align)),
        valign=choice(spec.get("valign", plain.valign), f"{path}.valign", get_args(VerticalAlign)),
        outline=outline,
        outline_colour=outline_colour,
        box=tint(spec["box"], f"{path}.box") if "box" in spec else plain.box,
    )


def _product(spec: dict[str, object], path: str) -> Product:
    plain = Product(LOWER_THIRD_RECT, "")
    return Product(
        _rect(spec, path),
        text(required(spec, "product", path), f"{path}.product", PRODUCT_WORDS, MAX_ID_LENGTH),
        text(spec.get("qr", plain.qr), f"{path}.qr", "an address", MAX_QR_LENGTH, 0),
        text(spec.get("left", plain.left), f"{path}.left", "a text", MAX_SAID_LENGTH, 0),
        text(spec.get("prices", plain.prices), f"{path}.prices", "a text", MAX_SAID_LENGTH),
        tint(spec.get("accent", plain.accent), f"{path}.accent"),
        _style(spec, path, plain.style),
    )


Reader = Callable[[dict[str, object], str], Overlay]

KINDS: Mapping[str, tuple[set[str], Reader]] = {
    "text": ({"text"} | STYLE, _text),
    "image": ({"image", "fit", "opacity"}, _picture),
    "clock": ({"zone", "seconds"} | STYLE, _clock),
    "countdown": ({"until", "done"} | STYLE, _countdown),
    "qr": ({"data", "dark", "light"}, _qr),
    "lower-third": ({"title", "subtitle", "accent"} | STYLE, _lower_third),
    "ticker": ({"text", "speed"} | STYLE, _ticker),
    "product": ({"product", "qr", "left", "prices", "accent"} | STYLE, _product),
}

_KIND_OF: Mapping[type[Overlay], str] = {
    Text: "text",
    Picture: "image",
    Clock: "clock",
    Countdown: "countdown",
    QrCode: "qr",
    LowerThird: "lower-third",
    Ticker: "ticker",
    Product: "product",
}
