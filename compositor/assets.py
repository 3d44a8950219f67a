"""A show's own images and fonts: bytes that somebody uploaded, taken only if they are harmless."""

import io
from collections.abc import Mapping

from PIL import Image, ImageFont, ImageOps

from compositor.errors import AssetError

Assets = Mapping[str, bytes]
"""Files by their ids. The bytes of an id never change."""

IMAGE_FORMATS = ("PNG", "JPEG", "WEBP")
MAX_IMAGE_BYTES = 8 << 20
MAX_IMAGE_PIXELS = 4096 * 4096
MAX_FONT_BYTES = 16 << 20

FONT_SIGNATURES = (b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf")
"""TrueType, OpenType with CFF outlines, Apple's TrueType, a collection (OpenType 1.9, otff)."""


def image(data: bytes) -> Image.Image:
    """The picture in a PNG, JPEG or WebP file, upright, as RGBA; of an animation the first.

    Raises AssetError for anything else, and for what is too large, before any pixel is decoded.
    """
    if len(data) > MAX_IMAGE_BYTES:
        raise AssetError(f"has {len(data)} bytes; an image may have {MAX_IMAGE_BYTES}")
    try:
        with Image.open(io.BytesIO(data), formats=IMAGE_FORMATS) as opened:
            width, height = opened.size
            if width * height > MAX_IMAGE_PIXELS:
                raise _too_many_pixels()
            return ImageOps.exif_transpose(opened.convert("RGBA"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise AssetError("is no PNG, JPEG or WebP image that can be read") from error


def _too_many_pixels() -> AssetError:
    return AssetError(f"has too many pixels; an image may have {MAX_IMAGE_PIXELS}")


def font(data: bytes, size_px: float) -> ImageFont.FreeTypeFont:
    """The font in a TrueType or OpenType file, with letters `size_px` high. Raises AssetError."""
    if len(data) > MAX_FONT_BYTES:
        raise AssetError(f"has {len(data)} bytes; a font may have {MAX_FONT_BYTES}")
    if not data.startswith(FONT_SIGNATURES):
        raise AssetError("is no TrueType or OpenType font")
    try:
        return ImageFont.truetype(io.BytesIO(data), size_px)
    except (OSError, ValueError) as error:
        raise AssetError("is no TrueType or OpenType font that can be read") from error
