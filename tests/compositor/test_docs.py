"""The documents about layouts say what is so."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from compositor.overlay_spec import KINDS
from compositor.schema import LAYOUT, SCHEMAS
from compositor.spec import SLOT, parse_layout
from tests.compositor.gallery import DOCS, PAGE, PICTURES, SCHEMA_FILES, page, schema_text
from tests.compositor.golden import GOLDENS

LAYOUTS = (DOCS / "layouts.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", LAYOUTS, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_gallery_shows_every_golden_picture() -> None:
    assert PAGE.read_text() == page()
    assert {path.stem for path in PICTURES.iterdir()} == {golden.name for golden in GOLDENS}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_written_down(name: str) -> None:
    assert (SCHEMA_FILES / name).read_text() == schema_text(name)


def test_every_key_and_kind_is_explained() -> None:
    for word in {*SLOT, *LAYOUT["properties"], *KINDS}:
        assert f"`{word}`" in LAYOUTS, word


def test_the_layout_shown_is_one() -> None:
    assert len(parse_layout(json.loads(block("json"))).slots) == 2


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
