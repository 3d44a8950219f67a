"""The documents about layouts say what is so."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from compositor.overlay import Product
from compositor.overlay_spec import KINDS, STYLE, parse_overlays
from compositor.schema import LAYOUT, SCHEMAS
from compositor.spec import SLOT, parse_layout
from tests.compositor.gallery import (
    DOCS,
    PAGE,
    PICTURES,
    SCHEMA_FILES,
    page,
    picture,
    picture_file,
    schema_text,
)
from tests.compositor.golden import GOLDENS, Golden

CODEC_ERROR, CODEC_SHIFT = 6.0, 8.0
"""Of 255: what WebP makes of brightness, as root mean square and as mean of a block of 10×10."""

LAYOUTS = (DOCS / "layouts.md").read_text()


def block(language: str) -> str:
    return blocks(language)[0]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", LAYOUTS, re.DOTALL)


def test_the_gallery_shows_every_golden_picture() -> None:
    assert PAGE.read_text() == page()
    assert {path.stem for path in PICTURES.iterdir()} == {golden.name for golden in GOLDENS}


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_a_picture_of_the_gallery_is_of_what_its_document_says(golden: Golden) -> None:
    with Image.open(picture_file(golden)) as file:
        error = brightness(file) - brightness(Image.fromarray(picture(golden)))
    height, width = error.shape
    means = error.reshape(height // 10, 10, width // 10, 10).mean((1, 3))
    assert np.sqrt((error**2).mean()) < CODEC_ERROR
    assert abs(means).max() < CODEC_SHIFT


def brightness(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image.convert("L")).astype(np.float64)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_written_down(name: str) -> None:
    assert (SCHEMA_FILES / name).read_text() == schema_text(name)


def test_every_key_and_kind_is_explained() -> None:
    for word in {*SLOT, *LAYOUT["properties"], *KINDS}:
        assert f"`{word}`" in LAYOUTS, word


def test_the_layout_shown_is_one() -> None:
    assert len(parse_layout(json.loads(block("json"))).slots) == 2


def test_the_card_shown_is_one_and_all_its_keys_are_explained() -> None:
    overlay = json.loads(blocks("json")[1])
    assert isinstance(parse_overlays([overlay])[0], Product)
    for key in KINDS["product"][0] - STYLE:
        assert f"`{key}`" in LAYOUTS, key


def test_the_ten_lines_compose_two_pictures_from_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, colour in (("left.jpg", (200, 40, 40)), ("right.jpg", (40, 40, 200))):
        Image.new("RGB", (640, 360), colour).save(name, quality=95)
    code = block("python")
    assert len([line for line in code.splitlines() if line]) <= 10
    exec(compile(code, "layouts.md", "exec"), {})
    with Image.open("program.png") as program:
        assert program.size == (1280, 720)
        left, right = (program.convert("RGB").getpixel((x, 360)) for x in (320, 960))
    assert left == pytest.approx((200, 40, 40), abs=4)
    assert right == pytest.approx((40, 40, 200), abs=4)
