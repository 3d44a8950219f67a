import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compositor.geometry import Size
from compositor.slate import slate
from tests.compositor.pictures import same
from tests.compositor.strategies import sizes

BRIGHT = 180


@pytest.mark.parametrize("size", [Size(1280, 720), Size(720, 1280), Size(640, 360), Size(160, 90)])
def test_a_title_is_bright_on_dark_and_in_the_middle(size: Size) -> None:
    picture = slate(size, "Starting soon")
    assert picture.size == size
    rows, columns = np.nonzero(picture.y > BRIGHT)
    assert columns.min() >= size.width * 0.05
    assert columns.max() <= size.width * 0.95
    assert abs((columns.min() + columns.max()) / 2 - size.width / 2) < size.width * 0.02
    assert abs((rows.min() + rows.max()) / 2 - size.height / 2) < size.height * 0.1
    assert np.median(picture.y) < 60


def test_a_long_name_stays_inside() -> None:
    picture = slate(
        Size(320, 180), "A very long name of a very small shop " * 4, "Back in a moment"
    )
    assert (picture.y[:, :16] < BRIGHT).all()
    assert (picture.y[:, -16:] < BRIGHT).all()
    assert (picture.y > BRIGHT).any()


def test_accents_greek_and_cyrillic_are_written() -> None:
    assert not same(slate(Size(320, 180), "José"), slate(Size(320, 180), "Jose"))
    for name in ("Ελένη", "Анна", "अनीता"):
        assert not same(slate(Size(320, 180), name), slate(Size(320, 180), ""))


def test_what_the_font_has_not_is_left_out_rather_than_shown_as_boxes() -> None:
    assert same(slate(Size(320, 180), "小红 Ann"), slate(Size(320, 180), "Ann"))
    assert same(slate(Size(320, 180), "小红"), slate(Size(320, 180), ""))


def test_where_no_letter_fits_there_is_only_the_background() -> None:
    assert same(slate(Size(16, 16), "Anna", "Back in a moment"), slate(Size(16, 16), ""))


@given(sizes(Size(80, 80)), st.text(max_size=40), st.text(max_size=40))
def test_any_text_on_any_size_is_a_picture_of_that_size(
    size: Size, title: str, subtitle: str
) -> None:
    assert slate(size, title, subtitle).size == size


def test_the_smallest_slate_is_two_pixels_wide_and_high() -> None:
    assert slate(Size(2, 2), "Starting soon", "Back in a moment").size == Size(2, 2)
