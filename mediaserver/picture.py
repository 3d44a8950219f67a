"""A feed's decoded picture, scaled once per tile size whichever canvases show it."""

import threading
from typing import NamedTuple

import av

from compositor.frame import Yuv420, dimmed
from compositor.geometry import Size
from compositor.layout import Fit
from compositor.scale import Scaler, scaled


class Look(NamedTuple):
    """How a tile shows a picture."""

    size: Size
    fit: Fit
    dim: bool = False


class Picture:
    """An immutable decoded frame and a memo of it at the looks asked for, safe on any thread."""

    def __init__(self, frame: av.VideoFrame) -> None:
        self.frame = frame
        self._lock = threading.Lock()
        self._tiles: dict[Look, Yuv420] = {}
        self._asked: set[Look] = set()

    def tile(self, look: Look, scaler: Scaler) -> Yuv420:
        """The frame as `look` asks; the same object every time.

        `scaler` belongs to the calling thread.
        """
        with self._lock:
            self._asked.add(look)
            return self._made(look, scaler)

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
            tile = scaled(self.frame, look.size, look.fit, scaler)
            self._tiles[look] = dimmed(tile) if look.dim else tile
        return self._tiles[look]
