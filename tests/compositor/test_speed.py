"""The hot paths one by one, for `pytest --benchmark-enable tests/compositor/test_speed.py`."""

from itertools import count

import av
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from compositor.colorimetry import conversion, convert
from compositor.frame import BLACK, clone, video_frame, yuv420
from compositor.geometry import Rect, Size
from compositor.render import Canvas, Placed
from compositor.scale import Scaler, scaled
from tests.compositor.pictures import noise

HD, FULL_HD = Size(1280, 720), Size(1920, 1080)
HALF = Size(960, 540)
GRID = [Rect(x, y, HALF.width, HALF.height) for y in (0, 540) for x in (0, 960)]


@pytest.fixture(scope="module")
def frames() -> list[av.VideoFrame]:
    return [video_frame(noise(HD, seed)) for seed in range(8)]


@pytest.mark.parametrize("size", [HALF, Size(640, 360), Size(360, 640)], ids=str)
def test_scaling(benchmark: BenchmarkFixture, frames: list[av.VideoFrame], size: Size) -> None:
    scaler, ticks = Scaler(), count()
    tile = benchmark(lambda: scaled(frames[next(ticks) % 8], size, scaler=scaler))
    assert tile.size == size


def test_colours_of_a_tile(benchmark: BenchmarkFixture) -> None:
    frame = video_frame(noise(HALF))
    frame.colorspace = 6
    matrix = conversion(frame)
    assert matrix is not None
    picture = clone(yuv420(frame))
    benchmark(convert, picture.y, picture.u, picture.v, matrix)


@pytest.mark.parametrize("new", [0, 1, 4])
def test_grid_with_new_pictures(benchmark: BenchmarkFixture, new: int) -> None:
    canvas = Canvas(FULL_HD, BLACK)
    tiles = [[noise(HALF, 4 * turn + number) for number in range(4)] for turn in range(2)]
    ticks = count()

    def render() -> av.VideoFrame:
        now = tiles[next(ticks) % 2][:new] + tiles[0][new:]
        return canvas.render([Placed(*pair) for pair in zip(GRID, now, strict=True)])

    assert benchmark(render).width == FULL_HD.width
