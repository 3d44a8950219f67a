"""Cards of products: a picture, what it is, what it costs, how many are left, a code to buy it."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from PIL import Image, ImageChops, ImageOps
from segno import DataOverflowError

from compositor.assets import REGULAR, image
from compositor.drawing import CLEAR, code, letters_of, outline
from compositor.errors import AssetError
from compositor.geometry import Size
from compositor.layout import FULL
from compositor.overlay import Product, QrCode, Style
from compositor.text import (
    LINE_HEIGHT,
    MIN_FONT_PX,
    RGBA,
    Face,
    drawable,
    lettering,
    lines,
    plate,
    rgba,
    width,
)

PADDING, RADIUS = 0.05, 0.07
"""Around everything and at the corners, of the card's shorter side."""

PICTURE_SHARE, CODE_SHARE = 0.45, 0.36
"""Of the longer side of the room that is left for it: neither is larger."""
LEAST_CODE = 0.1
"""Of the canvas's shorter side: phones do not read a smaller one off a screen."""

PRICE_SIZE, STOCK_SIZE = 1.15, 0.8
WORD_GAP, PART_GAP = 0.6, 0.3
"""Of the title's letters."""
STOCK_OPACITY = 0.75
MOST_TITLE_LINES = 6

UNBROKEN, SMALLEST = 0.6, 0.4
"""Of the letters' size: so small they become rather than have the title cut or a word broken, and
rather than leave something out."""
STEP = 0.94


class Card(NamedTuple):
    """What is said of a product, in words; `link` is the address in its code, "" for none.
    `picture` is an image file."""

    title: str
    price: str
    stock: str = ""
    link: str = ""
    picture: bytes | None = None


class Box(NamedTuple):
    """A part of the card, in pixels."""

    x: int
    y: int
    width: int
    height: int


class Words(NamedTuple):
    """Lines of one size and colour."""

    text: Sequence[str]
    face: Face
    colour: RGBA

    @property
    def across(self) -> float:
        return max(width(line, self.face) for line in self.text)

    @property
    def down(self) -> float:
        return len(self.text) * self.face.size_px * LINE_HEIGHT


Rows = Sequence[Sequence[Words]]
"""From top to bottom, each from left to right."""


def card_picture(
    overlay: Product, card: Card, font: bytes | None, room: Size, canvas: Size
) -> Image.Image | None:
    """`card` as `overlay` has it, as large as `room`.

    What there is no room for is left out: the code first, then the picture, then the stock and
    the title. None if not even the price can be read.
    """
    padding = round(PADDING * min(room.width, room.height))
    whole = Box(padding, padding, room.width - 2 * padding, room.height - 2 * padding)
    shorter_px = min(canvas.width, canvas.height)
    largest_px = overlay.style.size * shorter_px
    gap = max(padding, round(PART_GAP * largest_px))
    for has_photo, has_code in ((True, True), (True, False), (False, False)):
        words, parts = whole, []
        if has_photo and card.picture is not None:
            box, rest = _square_off(words, PICTURE_SHARE, gap)
            photo = _photo(card.picture, box.width, padding)
            if photo is not None:
                words, parts = rest, [(box, photo)]
        if has_code and card.link:
            box, rest = _square_off(words, CODE_SHARE, gap, at_end=True)
            made = _code(card.link, box.width, LEAST_CODE * shorter_px)
            if made is not None:
                words, parts = rest, [*parts, (box, made)]
        least_px = max(MIN_FONT_PX, SMALLEST * largest_px if parts else 0)
        rows = _rows(_Pen(overlay, font), card, words, largest_px, least_px)
        if rows:
            return _put_together(overlay.style, room, parts, words, rows)
    return None


def _square_off(box: Box, share: float, gap: int, at_end: bool = False) -> tuple[Box, Box]:
    """The largest square at one end of the longer side of `box` that has no more than `share` of
    it, in the middle of the shorter side; and the rest, beyond a `gap`."""
    longer, shorter = max(box.width, box.height), min(box.width, box.height)
    side = max(0, min(shorter, round(share * longer)))
    left, beside = longer - side - gap, (shorter - side) // 2
    first, rest = (left + gap, 0) if at_end else (0, side + gap)
    if box.width >= box.height:
        return (
            Box(box.x + first, box.y + beside, side, side),
            Box(box.x + rest, box.y, left, box.height),
        )
    return (
        Box(box.x + beside, box.y + first, side, side),
        Box(box.x, box.y + rest, box.width, left),
    )


@lru_cache(maxsize=8)
def _photo(file: bytes, side: int, radius_px: int) -> Image.Image | None:
    """The picture in `file`, cut to a square with round corners. Some are kept: a card is drawn
    anew with every unit that is sold. Not to be drawn on."""
    if side < 2:
        return None
    try:
        photo = ImageOps.fit(image(file), (side, side), Image.Resampling.LANCZOS)
    except AssetError:
        return None
    corners = plate(photo.size, (0, 0, 0, 255), radius_px).getchannel("A")
    photo.putalpha(ImageChops.multiply(photo.getchannel("A"), corners))
    return photo


@lru_cache(maxsize=8)
def _code(link: str, side: int, least_px: float) -> Image.Image | None:
    """None if there is no room for it, or for all of `link` in it. Not to be drawn on."""
    room = side // 2 * 2
    if room < max(2, least_px):
        return None
    try:
        return code(QrCode(FULL, link), Size(room, room))
    except DataOverflowError:
        return None


