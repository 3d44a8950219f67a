"""Uploaded images: what is taken, and under which name a product may use it.

The bytes themselves are not kept: 10,000 products would not fit in modest memory.
"""

import secrets
import warnings
from io import BytesIO

import msgspec
from PIL import Image, UnidentifiedImageError

from sync.sandbox.errors import Refused
from sync.sandbox.wire import IMAGE_USE_CASES, Code

LONGEST_BYTES = 10 * 1024 * 1024
SHORTEST_SIDE = 300
LONGEST_SIDE = 4000
_FORMATS = frozenset({"JPEG", "PNG", "WEBP"})


class Uploaded(msgspec.Struct, frozen=True):
    """Sizes are in pixels. `owner` is the open_id of the seller it was uploaded for."""

    uri: str
    width: int
    height: int
    use_case: str
    owner: str


class Images:
    def __init__(self) -> None:
        self._by_uri: dict[str, Uploaded] = {}

    def __len__(self) -> int:
        return len(self._by_uri)

    def upload(self, data: bytes, use_case: str, owner: str) -> Uploaded:
        """Raises Refused unless `data` is an image TikTok would take."""
        if use_case not in IMAGE_USE_CASES:
            raise Refused(Code.PARAMETER, f"`use_case` {use_case!r} is not known.")
        width, height = _size(data)
        if use_case == "MAIN_IMAGE" and min(width, height) < SHORTEST_SIDE:
            raise Refused(
                Code.IMAGE_DIMENSIONS,
                f"The image is {width} x {height} px; each side of a main image must have at "
                f"least {SHORTEST_SIDE}.",
            )
        if max(width, height) > LONGEST_SIDE:
            raise Refused(
                Code.IMAGE_DIMENSIONS,
                f"The image is {width} x {height} px; no side may have more than {LONGEST_SIDE}.",
            )
        uri = f"tos-useast5-i-omjb5zjo8w-tx/{secrets.token_hex(16)}"
        uploaded = Uploaded(uri, width, height, use_case, owner)
        self._by_uri[uri] = uploaded
        return uploaded

    def of(self, uri: str, owner: str) -> Uploaded | None:
        """The image `uri` if it was uploaded for `owner`."""
        found = self._by_uri.get(uri)
        return found if found is not None and found.owner == owner else None

    def size(self, uri: str) -> tuple[int, int]:
        """Width and height of an image that a product has."""
        uploaded = self._by_uri[uri]
        return uploaded.width, uploaded.height


def url(uri: str) -> str:
    """Where an image would be seen; the name resolves nowhere."""
    return f"https://images.sandbox.invalid/{uri}~tplv-origin-jpeg.jpeg"


def _size(data: bytes) -> tuple[int, int]:
    if len(data) > LONGEST_BYTES:
        raise Refused(
            Code.IMAGE_TOO_LARGE, f"The image has {len(data)} bytes; {LONGEST_BYTES} are allowed."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(BytesIO(data)) as image:
                if image.format not in _FORMATS:
                    raise Refused(
                        Code.IMAGE_FORMAT, f"The image is a {image.format}: use JPG, PNG or WEBP."
                    )
                image.verify()
                width, height = image.size
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise Refused(Code.IMAGE_DIMENSIONS, "The image has too many pixels.") from error
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
            raise Refused(Code.IMAGE_UNREADABLE, "The file is not an image.") from error
    if image.format == "JPEG" and b"\xff\xd9" not in data[-64:]:
        raise Refused(Code.IMAGE_UNREADABLE, "The image ends before it is complete.")
    return width, height
