import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compositor.background import background
from compositor.errors import GeometryError
from compositor.frame import BLACK, Colour, Yuv420, blank, copy, region, solid, yuv420
from compositor.geometry import Rect, Size, pixel_rect, whole
from compositor.layout import Layout, View
from compositor.render import Canvas, Placed
from compositor.scale import scaled
from compositor.slate import slate
from compositor.spec import parse_layout
from compositor.tiles import FeedInfo, tiles
from tests.compositor.pictures import (
    camera,
    clone,
    filtered,
    generated,
    noise,
    psnr,
    received,
    same,
)
from tests.compositor.strategies import documents, feed_lists, rects, sizes

GREY = Colour(60, 120, 140)
RED = Colour(63, 102, 240)


def painted(size: Size, background: Colour, placed: list[Placed]) -> Yuv420:
    """The canvas as a painter would make it, from nothing."""
    picture = solid(size, background)
    for item in placed:
        assert isinstance(item.picture, Yuv420)
        copy(item.picture, region(picture, item.rect))
    return picture


def test_an_empty_canvas_is_its_background() -> None:
    assert same(yuv420(Canvas(Size(16, 8), GREY).render([])), solid(Size(16, 8), GREY))


def test_two_received_feeds_side_by_side_are_what_ffmpeg_makes_of_them() -> None:
    feeds = [
        received(generated(source, "size=1280x720:rate=30", 20), 2_500_000)[-1]
        for source in ("testsrc2", "mandelbrot")
    ]
    half = "scale=640:360:flags=bilinear"
    expected = filtered(feeds, half, half, "pad=1280:720:0:180:black")
    shown = tiles(
        Layout(preset="side-by-side"),
        Size(1280, 720),
        [FeedInfo("0", "", "on"), FeedInfo("1", "", "on")],
    )
    canvas = Canvas(Size(1280, 720), BLACK)
    frame = canvas.render(
        [
            Placed(tile.rect, scaled(feed, tile.rect.size, tile.view))
            for tile, feed in zip(shown, feeds, strict=True)
        ]
    )
    assert psnr(yuv420(frame), yuv420(expected)) >= 40


def test_a_contained_picture_has_the_background_beside_it() -> None:
    frame = camera(1, Size(256, 144))
    expected = filtered([frame], "scale=128:72:flags=area", "pad=128:128:0:28:black")
    placed = Placed(Rect(0, 0, 128, 128), scaled(frame, Size(128, 128), View("contain")))
    assert psnr(yuv420(Canvas(Size(128, 128), BLACK).render([placed])), yuv420(expected)) >= 60


def test_the_frame_shares_the_canvas_and_is_of_its_size() -> None:
    canvas = Canvas(Size(64, 90), GREY)
    first, second = canvas.render([]), canvas.render([])
    assert (first.width, first.height) == (64, 90)
    assert np.shares_memory(yuv420(first).y, yuv420(second).y)


def test_a_picture_that_stays_is_not_copied_again() -> None:
    canvas = Canvas(Size(64, 64), GREY)
    first = noise(Size(32, 64), 1)
    left = Placed(Rect(0, 0, 32, 64), first)
    right = Placed(Rect(32, 0, 32, 64), noise(Size(32, 64), 2))
    canvas.render([left, right])
    shown = yuv420(canvas.render([left, right]))
    before = first.y[0, 0].item()
    first.y[0, 0] = before ^ 1
    canvas.render([left, right._replace(picture=noise(Size(32, 64), 3))])
    assert shown.y[0, 0] == before


def test_a_picture_over_another_stays_on_top_when_the_lower_one_changes() -> None:
    canvas = Canvas(Size(64, 64), GREY)
    lower = Placed(Rect(0, 0, 64, 64), noise(Size(64, 64), 1))
    upper = Placed(Rect(16, 16, 32, 32), noise(Size(32, 32), 2))
    top = Placed(Rect(40, 40, 8, 8), noise(Size(8, 8), 3))
    canvas.render([lower, upper, top])
    changed = [lower._replace(picture=noise(Size(64, 64), 4)), upper, top]
    expected = painted(Size(64, 64), GREY, changed)
    assert same(yuv420(canvas.render(changed)), expected)


