"""A feed's decoded picture, scaled once per tile size whichever canvases show it."""

import threading

import av

from compositor.frame import Yuv420
from compositor.geometry import Size
from compositor.layout import Fit
from compositor.scale import scaled


class Picture:
    """An immutable decoded frame and a memo of its scaled versions, safe on any thread."""

    def __init__(self, frame: av.VideoFrame) -> None:
        self.frame = frame
        self._lock = threading.Lock()
        self._scaled: dict[tuple[Size, Fit], Yuv420] = {}

    def scaled(self, size: Size, fit: Fit) -> Yuv420:
        """The frame as a tile of `size`; computed by the first canvas that asks."""
        key = (size, fit)
        with self._lock:
            if key not in self._scaled:
                self._scaled[key] = scaled(self.frame, size, fit)
            return self._scaled[key]
