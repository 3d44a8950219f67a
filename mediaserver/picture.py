"""A feed's decoded picture, scaled once per tile size whichever canvases show it."""

import threading
from typing import NamedTuple

import av

from compositor.frame import Yuv420, clone, dimmed, turned, video_frame, yuv420
from compositor.geometry import Size, Turns
from compositor.layout import View
from compositor.scale import Scaler, scaled


class Look(NamedTuple):
    """How a tile shows a picture."""

    size: Size
    view: View
    dim: bool = False


class Picture:
    """An immutable decoded frame and a memo of it at the looks asked for, safe on any thread.

    `turns` bring it upright.
    """

    def __init__(self, frame: av.VideoFrame, turns: Turns = 0) -> None:
        self.frame = frame
        self._turns: Turns = turns
        self._lock = threading.Lock()
        self._tiles: dict[Look, Yuv420] = {}
        self._asked: set[Look] = set()
        self._passing: tuple[Look, Yuv420] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, upright."""
        width, height = self.frame.width, self.frame.height
        return (height, width) if self._turns % 2 else (width, height)

    def upright(self) -> av.VideoFrame:
        """The frame as it is to be seen."""
        if not self._turns:
            return self.frame
        return video_frame(clone(turned(yuv420(self.frame), self._turns)))

    def tile(self, look: Look, scaler: Scaler) -> Yuv420:
        """The frame as `look` asks; the same object every time.

        `scaler` belongs to the calling thread.
        """
        with self._lock:
            self._asked.add(look)
            return self._made(look, scaler)

    def passing(self, look: Look, scaler: Scaler) -> Yuv420:
        """The frame at a size that a moving tile has for a moment: only the latest is kept, and
        none is made ready for the next picture."""
        with self._lock:
            if look in self._tiles:
                return self._tiles[look]
            if self._passing is None or self._passing[0] != look:
                self._passing = look, self._scaled(look, scaler)
            return self._passing[1]

    def prepare_like(self, previous: "Picture", scaler: Scaler) -> None:
        """Make what was asked of `previous`, on the thread in whose cache the frame still is."""
        for look in previous.asked():
            with self._lock:
                self._made(look, scaler)

    def asked(self) -> tuple[Look, ...]:
        """The looks that somebody has shown this picture in."""
        with self._lock:
            return tuple(self._asked)

    def _made(self, look: Look, scaler: Scaler) -> Yuv420:
        if look not in self._tiles:
            self._tiles[look] = self._scaled(look, scaler)
        return self._tiles[look]

    def _scaled(self, look: Look, scaler: Scaler) -> Yuv420:
        tile = scaled(self.frame, look.size, look.view, scaler, self._turns)
        return dimmed(tile) if look.dim else tile
