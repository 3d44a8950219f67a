"""Golden pictures: the layout's document beside what it looks like.

`python -m tests.compositor.golden` writes them anew; a picture changes only with a stated reason.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compositor.frame import colour
from compositor.geometry import Size
from compositor.layout import PresetName
from compositor.presets import Orientation, preset
from compositor.render import Canvas, Placed
from compositor.scale import scaled
from compositor.spec import layout_document, parse_layout
from compositor.tiles import FeedInfo, tiles
from tests.compositor.pictures import camera

FOLDER = Path(__file__).parent / "golden"
CANVAS: dict[Orientation, Size] = {"landscape": Size(192, 108), "portrait": Size(108, 192)}


class Golden(NamedTuple):
    """One preset on one canvas with so many feeds."""

    preset: PresetName
    orientation: Orientation
    feeds: int

    @property
    def name(self) -> str:
        return f"{self.preset}-{self.orientation}-{self.feeds}"

    @property
    def spec(self) -> Path:
        return FOLDER / f"{self.name}.json"

    @property
    def picture(self) -> Path:
        return FOLDER / f"{self.name}.png"

    def document(self) -> dict[str, Any]:
        return layout_document(preset(self.preset, self.orientation, self.feeds))

    def composed(self, document: dict[str, Any]) -> NDArray[np.uint8]:
        """What `document` looks like with the cameras 1 … feeds, in RGB."""
        layout = parse_layout(document)
        size = CANVAS[self.orientation]
        feeds = [FeedInfo(str(n), f"Camera {n}", "on") for n in range(1, self.feeds + 1)]
        frame = Canvas(size, colour(layout.background)).render(
            [
                Placed(tile.rect, scaled(camera(int(tile.feed or 0)), tile.rect.size, tile.fit))
                for tile in tiles(layout, size, feeds)
            ]
        )
        return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


GOLDENS = [
    Golden(name, orientation, feeds)
    for name in get_args(PresetName)
    for orientation in CANVAS
    for feeds in (1, 2, 3, 4)
]


def write() -> None:
    """Make every golden file anew."""
    FOLDER.mkdir(exist_ok=True)
    for golden in GOLDENS:
        document = golden.document()
        golden.spec.write_text(json.dumps(document, indent=1) + "\n")
        Image.fromarray(golden.composed(document)).save(golden.picture, optimize=True)


if __name__ == "__main__":
    write()
