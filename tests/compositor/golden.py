"""Golden pictures: what a canvas is told, in JSON, beside what it looks like.

`python -m tests.compositor.golden` writes them anew; a picture changes only with a stated reason.
"""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from compositor.background import background
from compositor.card import Card
from compositor.compose import arranged
from compositor.geometry import Size
from compositor.layout import Corner, Fit, PresetName
from compositor.overlay import Overlay, Product
from compositor.overlay_spec import parse_overlays
from compositor.painter import Cards, Painter
from compositor.presets import MAX_FEEDS, Orientation, preset
from compositor.spec import layout_document, parse_layout
from compositor.tiles import FeedInfo, FeedState, tiles
from compositor.transition import between, eased
from tests.compositor.pictures import camera
from tests.files import arabic_font_file

Document = dict[str, Any]

FOLDER = Path(__file__).parent / "golden"
CANVAS: dict[Orientation, Size] = {"landscape": Size(192, 108), "portrait": Size(108, 192)}
LARGE: dict[Orientation, Size] = {"landscape": Size(384, 216), "portrait": Size(216, 384)}
"""For letters."""

NAMES = ("Anna", "Борис", "Chloé", "Δήμητρα", "Erik", "Fatma", "Grace", "Hugo", "Inês")
NOW_S = 1_800_000_000.0
"""2027-01-15 08:00 UTC."""


class Golden(NamedTuple):
    """`document` has the layout, and where they matter overlays, the cards of their products, the
    feeds' states, and the layout before with the progress of the transition from it."""

    name: str
    orientation: Orientation
    document: Document
    large: bool = False

    @property
    def spec(self) -> Path:
        return FOLDER / f"{self.name}.json"

    @property
    def picture(self) -> Path:
        return FOLDER / f"{self.name}.png"

    @property
    def size(self) -> Size:
        return (LARGE if self.large else CANVAS)[self.orientation]


def composed(
    document: Document, size: Size, camera: Callable[[int], av.VideoFrame] = camera
) -> NDArray[np.uint8]:
    """What `document` looks like with the cameras 1, 2, 3 …, in RGB."""
    states: list[FeedState] = document.get("feeds", ["on"])
    feeds = [FeedInfo(str(n), NAMES[n - 1], state) for n, state in enumerate(states, start=1)]
    layout = parse_layout(document["layout"])
    shown = tiles(layout, size, feeds)
    if "before" in document:
        before = tiles(parse_layout(document["before"]), size, feeds)
        progress = eased(document["progress"], layout.transition.easing)
        shown = between(before, shown, progress, moving=layout.transition.kind == "move")
    overlays = parse_overlays(document.get("overlays", []))
    frame = arranged(
        shown,
        size,
        {feed.id: camera(int(feed.id)) for feed in feeds},
        background(layout.background, size, ASSETS),
        Painter(size).paint(overlays, NOW_S, ASSETS, cards=_cards(overlays, document)),
    )
    return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


def _cards(overlays: tuple[Overlay, ...], document: Document) -> Cards:
    """Those of `document`, which names pictures as it does assets."""
    return {
        each: Card(**{**card, "picture": ASSETS.get(card.get("picture", ""))})
        for each in overlays
        if isinstance(each, Product)
        for card in [document["cards"][each.product]]
    }


def _file(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _logo() -> Image.Image:
    image = Image.new("RGBA", (120, 120))
    draw = ImageDraw.Draw(image)
    draw.ellipse((0, 0, 119, 119), fill=(224, 60, 80, 200))
    draw.polygon([(60, 20), (100, 60), (60, 100), (20, 60)], fill=(255, 255, 255, 255))
    return image


def _backdrop() -> Image.Image:
    """Square, so that each fit shows it otherwise on either canvas."""
    across, down = np.meshgrid(np.linspace(0, 1, 120), np.linspace(0, 1, 120))
    red, green, blue = 40 + 80 * across, 30 + 60 * down, 90 + 100 * (1 - across)
    image = Image.fromarray(np.stack([red, green, blue], axis=-1).astype(np.uint8))
    ImageDraw.Draw(image).ellipse((8, 8, 111, 111), outline=(255, 208, 96), width=6)
    return image


def _mug() -> Image.Image:
    """Something to sell, taken upright."""
    fine = 4
    image = Image.new("RGB", (150 * fine, 180 * fine), (236, 228, 214))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 130 * fine, 150 * fine, 180 * fine), fill=(206, 190, 168))
    draw.ellipse((88 * fine, 62 * fine, 130 * fine, 118 * fine), outline=(36, 92, 160), width=40)
    draw.rounded_rectangle((32 * fine, 44 * fine, 104 * fine, 140 * fine), 48, fill=(36, 92, 160))
    draw.ellipse((32 * fine, 36 * fine, 104 * fine, 56 * fine), fill=(24, 62, 112))
    return image.resize((150, 180), Image.Resampling.BOX)


