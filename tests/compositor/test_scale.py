import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Interpolation
from hypothesis import example, given
from hypothesis import strategies as st

from compositor.frame import Colour, clone, copy, region, solid, turned, video_frame, yuv420
from compositor.geometry import Rect, Size, Turns, contained
from compositor.layout import Fit, View
from compositor.scale import Scaler, scaled
from tests.compositor.pictures import camera, filtered, generated, noise, psnr, received, same
from tests.compositor.strategies import sizes

HD, SMALL = Size(1280, 720), Size(128, 72)


@pytest.fixture(scope="module")
def feeds() -> list[av.VideoFrame]:
    """What two cameras with busy, noisy pictures bring at 2.5 Mbit/s."""
    return [
        received(generated(source, "size=1280x720:rate=30", 20), 2_500_000)[-1]
        for source in ("testsrc2", "mandelbrot")
    ]


def test_a_frame_of_the_right_size_is_its_own_memory() -> None:
    picture = noise(HD)
    result = scaled(video_frame(picture), HD)
    assert np.shares_memory(result.y, picture.y)
    assert same(result, picture)


def test_cover_to_the_same_height_is_a_crop_of_the_same_memory() -> None:
    picture = noise(HD)
    result = scaled(video_frame(picture), Size(720, 720))
    assert np.shares_memory(result.y, picture.y)
    assert same(result, region(picture, Rect(280, 0, 720, 720)))


