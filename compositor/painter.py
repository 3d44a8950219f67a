"""Overlays put on a canvas, each drawn again only when it says something else."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from PIL import Image

from compositor.assets import Assets
from compositor.drawing import drawing
from compositor.geometry import Rect, Size, even, pixel_rect
from compositor.overlay import Clock, Countdown, Overlay, Picture, QrCode, Style, Text, Ticker
from compositor.raster import Raster, opaque, part, raster
from compositor.render import Placed

_CENTRED = Style(align="center", valign="middle")


class _Drawn(NamedTuple):
    """What an overlay says, with the file it uses, and what that looks like, if it can be drawn
    at all."""

    words: str
    file: bytes | None
    placed: Placed | None
    failed: bool = False


class Painter:
    """Paints overlays for a canvas of one size, and keeps what it painted last.

    `on_failure` is told once of an overlay that cannot be drawn, and why.
    """

    def __init__(
        self, size: Size, on_failure: Callable[[Overlay, Exception], None] = lambda *_: None
    ) -> None:
        self._size = size
        self._on_failure = on_failure
        self._drawn: Mapping[Overlay, _Drawn] = {}

    def paint(
        self, overlays: Sequence[Overlay], now_s: float, assets: Assets | None = None
    ) -> list[Placed]:
        """The overlays at `now_s` (unix seconds), the last one on top.

        One whose words stay is the same object as at the last call. One without its image, or
        too small for a letter, is left out; without its font it has the default one. One that
        fails to be drawn is left out until its file is another.
        """
        self._drawn = {overlay: self._current(overlay, now_s, assets or {}) for overlay in overlays}
        return [
            _running(overlay, placed, now_s, self._size) if isinstance(overlay, Ticker) else placed
            for overlay in overlays
            if (placed := self._drawn[overlay].placed)
        ]

    def _current(self, overlay: Overlay, now_s: float, assets: Assets) -> _Drawn:
        said, file = words(overlay, now_s), assets.get(_asset(overlay))
        last = self._drawn.get(overlay)
        if last is not None and last.file == file and (last.failed or last.words == said):
            return last
        rect = pixel_rect(overlay.rect, self._size)
        try:
            drawn = drawing(overlay, said, file, rect.size, self._size)
            return _Drawn(said, file, _placed(overlay, drawn, rect) if drawn else None)
        except Exception as error:  # noqa: BLE001 - a damaged font raises anything
            self._on_failure(overlay, error)
            return _Drawn(said, file, None, failed=True)


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


def _placed(overlay: Overlay, drawn: Image.Image, rect: Rect) -> Placed | None:
    opacity = overlay.opacity if isinstance(overlay, Picture) else 1.0
    if isinstance(overlay, Ticker):
        return Placed(rect, raster(drawn))
    style = _CENTRED if isinstance(overlay, Picture | QrCode) else overlay.style
    return put(drawn, rect, style, opacity)


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


def _running(overlay: Ticker, strip: Placed, now_s: float, size: Size) -> Placed:
    """The part of the strip that is in the band at `now_s`."""
    if not isinstance(strip.picture, Raster):
        return strip
    band = strip.rect
    period = strip.picture.size.width - band.width
    gone = even(now_s * overlay.speed * size.width) % period
    return Placed(band, part(strip.picture, Rect(gone, 0, band.width, band.height)))
