import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from compositor.errors import GeometryError
from compositor.frame import (
    BLACK,
    Colour,
    Yuv420,
    blank,
    colour,
    dimmed,
    fill,
    region,
    solid,
    video_frame,
    yuv420,
)
from compositor.geometry import Rect, Size
from tests.compositor.pictures import noise, same


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#000000", BLACK),
        ("#ffffff", Colour(235, 128, 128)),
        ("#ff0000", Colour(63, 102, 240)),
        ("#00FF00", Colour(173, 42, 26)),
        ("#0000ff", Colour(32, 240, 118)),
        ("#808080", Colour(126, 128, 128)),
    ],
)
def test_colours_are_bt709_limited_range(text: str, expected: Colour) -> None:
    assert colour(text) == expected


@pytest.mark.parametrize("text", ["", "#fff", "000000", "#00000g", "#0000000", "#000000\n"])
def test_a_text_that_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a colour"):
        colour(text)


def test_planes_of_a_frame_are_its_own_memory_without_the_padding() -> None:
    frame = av.VideoFrame(722, 406, "yuv420p")
    assert frame.planes[0].line_size > 722
    picture = yuv420(frame)
    picture.y[405, 721] = 77
    picture.v[202, 360] = 99
    assert picture.size == Size(722, 406)
    assert memoryview(frame.planes[0])[405 * frame.planes[0].line_size + 721] == 77
    assert memoryview(frame.planes[2])[202 * frame.planes[2].line_size + 360] == 99


@pytest.mark.parametrize("height", [2, 6, 90, 720])
def test_a_picture_becomes_a_frame_of_the_same_memory_and_back(height: int) -> None:
    picture = noise(Size(64, height))
    frame = video_frame(picture)
    assert (frame.width, frame.height, frame.format.name) == (64, height, "yuv420p")
    assert (frame.colorspace, frame.color_range) == (1, ColorRange.MPEG)
    again = yuv420(frame)
    assert same(again, picture)
    assert np.shares_memory(again.y, picture.y)
    assert np.shares_memory(again.v, picture.v)


def test_a_frame_keeps_its_memory_when_the_picture_is_forgotten() -> None:
    expected = noise(Size(64, 32), seed=3)
    frame = video_frame(noise(Size(64, 32), seed=3))
    assert same(yuv420(frame), expected)


@pytest.mark.parametrize("name", ["yuvj420p", "nv12", "yuv444p", "yuv420p10le", "rgb24", "bgra"])
def test_other_formats_are_converted(name: str) -> None:
    grey = solid(Size(32, 16), colour("#808080"))
    picture = yuv420(video_frame(grey).reformat(format=name))
    for plane, level in ((picture.y, 126), (picture.u, 128), (picture.v, 128)):
        assert abs(plane.astype(int) - level).max() <= 1


def test_full_range_becomes_limited_range() -> None:
    full = blank(Size(16, 16))
    full.y[:8], full.y[8:], full.u[:], full.v[:] = 0, 255, 128, 128
    frame = video_frame(full)
    frame.color_range = ColorRange.JPEG
    picture = yuv420(frame)
    assert (picture.y[:8] == 16).all()
    assert (picture.y[8:] == 235).all()


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(1, 1, Size(2, 2)), (3, 5, Size(2, 4)), (853, 481, Size(852, 480)), (1, 4, Size(2, 4))],
)
def test_an_odd_frame_is_cut_to_even(width: int, height: int, size: Size) -> None:
    assert yuv420(av.VideoFrame(width, height, "yuv420p")).size == size


def test_a_region_is_the_same_memory_at_the_same_chroma() -> None:
    picture = noise(Size(16, 16))
    part = region(picture, Rect(4, 6, 8, 2))
    assert np.array_equal(part.y, picture.y[6:8, 4:12])
    assert np.array_equal(part.u, picture.u[3:4, 2:6])
    assert np.shares_memory(part.v, picture.v)
    with pytest.raises(GeometryError):
        region(picture, Rect(10, 0, 8, 2))


def test_fill_paints_its_rectangle_only() -> None:
    picture = solid(Size(8, 8), BLACK)
    fill(picture, Colour(200, 90, 160), Rect(2, 4, 4, 2))
    expected = solid(Size(8, 8), BLACK)
    expected.y[4:6, 2:6], expected.u[2:3, 1:3], expected.v[2:3, 1:3] = 200, 90, 160
    assert same(picture, expected)


def test_dimmed_is_darker_and_paler_and_leaves_the_original() -> None:
    picture = solid(Size(4, 4), Colour(235, 240, 16))
    dark: Yuv420 = dimmed(picture)
    assert same(dark, solid(Size(4, 4), Colour(103, 184, 72)))
    assert same(picture, solid(Size(4, 4), Colour(235, 240, 16)))
    assert same(dimmed(solid(Size(4, 4), BLACK)), solid(Size(4, 4), BLACK))