class _Pen(NamedTuple):
    """How the overlay has its words written, in the font of a file if it has its own."""

    overlay: Product
    font: bytes | None

    @property
    def style(self) -> Style:
        return self.overlay.style

    def words(self, text: str, size_px: float, weight: int, colour: RGBA) -> Words:
        """`text` in one line, in the font that has more of its characters: one for Arabic may
        have neither figures nor signs of currencies. No line if neither has any."""
        faces = letters_of(size_px, weight, self.font), letters_of(size_px, weight, None)
        said = [Words([drawable(text, face)], face, colour) for face in faces]
        best = max(said, key=lambda words: len(words.text[0]))
        return best if best.text[0] else best._replace(text=[])


def _rows(pen: _Pen, card: Card, room: Box, largest_px: float, least_px: float) -> Rows:
    """What is written into `room`, in letters as large as there is room for; none if not even the
    price has any."""
    for said in (card, card._replace(stock=""), card._replace(stock="", title="")):
        cut: Rows = ()
        size_px = largest_px
        while size_px >= least_px and (not cut or size_px >= UNBROKEN * largest_px):
            for rows, is_whole in _settings(pen, said, room, size_px):
                if is_whole:
                    return rows
                cut = cut or rows
            size_px *= STEP
        if cut:
            return cut
    return ()


def _settings(pen: _Pen, card: Card, room: Box, size_px: float) -> Iterator[tuple[Rows, bool]]:
    """The rows of words of that size for which there is room, each time with whether the title is
    whole: all below each other, the stock beside the price, all in one row."""
    style, edge = pen.style, 2 * pen.style.outline * PRICE_SIZE * size_px + 4
    red, green, blue, alpha = rgba(style.colour)
    faint = red, green, blue, round(STOCK_OPACITY * alpha)
    title = pen.words(card.title, size_px, style.weight, rgba(style.colour))
    price = pen.words(card.price, PRICE_SIZE * size_px, style.weight, rgba(pen.overlay.accent))
    stock = pen.words(card.stock, STOCK_SIZE * size_px, REGULAR, faint)
    others = [words for words in (price, stock) if words.text]
    wide, high = room.width - edge, room.height - edge
    for below in ([[words] for words in others], [others]):
        if _across(below) > wide:
            continue
        left = high - sum(_down(row) for row in below)
        if not title.text and left >= 0:
            yield below, True
        elif title.text:
            for lines_of_it, is_whole in _title(title, wide, left):
                yield [[lines_of_it], *below], is_whole
    beside = _across([others]) + WORD_GAP * size_px
    if title.text and _down(others) <= high:
        for lines_of_it, is_whole in _title(title, wide - beside, high):
            yield [[lines_of_it, *others]], is_whole


def _title(title: Words, wide: float, high: float) -> Iterator[tuple[Words, bool]]:
    """`title` in lines, if there is room for any, and whether it is whole."""
    most = min(MOST_TITLE_LINES, int(high / title.down)) if high > 0 else 0
    if most < 1 or wide < 2 * title.face.size_px:
        return
    (text,) = title.text
    whole = lines(text, title.face, wide, len(text))
    is_whole = len(whole) <= most and all(width(w, title.face) <= wide for w in text.split())
    yield title._replace(text=lines(text, title.face, wide, most)), is_whole


def _across(rows: Rows) -> float:
    return max((sum(words.across for words in row) + _gaps(row) for row in rows), default=0.0)


def _gaps(row: Sequence[Words]) -> float:
    return (len(row) - 1) * _gap(row) if row else 0.0


def _gap(row: Sequence[Words]) -> float:
    return WORD_GAP * max(words.face.size_px for words in row)


def _down(row: Sequence[Words]) -> float:
    return max((words.down for words in row), default=0.0)


def _put_together(
    style: Style, room: Size, parts: list[tuple[Box, Image.Image]], words: Box, rows: Rows
) -> Image.Image:
    """The card. What is aligned to the right has its picture there."""
    radius_px = round(RADIUS * min(room.width, room.height))
    ground = plate((room.width, room.height), rgba(style.box or CLEAR), radius_px)
    card = ground.copy()
    for box, picture in parts:
        box = _turned(box, style, room)
        corner = (
            box.x + (box.width - picture.width) // 2,
            box.y + (box.height - picture.height) // 2,
        )
        card.alpha_composite(picture, corner)
    _write(card, _turned(words, style, room), style, rows)
    return card


def _turned(box: Box, style: Style, room: Size) -> Box:
    if style.align != "right":
        return box
    return box._replace(x=room.width - box.x - box.width)


def _write(card: Image.Image, room: Box, style: Style, rows: Rows) -> None:
    """Write `rows` into `room` of the card."""
    left = room.height - sum(_down(row) for row in rows)
    y = room.y + left * {"top": 0.0, "middle": 0.5, "bottom": 1.0}[style.valign]
    for row in rows:
        left = room.width - _across([row])
        x = room.x + left * {"left": 0.0, "center": 0.5, "right": 1.0}[style.align]
        for words in row if style.align != "right" else reversed(row):
            picture = lettering(
                list(words.text), words.face, words.colour, style.align, outline(style, words.face)
            )
            spare = words.across - picture.width, _down(row) - words.down
            at = x + spare[0] / 2, y + spare[1] * (0.5 if len(words.text) > 1 else 0.8)
            card.alpha_composite(picture, (max(0, round(at[0])), max(0, round(at[1]))))
            x += words.across + _gap(row)
        y += _down(row)
