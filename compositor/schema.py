"""The JSON Schemas (2020-12) of what spec.py and overlay_spec.py read.

What a schema cannot say, the readers say: that a rectangle ends within the canvas, that an
`auto` number is used once, that a time zone exists.
"""

from collections.abc import Mapping
from typing import Any, get_args

from compositor.layout import (
    DEFAULT_BACKGROUND,
    FULL,
    PLAIN_VIEW,
    Border,
    Corner,
    Easing,
    Fit,
    Label,
    PresetName,
    Slot,
    Transition,
    TransitionKind,
)
from compositor.overlay import (
    Clock,
    LowerThird,
    Picture,
    Product,
    QrCode,
    Style,
    Ticker,
    VerticalAlign,
)
from compositor.overlay_spec import (
    LOWER_THIRD_RECT,
    MAX_LINE_LENGTH,
    MAX_OUTLINE,
    MAX_OVERLAYS,
    MAX_QR_LENGTH,
    MAX_SAID_LENGTH,
    MAX_SPEED,
    MAX_TEXT_LENGTH,
    MAX_TICKER_LENGTH,
    MAX_TIME_S,
    PRODUCT_WORDS,
    SIZES,
    TICKER_RECT,
    WEIGHTS,
)
from compositor.spec import (
    LABEL_SIZES,
    MAX_BORDER,
    MAX_DURATION_MS,
    MAX_ID_LENGTH,
    MAX_LABEL_LENGTH,
    MAX_SLOTS,
    MAX_Z,
)
from compositor.text import Align

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _number(low: float, high: float, usual: float | None = None) -> Schema:
    return _usual({"type": "number", "minimum": low, "maximum": high}, usual)


def _integer(low: int, high: int, usual: int | None = None) -> Schema:
    return _usual({"type": "integer", "minimum": low, "maximum": high}, usual)


def _text(longest: int, shortest: int = 1, usual: str | None = None) -> Schema:
    return _usual({"type": "string", "minLength": shortest, "maxLength": longest}, usual)


def _one_of(choices: object, usual: str | None = None) -> Schema:
    return _usual({"enum": list(get_args(choices))}, usual)


def _boolean(usual: bool) -> Schema:
    return {"type": "boolean", "default": usual}