ASSETS = {
    "logo": _file(_logo()),
    "backdrop": _file(_backdrop()),
    "mug": _file(_mug()),
    "arabic": arabic_font_file(),
}


def _presets() -> Iterator[Golden]:
    for name in get_args(PresetName):
        for orientation in CANVAS:
            for feeds in range(1, MAX_FEEDS + 1):
                document = layout_document(preset(name, orientation, feeds))
                yield Golden(
                    f"{name}-{orientation}-{feeds}",
                    orientation,
                    {"feeds": ["on"] * feeds, "layout": document},
                )
    for corner in get_args(Corner):
        for orientation in CANVAS:
            layout = {"preset": "picture-in-picture", "corner": corner}
            yield Golden(
                f"corner-{corner}-{orientation}",
                orientation,
                {"feeds": ["on"] * 3, "layout": layout},
            )


def _slots() -> Iterator[Golden]:
    for name, slot in SLOTS.items():
        for orientation in CANVAS:
            whole = {"auto": 1, "rect": SLOT_RECT[orientation], **slot}
            yield Golden(
                f"slot-{name}-{orientation}",
                orientation,
                {"layout": {"slots": [whole]}},
                large=True,
            )
    for fit in get_args(Fit):
        layout = {
            "background": {"image": "backdrop", "fit": fit},
            "slots": [{"auto": 1, "rect": [0.3, 0.3, 0.4, 0.4]}],
        }
        for orientation in CANVAS:
            yield Golden(f"background-{fit}-{orientation}", orientation, {"layout": layout})


SLOT_RECT: dict[Orientation, list[float]] = {
    "landscape": [0.25, 0.1, 0.5, 0.8],
    "portrait": [0.1, 0.25, 0.8, 0.5],
}
YELLOW = {"width": 0.03, "colour": "#ffd060"}
SLOTS: dict[str, Document] = {
    **{f"fit-{fit}": {"fit": fit} for fit in get_args(Fit)},
    "focus-left": {"focus": [0.1, 0.5]},
    "crop": {"crop": [0.4, 0.2, 0.3, 0.6]},
    "mirror": {"mirror": True},
    "radius": {"radius": 0.12},
    "round": {"radius": 0.5},
    "border": {"border": YELLOW},
    "border-round": {"border": YELLOW, "radius": 0.12},
    "border-contain": {"border": {"width": 0.03}, "radius": 0.12, "fit": "contain"},
    "opacity": {"opacity": 0.5, "radius": 0.12, "border": {"width": 0.03, "colour": "#40ff80"}},
    "label": {"label": True},
    **{
        f"label-{corner}": {
            "label": {"at": corner, "text": "Shop", "size": 0.08, "box": "#c02040"},
            "radius": 0.12,
        }
        for corner in get_args(Corner)
    },
}


def _states() -> Iterator[Golden]:
    for states in (["on", "on"], ["on", "frozen"], ["on", "away"], ["on", "gone"], ["waiting"]):
        for orientation in CANVAS:
            slots = [
                {"feed": str(n), "rect": STATE_RECTS[orientation][n - 1], "label": True}
                for n, _ in enumerate(states, start=1)
            ]
            for kind, layout in (("named", {"slots": slots}), ("auto", {"preset": "stack"})):
                yield Golden(
                    f"state-{states[-1]}-{kind}-{orientation}",
                    orientation,
                    {"feeds": states, "layout": layout},
                    large=True,
                )


STATE_RECTS: dict[Orientation, list[list[float]]] = {
    "landscape": [[0, 0.2, 0.5, 0.6], [0.5, 0.2, 0.5, 0.6]],
    "portrait": [[0, 0, 1, 0.5], [0, 0.5, 1, 0.5]],
}


OVERLAYS: dict[str, list[Document]] = {
    "text": [
        {
            "kind": "text",
            "rect": [0.05, 0.05, 0.9, 0.5],
            "text": "Grüße, Ελλάδα!\nПривет and some more words that have to be wrapped",
            "size": 0.1,
            "align": "center",
        }
    ],
    "text-outline": [
        {
            "kind": "text",
            "rect": [0.05, 0.3, 0.9, 0.4],
            "text": "हिन्दी Ünïcödé",
            "size": 0.16,
            "align": "center",
            "valign": "middle",
            "outline": {"width": 0.1, "colour": "#103060"},
        }
    ],
    "text-box": [
        {
            "kind": "text",
            "rect": [0.05, 0.55, 0.9, 0.4],
            "text": "Half price\nuntil midnight",
            "size": 0.1,
            "align": "right",
            "valign": "bottom",
            "weight": 500,
            "box": "#c02040d0",
        }
    ],
    "image": [
        {"kind": "image", "rect": [0.7, 0.05, 0.25, 0.4], "image": "logo"},
        {"kind": "image", "rect": [0.1, 0.5, 0.3, 0.3], "image": "logo", "opacity": 0.5},
    ],
    "clock": [
        {
            "kind": "clock",
            "rect": [0.05, 0.05, 0.5, 0.2],
            "zone": "Europe/Berlin",
            "seconds": True,
            "size": 0.12,
            "box": "#000000a0",
        }
    ],
    "countdown": [
        {
            "kind": "countdown",
            "rect": [0.1, 0.1, 0.8, 0.25],
            "until": NOW_S + 93784.2,
            "size": 0.12,
        },
        {"kind": "countdown", "rect": [0.1, 0.4, 0.8, 0.25], "until": NOW_S + 61, "size": 0.12},
        {
            "kind": "countdown",
            "rect": [0.1, 0.7, 0.8, 0.25],
            "until": NOW_S - 1,
            "done": "Now!",
            "size": 0.12,
        },
    ],
    "qr": [{"kind": "qr", "rect": [0.3, 0.2, 0.4, 0.6], "data": "https://shop.example/live"}],
    "lower-third": [
        {
            "kind": "lower-third",
            "title": "Anna Müller",
            "subtitle": "Founder of the shop",
        }
    ],
    "ticker": [
        {
            "kind": "ticker",
            "text": "Free shipping today · Бесплатная доставка",
        }
    ],
}


