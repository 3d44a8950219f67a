"""What composing costs on one thread, beside libavfilter's scale and xstack and a memcpy."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from PIL import Image, ImageDraw

from bench import clips
from bench.report import Figures, Options, Report, medians, report, run
from compositor.frame import BLACK, Yuv420, copy, solid, yuv420
from compositor.geometry import Rect, Size
from compositor.layout import Layout
from compositor.overlay_spec import parse_overlays
from compositor.raster import Raster, raster
from compositor.render import Canvas, Placed
from compositor.scale import Scaler, scaled
from compositor.tiles import Tile
from compositor.transition import between
from compositor.trim import PLAIN, Trim
from mediaserver.composition import Composition
from mediaserver.encoder import VideoEncoder, VideoEncoding
from mediaserver.stage import Scene, Stage, drawings

CANVAS, TILE = Size(1920, 1080), Size(960, 540)
GRID = tuple(Rect(x, y, TILE.width, TILE.height) for y in (0, 540) for x in (0, 960))
SPOTLIGHT = (Rect(0, 90, 1600, 900), *(Rect(1600, 90 + 300 * row, 320, 180) for row in range(3)))
HALVES = Rect(0, 270, 960, 540), Rect(960, 270, 960, 540)
INSET = Rect(0, 0, 1920, 1080), Rect(1380, 740, 480, 270)
ROUND = Trim(radius=48, border=6, colour="#ffffff")
TRANSITIONS = {"4": (GRID, SPOTLIGHT), "2": (HALVES, INSET)}
"""From where to where, by the number of tiles."""
FEEDS, PICTURES = len(GRID), 16
"""Different pictures of each feed: what is scaled was not in the cache."""
OVERLAYS = (Rect(60, 60, 520, 200), Rect(700, 820, 520, 200), Rect(1340, 440, 520, 200))
"""15 % of the canvas."""
TELLING = [
    {
        "kind": kind,
        "rect": [0.05 + 0.5 * column, 0.05 + 0.23 * row, 0.4, 0.2],
        "size": 0.12,
        **({"seconds": True, "box": "#000000a0"} if kind == "clock" else {"until": 90_000}),
    }
    for row in range(4)
    for column, kind in enumerate(("clock", "countdown"))
]
FPS = 30
TRANSITION_TICKS = 15
WARM_UP_TICKS = 5
"""Of the encoder: it begins with a keyframe."""

Feeds = Sequence[Sequence[av.VideoFrame]]
Render = Callable[[int], av.VideoFrame]


def feeds(size: Size) -> Feeds:
    """Four moving pictures of `size`, two of each of the benchmarks' sources."""
    made = []
    for number in range(len(clips.SOURCES)):
        pictures = list(clips.pictures(number, FEEDS // len(clips.SOURCES) * PICTURES))
        if size != Size(*clips.SIZE):
            pictures = [p.reformat(size.width, size.height, threads=1) for p in pictures]
        made += [pictures[:PICTURES], pictures[PICTURES:]]
    return made


def ours(of: Feeds, rects: Sequence[Rect] = GRID) -> Render:
    scaler, canvas = Scaler(), Canvas(CANVAS, BLACK)

    def render(tick: int) -> av.VideoFrame:
        return canvas.render(
            [
                Placed(rect, scaled(feed[tick % PICTURES], rect.size, scaler=scaler))
                for rect, feed in zip(rects, of, strict=True)
            ]
        )

    return render


def libavfilter(of: Feeds) -> Render:
    """The same by FFmpeg's filters, bilinear, on the calling thread."""
    graph = Graph()
    graph.threads = 1
    stack = graph.add("xstack", f"inputs={FEEDS}:layout=0_0|w0_0|0_h0|w0_h0")
    sources = []
    for index, feed in enumerate(of):
        size = f"video_size={feed[0].width}x{feed[0].height}"
        source = graph.add("buffer", f"{size}:pix_fmt=yuv420p:time_base=1/30")
        scale = graph.add("scale", f"{TILE.width}:{TILE.height}:flags=bilinear")
        source.link_to(scale)
        scale.link_to(stack, 0, index)
        sources.append(source)
    sink = graph.add("buffersink")
    stack.link_to(sink)
    graph.configure()

    def render(tick: int) -> av.VideoFrame:
        for source, feed in zip(sources, of, strict=True):
            frame = feed[tick % PICTURES]
            frame.pts, frame.time_base = tick, Fraction(1, 30)
            source.push(frame)
        return graph.vpull()

    return render


def unchanged(of: Feeds) -> Render:
    """Nothing new on any feed."""
    canvas, scaler = Canvas(CANVAS, BLACK), Scaler()
    tiles = [scaled(feed[0], TILE, scaler=scaler) for feed in of]
    placed = [Placed(*pair) for pair in zip(GRID, tiles, strict=True)]
    placed += [Placed(rect, card(rect.size)) for rect in OVERLAYS]
    return lambda tick: canvas.render(placed)


def overlaid(of: Feeds) -> Render:
    canvas = Canvas(CANVAS, BLACK)
    cards = [Placed(rect, card(rect.size)) for rect in OVERLAYS]

    def render(tick: int) -> av.VideoFrame:
        pictures = (scaled(feed[tick % PICTURES], TILE) for feed in of)
        tiles = [Placed(*pair) for pair in zip(GRID, pictures, strict=True)]
        return canvas.render([*tiles, *cards])

    return render


def card(size: Size) -> Raster:
    """A half transparent box with rounded corners."""
    image = Image.new("RGBA", (size.width, size.height))
    box = (0, 0, size.width - 1, size.height - 1)
    ImageDraw.Draw(image).rounded_rectangle(box, radius=24, fill=(20, 24, 32, 160))
    return raster(image)


def memcpy(pictures: Sequence[Yuv420]) -> Callable[[int], None]:
    """Whole canvases copied: the floor."""
    target = solid(CANVAS, BLACK)
    return lambda tick: copy(pictures[tick % len(pictures)], target)


def cpu_ms(render: Callable[[int], object], seconds: float) -> float:
    """The median over as many calls as `seconds` allow."""
    for tick in range(PICTURES):
        render(tick)
    times, end_s, tick = [], time.monotonic() + seconds, PICTURES
    while time.monotonic() < end_s:
        before_s = time.thread_time()
        render(tick)
        times.append(time.thread_time() - before_s)
        tick += 1
    return 1000 * float(np.median(times))


def psnr_db(one: Yuv420, other: Yuv420) -> float:
    pairs = ((one.y, other.y), (one.u, other.u), (one.v, other.v))
    squares = sum(float(((a.astype(np.float64) - b) ** 2).sum()) for a, b in pairs)
    return float(10 * np.log10(255**2 * sum(a.size for a, _ in pairs) / squares))


def allocations() -> Figures:
    """Canvases newly taken for each rendered frame, as `bench.allocations` finds in a process
    whose every block of 64 KiB or more comes from the kernel."""
    child = subprocess.run(
        [sys.executable, "-m", "bench.allocations"],
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": str(64 << 10)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    taken: Figures = json.loads(child.stdout)
    return taken


def transitions(of: Feeds) -> Figures:
    """The slowest frame, encoded, of tiles that go there and back: moved or faded, with square
    corners or with round ones and a border."""
    slowest = {
        f"{kind}_{count}{'_round' if trim.radius else ''}_ms": transition_ms(
            of, rects, trim, moving=kind == "move"
        )
        for count, rects in TRANSITIONS.items()
        for kind in ("move", "fade")
        for trim in (PLAIN, ROUND)
    }
    return {"transition_worst_ms": max(slowest.values()), **slowest}


def transition_ms(
    of: Feeds, rects: tuple[Sequence[Rect], Sequence[Rect]], trim: Trim, *, moving: bool
) -> float:
    """The slowest frame, composed and encoded on one thread; of each frame the median of three,
    for a machine that is taken away for a moment."""
    old, new = (
        [Tile(inside(rect, trim.border), str(n), "live", trim=trim) for n, rect in enumerate(each)]
        for each in rects
    )
    there = range(TRANSITION_TICKS + 1)
    steps = [0] * WARM_UP_TICKS + [*there, *reversed(there)]
    moments = [between(old, new, step / TRANSITION_TICKS, moving=moving) for step in steps]
    times = np.median([frame_times_s(of, moments) for _ in range(3)], axis=0)
    return 1000 * float(times[WARM_UP_TICKS:].max())


def encoded_ms(of: Feeds) -> float:
    """The median frame of a grid that stays, composed and encoded on one thread."""
    shown = [Tile(rect, str(number), "live") for number, rect in enumerate(GRID)]
    return 1000 * float(np.median(frame_times_s(of, [shown] * 60)[WARM_UP_TICKS:]))


def frame_times_s(of: Feeds, moments: Sequence[Sequence[Tile]]) -> list[float]:
    canvas, scaler = Canvas(CANVAS, BLACK), Scaler()
    encoder = VideoEncoder(VideoEncoding(CANVAS.width, CANVAS.height, Fraction(30), 6_000_000))
    times: list[float] = []
    for number, shown in enumerate(moments):
        before_s = time.thread_time()
        placed = []
        for tile in shown:
            frame = of[int(tile.feed or 0)][number % PICTURES]
            picture = scaled(frame, tile.rect.size, tile.view, scaler)
            placed.append(Placed(tile.rect, picture, tile.trim, tile.opacity))
        encoder.encode(canvas.render(placed), number)
        times.append(time.thread_time() - before_s)
    return times


def telling_ms() -> float:
    """The slowest of two seconds' frames, by the clock on the wall and without their encoding,
    under eight clocks and countdowns with seconds, which are drawn on another thread."""
    stage, scene = Stage(CANVAS), Scene(Composition(Layout.empty(), parse_overlays(TELLING)))
    stage.drawings = drawings(scene, CANVAS, 0.0)
    times: list[float] = []
    start_s = time.monotonic()
    for tick in range(3 * FPS):
        now_s = tick / FPS
        time.sleep(max(0.0, start_s + now_s - time.monotonic()))
        before_s = time.monotonic()
        stage.compose(scene, now_s, now_s)
        times.append(time.monotonic() - before_s)
    return 1000 * max(times[FPS:])


def inside(rect: Rect, line: int) -> Rect:
    """`rect` without a line of that width along its edge."""
    return Rect(rect.x + line, rect.y + line, rect.width - 2 * line, rect.height - 2 * line)


async def measure(options: Options) -> Report:
    camera, fitting = feeds(Size(*clips.SIZE)), feeds(TILE)
    canvases = [solid(CANVAS, BLACK) for _ in range(PICTURES)]
    seconds = options.seconds / 8
    runs: list[Figures] = []
    filters: list[Figures] = []
    floor: list[Figures] = []
    for _ in range(options.runs):
        same_tick = ours(camera)(3), libavfilter(camera)(3)
        fits_ms = cpu_ms(ours(fitting), seconds)
        runs.append(
            {
                "grid_ms": cpu_ms(ours(camera), seconds),
                "tile_size_ms": fits_ms,
                "unchanged_ms": cpu_ms(unchanged(camera), seconds),
                "overlays_more_ms": cpu_ms(overlaid(fitting), seconds) - fits_ms,
                "grid_encoded_ms": encoded_ms(camera),
                **transitions(camera),
                "clocks_worst_ms": telling_ms(),
                "grid_psnr_db": psnr_db(*map(yuv420, same_tick)),
            }
        )
        filters.append(
            {
                "grid_ms": cpu_ms(libavfilter(camera), seconds),
                "tile_size_ms": cpu_ms(libavfilter(fitting), seconds),
            }
        )
        floor.append({"canvas_ms": cpu_ms(memcpy(canvases), seconds)})
    taken = allocations()
    mine, copy_ms = medians(runs), medians(floor)["canvas_ms"]
    ratios = {
        "grid_ratio": mine["grid_ms"] / medians(filters)["grid_ms"],
        "tile_size_to_memcpy_ratio": mine["tile_size_ms"] / copy_ms,
        "unchanged_to_memcpy_ratio": mine["unchanged_ms"] / copy_ms,
        "canvases_allocated": max(taken[name] for name in ("grid", "swscale", "unchanged")),
    }
    return report("compose", runs, {"libavfilter": filters, "memcpy": floor}, ratios)


if __name__ == "__main__":
    run(__doc__ or "", 16.0, measure)