@pytest.mark.parametrize("width", [1284, 1288])
def test_half_is_the_rounded_mean_of_two_by_two(width: int) -> None:
    """Also where rows are apart, and where a crop begins at an odd byte of the chroma."""
    frame = av.VideoFrame(width, 364, "yuv420p")
    picture = yuv420(frame)
    copy(noise(picture.size), picture)
    half = scaled(frame, Size(642, 182))
    left = (width - 1284) // 2
    picture = region(picture, Rect(left, 0, 1284, 364))
    for plane, result in ((picture.y, half.y), (picture.u, half.u), (picture.v, half.v)):
        blocks = plane.astype(int)
        total = blocks[0::2, 0::2] + blocks[0::2, 1::2] + blocks[1::2, 0::2] + blocks[1::2, 1::2]
        assert np.array_equal(result, (total + 2) // 4)


def test_half_of_the_brightest_pixels_does_not_overflow() -> None:
    white = solid(Size(64, 64), Colour(255, 255, 255))
    assert (scaled(video_frame(white), Size(32, 32)).y == 255).all()


def test_half_is_what_swscale_calls_area() -> None:
    picture = noise(HD)
    area = video_frame(picture).reformat(640, 360, interpolation=Interpolation.AREA, threads=1)
    assert psnr(scaled(video_frame(picture), Size(640, 360)), yuv420(area)) > 60


def test_half_of_a_received_frame_is_within_40_db_of_ffmpegs_bilinear(
    feeds: list[av.VideoFrame],
) -> None:
    for frame in feeds:
        bilinear = yuv420(filtered([frame], "scale=640:360:flags=bilinear"))
        assert psnr(scaled(frame, Size(640, 360)), bilinear) >= 40


@pytest.mark.parametrize(
    ("size", "chain"),
    [
        (Size(960, 540), "scale=960:540:flags=bilinear"),
        (Size(320, 180), "scale=320:180:flags=bilinear"),
        (Size(360, 640), "crop=406:720:436:0,scale=360:640:flags=bilinear"),
        (Size(500, 500), "crop=720:720:280:0,scale=500:500:flags=bilinear"),
        (Size(1920, 1080), "scale=1920:1080:flags=bilinear"),
    ],
)
def test_cover_at_other_ratios_is_ffmpegs_crop_and_scale(
    feeds: list[av.VideoFrame], size: Size, chain: str
) -> None:
    for frame in feeds:
        result = scaled(frame, size)
        assert result.size == size
        assert psnr(result, yuv420(filtered([frame], chain))) >= 50


def test_contain_is_the_whole_picture_at_the_largest_size_that_fits(
    feeds: list[av.VideoFrame],
) -> None:
    result = scaled(feeds[0], Size(400, 400), View("contain"))
    expected = yuv420(filtered([feeds[0]], "scale=400:226:flags=bilinear"))
    assert result.size == Size(400, 226)
    assert psnr(result, expected) >= 50


def test_fill_stretches(feeds: list[av.VideoFrame]) -> None:
    result = scaled(feeds[0], Size(400, 400), View("fill"))
    expected = yuv420(filtered([feeds[0]], "scale=400:400:flags=bilinear"))
    assert psnr(result, expected) >= 50


def test_one_scaler_serves_frames_of_any_size_and_fit() -> None:
    scaler = Scaler()
    for width, height in ((1280, 720), (640, 480), (722, 406), (1920, 1080), (1280, 720)):
        frame = camera(1, Size(width, height))
        for fit in ("cover", "contain", "fill"):
            once = scaled(frame, Size(640, 360), View(fit))
            assert same(scaled(frame, Size(640, 360), View(fit), scaler), once)


def test_results_of_one_scaler_are_apart_from_each_other() -> None:
    scaler = Scaler()
    first = scaled(camera(1), Size(128, 72), View("cover"), scaler)
    kept = first.y.copy()
    scaled(camera(2), Size(128, 72), View("cover"), scaler)
    assert np.array_equal(first.y, kept)


def test_full_range_feeds_are_brought_to_limited_range() -> None:
    frame = video_frame(solid(HD, Colour(255, 128, 128)))
    frame.color_range = ColorRange.JPEG
    assert (scaled(frame, Size(640, 360)).y == 235).all()


def test_scaling_leaves_the_tags_of_the_frame_alone() -> None:
    frame = camera(1)
    frame.colorspace, frame.color_trc = 5, 6
    scaled(frame, Size(100, 60))
    assert (frame.colorspace, frame.color_trc) == (5, 6)


VIEWS = (
    View(),
    View("contain"),
    View("fill"),
    View(focus=(0.1, 0.9)),
    View(crop=(0.1, 0.25, 0.5, 0.5), mirror=True),
)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("size", [Size(192, 108), Size(108, 192), Size(100, 100)], ids=str)
def test_a_turned_frame_is_seen_as_if_it_had_come_upright(turns: Turns, size: Size) -> None:
    frame = camera(3, Size(256, 144))
    upright = video_frame(clone(turned(yuv420(frame), turns)))
    for view in VIEWS:
        result = scaled(frame, size, view, turns=turns)
        expected = scaled(upright, size, view)
        assert result.size == expected.size
        assert psnr(result, expected) >= 45


def test_one_turn_is_clockwise() -> None:
    frame = camera(1)
    picture = yuv420(frame)
    picture.y[:8, :8] = 235
    assert (scaled(frame, Size(144, 256), turns=1).y[:8, -8:] == 235).all()
    assert (scaled(frame, Size(144, 256), turns=3).y[-8:, :8] == 235).all()


def test_a_tile_no_longer_read_gives_its_memory_to_the_next() -> None:
    frame, scaler = camera(1), Scaler()
    first, second = scaled(frame, SMALL, scaler=scaler), scaled(frame, SMALL, scaler=scaler)
    memory = {first.y.ctypes.data, second.y.ctypes.data}
    assert len(memory) == 2
    seen = region(first, Rect(0, 0, 2, 2))
    del first, second
    third = scaled(frame, SMALL, scaler=scaler)
    assert third.y.ctypes.data in memory
    assert not np.shares_memory(third.y, seen.y)
    del seen
    assert scaled(frame, SMALL, scaler=scaler).y.ctypes.data in memory


@example(Size(3840, 2160), Size(2, 2), "fill")
@example(Size(2, 2160), Size(3840, 2), "fill")
@example(Size(2, 2), Size(3840, 2160), "fill")
@given(sizes(Size(400, 400)), sizes(Size(400, 400)), st.sampled_from(["cover", "contain", "fill"]))
def test_any_frame_fits_any_tile(source: Size, tile: Size, fit: Fit) -> None:
    result = scaled(video_frame(solid(source, Colour(90, 60, 200))), tile, View(fit))
    assert result.size == (contained(source, tile) if fit == "contain" else tile)
    for plane, level in ((result.y, 90), (result.u, 60), (result.v, 200)):
        assert abs(plane.astype(int) - level).max() <= 1
