"""What each kind of overlay looks like, as an RGBA image that fits its rectangle."""

from collections.abc import Sequence
from dataclasses import replace

import segno
from PIL import Image, ImageOps

from compositor.assets import REGULAR, image
from compositor.errors import AssetError
from compositor.geometry import Size, even
from compositor.layout import Fit
from compositor.overlay import Clock, Countdown, LowerThird, Overlay, Picture, QrCode, Style, Ticker
from compositor.text import (
    LINE_HEIGHT,
    MIN_FONT_PX,
    Face,
    Outline,
    drawable,
    lettering,
    lines,
    plate,
    quarters,
    rgba,
    shortened,
    typeface,
    width,
)

BOX_PADDING = 0.4
BOX_RADIUS = 0.3
SUBTITLE_SIZE = 0.68
BAR_WIDTH = 0.16
TICKER_GAP = 1.6
"""All of the letters' size."""

CLEAR = "#00000000"

LONGEST_STRIP = 1.5
"""Of a ticker, in canvases' areas."""

QUIET_ZONE = 4
"""Modules of light around a QR code (ISO/IEC 18004, 9.1)."""


def drawing(
    overlay: Overlay, words: str, file: bytes | None, room: Size, canvas: Size
) -> Image.Image | None:
    """`overlay` saying `words`, no larger than `room`, with even sides; a ticker is as long as
    its words and one `room` more. `file` is its image or font.

    None if there is nothing to be seen: no words, no image, no room for the smallest letters.
    """
    match overlay:
        case Picture():
            return _picture(file, room, overlay.fit)
        case QrCode():
            return code(overlay, room)
        case LowerThird():
            return _lower_third(overlay, file, room, canvas)
        case Ticker():
            return _strip(overlay, file, room, canvas)
        case Clock() | Countdown():
            return _figures(words, overlay.style, file, room, canvas)
        case _:
            return _words(words, overlay.style, file, room, canvas)


def _face(style: Style, file: bytes | None, canvas: Size, highest_px: float) -> Face | None:
    """The letters of `style`, or lower ones if there is no more room; None if they are too low."""
    size_px = min(style.size * min(canvas.width, canvas.height), highest_px)
    return letters_of(size_px, style.weight, file) if size_px >= MIN_FONT_PX else None


def letters_of(size_px: float, weight: int, file: bytes | None) -> Face:
    """Letters of the font in `file`; of the default one if there is none, or none that is good."""
    default = Face(size_px, weight)
    if file is None:
        return default
    own = Face(quarters(size_px), weight, file)
    try:
        typeface(own)
    except AssetError:
        return default
    return own


def outline(style: Style, face: Face) -> Outline | None:
    """The line around the letters, if they have one."""
    if not style.outline:
        return None
    return Outline(max(1, round(style.outline * face.size_px)), rgba(style.outline_colour))


def _words(
    words: str, style: Style, file: bytes | None, room: Size, canvas: Size
) -> Image.Image | None:
    padding = BOX_PADDING if style.box else 0.0
    above = 2 * (padding / 3 + style.outline)
    face = _face(style, file, canvas, (room.height - 4) / (LINE_HEIGHT + above))
    if face is None:
        return None
    wide = room.width - 2 * (padding + style.outline) * face.size_px - 4
    most = int((room.height - 3) / face.size_px / LINE_HEIGHT - above / LINE_HEIGHT)
    text = lines(words, face, wide, most) if wide > face.size_px / 2 else []
    if not any(text):
        return None
    line, padding_px = outline(style, face), round(padding * face.size_px)
    return boxed(
        lettering(text, face, rgba(style.colour), style.align, line, padding_px), style.box, face
    )


def _figures(
    words: str, style: Style, file: bytes | None, room: Size, canvas: Size
) -> Image.Image | None:
    """One line, of smaller letters where there is less room. Letters of different sizes have
    not quite the same shape, so 3 % of it stay free."""
    face = _face(style, file, canvas, room.height / LINE_HEIGHT)
    if face is None:
        return None
    wide = width(drawable(words, face), face) + 2 * (BOX_PADDING + style.outline) * face.size_px
    size_px = face.size_px * min(1.0, 0.97 * (room.width - 6) / wide)
    fitting = replace(style, size=size_px / min(canvas.width, canvas.height))
    return _words(words, fitting, file, room, canvas)


