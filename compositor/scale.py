"""A feed's frame at the size of its tile."""

import math
from collections import OrderedDict
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import av
from av.filter import Graph
from av.filter.context import FilterContext

from compositor.colorimetry import conversion, convert
from compositor.frame import Plane, Yuv420, copy, mirrored, planes, region, turned
from compositor.geometry import Rect, Size, Turns, contained, cover_crop, pixel_rect, turned_back
from compositor.layout import PLAIN_VIEW, View
from compositor.pool import Pool
from compositor.resample import halve, three_quarters

LARGEST_SHRINK = 16
"""Of a side in one go: swscale's filters lose precision beyond, and do not exist beyond 128."""

KEPT_FILTERS = 6
"""Pairs of sizes for which a `Scaler` keeps one of FFmpeg's filters, and memory with it: a feed
has a size in each canvas and some for small pictures of it. What moves needs new ones all along."""

STAGED_SIZES = 2
"""Sizes of source for which a `Scaler` keeps memory: a sender has one at a time."""


class _Filter(NamedTuple):
    """FFmpeg's `scale` from one size to another. What comes out lies in memory of a pool: of a
    picture that nobody holds any more it is given out again."""

    graph: Graph
    """Its nodes end with it."""
    begin: FilterContext
    end: FilterContext

    @classmethod
    def between(cls, source: Size, target: Size) -> "_Filter":
        graph = Graph()
        graph.threads = 1
        size = f"video_size={source.width}x{source.height}"
        begin = graph.add("buffer", f"{size}:pix_fmt=yuv420p:time_base=1/1")
        scale = graph.add("scale", f"{target.width}:{target.height}:flags=bilinear")
        end = graph.add("buffersink")
        graph.link_nodes(begin, scale, end).configure()
        return cls(graph, begin, end)

    def apply(self, frame: av.VideoFrame) -> Yuv420:
        self.begin.push(frame)
        scaled = self.end.pull()
        assert isinstance(scaled, av.VideoFrame)
        return planes(scaled)


class Scaler:
    """What scaling keeps between frames. Each thread that scales has one of its own."""

    def __init__(self) -> None:
        self._filters: OrderedDict[tuple[Size, Size], _Filter] = OrderedDict()
        self._staged: dict[Size, av.VideoFrame] = {}
        self._pool = Pool()

    def resized(self, source: Yuv420, size: Size) -> Yuv420:
        """`source` stretched to `size`, in memory that nobody else reads.

        By 2:1 and 4:3 it is resampled here: a 720p feed is so in half of a 720p canvas, and in
        half of a 1080p one. All else is scaled by swscale, bilinear, on the calling thread.
        """
        resample = _exact(source.size, size)
        if resample is not None:
            target = self._pool.blank(size)
            resample(source.y, target.y)
            resample(source.u, target.u)
            resample(source.v, target.v)
            return target
        step = _step(source.size, size)
        if step != size:
            return self.resized(self.resized(source, step), size)
        return self._filter(source.size, size).apply(self._stage(source))

    def copied(self, source: Yuv420) -> Yuv420:
        """`source` in memory that nobody else reads."""
        target = self._pool.blank(source.size)
        copy(source, target)
        return target

    def _stage(self, source: Yuv420) -> av.VideoFrame:
        """A copy of `source` in memory that is in this core's cache.

        A frame comes from a decoder on another core. swscale waits for every line of it in turn,
        which costs up to three times what it takes when the frame is near; a copy waits for many
        lines at once.
        """
        size = source.size
        if size not in self._staged:
            if len(self._staged) == STAGED_SIZES:
                self._staged.clear()
            staged = av.VideoFrame(size.width, size.height, "yuv420p")
            staged.pts, staged.time_base = 0, Fraction(1)
            self._staged[size] = staged
        copy(source, planes(self._staged[size]))
        return self._staged[size]

    def _filter(self, source: Size, target: Size) -> _Filter:
        sizes = source, target
        if sizes not in self._filters:
            if len(self._filters) == KEPT_FILTERS:
                self._filters.popitem(last=False)
            self._filters[sizes] = _Filter.between(source, target)
        self._filters.move_to_end(sizes)
        return self._filters[sizes]


def scaled(
    frame: av.VideoFrame,
    size: Size,
    view: View = PLAIN_VIEW,
    scaler: Scaler | None = None,
    turns: Turns = 0,
) -> Yuv420:
    """What `view` shows of `frame`, brought upright by `turns`, for a tile of `size`.

    `cover` cuts off what does not fit the tile's shape, on both sides of the focus; `fill`
    stretches; `contain` returns a smaller picture if the shapes differ, to be centred in the
    tile. A frame that needs no change is returned as it is, in its own memory; whatever is to
    be done to pixels is done to the tile's, which are fewer.
    """
    scaler = scaler or Scaler()
    source = planes(frame)
    part, size = _seen(source.size, size, view, turns)
    picture = region(source, part)
    matrix = conversion(frame)
    if part.size != size:
        picture = scaler.resized(picture, size)
    elif matrix is not None:
        picture = scaler.copied(picture)
    if matrix is not None:
        convert(picture.y, picture.u, picture.v, matrix)
    if turns or view.mirror:
        picture = turned(picture, turns)
        picture = scaler.copied(mirrored(picture) if view.mirror else picture)
    return picture


@lru_cache(maxsize=256)
def _seen(source: Size, tile: Size, view: View, turns: Turns) -> tuple[Rect, Size]:
    """Which part of a frame as it came is seen, and at which size; both not turned yet."""
    upright = _turned(source, turns)
    part = pixel_rect(view.crop, upright)
    if view.fit == "contain":
        tile = contained(part.size, tile)
    elif view.fit == "cover":
        cover = cover_crop(part.size, tile, view.focus)
        part = Rect(part.x + cover.x, part.y + cover.y, cover.width, cover.height)
    return turned_back(part, upright, turns), _turned(tile, turns)


def _turned(size: Size, turns: Turns) -> Size:
    return Size(size.height, size.width) if turns % 2 else size


def _exact(source: Size, target: Size) -> Callable[[Plane, Plane], None] | None:
    """What resamples `source` to `target` if the ratio is the same in all planes and known."""
    ratio = source.width / target.width
    if source.height / target.height != ratio:
        return None
    if ratio == 2:
        return halve
    in_fours = source.width % 8 == source.height % 8 == 0
    return three_quarters if ratio == 4 / 3 and in_fours else None


def _step(source: Size, target: Size) -> Size:
    """`target`, or what `source` can be shrunk to in one go on the way there."""
    least = 2 * LARGEST_SHRINK
    return Size(
        max(target.width, 2 * math.ceil(source.width / least)),
        max(target.height, 2 * math.ceil(source.height / least)),
    )
