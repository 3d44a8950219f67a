"""The canvas: pictures put into one buffer, of which only what changed is written."""

from collections.abc import Sequence
from typing import NamedTuple

import av

from compositor.errors import GeometryError
from compositor.frame import Colour, Yuv420, copy, fill, region, solid, video_frame
from compositor.geometry import Rect, Size, centred, uncovered


class Placed(NamedTuple):
    """A picture and the rectangle it goes into; a smaller one is centred there."""

    rect: Rect
    picture: Yuv420


class _Layer:
    """One rectangle of the canvas: its memory, what it shows, and what lies over it."""

    __slots__ = ("above", "area", "shown")

    def __init__(self, area: Yuv420, above: "list[_Layer]") -> None:
        self.area = area
        self.above = above
        self.shown: Yuv420 | None = None


class Canvas:
    """A picture that is composed again and again in the same memory, by one thread."""

    def __init__(self, size: Size, background: Colour) -> None:
        self.size = size
        self._background = background
        self._picture = solid(size, background)
        self._shapes: list[tuple[Rect, tuple[int, ...]]] = []
        self._rects: list[Rect] = []
        self._layers: list[_Layer] = []

    def render(self, placed: Sequence[Placed]) -> av.VideoFrame:
        """The canvas with `placed` on it, later ones over earlier ones.

        The frame shares the canvas's memory: the next call writes into it. A picture that was in
        its place at the last call, the same object, is not copied again.

        Raises GeometryError if a rectangle is not inside the canvas, or a picture too large.
        """
        shapes = [(rect, picture.y.shape) for rect, picture in placed]
        if shapes != self._shapes:
            self._arrange([centred(picture.size, rect) for rect, picture in placed])
            self._shapes = shapes
        for layer, (_, picture) in zip(self._layers, placed, strict=True):
            if picture is not layer.shown:
                copy(picture, layer.area)
                layer.shown = picture
                for above in layer.above:
                    above.shown = None
        return video_frame(self._picture)

    def _arrange(self, rects: list[Rect]) -> None:
        for rect in rects:
            if not rect.inside(self.size):
                raise GeometryError(f"{rect} is not inside the canvas of {self.size}")
        for rect in self._rects:
            for bare in uncovered(rect, rects):
                fill(self._picture, self._background, bare)
        layers: list[_Layer] = []
        for index in reversed(range(len(rects))):
            above = [
                layer
                for layer, over in zip(layers, reversed(rects[index + 1 :]), strict=True)
                if rects[index].overlaps(over)
            ]
            layers.append(_Layer(region(self._picture, rects[index]), above))
        self._rects = rects
        self._layers = layers[::-1]
