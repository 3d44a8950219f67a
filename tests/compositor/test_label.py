import numpy as np

from compositor.frame import Colour, yuv420
from compositor.geometry import Rect, Size
from compositor.label import label
from compositor.layout import Corner, Label
from compositor.render import Canvas
from compositor.tiles import Tile

HD = Size(1280, 720)
RECT = Rect(320, 180, 640, 360)


def tile(label: Label | None, name: str = "Anna", rect: Rect = RECT, opacity: float = 1.0) -> Tile:
    return Tile(rect, "phone", "live", opacity=opacity, label=label, name=name)


def test_a_label_lies_in_its_corner_of_the_tile() -> None:
    corners: dict[Corner, tuple[bool, bool]] = {
        "top-left": (False, False),
        "top-right": (True, False),
        "bottom-left": (False, True),
        "bottom-right": (True, True),
    }
    for corner, (right, bottom) in corners.items():
        placed = label(tile(Label(at=corner)), HD)
        assert placed is not None
        assert placed.rect.common(RECT) == placed.rect
        assert (placed.rect.x > 640) == right
        assert (placed.rect.y > 360) == bottom


def test_it_says_the_feeds_name_unless_it_has_words_of_its_own() -> None:
    named, own = label(tile(Label()), HD), label(tile(Label("Anna"), "Somebody else"), HD)
    assert named is not None
    assert own is not None
    assert named.rect == own.rect


def test_it_stays_the_same_picture_while_its_tile_moves() -> None:
    here = label(tile(Label()), HD)
    there = label(tile(Label(), rect=Rect(0, 0, 640, 360)), HD)
    assert here is not None
    assert there is not None
    assert here.picture is there.picture


def test_it_fades_with_its_tile() -> None:
    whole, half = label(tile(Label()), HD), label(tile(Label(), opacity=0.5), HD)
    assert whole is not None
    assert half is not None
    assert half.picture is whole.picture
    under, named, faded = (
        yuv420(Canvas(HD, Colour(60, 128, 128)).render(placed)).y.astype(float)
        for placed in ([], [whole], [half])
    )
    assert np.abs(named - under).max() > 100
    assert np.abs((named + under) / 2 - faded).max() <= 1


def test_there_is_none_without_a_name_or_room() -> None:
    assert label(tile(None), HD) is None
    assert label(tile(Label(), name="小红"), HD) is None
    assert label(tile(Label(), rect=Rect(0, 0, 20, 20)), HD) is None