def _overlays() -> Iterator[Golden]:
    for name, overlays in OVERLAYS.items():
        for orientation in CANVAS:
            document = {"layout": {"preset": "solo"}, "overlays": overlays}
            yield Golden(f"overlay-{name}-{orientation}", orientation, document, large=True)


MUG = {"title": "Blue mug", "price": "$12.50", "stock": "3 left", "picture": "mug"}
LINK = "https://shop.example/mug"
LONG = {
    "title": "Enamel camping mug with a lid, 350 ml, speckled like a bird's egg · "
    "Эмалированная кружка",
    "price": "from €1,250.00",
    "stock": "1,204 left",
}
ARABIC = {"title": "كوب أزرق مطلي بالمينا", "price": "€12.50", "stock": "بقي 3", "picture": "mug"}
WIDE: dict[Orientation, list[float]] = {
    "landscape": [0.03, 0.55, 0.62, 0.4],
    "portrait": [0.04, 0.7, 0.92, 0.22],
}
TALL: dict[Orientation, list[float]] = {
    "landscape": [0.72, 0.06, 0.25, 0.88],
    "portrait": [0.5, 0.1, 0.46, 0.5],
}
STRIP: dict[Orientation, list[float]] = {
    "landscape": [0.02, 0.84, 0.96, 0.12],
    "portrait": [0.02, 0.9, 0.96, 0.07],
}
PRODUCTS: dict[str, tuple[dict[Orientation, list[float]], Document, Document]] = {
    "wide": (WIDE, {}, MUG),
    "code": (WIDE, {"qr": LINK}, MUG | {"link": LINK}),
    "tall": (TALL, {"qr": LINK}, MUG | {"link": LINK}),
    "strip": (STRIP, {"box": "#10141ce0", "colour": "#ffffff", "accent": "#ffd060"}, MUG),
    "long": (WIDE, {}, LONG),
    "long-tall": (TALL, {"align": "center"}, LONG | {"picture": "mug"}),
    "arabic": (WIDE, {"align": "right", "font": "arabic"}, ARABIC),
    "bare": (
        WIDE,
        {
            "box": "#00000000",
            "colour": "#ffffff",
            "accent": "#ffd060",
            "outline": {"width": 0.12},
            "size": 0.1,
        },
        MUG,
    ),
}
"""Where a card is, how, and what it says."""


def _products() -> Iterator[Golden]:
    for name, (rects, how, card) in PRODUCTS.items():
        for orientation in CANVAS:
            rect = rects[orientation]
            document = {
                "layout": {"preset": "solo"},
                "overlays": [{"kind": "product", "rect": rect, "product": "pinned"} | how],
                "cards": {"pinned": card},
            }
            yield Golden(f"product-{name}-{orientation}", orientation, document, large=True)


def _transitions() -> Iterator[Golden]:
    for kind in ("move", "fade"):
        for percent in (25, 50, 75):
            for orientation in CANVAS:
                document = {
                    "feeds": ["on"] * 3,
                    "before": {"preset": "grid"},
                    "layout": {
                        "preset": "spotlight",
                        "transition": {"kind": kind, "duration_ms": 400, "easing": "ease-in-out"},
                    },
                    "progress": percent / 100,
                }
                yield Golden(f"transition-{kind}-{percent}-{orientation}", orientation, document)


GOLDENS = [*_presets(), *_slots(), *_states(), *_overlays(), *_products(), *_transitions()]


def write() -> None:
    """Make every golden file anew."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for golden in GOLDENS:
        golden.spec.write_text(json.dumps(golden.document, indent=1, ensure_ascii=False) + "\n")
        picture = Image.fromarray(composed(golden.document, golden.size))
        picture.save(golden.picture, optimize=True)


if __name__ == "__main__":
    write()
