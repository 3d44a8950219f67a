"""docs/gallery.md, its pictures, and docs/schemas, made from the golden documents.

`make gallery` writes them anew.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from compositor.frame import video_frame
from compositor.geometry import Size
from compositor.presets import Orientation
from compositor.raster import opaque, raster
from compositor.schema import SCHEMAS
from tests.compositor.golden import GOLDENS, Golden, composed
from tests.compositor.pictures import HUES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "gallery.md"
PICTURES = DOCS / "gallery"
SCHEMA_FILES = DOCS / "schemas"

SIZES: dict[Orientation, Size] = {"landscape": Size(480, 270), "portrait": Size(270, 480)}
SHOWN_WIDTH: dict[Orientation, int] = {"landscape": 240, "portrait": 135}

TITLES = {
    "solo": "Preset solo",
    "side-by-side": "Preset side-by-side",
    "stack": "Preset stack",
    "picture-in-picture": "Preset picture-in-picture",
    "corner": "Its corners",
    "grid": "Preset grid",
    "spotlight": "Preset spotlight",
    "slot": "What a slot can have",
    "background": "Backgrounds",
    "state": "What a feed's state looks like",
    "overlay": "Overlays",
    "product": "Cards of products",
    "transition": "Half-way in a transition",
}

HEAD = """# Gallery

Every picture here is made from the JSON beside the golden picture of the same name in
[tests/compositor/golden](../tests/compositor/golden), by `make gallery`. What the words mean is in
[layouts.md](layouts.md).
"""


@lru_cache
def host(number: int) -> av.VideoFrame:
    """A host before a wall of the camera's own hue, something to sell in hand."""
    width, height, fine = 640, 360, 3
    image = Image.new("RGB", (width * fine, height * fine), HUES[(number - 1) % len(HUES)])
    draw = ImageDraw.Draw(image, "RGBA")

    def scaled(*numbers: int) -> tuple[int, ...]:
        return tuple(fine * each for each in numbers)

    draw.rectangle(scaled(0, 300, width, height), fill="#3a3f4a")
    draw.rectangle(scaled(40, 60, 170, 160), fill="#ffffff50")
    draw.ellipse(scaled(470, 50, 600, 180), fill="#ffffff38")
    draw.rounded_rectangle(scaled(215, 205, 425, 420), 70 * fine, fill="#28303c")
    draw.rounded_rectangle(scaled(297, 170, 343, 235), 20 * fine, fill="#e8b896")
    draw.ellipse(scaled(268, 70, 372, 200), fill="#f2c9a8")
    draw.pieslice(scaled(260, 55, 380, 190), 180, 360, fill="#46352b")
    draw.ellipse(scaled(298, 128, 308, 138), fill="#2a2a2a")
    draw.ellipse(scaled(332, 128, 342, 138), fill="#2a2a2a")
    draw.arc(scaled(298, 140, 342, 172), 20, 160, fill="#a04848", width=4 * fine)
    draw.rounded_rectangle(scaled(440, 230, 520, 330), 10 * fine, fill="#ffffff")
    draw.rectangle(scaled(440, 262, 520, 292), fill="#e0425a")
    taken = opaque(raster(image.resize((width, height), Image.Resampling.BOX)))
    assert taken is not None
    return video_frame(taken)


def _section(golden: Golden) -> str:
    return next(title for title in TITLES if golden.name.startswith(title))


def page() -> str:
    """The gallery in Markdown."""
    return "\n".join([HEAD, *_sections()])


def _sections() -> Iterator[str]:
    ordered = sorted(GOLDENS, key=lambda golden: list(TITLES).index(_section(golden)))
    for section, goldens in groupby(ordered, key=_section):
        yield f"## {TITLES[section]}\n"
        yield from (_figure(golden) for golden in goldens)
        yield ""


def _figure(golden: Golden) -> str:
    width = SHOWN_WIDTH[golden.orientation]
    source = f"../tests/compositor/golden/{golden.name}.json"
    picture = f"gallery/{golden.name}.webp"
    return (
        f'<a href="{source}" title="{golden.name}">'
        f'<img src="{picture}" width="{width}" alt="{golden.name}"></a>'
    )


def picture(golden: Golden) -> NDArray[np.uint8]:
    """What the gallery shows for `golden`, in RGB."""
    return composed(golden.document, SIZES[golden.orientation], host)


def picture_file(golden: Golden) -> Path:
    return PICTURES / f"{golden.name}.webp"


def schema_text(name: str) -> str:
    return json.dumps(SCHEMAS[name], indent=1) + "\n"


def write() -> None:
    """Make the page, its pictures and the schemas anew."""
    for folder in (PICTURES, SCHEMA_FILES):
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
    PAGE.write_text(page())
    for name in SCHEMAS:
        (SCHEMA_FILES / name).write_text(schema_text(name))
    for golden in GOLDENS:
        Image.fromarray(picture(golden)).save(picture_file(golden), quality=80, method=6)


if __name__ == "__main__":
    write()
