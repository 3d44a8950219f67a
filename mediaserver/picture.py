"""A feed's decoded picture, scaled once per tile size whichever canvases show it."""

import threading

import av

from compositor.frame import Yuv420, dimmed
from compositor.geometry import Size
from compositor.layout import Fit
from compositor.scale import Scaler, scaled


class Picture:
    """An immutable decoded frame and a memo of it at the sizes asked for, safe on any thread."""

    def __init__(self, frame: av.VideoFrame) -> None:
        self.frame = frame
        self._lock = threading.Lock()
        self._tiles: dict[tuple[Size, Fit, bool], Yuv420] = {}

    def tile(self, size: Size, fit: Fit, scaler: Scaler, *, dim: bool = False) -> Yuv420:
        """The frame for a tile of `size`; made by the first canvas that asks.

        `scaler` belongs to the calling thread. The same arguments give the same object.
        """
        key = (size, fit, dim)
        with self._lock:
            if key not in self._tiles:
                tile = scaled(self.frame, size, fit, scaler)
                self._tiles[key] = dimmed(tile) if dim else tile
            return self._tiles[key]
