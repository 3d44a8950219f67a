import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from compositor.assets import check_font
from compositor.text import (
    Face,
    drawable,
    from_right,
    lettering,
    lines,
    rgba,
    shortened,
    typeface,
    width,
)
from tests.files import arabic_font_file, font_file

FACE = Face(20)


def test_lines_break_at_spaces_and_where_the_text_does() -> None:
    room = width("Everything is half", FACE) + 1
    assert lines("Everything is half price\nuntil midnight", FACE, room, 9) == [
        "Everything is half",
        "price",
        "until midnight",
    ]


def test_a_word_that_is_too_long_breaks_within() -> None:
    assert "".join(lines("Donaudampfschifffahrt", FACE, 60, 9)) == "Donaudampfschifffahrt"


def test_what_does_not_fit_ends_in_an_ellipsis() -> None:
    assert lines("one\ntwo\nthree", FACE, 200, 2) == ["one", "two…"]
    assert lines("one", FACE, 200, 0) == []
    assert shortened("Everything", FACE, 60).endswith("…")
    assert shortened("Everything", FACE, 600) == "Everything"


def test_only_what_the_font_has_is_drawn() -> None:
    assert drawable("José Ελένη Анна अनीता", FACE) == "José Ελένη Анна अनीता"
    assert drawable("小红 Ann", FACE) == "Ann"
    assert drawable("A\x85n\x00n\u202ea\ud800", FACE) == "A nna"


def test_letters_that_join_are_shaped_together() -> None:
    assert width("हिन्दी", FACE) < sum(width(char, FACE) for char in "हिन्दी")


def test_arabic_in_an_own_font_is_joined_and_written_from_the_right() -> None:
    check_font(arabic_font_file())
    face = Face(40, font=arabic_font_file())
    assert drawable("سلام Ann 小", face) == "سلام Ann"
    assert width("سلام", face) < sum(width(char, face) for char in "سلام")

    def ink(text: str) -> Image.Image:
        written = lettering([text], face, (255, 255, 255, 255)).getchannel("A")
        return written.crop(written.getbbox())

    whole, first = ink("ا سسسس"), ink("ا")
    right = whole.crop((whole.width - first.width - 1, 0, whole.width, whole.height))
    assert right.crop(right.getbbox()).size == pytest.approx(first.size, abs=1)


@pytest.mark.parametrize(
    ("text", "is_so"), [("سلام", True), ("50% خصم", True), ("שלום", True), ("Free خصم", False)]
)
def test_a_text_is_read_from_the_side_of_its_first_letter(text: str, is_so: bool) -> None:
    assert from_right(text) == is_so


def test_heavier_letters_are_wider() -> None:
    assert width("Sale", Face(40, 800)) > width("Sale", Face(40, 300))


def test_a_colour_is_opaque_unless_it_says_otherwise() -> None:
    assert rgba("#102030") == (16, 32, 48, 255)
    assert rgba("#10203040") == (16, 32, 48, 64)


@given(st.text(max_size=60), st.integers(30, 300), st.integers(0, 4), st.integers(6, 40))
def test_any_text_stays_in_its_room(text: str, room: int, most: int, size_px: int) -> None:
    face = Face(size_px)
    wrapped = lines(text, face, room, most)
    assert len(wrapped) <= most
    for line in wrapped:
        assert width(line, face) <= room or len(line) <= 2
    image = lettering(wrapped, face, (255, 255, 255, 255))
    assert image.width % 2 == image.height % 2 == 0


def test_of_an_own_font_few_copies_are_kept_however_many_sizes_are_asked_for() -> None:
    own = font_file()
    asked = [typeface(Face(20 + step / 64, font=own)) for step in range(640)]

    assert len({id(letters) for letters in asked}) == 40
    assert typeface(Face(20, font=own)) is not asked[0]
