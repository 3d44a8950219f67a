"""Overlays put on a canvas, each drawn again only when it says something else."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from PIL import Image

from compositor.assets import Assets
from compositor.card import Card, card_picture
from compositor.drawing import drawing
from compositor.geometry import Rect, Size, even, pixel_rect
from compositor.overlay import (
    Clock,
    Countdown,
    Overlay,
    Picture,
    Product,
    QrCode,
    Style,
    Text,
    Ticker,
)
from compositor.raster import Raster, opaque, part, raster
from compositor.render import Placed
from compositor.text import from_right

_CENTRED = Style(align="center", valign="middle")

Cards = Mapping[Product, Card]
"""What products' overlays say; one that has none is not shown."""


class Saying(NamedTuple):
    """What an overlay says, with the image or font that it uses, and with a product's card."""

    overlay: Overlay
    words: str
    file: bytes | None
    card: Card | None = None


class Strip(NamedTuple):
    """The words of a ticker, ready to begin at an even column and at an odd one."""

    rect: Rect
    even: Raster
    odd: Raster

    def at(self, column: int) -> Placed:
        """The part that begins at `column`, of those that come round."""
        column %= self.even.size.width - self.rect.width
        strip = self.odd if column % 2 else self.even
        window = Rect(column // 2 * 2, 0, self.rect.width, self.rect.height)
        return Placed(self.rect, part(strip, window))


class Drawn(NamedTuple):
    """What something said looks like, if there is anything to be seen, or why it has no look."""

    saying: Saying
    look: Placed | Strip | None = None
    error: Exception | None = None


Draw = Callable[[Saying, Size], Drawn | None]
"""Draws for a canvas of a size, or gives what else is to be seen; None: the look of before."""


class Tick(NamedTuple):
    """A frame's number, and how many there are a second."""

    number: int
    fps: float


class Painter:
    """Paints overlays for a canvas of one size, and keeps what it painted last.

    `on_failure` is told once of an overlay that cannot be drawn, and why.
    """

    def __init__(
        self, size: Size, on_failure: Callable[[Overlay, Exception], None] = lambda *_: None
    ) -> None:
        self._size = size
        self._on_failure = on_failure
        self._drawn: Mapping[Overlay, Drawn] = {}
        self._running: Mapping[Overlay, tuple[Strip, int, Placed]] = {}

    def paint(
        self,
        overlays: Sequence[Overlay],
        now_s: float,
        assets: Assets | None = None,
        tick: Tick | None = None,
        draw: Draw | None = None,
        cards: Cards | None = None,
    ) -> list[Placed]:
        """The overlays at `now_s` (unix seconds), the last one on top.

        One whose words stay is the same object as at the last call. One without its image, or
        too small for a letter, is left out; without its font it has the default one. One that
        fails to be drawn is left out until its file is another. A product without a card is left
        out at once.

        With a `tick`, tickers run whole pixels from one to the next, which is even to the eye.
        """
        files, cards = assets or {}, cards or {}
        overlays = shown(overlays, cards)
        self._drawn = {
            overlay: self._current(saying(overlay, now_s, files, cards), draw or drawn)
            for overlay in overlays
        }
        self._running = {
            overlay: self._moment(overlay, one.look, now_s, tick)
            for overlay, one in self._drawn.items()
            if isinstance(overlay, Ticker) and isinstance(one.look, Strip)
        }
        looks = (
            self._running[overlay][2] if overlay in self._running else self._drawn[overlay].look
            for overlay in overlays
        )
        return [look for look in looks if isinstance(look, Placed)]

    def _current(self, said: Saying, draw: Draw) -> Drawn:
        last = self._drawn.get(said.overlay)
        if last is not None and (
            last.saying == said or (last.error and last.saying._replace(words=said.words) == said)
        ):
            return last
        new = draw(said, self._size)
        if new is None:
            return last or Drawn(said._replace(words=UNSAID))
        if new.error is not None:
            self._on_failure(said.overlay, new.error)
        return new

    def _moment(
        self, overlay: Ticker, strip: Strip, now_s: float, tick: Tick | None
    ) -> tuple[Strip, int, Placed]:
        column = run(overlay, self._size, now_s, tick) % (strip.even.size.width - strip.rect.width)
        last = self._running.get(overlay)
        if last is not None and last[0] is strip and last[1] == column:
            return last
        return strip, column, strip.at(column)


UNSAID = "\0"
"""What no overlay says."""


def run(ticker: Ticker, size: Size, now_s: float, tick: Tick | None) -> int:
    """How many pixels `ticker` has run since time began: to the left, and to the right what is
    read from there."""
    speed = ticker.speed * size.width
    if tick is None:
        pixels = even(now_s * speed)
    else:
        pixels = tick.number * (max(1, round(speed / tick.fps)) if speed else 0)
    return -pixels if from_right(ticker.text) else pixels


def shown(overlays: Sequence[Overlay], cards: Cards) -> list[Overlay]:
    """Those that are to be seen: products only with a card."""
    return [each for each in overlays if not isinstance(each, Product) or each in cards]


def saying(overlay: Overlay, now_s: float, assets: Assets, cards: Cards | None = None) -> Saying:
    """What `overlay` says at `now_s`."""
    card = (cards or {}).get(overlay) if isinstance(overlay, Product) else None
    return Saying(overlay, words(overlay, now_s), assets.get(_asset(overlay)), card)


def drawn(said: Saying, size: Size) -> Drawn:
    """What `said` looks like on a canvas of `size`. Takes a while; any thread may."""
    rect = pixel_rect(said.overlay.rect, size)
    try:
        image = _image(said, rect.size, size)
        return Drawn(said, _look(said.overlay, image, rect) if image else None)
    except Exception as error:  # noqa: BLE001 - a damaged font raises anything
        return Drawn(said, error=error)


def _image(said: Saying, room: Size, canvas: Size) -> Image.Image | None:
    if isinstance(said.overlay, Product):
        return said.card and card_picture(said.overlay, said.card, said.file, room, canvas)
    return drawing(said.overlay, said.words, said.file, room, canvas)


def words(overlay: Overlay, now_s: float) -> str:
    """What `overlay` says at `now_s`."""
    match overlay:
        case Text() | Ticker():
            return overlay.text
        case Clock():
            moment = datetime.fromtimestamp(now_s, ZoneInfo(overlay.zone))
            return moment.strftime("%H:%M:%S" if overlay.seconds else "%H:%M")
        case Countdown():
            left_s = math.ceil(overlay.until_s - now_s)
            return _span(left_s) if left_s > 0 else overlay.done
        case _:
            return ""


def _span(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d {hour:02}:{minute:02}:{second:02}"
    if hour:
        return f"{hour}:{minute:02}:{second:02}"
    return f"{minute}:{second:02}"


def _asset(overlay: Overlay) -> str:
    match overlay:
        case Picture():
            return overlay.image
        case QrCode():
            return ""
        case _:
            return overlay.style.font


def _look(overlay: Overlay, image: Image.Image, rect: Rect) -> Placed | Strip | None:
    if isinstance(overlay, Ticker):
        later = image.crop((1, 0, image.width + 1, image.height))
        return Strip(rect, raster(image), raster(later))
    opacity = overlay.opacity if isinstance(overlay, Picture) else 1.0
    style = _CENTRED if isinstance(overlay, Picture | QrCode) else overlay.style
    return put(image, rect, style, opacity)


def put(drawn: Image.Image, rect: Rect, style: Style, opacity: float = 1.0) -> Placed | None:
    """What is to be seen of `drawn`, in `rect` as `style` aligns it; what is beyond is cut off."""
    x = rect.x + _offset({"left": 0, "center": 1, "right": 2}[style.align], rect.width, drawn.width)
    y = rect.y + _offset(
        {"top": 0, "middle": 1, "bottom": 2}[style.valign], rect.height, drawn.height
    )
    seen = drawn.getchannel("A").getbbox()
    if seen is None or not opacity:
        return None
    left, top = seen[0] // 2 * 2, seen[1] // 2 * 2
    right = min(seen[2] + seen[2] % 2, left + rect.width, rect.right - x)
    bottom = min(seen[3] + seen[3] % 2, rect.bottom - y)
    if right <= left or bottom <= top:
        return None
    picture = raster(drawn.crop((left, top, right, bottom)), opacity)
    place = Rect(x + left, y + top, right - left, bottom - top)
    return Placed(place, opaque(picture) or picture)


def _offset(halves: int, room: int, length: int) -> int:
    return max(0, (room - length) * halves // 4 * 2)