def test_what_a_tile_leaves_is_background_again() -> None:
    canvas = Canvas(Size(64, 64), GREY)
    canvas.render([Placed(Rect(0, 0, 64, 64), noise(Size(64, 64)))])
    small = [Placed(Rect(8, 8, 16, 16), noise(Size(16, 16)))]
    assert same(yuv420(canvas.render(small)), painted(Size(64, 64), GREY, small))
    assert same(yuv420(canvas.render([])), solid(Size(64, 64), GREY))


def test_a_contained_picture_that_changes_its_shape_leaves_nothing_behind() -> None:
    canvas = Canvas(Size(64, 64), GREY)
    canvas.render([Placed(Rect(0, 0, 64, 64), noise(Size(64, 36)))])
    upright = noise(Size(36, 64))
    shown = yuv420(canvas.render([Placed(Rect(0, 0, 64, 64), upright)]))
    assert same(shown, painted(Size(64, 64), GREY, [Placed(Rect(14, 0, 36, 64), upright)]))


@pytest.mark.parametrize(
    "placed",
    [
        Placed(Rect(0, 0, 66, 64), solid(Size(66, 64), RED)),
        Placed(Rect(62, 0, 4, 4), solid(Size(4, 4), RED)),
        Placed(Rect(0, 0, 4, 4), solid(Size(8, 2), RED)),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(placed: Placed) -> None:
    canvas = Canvas(Size(64, 64), GREY)
    good = [Placed(Rect(2, 2, 8, 8), noise(Size(8, 8)))]
    expected = clone(yuv420(canvas.render(good)))
    with pytest.raises(GeometryError):
        canvas.render([*good, placed])
    assert same(yuv420(canvas.render(good)), expected)


@given(st.data())
def test_any_sequence_of_scenes_looks_as_if_painted_from_nothing(data: st.DataObject) -> None:
    size = data.draw(sizes(Size(40, 40)))
    canvas = Canvas(size, GREY)
    even = st.integers(0, 100)
    pool: dict[tuple[Size, int], Yuv420] = {}
    arrangements = [
        [pixel_rect((x, y, width, height), size) for x, y, width, height in drawn]
        for drawn in data.draw(st.lists(st.lists(rects(), max_size=4), min_size=1, max_size=3))
    ]
    for _ in range(data.draw(st.integers(1, 6))):
        arrangement = data.draw(st.sampled_from(arrangements))
        placed = []
        for rect in arrangement:
            key = (rect.size, data.draw(even) % 3)
            placed.append(Placed(rect, pool.setdefault(key, noise(*key))))
        assert same(yuv420(canvas.render(placed)), painted(size, GREY, placed))


@given(documents(), sizes(), feed_lists())
def test_any_layout_renders_on_any_canvas_from_2x2_to_4k(
    document: dict[str, object], size: Size, feeds: list[FeedInfo]
) -> None:
    layout = parse_layout(document)
    canvas = Canvas(size, background(layout.background, size, {}))
    placed = [
        Placed(
            tile.rect,
            slate(tile.rect.size, tile.title, tile.subtitle)
            if tile.picture == "slate"
            else scaled(camera(1), tile.rect.size, tile.view),
        )
        for tile in tiles(layout, size, feeds)
    ]
    frame = canvas.render(placed)
    assert (frame.width, frame.height) == (size.width, size.height)


def marked(size: Size) -> Yuv420:
    """A picture whose chroma says which luma pixel it belongs to."""
    picture = blank(size)
    picture.y[:] = noise(size).y
    picture.u[:] = picture.y[0::2, 0::2]
    picture.v[:] = picture.y[1::2, 1::2]
    return picture


@given(sizes(Size(96, 96)), st.lists(rects(), max_size=4), sizes(Size(96, 96)))
def test_chroma_never_shifts_against_luma(
    size: Size, drawn: list[list[float]], source: Size
) -> None:
    canvas = Canvas(size, Colour(128, 128, 128))
    placed = []
    for x, y, width, height in drawn:
        rect = pixel_rect((x, y, width, height), size)
        picture = marked(Size(max(source.width, rect.width), max(source.height, rect.height)))
        corner = Rect(
            picture.size.width - rect.width,
            picture.size.height - rect.height,
            rect.width,
            rect.height,
        )
        placed.append(Placed(rect, region(picture, corner)))
    shown = yuv420(canvas.render(placed))
    assert np.array_equal(shown.u, shown.y[0::2, 0::2])
    assert np.array_equal(shown.v, shown.y[1::2, 1::2])
    assert shown.size == whole(size).size
