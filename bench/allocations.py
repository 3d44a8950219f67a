"""Canvas-sized memory taken for a rendered frame after warm-up, by whatever library, as JSON.

In canvases: of a grid, of tiles for which swscale is needed, of a canvas on which nothing is new,
and, to see that such memory is seen, of FFmpeg's frames one after the other. `bench.compose` runs
it in a process of its own, in which blocks of 64 KiB are the kernel's own: each one that is taken
is touched page by page for the first time, and page faults count them (mallopt(3), getrusage(2)).
"""

import json
import resource

import av

from bench import clips, compose
from compositor.geometry import Size


def canvases(render: compose.Render) -> float:
    for tick in range(2 * compose.PICTURES):
        render(tick)
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for tick in range(compose.PICTURES):
        render(tick)
    faults = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before
    canvas = compose.CANVAS.width * compose.CANVAS.height * 1.5
    return faults * resource.getpagesize() / compose.PICTURES / canvas


def main() -> None:
    feeds = compose.feeds(Size(*clips.SIZE))

    def wasteful(tick: int) -> av.VideoFrame:
        frame = feeds[0][tick % compose.PICTURES]
        return frame.reformat(compose.CANVAS.width, compose.CANVAS.height, threads=1)

    renders = {
        "grid": compose.ours(feeds),
        "swscale": compose.ours(feeds, compose.SPOTLIGHT),
        "unchanged": compose.unchanged(feeds),
        "wasteful": wasteful,
    }
    print(json.dumps({name: canvases(render) for name, render in renders.items()}))


if __name__ == "__main__":
    main()