def _colour(usual: str) -> Schema:
    return {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$", "default": usual}


def _tint(usual: str | None = None) -> Schema:
    return _usual({"type": "string", "pattern": "^#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?$"}, usual)


def _usual(schema: Schema, usual: object) -> Schema:
    return schema if usual is None else {**schema, "default": usual}


def _point(usual: tuple[float, ...]) -> Schema:
    return _fractions([{"minimum": 0}] * 2, usual, "x and y as fractions")


def _rect(usual: tuple[float, ...] | None = None) -> Schema:
    sides = [{"minimum": 0}, {"minimum": 0}, {"exclusiveMinimum": 0}, {"exclusiveMinimum": 0}]
    return _fractions(sides, usual, "x, y, width and height as fractions; ends within 1")


def _fractions(lows: list[Schema], usual: tuple[float, ...] | None, what: str) -> Schema:
    schema: Schema = {
        "description": what,
        "type": "array",
        "prefixItems": [{"type": "number", **low, "maximum": 1} for low in lows],
        "items": False,
        "minItems": len(lows),
    }
    return _usual(schema, None if usual is None else list(usual))


def _object(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_TRANSITION = _object(
    {
        "kind": _one_of(TransitionKind, Transition().kind),
        "duration_ms": _integer(0, MAX_DURATION_MS, Transition().duration_ms),
        "easing": _one_of(Easing, Transition().easing),
    }
)

_BACKGROUND: Schema = {
    "anyOf": [
        _colour(DEFAULT_BACKGROUND),
        _object({"image": _text(MAX_ID_LENGTH), "fit": _one_of(Fit, "cover")}, ("image",)),
    ]
}

_LABEL: Schema = {
    "description": "the feed's name, or another text",
    "anyOf": [
        _boolean(False),
        _object(
            {
                "text": _text(MAX_LABEL_LENGTH, 0, Label().text),
                "at": _one_of(Corner, Label().at),
                "size": _number(*LABEL_SIZES, Label().size),
                "colour": _tint(Label().colour),
                "box": _tint(Label().box),
            }
        ),
    ],
}

_SLOT: Schema = {
    **_object(
        {
            "feed": {"description": "a feed's id", **_text(MAX_ID_LENGTH)},
            "auto": {"description": "n: the n-th admitted feed", **_integer(1, MAX_SLOTS)},
            "rect": _rect(),
            "fit": _one_of(Fit, PLAIN_VIEW.fit),
            "focus": _point(PLAIN_VIEW.focus),
            "crop": _rect(PLAIN_VIEW.crop),
            "mirror": _boolean(PLAIN_VIEW.mirror),
            "z": _integer(-MAX_Z, MAX_Z, 0),
            "radius": {
                "description": "of the slot's shorter side",
                **_number(0, 0.5, Slot(FULL, 1).radius),
            },
            "border": _object(
                {
                    "width": {
                        "description": "of the canvas's shorter side",
                        **_number(0, MAX_BORDER),
                    },
                    "colour": _colour(Border(0).colour),
                },
                ("width",),
            ),
            "opacity": _number(0, 1, Slot(FULL, 1).opacity),
            "label": _LABEL,
        },
        ("rect",),
    ),
    "oneOf": [{"required": ["feed"]}, {"required": ["auto"]}],
}

LAYOUT: Schema = {
    "$schema": DIALECT,
    "title": "Layout of a canvas",
    **_object(
        {
            "background": _BACKGROUND,
            "slots": {"type": "array", "maxItems": MAX_SLOTS, "items": _SLOT},
            "preset": _one_of(PresetName),
            "corner": _one_of(Corner),
            "transition": _TRANSITION,
        }
    ),
    "oneOf": [{"required": ["preset"]}, {"required": ["slots"]}],
    "dependentSchemas": {"corner": {"properties": {"preset": {"const": "picture-in-picture"}}}},
    "dependentRequired": {"corner": ["preset"]},
}


def _style(plain: Style) -> Schema:
    return {
        "size": {"description": "of the canvas's shorter side", **_number(*SIZES, plain.size)},
        "colour": _tint(plain.colour),
        "weight": _integer(*WEIGHTS, plain.weight),
        "font": {"description": "an asset's id", **_text(MAX_ID_LENGTH)},
        "align": _one_of(Align, plain.align),
        "valign": _one_of(VerticalAlign, plain.valign),
        "outline": _object(
            {
                "width": {"description": "of the letters' size", **_number(0, MAX_OUTLINE)},
                "colour": _tint(plain.outline_colour),
            },
            ("width",),
        ),
        "box": _tint(plain.box or None),
    }


def _overlay(kind: str, properties: Schema, required: tuple[str, ...]) -> Schema:
    schema = _object({"kind": {"const": kind}, "rect": _rect(), **properties}, ("kind", *required))
    return {"title": kind, **schema}


_UNTIL: Schema = {
    "description": "unix seconds, or a time with its offset as 2026-11-27T20:00:00+01:00",
    "anyOf": [_number(0, MAX_TIME_S), {"type": "string", "format": "date-time"}],
}

_CLOCK, _CODE = Clock(FULL), QrCode(FULL, "")
_LOWER_THIRD, _TICKER = LowerThird(FULL, ""), Ticker(FULL, "")
_PRODUCT = Product(FULL, "")

_OVERLAYS = [
    _overlay("text", {"text": _text(MAX_TEXT_LENGTH), **_style(Style())}, ("rect", "text")),
    _overlay(
        "image",
        {
            "image": {"description": "an asset's id", **_text(MAX_ID_LENGTH)},
            "fit": _one_of(Fit, Picture(FULL, "").fit),
            "opacity": _number(0, 1, 1),
        },
        ("rect", "image"),
    ),
    _overlay(
        "clock",
        {
            "zone": {"description": "of IANA", **_text(MAX_ID_LENGTH, usual=_CLOCK.zone)},
            "seconds": _boolean(_CLOCK.seconds),
            **_style(_CLOCK.style),
        },
        ("rect",),
    ),
    _overlay(
        "countdown",
        {"until": _UNTIL, "done": _text(MAX_LINE_LENGTH, 0, ""), **_style(Style())},
        ("rect", "until"),
    ),
    _overlay(
        "qr",
        {
            "data": _text(MAX_QR_LENGTH),
            "dark": _colour(_CODE.dark),
            "light": _colour(_CODE.light),
        },
        ("rect", "data"),
    ),
    _overlay(
        "lower-third",
        {
            "rect": _rect(LOWER_THIRD_RECT),
            "title": _text(MAX_LINE_LENGTH),
            "subtitle": _text(MAX_LINE_LENGTH, 0, ""),
            "accent": _tint(_LOWER_THIRD.accent),
            **_style(_LOWER_THIRD.style),
        },
        ("title",),
    ),
    _overlay(
        "ticker",
        {
            "rect": _rect(TICKER_RECT),
            "text": _text(MAX_TICKER_LENGTH),
            "speed": {
                "description": "canvas widths a second",
                **_number(0, MAX_SPEED, _TICKER.speed),
            },
            **_style(_TICKER.style),
        },
        ("text",),
    ),
    _overlay(
        "product",
        {
            "product": {"description": PRODUCT_WORDS, **_text(MAX_ID_LENGTH)},
            "qr": {
                "description": "an address; {id} and {handle} in it are the product's",
                **_text(MAX_QR_LENGTH, 0, _PRODUCT.qr),
            },
            "left": {
                "description": "{count} in it is how many are left",
                **_text(MAX_SAID_LENGTH, 0, _PRODUCT.left),
            },
            "prices": {
                "description": "of variants whose prices differ; {price} in it is the lowest",
                **_text(MAX_SAID_LENGTH, usual=_PRODUCT.prices),
            },
            "accent": _tint(_PRODUCT.accent),
            **_style(_PRODUCT.style),
        },
        ("rect", "product"),
    ),
]

OVERLAYS: Schema = {
    "$schema": DIALECT,
    "title": "Overlays of a canvas, the last one on top",
    "type": "array",
    "maxItems": MAX_OVERLAYS,
    "items": {"oneOf": _OVERLAYS},
}

SCHEMAS: Mapping[str, Schema] = {"layout.json": LAYOUT, "overlays.json": OVERLAYS}
"""By the names of their files."""
