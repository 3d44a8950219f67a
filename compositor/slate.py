"""Slates: what is shown in place of a camera that is not there."""

import unicodedata
from functools import lru_cache

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image, ImageDraw, ImageFont

from compositor.frame import Yuv420, yuv420
from compositor.geometry import Size

RGB = tuple[int, int, int]

TOP: RGB = (38, 44, 56)
BOTTOM: RGB = (15, 18, 24)
TITLE: RGB = (244, 246, 250)
SUBTITLE: RGB = (158, 168, 184)
ACCENT: RGB = (255, 92, 92)

MIN_FONT_PX = 6
TEXT_WIDTH = 0.84
"""Of the slate's width."""


def slate(size: Size, title: str, subtitle: str = "") -> Yuv420:
    """A quiet dark card with `title` and, smaller, `subtitle`, made to fit `size`.

    Text is in Pillow's own font, which has little more than ASCII: accents are left off and
    characters of other scripts left out, rather than shown as boxes. Where even the smallest
    letters do not fit there is no text.
    """
    image = _gradient(size)
    _write(image, _drawable(title), _drawable(subtitle))
    frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
    return yuv420(
        frame.reformat(
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
    )


def _gradient(size: Size) -> Image.Image:
    down = np.linspace(0, 1, size.height)[:, None, None]
    column = np.array(TOP) * (1 - down) + np.array(BOTTOM) * down
    image = Image.fromarray(column.round().astype(np.uint8))
    return image.resize((size.width, size.height), Image.Resampling.NEAREST)


def _write(image: Image.Image, title: str, subtitle: str) -> None:
    width, height = image.size
    room = width * TEXT_WIDTH
    largest_px = min(width * 0.11, height * 0.13)
    title_px = largest_px
    while title_px > largest_px / 2 and _length(title, title_px) > room:
        title_px *= 0.95
    lines = [(title, title_px, TITLE), (subtitle, min(title_px, largest_px * 0.5), SUBTITLE)]
    lines = [line for line in lines if line[0] and line[1] >= MIN_FONT_PX]
    gap = title_px * 0.45
    bar = max(2, round(title_px * 0.09))
    total = sum(px for _, px, _ in lines) + gap * len(lines) + bar
    draw = ImageDraw.Draw(image)
    y = (height - total) / 2
    if lines:
        left, right = width / 2 - title_px * 0.7, width / 2 + title_px * 0.7
        draw.rounded_rectangle((left, y, right, y + bar), radius=bar / 2, fill=ACCENT)
        y += bar + gap
    for text, px, colour in lines:
        draw.text((width / 2, y + px / 2), _shortened(text, px, room), colour, _font(px), "mm")
        y += px + gap


def _shortened(text: str, px: float, room: float) -> str:
    if _length(text, px) <= room:
        return text
    while text and _length(text + "…", px) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def _length(text: str, px: float) -> float:
    return _font(px).getlength(text)


@lru_cache(maxsize=32)
def _font(px: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(max(px, MIN_FONT_PX))
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("this Pillow was built without FreeType")
    return font


def _drawable(text: str) -> str:
    plain = unicodedata.normalize("NFKD", " ".join(text.split()))
    return "".join(char for char in plain if char == " " or _has_glyph(char)).strip()


@lru_cache(maxsize=1024)
def _has_glyph(char: str) -> bool:
    font = _font(16)
    return bytes(font.getmask(char)) not in (b"", bytes(font.getmask("\uffff")))
