"""Files that people upload."""

import io
import struct
from pathlib import Path

import fontpkg
from PIL import Image


def image_file(kind: str = "PNG", size: tuple[int, int] = (8, 6), colour: str = "#ff0000") -> bytes:
    """An image of one colour as a PNG, JPEG, WEBP … file."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def font_file() -> bytes:
    """A TrueType font."""
    return Path(fontpkg.path("Noto Sans")).read_bytes()


def arabic_font_file() -> bytes:
    """A TrueType font with letters that join and are read from the right."""
    return Path(fontpkg.path("Noto Sans Arabic")).read_bytes()


def table(font: bytes, tag: bytes) -> slice:
    """Where that table of a TrueType font lies in it (OpenType 1.9, otff)."""
    entry = font.index(tag, 12)
    start, length = struct.unpack_from(">II", font, entry + 8)
    return slice(start, start + length)


def spoilt_font(tag: bytes) -> bytes:
    """A TrueType font of which one table is overwritten."""
    font = bytearray(font_file())
    spoilt = table(bytes(font), tag)
    font[spoilt] = b"\x7f" * (spoilt.stop - spoilt.start)
    return bytes(font)
