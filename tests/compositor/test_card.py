from typing import get_args

import numpy as np
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from compositor.card import Card, card_picture
from compositor.geometry import Size, pixel_rect
from compositor.overlay import Product, Style, VerticalAlign
from compositor.text import Align
from tests.compositor.golden import ARABIC, LINK, LONG
from tests.files import arabic_font_file, image_file

HD, UPRIGHT = Size(1280, 720), Size(1080, 1920)
LANDSCAPE, PORTRAIT = (0.03, 0.55, 0.62, 0.4), (0.04, 0.7, 0.92, 0.22)
CANVASES = [(HD, LANDSCAPE), (UPRIGHT, PORTRAIT)]

PICTURE = image_file(size=(300, 400), colour="#2060a0")
MUG = Card("Blue mug", "$12.50", "3 left", picture=PICTURE)
SOLID = Style(size=0.065, colour="#000000", valign="middle", box="#ffffff")


def made(
    card: Card,
    rect: tuple[float, float, float, float] = LANDSCAPE,
    canvas: Size = HD,
    style: Style = SOLID,
    font: bytes | None = None,
) -> Image.Image:
    overlay = Product(rect, "pinned", accent="#ff0000", style=style)
    picture = card_picture(overlay, card, font, pixel_rect(rect, canvas).size, canvas)
    assert picture is not None
    return picture


def area(picture: Image.Image, colour: tuple[int, int, int]) -> int:
    """How many pixels have about that colour."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    return int((abs(pixels - colour).max(axis=2) < 40).sum())


BLUE, RED, BLACK = (32, 96, 160), (255, 0, 0), (0, 0, 0)


@pytest.mark.parametrize(("canvas", "rect"), CANVASES)
def test_a_card_has_a_picture_the_words_and_a_code_that_can_be_read(
    canvas: Size, rect: tuple[float, float, float, float]
) -> None:
    card = made(MUG._replace(link=LINK), rect, canvas)

    assert Size(*card.size) == pixel_rect(rect, canvas).size
    (code,) = zxingcpp.read_barcodes(np.asarray(card.convert("L")))
    assert code.text == LINK
    assert code.position.top_left.x > card.width / 2
    side = min(card.height * 0.8, 0.35 * card.width)
    assert area(card, BLUE) > side**2
    assert area(card, RED) > 500


@given(
    st.tuples(st.integers(1, 700), st.integers(1, 700)),
    st.builds(
        Card,
        st.text(max_size=60),
        st.text(max_size=20),
        st.text(max_size=20),
        st.sampled_from(["", LINK, "x" * 3000]),
        st.sampled_from([None, PICTURE, b"no picture"]),
    ),
    st.builds(
        Style,
        size=st.floats(0.01, 0.5),
        align=st.sampled_from(get_args(Align)),
        valign=st.sampled_from(get_args(VerticalAlign)),
        outline=st.floats(0, 0.25),
        box=st.sampled_from(["", "#ffffff80"]),
    ),
)
def test_a_card_of_anything_is_as_large_as_its_rectangle_or_not_there(
    halves: tuple[int, int], card: Card, style: Style
) -> None:
    room = Size(2 * halves[0], 2 * halves[1])
    overlay = Product((0, 0, 1, 1), "pinned", style=style)
    picture = card_picture(overlay, card, None, room, HD)
    assert picture is None or Size(*picture.size) == room


@pytest.mark.parametrize(("canvas", "rect"), CANVASES)
def test_a_long_title_is_whole_in_smaller_letters(
    canvas: Size, rect: tuple[float, float, float, float]
) -> None:
    title = LONG["title"]
    whole = made(Card(title, "$1"), rect, canvas)
    without_end = made(Card(title.rsplit(" ", 1)[0], "$1"), rect, canvas)
    assert area(whole, BLACK) > 3000
    assert whole.tobytes() != without_end.tobytes()


def test_a_title_that_would_need_tiny_letters_is_cut() -> None:
    title = "Enamel camping mug with a lid " * 10
    cut, longer = (made(Card(text, "$1")) for text in (title, title + "and without"))
    assert cut.tobytes() == longer.tobytes()
    assert area(cut, RED) > 100


def test_what_there_is_no_room_for_is_left_out_and_the_price_last() -> None:
    full = MUG._replace(link=LINK)
    narrow = (0.0, 0.0, 0.15, 0.15)
    assert made(full, narrow).tobytes() == made(MUG, narrow).tobytes()
    assert area(made(full, narrow), BLUE) > 500

    tiny = (0.0, 0.0, 0.025, 0.025)
    assert area(made(full, tiny), BLUE) == 0
    assert made(full, tiny).tobytes() == made(Card("", MUG.price), tiny).tobytes()
    assert area(made(full, tiny), RED) > 5


def test_what_is_aligned_to_the_right_has_its_picture_there() -> None:
    style = Style(size=0.065, colour="#000000", align="right", box="#ffffff")
    card = made(MUG, style=style)
    end = card.crop((card.width * 5 // 8, 0, card.width, card.height))
    assert area(end, BLUE) == area(card, BLUE) > 20_000
    assert area(end, RED) < area(card, RED) / 2


def test_a_font_without_figures_or_currencies_leaves_them_to_the_default_one() -> None:
    card, bare = Card(ARABIC["title"], "₫12.500"), Card(ARABIC["title"], "")
    red = area(made(card, font=arabic_font_file()), RED)
    assert red == area(made(card), RED) > 500
    assert area(made(bare, font=arabic_font_file()), BLACK) > 500
    assert area(made(card._replace(title="")), BLACK) == 0


def test_a_picture_that_is_none_is_left_out() -> None:
    assert (
        made(MUG._replace(picture=b"none")).tobytes() == made(MUG._replace(picture=None)).tobytes()
    )


def test_a_card_without_words_is_nothing() -> None:
    overlay = Product(LANDSCAPE, "pinned")
    room = pixel_rect(LANDSCAPE, HD).size
    assert card_picture(overlay, Card("小红", "小"), None, room, HD) is None
    assert card_picture(overlay, MUG, None, Size(8, 8), Size(8, 8)) is None
