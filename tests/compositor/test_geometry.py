import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compositor.errors import GeometryError
from compositor.geometry import (
    Rect,
    Size,
    centred,
    contained,
    cover_crop,
    pixel_rect,
    uncovered,
    whole,
)
from tests.compositor.strategies import rects, sizes

HD = Size(1280, 720)


@pytest.mark.parametrize(("width", "height"), [(0, 2), (2, 0), (3, 2), (2, 3), (-2, 2)])
def test_a_size_that_is_odd_or_empty_is_refused(width: int, height: int) -> None:
    with pytest.raises(GeometryError):
        Size(width, height)


@pytest.mark.parametrize("rect", [(1, 0, 2, 2), (0, 0, 3, 2), (-2, 0, 2, 2), (0, 0, 0, 2)])
def test_a_rectangle_that_is_odd_or_empty_or_begins_outside_is_refused(
    rect: tuple[int, int, int, int],
) -> None:
    with pytest.raises(GeometryError):
        Rect(*rect)


@pytest.mark.parametrize(
    ("fractions", "rect"),
    [
        ((0, 0.25, 0.5, 0.5), Rect(0, 180, 640, 360)),
        ((0.5, 0.25, 0.5, 0.5), Rect(640, 180, 640, 360)),
        ((1 / 3, 0, 1 / 3, 1), Rect(426, 0, 428, 720)),
        ((2 / 3, 0, 1 / 3, 1), Rect(854, 0, 426, 720)),
        ((0.999, 0.999, 0.001, 0.001), Rect(1278, 718, 2, 2)),
        ((0, 0, 1e-300, 1e-300), Rect(0, 0, 2, 2)),
    ],
)
def test_fractions_become_the_nearest_even_pixels(
    fractions: tuple[float, float, float, float], rect: Rect
) -> None:
    assert pixel_rect(fractions, HD) == rect


@given(rects(), sizes())
def test_any_fractions_give_a_rectangle_inside_any_canvas(rect: list[float], size: Size) -> None:
    x, y, width, height = rect
    assert pixel_rect((x, y, width, height), size).inside(size)


@given(sizes(), st.integers(1, 12))
def test_columns_of_equal_fractions_tile_a_canvas_without_gap_or_overlap(
    size: Size, columns: int
) -> None:
    edges = [pixel_rect((n / columns, 0, 1 / columns, 1), size) for n in range(columns)]
    if size.width >= 4 * columns:
        assert edges[0].x == 0
        assert edges[-1].right == size.width
        assert all(left.right == right.x for left, right in itertools.pairwise(edges))


@given(sizes(), st.floats(0.01, 0.99))
def test_two_rectangles_with_a_common_edge_meet_on_the_same_pixel(size: Size, edge: float) -> None:
    left = pixel_rect((0, 0, edge, 1), size)
    right = pixel_rect((edge, 0, 1 - edge, 1), size)
    if min(edge, 1 - edge) * size.width >= 2:
        assert left.right == right.x
        assert right.right == size.width


@pytest.mark.parametrize(
    ("source", "target", "crop"),
    [
        (HD, Size(640, 360), whole(HD)),
        (HD, Size(360, 640), Rect(436, 0, 406, 720)),
        (Size(720, 1280), Size(640, 360), Rect(0, 436, 720, 406)),
        (HD, Size(500, 500), Rect(280, 0, 720, 720)),
        (Size(3840, 2), Size(2, 3840), Rect(1918, 0, 2, 2)),
    ],
)
def test_cover_takes_the_largest_centred_part_of_the_shape(
    source: Size, target: Size, crop: Rect
) -> None:
    assert cover_crop(source, target) == crop


@given(sizes(), sizes())
def test_cover_stays_inside_and_keeps_the_shape_to_a_pixel(source: Size, target: Size) -> None:
    crop = cover_crop(source, target)
    assert crop.inside(source)
    assert crop.width == source.width or crop.height == source.height
    wanted = crop.width * target.height / target.width
    across = crop.height * target.width / target.height
    assert abs(crop.height - wanted) <= 2 or abs(crop.width - across) <= 2


@pytest.mark.parametrize(
    ("source", "target", "size"),
    [
        (HD, Size(640, 640), Size(640, 360)),
        (HD, Size(360, 640), Size(360, 202)),
        (Size(720, 1280), HD, Size(406, 720)),
        (Size(3840, 2), Size(2, 2), Size(2, 2)),
    ],
)
def test_contain_gives_the_largest_size_of_the_shape_that_fits(
    source: Size, target: Size, size: Size
) -> None:
    assert contained(source, target) == size


@given(sizes(), sizes())
def test_contain_never_exceeds_the_target_and_touches_two_of_its_sides(
    source: Size, target: Size
) -> None:
    size = contained(source, target)
    assert centred(size, whole(target)).inside(target)
    assert size.width == target.width or size.height == target.height


def test_what_is_larger_than_a_rectangle_cannot_be_centred_in_it() -> None:
    with pytest.raises(GeometryError):
        centred(Size(4, 2), Rect(0, 0, 2, 2))


@given(
    st.lists(
        st.tuples(*[st.integers(0, 9)] * 2, *[st.integers(1, 9)] * 2).map(
            lambda numbers: Rect(*(2 * number for number in numbers))
        ),
        min_size=1,
        max_size=6,
    )
)
def test_uncovered_is_what_no_cover_hides_each_pixel_once(drawn: list[Rect]) -> None:
    rect, *covers = drawn

    def pixels(part: Rect) -> list[tuple[int, int]]:
        return [(x, y) for x in range(part.x, part.right) for y in range(part.y, part.bottom)]

    bare = [pixel for part in uncovered(rect, covers) for pixel in pixels(part)]
    hidden = {pixel for cover in covers for pixel in pixels(cover)}
    assert len(bare) == len(set(bare))
    assert set(bare) == set(pixels(rect)) - hidden
