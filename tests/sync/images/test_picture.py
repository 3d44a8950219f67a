import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sync.images.picture import NoPicture, Picture, picture
from tests.files import image_file

KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
FILES = [image_file(kind, (40, 30)) for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (7, 2000), (640, 480)])
def test_a_picture_is_told_by_its_bytes(kind: str, size: tuple[int, int]) -> None:
    assert picture(image_file(kind, size)) == Picture(KINDS[kind], *size)


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_a_jpeg_is_one_in_any_of_its_colours(mode: str) -> None:
    file = io.BytesIO()
    Image.new(mode, (40, 30)).save(file, "JPEG")

    assert picture(file.getvalue()) == Picture("image/jpeg", 40, 30)


def test_a_photograph_with_more_of_them_behind_it_is_the_first() -> None:
    file = io.BytesIO()
    first, second = Image.new("RGB", (40, 30)), Image.new("RGB", (20, 10))
    first.save(file, "MPO", save_all=True, append_images=[second])

    assert picture(file.getvalue()) == Picture("image/jpeg", 40, 30)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_is_cut_off_is_none(kind: str) -> None:
    noise = Image.effect_noise((200, 200), 80)
    file = io.BytesIO()
    noise.save(file, kind)
    data = file.getvalue()

    assert picture(data).width == 200
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(NoPicture):
            picture(data[: int(len(data) * share)])


@given(st.sampled_from(FILES), st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=4))))
def test_damaged_pictures_are_pictures_or_refused(
    data: bytes, changes: list[tuple[int, bytes]]
) -> None:
    damaged = bytearray(data)
    for place, change in changes:
        at = place % len(data)
        damaged[at : at + len(change)] = change
    with contextlib.suppress(NoPicture):
        picture(bytes(damaged))
