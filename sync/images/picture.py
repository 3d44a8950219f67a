"""Whether bytes are a picture that can be shown: decoded once, wholly. Pure, but takes a while."""

import io
from typing import Final, NamedTuple

from PIL import Image, UnidentifiedImageError

MAX_PIXELS: Final = 25_000_000
"""As many as a picture has at Shopify at most."""

_TYPES: Final = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
}
"""By Pillow's names; MPO is a JPEG with more pictures behind the first."""


class NoPicture(Exception):
    """Bytes that are no picture, or none that is taken; the text says why."""


class Picture(NamedTuple):
    content_type: str
    width: int
    height: int


def picture(data: bytes) -> Picture:
    """What `data` is, by itself and not by its name.

    Raises NoPicture, for too many pixels before any is decoded.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as opened:
            width, height = opened.size
            if width * height > MAX_PIXELS:
                raise NoPicture(_too_many(f"{width} × {height} pixels"))
            # A JPEG is read to its end all the same, but at an eighth of its size.
            opened.draft(None, (max(width // 8, 1), max(height // 8, 1)))
            opened.load()
            return Picture(_TYPES[opened.format or ""], width, height)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise NoPicture(_too_many("too many pixels")) from None
    except UnidentifiedImageError:
        raise NoPicture("is no JPEG, PNG or WebP picture") from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise NoPicture("is damaged or cut off: it cannot be shown") from error


def _too_many(count: str) -> str:
    return f"has {count}; {MAX_PIXELS // 1_000_000} million are the most"
