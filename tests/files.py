"""Files that people upload."""

import io
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
