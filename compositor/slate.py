"""Slates: what is shown in place of a camera that is not there."""

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image, ImageDraw

from compositor.assets import BOLD
from compositor.frame import Yuv420, yuv420
from compositor.geometry import Size
from compositor.text import MIN_FONT_PX, Face, drawable, shortened, typeface
from compositor.text import width as width_of

RGB = tuple[int, int, int]

TOP: RGB = (38, 44, 56)
BOTTOM: RGB = (15, 18, 24)
TITLE: RGB = (244, 246, 250)
SUBTITLE: RGB = (158, 168, 184)
ACCENT: RGB = (255, 92, 92)

TEXT_WIDTH = 0.84
"""Of the slate's width."""


def slate(size: Size, title: str, subtitle: str = "") -> Yuv420:
    """A quiet dark card with `title` and, smaller, `subtitle`, made to fit `size`.

    Characters that the font does not have are left out rather than shown as boxes. Where even
    the smallest letters do not fit there is no text.
    """
    image = _gradient(size)
    _write(image, title, subtitle)
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
    face = Face(largest_px, BOLD)
    title, subtitle = drawable(title, face), drawable(subtitle, face)
    while face.size_px > largest_px / 2 and width_of(title, face) > room:
        face = face._replace(size_px=face.size_px * 0.95)
    title_px = face.size_px
    small = Face(min(title_px, largest_px * 0.5))
    lines = [
        (words, letters, colour)
        for words, letters, colour in ((title, face, TITLE), (subtitle, small, SUBTITLE))
        if words and letters.size_px >= MIN_FONT_PX
    ]
    gap = title_px * 0.45
    bar = max(2, round(title_px * 0.09))
    total = sum(letters.size_px for _, letters, _ in lines) + gap * len(lines) + bar
    draw = ImageDraw.Draw(image)
    y = (height - total) / 2
    if lines:
        left, right = width / 2 - title_px * 0.7, width / 2 + title_px * 0.7
        draw.rounded_rectangle((left, y, right, y + bar), radius=bar / 2, fill=ACCENT)
        y += bar + gap
    for words, letters, colour in lines:
        middle = width / 2, y + letters.size_px / 2
        draw.text(middle, shortened(words, letters, room), colour, typeface(letters), "mm")
        y += letters.size_px + gap
