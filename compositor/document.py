"""Values out of decoded JSON, each read with its path so that a fault can be named by it."""

import re
from typing import Any

from compositor.errors import LayoutError
from compositor.geometry import Fractions

EDGE_TOLERANCE = 1e-6
"""How far x + width may pass 1, for sums such as 0.1 + 0.9 in binary and sixths in decimals."""


def fields(value: object, path: str, keys: set[str]) -> dict[str, object]:
    """The object `value`, in which only `keys` may be."""
    if not isinstance(value, dict):
        raise LayoutError(path, "must be an object")
    for key in value:
        if key not in keys:
            raise LayoutError(
                below(path, str(key)), f"is not known here; known are {', '.join(sorted(keys))}"
            )
    return value


def below(path: str, key: str) -> str:
    """The path of `key` in the object at `path`."""
    return f"{path}.{key}" if path else key


def required(spec: dict[str, object], key: str, path: str) -> object:
    """The value of `key` in the object at `path`."""
    if key not in spec:
        raise LayoutError(below(path, key), "is missing")
    return spec[key]


def items(value: object, path: str, what: str, most: int) -> list[object]:
    """The list `value` of at most `most` things called `what`."""
    if not isinstance(value, list):
        raise LayoutError(path, "must be a list")
    if len(value) > most:
        raise LayoutError(path, f"has {len(value)} {what}; at most {most} are possible")
    return value


def number(value: object, path: str, low: float, high: float) -> float:
    """The number `value`, from `low` to `high`."""
    # NaN fails the comparison too, and an int too large for a float is compared exactly.
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise LayoutError(path, f"must be a number from {low:g} to {high:g}")
    return float(value)


def integer(value: object, path: str, low: int, high: int) -> int:
    """The whole number `value`, from `low` to `high`; `2.0` is one, as it is to JSON Schema."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise LayoutError(path, f"must be a whole number from {low} to {high}")
    return value


def boolean(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise LayoutError(path, "must be true or false")
    return value


def choice(value: object, path: str, choices: tuple[Any, ...]) -> Any:
    """The one of `choices` that `value` is."""
    if not isinstance(value, str) or value not in choices:
        raise LayoutError(path, f"must be one of {', '.join(choices)}")
    return value


def text(value: object, path: str, what: str, longest: int, shortest: int = 1) -> str:
    """The string `value`, of `shortest` to `longest` characters, which is `what`."""
    if not isinstance(value, str) or not shortest <= len(value) <= longest:
        raise LayoutError(path, f"must be {what}, {shortest} to {longest} characters")
    return value


def rectangle(value: object, path: str) -> Fractions:
    """x, y, width and height as fractions that stay within 0 to 1."""
    if not isinstance(value, list) or len(value) != 4:
        raise LayoutError(path, "must be a list of x, y, width and height")
    x, y, width, height = (number(item, f"{path}[{i}]", 0, 1) for i, item in enumerate(value))
    for index, side in ((2, width), (3, height)):
        if side <= 0:
            raise LayoutError(f"{path}[{index}]", "must be more than 0")
    for index, end, edge in ((2, x + width, "right"), (3, y + height, "bottom")):
        if end > 1 + EDGE_TOLERANCE:
            raise LayoutError(f"{path}[{index}]", f"reaches {end:g}, beyond the {edge} edge at 1")
    return x, y, width, height


def point(value: object, path: str) -> tuple[float, float]:
    """x and y as fractions."""
    if not isinstance(value, list) or len(value) != 2:
        raise LayoutError(path, "must be a list of x and y")
    x, y = (number(item, f"{path}[{i}]", 0, 1) for i, item in enumerate(value))
    return x, y


def opaque_colour(value: object, path: str) -> str:
    """A colour written `#rrggbb`."""
    if not isinstance(value, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise LayoutError(path, "must be a colour such as #101418")
    return value


def tint(value: object, path: str) -> str:
    """A colour written `#rrggbb`, or `#rrggbbaa` with its opacity."""
    if not isinstance(value, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}(?:[0-9a-fA-F]{2})?", value):
        raise LayoutError(path, "must be a colour such as #101418, or #10141880 with its opacity")
    return value
