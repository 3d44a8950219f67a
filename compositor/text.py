"""Words as pictures: fonts, lines, letters."""

import math
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

import fontpkg
from PIL import Image, ImageDraw, ImageFont

from compositor.assets import REGULAR, set_weight
from compositor.assets import font as font_of
from compositor.geometry import even

Align = Literal["left", "center", "right"]

RGBA = tuple[int, int, int, int]

MIN_FONT_PX = 6
LINE_HEIGHT = 1.25
"""Of the size of the letters."""

ELLIPSIS = "…"

JOINERS = "\u200c\u200d"
"""Say whether the letters beside them join (Unicode 16, 23.2)."""

_ANCHORS: dict[Align, tuple[float, str]] = {
    "left": (0.0, "ls"),
    "center": (0.5, "ms"),
    "right": (1.0, "rs"),
}


class Face(NamedTuple):
    """Letters of a size in pixels. `font` is a file's bytes, or None for the default."""

    size_px: float
    weight: int = REGULAR
    font: bytes | None = None


class Outline(NamedTuple):
    """A line around the letters."""

    width_px: int
    colour: RGBA


def quarters(size_px: float) -> float:
    """`size_px` rounded down to what own fonts are loaded for."""
    return max(math.floor(size_px * 4) / 4, MIN_FONT_PX)


def typeface(face: Face) -> ImageFont.FreeTypeFont:
    """The font of `face`. The default is Noto Sans: Latin, Greek, Cyrillic and Devanagari.

    Raises AssetError.
    """
    if face.font is None:
        return _default(max(face.size_px, MIN_FONT_PX), face.weight)
    return _own(face.font, quarters(face.size_px), face.weight)


@lru_cache(maxsize=16)
def _default(size_px: float, weight: int) -> ImageFont.FreeTypeFont:
    """Each that is kept maps the file once more."""
    font = ImageFont.truetype(fontpkg.path("Noto Sans"), size_px)
    set_weight(font, weight)
    return font


@lru_cache(maxsize=8)
def _own(data: bytes, size_px: float, weight: int) -> ImageFont.FreeTypeFont:
    """Few are kept: each has the whole file in memory once more."""
    return font_of(data, size_px, weight)


def width(text: str, face: Face) -> float:
    """Of one line, in pixels."""
    return typeface(face).getlength(text)


def drawable(text: str, face: Face) -> str:
    """`text` in one line, without what the font does not have, rather than boxes for it."""
    composed, has_glyph = unicodedata.normalize("NFC", text), _repertoire(face.font)
    kept = "".join(char for char in composed if char.isspace() or has_glyph(char))
    return " ".join(kept.split())


@lru_cache(maxsize=8)
def _repertoire(font: bytes | None) -> Callable[[str], bool]:
    """Whether a character can be drawn, by font: an old font is forgotten with its characters."""

    @lru_cache(maxsize=4096)
    def has_glyph(char: str) -> bool:
        category = unicodedata.category(char)
        if category in ("Mn", "Mc") or char in JOINERS:
            return True
        if category.startswith("C"):
            return False
        letters = typeface(Face(24, font=font))
        return _bits(letters, char) not in (b"", _bits(letters, "\uffff"))

    return has_glyph


def _bits(letters: ImageFont.FreeTypeFont, char: str) -> bytes:
    return bytes(letters.getmask(char))


def from_right(text: str) -> bool:
    """Whether `text` is read from the right, as its first letter is (Unicode annex 9, P2)."""
    kinds = (unicodedata.bidirectional(char) for char in text)
    return next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L"


def lines(text: str, face: Face, room: float, most: int) -> list[str]:
    """`text` in lines of at most `room` pixels, at most `most` of them, the last one shortened.

    Lines break where the text has line breaks, at spaces, and within words that are too long.
    """
    wrapped = [
        line for given in text.splitlines() for line in _wrapped(drawable(given, face), face, room)
    ]
    if len(wrapped) > most:
        wrapped = [*wrapped[: most - 1], wrapped[most - 1] + ELLIPSIS] if most else []
    return [shortened(line, face, room) for line in wrapped]


def _wrapped(text: str, face: Face, room: float) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if width(longer, face) <= room:
            line = longer
            continue
        if line:
            yield line
        while width(word, face) > room and len(word) > 1:
            kept = _fitting(word, face, room)
            yield word[:kept]
            word = word[kept:]
        line = word
    yield line


def _fitting(word: str, face: Face, room: float) -> int:
    """How many characters of `word` fit, at least one."""
    low, high = 1, len(word)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width(word[:middle], face) <= room else (low, middle - 1)
    return low


def shortened(text: str, face: Face, room: float) -> str:
    """`text`, or as much of it as fits with an ellipsis."""
    if width(text, face) <= room:
        return text
    body = text.removesuffix(ELLIPSIS)
    kept = _fitting(body, face, room - width(ELLIPSIS, face)) if body else 0
    return body[:kept].rstrip() + ELLIPSIS


def lettering(
    text: list[str],
    face: Face,
    colour: RGBA,
    align: Align = "left",
    outline: Outline | None = None,
    padding_px: int = 0,
) -> Image.Image:
    """The lines as RGBA, just large enough, with `padding_px` beside them and a third of it
    above and below; sides are even."""
    letters = typeface(face)
    edge = outline.width_px if outline else 0
    step = face.size_px * LINE_HEIGHT
    longest = max((letters.getlength(line) for line in text), default=0.0)
    around, above = padding_px + edge, padding_px // 3 + edge
    image = Image.new(
        "RGBA",
        (even(longest + 2 * around + 1), even(step * len(text) + 2 * above + 1)),
        (*colour[:3], 0),
    )
    draw = ImageDraw.Draw(image)
    share, anchor = _ANCHORS[align]
    for number, line in enumerate(text):
        draw.text(
            (around + share * longest, above + step * number + face.size_px),
            line,
            colour,
            letters,
            anchor,
            stroke_width=edge,
            stroke_fill=outline.colour if outline else None,
        )
    return image


def rgba(tint: str) -> RGBA:
    """The colour `#rrggbb` or `#rrggbbaa`."""
    red, green, blue, alpha = bytes.fromhex(f"{tint[1:]}ff"[:8])
    return red, green, blue, alpha


@lru_cache(maxsize=32)
def plate(size: tuple[int, int], colour: RGBA, radius_px: int) -> Image.Image:
    """A smooth rounded rectangle of one colour, as RGBA. Not to be drawn on: make a copy."""
    image = Image.new("RGBA", size, colour)
    if radius_px:
        fine = 8
        side = min(radius_px, *(length // 2 for length in size))
        square = Image.new("L", (2 * side * fine, 2 * side * fine))
        ImageDraw.Draw(square).ellipse((0, 0, square.width - 1, square.height - 1), colour[3])
        disc = square.resize((2 * side, 2 * side), Image.Resampling.BOX)
        shape = Image.new("L", size, colour[3])
        for x, to_x in ((0, 0), (side, size[0] - side)):
            for y, to_y in ((0, 0), (side, size[1] - side)):
                shape.paste(disc.crop((x, y, x + side, y + side)), (to_x, to_y))
        image.putalpha(shape)
    return image
