"""A show's own images and fonts: bytes that somebody uploaded, taken only if they are harmless."""

import io
from collections.abc import Mapping

from PIL import Image, ImageFont, ImageOps

from compositor.errors import AssetError

Assets = Mapping[str, bytes]
"""Files by their ids. The bytes of an id never change."""

IMAGE_FORMATS = ("PNG", "JPEG", "WEBP")
MAX_IMAGE_BYTES = 8 << 20
MAX_IMAGE_SIDE = 4096
"""Of either side: to scale a long thin line takes seconds too."""

MAX_FONT_BYTES = 16 << 20

FONT_SIGNATURES = (b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf")
"""TrueType, OpenType with CFF outlines, Apple's TrueType, a collection (OpenType 1.9, otff)."""

REGULAR = 400
BOLD = 700

SAMPLE = "".join(
    chr(code)
    for first, end in (
        (0x20, 0x7F),  # ASCII
        (0xA0, 0x180),  # Latin with accents
        (0x386, 0x3CF),  # Greek
        (0x400, 0x460),  # Cyrillic
        (0x5D0, 0x5EB),  # Hebrew
        (0x620, 0x64B),  # Arabic
        (0x904, 0x940),  # Devanagari
        (0xE01, 0xE2F),  # Thai
        (0x2010, 0x2027),  # dashes, quotation marks, the ellipsis
        (0x20A0, 0x20C0),  # currencies
        (0x3041, 0x30FF),  # Kana
        (0x4E00, 0x4E40),  # Han
        (0xAC00, 0xAC20),  # Hangul
        (0xFFFF, 0x10000),  # what is shown for a letter that is not there
    )
    for code in range(first, end)
)
"""Letters that must be drawable in a font; those that it does not have are."""

LARGEST_LETTER = 20
"""Of the font's size."""


def image(data: bytes) -> Image.Image:
    """The picture in a PNG, JPEG or WebP file, upright, as RGBA; of an animation the first.

    Raises AssetError for anything else, and for what is too large, before any pixel is decoded.
    """
    if len(data) > MAX_IMAGE_BYTES:
        raise AssetError(f"has {len(data)} bytes; an image may have {MAX_IMAGE_BYTES}")
    try:
        with Image.open(io.BytesIO(data), formats=IMAGE_FORMATS) as opened:
            if max(opened.size) > MAX_IMAGE_SIDE:
                raise _too_many_pixels()
            return ImageOps.exif_transpose(opened.convert("RGBA"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise AssetError("is no PNG, JPEG or WebP image that can be read") from error


def _too_many_pixels() -> AssetError:
    return AssetError(f"has too many pixels; an image may have {MAX_IMAGE_SIDE} × {MAX_IMAGE_SIDE}")


def font(data: bytes, size_px: float, weight: int = REGULAR) -> ImageFont.FreeTypeFont:
    """The font in a TrueType or OpenType file, with letters `size_px` high, of that weight if it
    has several. Raises AssetError; letters that are damaged raise anything when they are drawn.
    """
    if len(data) > MAX_FONT_BYTES:
        raise AssetError(f"has {len(data)} bytes; a font may have {MAX_FONT_BYTES}")
    if not data.startswith(FONT_SIGNATURES):
        raise AssetError("is no TrueType or OpenType font")
    try:
        letters = ImageFont.truetype(io.BytesIO(data), size_px)
        set_weight(letters, weight)
    except Exception as error:
        raise AssetError("is no TrueType or OpenType font that can be read") from error
    return letters


def set_weight(font: ImageFont.FreeTypeFont, weight: int) -> None:
    """Choose `weight` where the font has such an axis."""
    try:
        axes = font.get_variation_axes()
    except OSError:
        return
    font.set_variation_by_axes(
        [
            min(max(weight, axis["minimum"] or 0), axis["maximum"] or 0)
            if axis["name"] == b"Weight"
            else axis["default"] or 0
            for axis in axes
        ]
    )


def check_font(data: bytes) -> None:
    """Draw many of the letters in a font, thin and bold, small and large, with an outline and
    without. Takes a while. Raises AssetError if that fails.
    """
    for size_px, weight, outline_px in ((16, REGULAR, 0), (60, BOLD, 2)):
        letters = font(data, size_px, weight)
        try:
            letters.getlength(SAMPLE)
            for letter in SAMPLE:
                if max(map(abs, letters.getbbox(letter))) > LARGEST_LETTER * size_px:
                    raise ValueError(f"{letter!r} is monstrous")
                letters.getmask2(letter, stroke_width=outline_px)
        except Exception as error:
            raise AssetError("is a font with letters that cannot be drawn") from error
