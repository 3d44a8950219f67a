"""Rounded corners, borders, opacity and rasters on a canvas."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from compositor.errors import GeometryError
from compositor.frame import Colour, Yuv420, flat_picture, region, yuv420
from compositor.geometry import Rect, Size, pixel_rect, whole
from compositor.overlay import Style, Text, Ticker
from compositor.painter import Painter
from compositor.raster import raster
from compositor.render import Canvas, Placed
from compositor.trim import Trim
from tests.compositor.pictures import noise, same
from tests.compositor.strategies import rects, sizes

GREY = Colour(60, 120, 140)
RED = Colour(63, 102, 240)
SQUARE = Rect(16, 16, 32, 32)
CANVAS = Size(64, 64)


def dressings(size: Size) -> st.SearchStrategy[Placed]:
    """Pictures with edges and alpha, anywhere inside a canvas."""

    def dressed(rect: list[float], radius: int, line: int, opacity: float, seed: int) -> Placed:
        outer = pixel_rect((rect[0], rect[1], rect[2], rect[3]), size)
        line = min(2 * line, (min(outer.width, outer.height) - 2) // 4 * 2)
        inner = Rect(
            outer.x + line, outer.y + line, outer.width - 2 * line, outer.height - 2 * line
        )
        if seed == 3:
            image = Image.effect_noise((inner.width, inner.height), 90).convert("RGBA")
            image.putalpha(image.getchannel("R"))
            return Placed(inner, raster(image))
        return Placed(inner, noise(inner.size, seed), Trim(2 * radius, line, "#80ff40"), opacity)

    return st.builds(
        dressed,
        rects(),
        st.integers(0, 9),
        st.integers(0, 4),
        st.sampled_from([1.0, 1.0, 0.5, 0.0]),
        st.integers(0, 3),
    )


@given(st.data())
def test_only_what_changed_is_written_and_yet_nothing_old_is_left(data: st.DataObject) -> None:
    size = data.draw(sizes(Size(60, 60)))
    ground: Colour | Yuv420 = GREY if data.draw(st.booleans()) else noise(size, 9)
    canvas = Canvas(size, ground)
    scenes = data.draw(st.lists(st.lists(dressings(size), max_size=5), min_size=1, max_size=3))
    for _ in range(data.draw(st.integers(1, 6))):
        scene = list(data.draw(st.sampled_from(scenes)))
        for index in data.draw(st.sets(st.integers(0, 4))):
            if index < len(scene) and isinstance(scene[index].picture, Yuv420):
                new = noise(scene[index].picture.size, data.draw(st.integers(4, 8)))
                scene[index] = scene[index]._replace(picture=new)
        fresh = Canvas(size, ground)
        assert same(yuv420(canvas.render(scene)), yuv420(fresh.render(scene)))


def test_opacity_is_a_weighted_mean() -> None:
    under, over = noise(CANVAS, 1), noise(Size(32, 32), 2)
    shown = yuv420(Canvas(CANVAS, under).render([Placed(SQUARE, over, opacity=0.4)]))
    expected = 0.4 * over.y.astype(float) + 0.6 * under.y[16:48, 16:48]
    assert abs(shown.y[16:48, 16:48] - expected).max() <= 0.5 + 1e-9
    assert np.array_equal(shown.y[:16], under.y[:16])


def test_a_round_tile_has_the_area_of_a_circle_and_leaves_the_corners() -> None:
    white = flat_picture(CANVAS, Colour(255, 128, 128))
    canvas = Canvas(CANVAS, Colour(0, 128, 128))
    shown = yuv420(canvas.render([Placed(whole(CANVAS), white, Trim(radius=32))]))
    assert abs(shown.y.astype(float).mean() / 255 - np.pi / 4) < 0.002
    assert shown.y[0, 0] == shown.y[63, 63] == 0
    assert shown.y[32, 1] == shown.y[1, 32] == 255
    assert np.array_equal(shown.y, shown.y[::-1, ::-1])
    assert np.array_equal(shown.y, shown.y.T)


def test_a_border_lies_around_its_picture() -> None:
    picture = noise(Size(32, 32), 2)
    shown = yuv420(
        Canvas(CANVAS, GREY).render([Placed(SQUARE, picture, Trim(border=4, colour="#ff0000"))])
    )
    assert np.array_equal(shown.y[16:48, 16:48], picture.y)
    ring = region(shown, Rect(12, 12, 40, 40)).y
    ring[4:36, 4:36] = RED.y
    assert (ring == RED.y).all()
    ring[:] = GREY.y
    assert (shown.y == GREY.y).all()


def test_a_border_does_not_shine_through_a_translucent_picture() -> None:
    picture = noise(Size(32, 32), 2)
    plain, bordered = (
        yuv420(Canvas(CANVAS, GREY).render([Placed(SQUARE, picture, trim, 0.5)]))
        for trim in (Trim(), Trim(border=4, colour="#ff0000"))
    )
    assert np.array_equal(plain.y[16:48, 16:48], bordered.y[16:48, 16:48])


@pytest.mark.parametrize("rect", [Rect(2, 16, 32, 32), Rect(16, 30, 32, 32)])
def test_a_border_that_leaves_the_canvas_is_refused(rect: Rect) -> None:
    edge = Placed(rect, noise(rect.size), Trim(border=4, colour="#ff0000"))
    with pytest.raises(GeometryError):
        Canvas(CANVAS, GREY).render([edge])


def test_a_raster_without_holes_hides_and_an_empty_one_changes_nothing() -> None:
    under = noise(CANVAS, 1)
    for alpha, expected in ((255, Colour(63, 102, 240)), (0, None)):
        image = Image.new("RGBA", (32, 32), (255, 0, 0, alpha))
        shown = yuv420(Canvas(CANVAS, under).render([Placed(SQUARE, raster(image))]))
        inside = region(shown, SQUARE)
        if expected is None:
            assert same(shown, under)
        else:
            assert {inside.y.min(), inside.y.max()} == {expected.y}
            assert {inside.u.min(), inside.u.max()} == {expected.u}
            assert {inside.v.min(), inside.v.max()} == {expected.v}


def test_a_frame_takes_no_memory_of_a_canvas() -> None:
    size, tile = Size(640, 360), Size(312, 172)
    canvas, painter = Canvas(size, GREY), Painter(size)
    overlays = (Text((0.2, 0.3, 0.6, 0.4), "Sale", Style(box="#00000080")), Ticker(BAND, "Sale"))
    pictures = [noise(tile, seed) for seed in range(2)]
    trim = Trim(20, 4, "#ffffff")

    def render(tick: int) -> None:
        canvas.render(
            [
                Placed(Rect(4, 4, 312, 172), pictures[tick % 2], trim),
                Placed(Rect(324, 184, 312, 172), pictures[0], trim, 0.5),
                *painter.paint(overlays, tick / 30),
            ]
        )

    for tick in range(4):
        render(tick)
    tracemalloc.start()
    try:
        for tick in range(4, 8):
            render(tick)
        assert tracemalloc.get_traced_memory()[1] < size.width * size.height / 8
    finally:
        tracemalloc.stop()


BAND = (0.0, 0.9, 1.0, 0.1)