def boxed(letters: Image.Image, box: str, face: Face) -> Image.Image:
    """`letters` on a rounded box of that colour, if it has one."""
    if not box:
        return letters
    ground = plate(letters.size, rgba(box), round(BOX_RADIUS * face.size_px)).copy()
    ground.alpha_composite(letters)
    return ground


def _picture(file: bytes | None, room: Size, fit: Fit) -> Image.Image | None:
    if file is None:
        return None
    try:
        decoded = image(file)
    except AssetError:
        return None
    return fitted(decoded, room, fit)


def fitted(picture: Image.Image, room: Size, fit: Fit) -> Image.Image:
    """`picture` scaled into `room`, with even sides."""
    whole = room.width, room.height
    match fit:
        case "cover":
            return ImageOps.fit(picture, whole, Image.Resampling.LANCZOS)
        case "fill":
            return picture.resize(whole, Image.Resampling.LANCZOS)
        case _:
            scale = min(room.width / picture.width, room.height / picture.height)
            sides = (max(2, even(side * scale)) for side in picture.size)
            width, height = (min(*pair) for pair in zip(sides, whole, strict=True))
            return picture.resize((width, height), Image.Resampling.LANCZOS)


def code(overlay: QrCode, room: Size) -> Image.Image | None:
    """The code with whole pixels for its modules; None if there are too few."""
    made = segno.make(overlay.data, error="m", micro=False)
    modules = int(made.symbol_size(border=QUIET_ZONE)[0])
    scale = min(room.width, room.height) // modules
    if not scale:
        return None
    bits = Image.new("1", (modules, modules))
    bits.putdata([255 * bit for row in made.matrix_iter(border=QUIET_ZONE) for bit in row])
    side = modules * scale
    picture = Image.new("RGBA", (side + side % 2, side + side % 2), rgba(overlay.light))
    picture.paste(rgba(overlay.dark), (0, 0), bits.resize((side, side), Image.Resampling.NEAREST))
    return picture


def _lower_third(
    overlay: LowerThird, file: bytes | None, room: Size, canvas: Size
) -> Image.Image | None:
    style = overlay.style
    rows = 1 + (SUBTITLE_SIZE if overlay.subtitle else 0)
    face = _face(style, file, canvas, room.height / (rows * LINE_HEIGHT + 2 * BOX_PADDING))
    if face is None:
        return None
    padding = round(BOX_PADDING * face.size_px)
    bar = even(BAR_WIDTH * face.size_px) + 2
    small = Face(face.size_px * SUBTITLE_SIZE, REGULAR, face.font)
    wide = room.width - bar - 2 * padding - 2
    said = [
        (drawable(line, letters), letters)
        for line, letters in ((overlay.title, face), (overlay.subtitle, small))
    ]
    parts = [
        lettering([shortened(line, letters, wide)], letters, rgba(style.colour))
        for line, letters in said
        if line and wide > letters.size_px
    ]
    if not parts:
        return None
    return _on_plate(parts, overlay, face, bar, padding)


def _on_plate(
    parts: Sequence[Image.Image], overlay: LowerThird, face: Face, bar: int, padding: int
) -> Image.Image:
    size = (
        even(bar + max(part.width for part in parts) + 2 * padding),
        even(sum(part.height for part in parts) + 2 * padding * 0.75),
    )
    ground = Image.new("RGBA", size, rgba(overlay.style.box or CLEAR))
    ground.paste(rgba(overlay.accent), (0, 0, bar, size[1]))
    y = round(padding * 0.75)
    for part in parts:
        ground.alpha_composite(part, (bar + padding, y))
        y += part.height
    return ground


def _strip(overlay: Ticker, file: bytes | None, room: Size, canvas: Size) -> Image.Image | None:
    face = _face(overlay.style, file, canvas, room.height / LINE_HEIGHT)
    said = face and drawable(overlay.text, face)
    if face is None or not said:
        return None
    longest = LONGEST_STRIP * canvas.width * canvas.height / room.height
    letters = lettering(
        [shortened(said, face, longest)],
        face,
        rgba(overlay.style.colour),
        outline=outline(overlay.style, face),
    )
    period = even(letters.width + TICKER_GAP * face.size_px)
    strip = Image.new("RGBA", (period + room.width, room.height), rgba(overlay.style.box or CLEAR))
    y = (room.height - letters.height) // 2
    for x in range(0, strip.width, period):
        strip.alpha_composite(
            letters.crop((0, max(0, -y), min(letters.width, strip.width - x), letters.height)),
            (x, max(0, y)),
        )
    return strip
