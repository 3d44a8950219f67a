import contextlib
import io
import struct
import zlib
from pathlib import Path

import fontpkg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from compositor.assets import MAX_FONT_BYTES, MAX_IMAGE_BYTES, check_font, font, image
from compositor.errors import AssetError
from tests.files import spoilt_font

NOTO = Path(fontpkg.path("Noto Sans")).read_bytes()


def file(format: str, picture: Image.Image, **options: object) -> bytes:
    target = io.BytesIO()
    picture.save(target, format, **options)
    return target.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of one byte of pixels with another size in its header (PNG 3, 11.2.1)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    pixels = zlib.compress(b"\0")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_the_formats_of_the_web_are_read(format: str) -> None:
    decoded = image(file(format, Image.new("RGB", (30, 20), (200, 30, 30))))
    assert (decoded.mode, decoded.size) == ("RGBA", (30, 20))
    assert decoded.getpixel((3, 3)) == pytest.approx((200, 30, 30, 255), abs=4)


def test_alpha_is_kept() -> None:
    half = Image.new("RGBA", (4, 4), (10, 20, 30, 128))
    assert image(file("PNG", half)).getpixel((0, 0)) == (10, 20, 30, 128)
    assert image(file("WEBP", half, lossless=True)).getpixel((0, 0)) == (10, 20, 30, 128)


def test_a_photo_taken_with_a_turned_phone_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = file("JPEG", Image.new("RGB", (40, 20)), exif=exif)
    assert image(turned).size == (20, 40)


@pytest.mark.parametrize("format", ["GIF", "BMP", "TIFF", "ICO", "PPM"])
def test_other_formats_are_refused(format: str) -> None:
    with pytest.raises(AssetError, match="no PNG, JPEG or WebP"):
        image(file(format, Image.new("RGB", (16, 16))))


@pytest.mark.parametrize(
    "size", [(4097, 4097), (60_000, 60_000), (4097, 1), (16_777_216, 1), (1, 16_777_216)]
)
def test_a_bomb_is_refused_by_its_header_alone(size: tuple[int, int]) -> None:
    with pytest.raises(AssetError, match="too many pixels"):
        image(png_that_claims(*size))


def test_a_side_may_have_4096_pixels() -> None:
    assert image(file("PNG", Image.new("1", (4096, 1)))).size == (4096, 1)


def test_a_picture_that_is_not_all_there_is_refused() -> None:
    with pytest.raises(AssetError):
        image(png_that_claims(64, 64))
    with pytest.raises(AssetError):
        image(file("JPEG", Image.effect_noise((64, 64), 90))[:400])


def test_a_file_of_too_many_bytes_is_not_even_opened() -> None:
    with pytest.raises(AssetError, match="bytes"):
        image(bytes(MAX_IMAGE_BYTES + 1))
    with pytest.raises(AssetError, match="bytes"):
        font(b"OTTO" + bytes(MAX_FONT_BYTES), 20)


def test_a_font_is_read() -> None:
    assert font(NOTO, 20).getname()[0] == "Noto Sans"


@pytest.mark.parametrize("data", [b"", b"OTTO", b"wOF2" + bytes(64), NOTO[:500]])
def test_what_is_no_font_is_refused(data: bytes) -> None:
    with pytest.raises(AssetError, match="font"):
        font(data, 20)


def test_a_font_all_of_whose_letters_can_be_drawn_is_harmless() -> None:
    check_font(NOTO)


@pytest.mark.parametrize("table", [b"glyf", b"gvar", b"hmtx", b"name"])
def test_a_font_that_would_fail_in_drawing_is_refused(table: bytes) -> None:
    with pytest.raises(AssetError, match="font"):
        check_font(spoilt_font(table))


SEEDS = [file("PNG", Image.effect_noise((9, 9), 90)), file("WEBP", Image.new("RGB", (9, 9)))]


@given(st.sampled_from([*SEEDS, NOTO[:2000]]), st.data())
def test_spoilt_files_are_read_or_refused_and_nothing_else(
    seed: bytes, data: st.DataObject
) -> None:
    spoilt = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 8))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(AssetError):
        image(bytes(spoilt))
    with contextlib.suppress(AssetError):
        font(bytes(spoilt), 20)
