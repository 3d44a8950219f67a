from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from compositor.geometry import Size, cover_crop, pixel_rect
from compositor.layout import Layout
from compositor.spec import parse_layout
from compositor.tiles import FeedInfo, FeedState
from mediaserver.wanted import MOST_PIXELS, Wanted, shape, wanted

HD = Size(1280, 720)
UPRIGHT = Fraction(9, 16)


def ann(state: FeedState = "on") -> FeedInfo:
    return FeedInfo("ann", "Ann", state)


BOB = FeedInfo("bob", "Bob", "on")


def slot(rect: list[float], **more: Any) -> Layout:
    return parse_layout({"slots": [{"feed": "ann", "rect": rect, **more}]})


WHOLE = slot([0, 0, 1, 1])
QUARTER = slot([0, 0, 0.5, 0.5])
HALF = slot([0, 0, 0.5, 1])


def of_ann(layout: Layout, canvas: Size = HD, shape: Fraction = Fraction(16, 9)) -> tuple[int, int]:
    found = wanted([(layout, canvas)], [ann()], {"ann": shape})["ann"]
    return found.width, found.height


@pytest.mark.parametrize(
    ("layout", "shape", "size"),
    [
        (WHOLE, Fraction(16, 9), (1280, 720)),
        (QUARTER, Fraction(16, 9), (640, 360)),
        (HALF, Fraction(16, 9), (1280, 720)),
        (slot([0, 0, 0.5, 1], fit="contain"), Fraction(16, 9), (640, 360)),
        (slot([0, 0, 0.5, 1], fit="fill"), Fraction(16, 9), (1280, 720)),
        (slot([0, 0, 0.5, 0.5], crop=[0.25, 0.25, 0.5, 0.5]), Fraction(16, 9), (1280, 720)),
        (slot([0, 0, 0.5, 0.5], crop=[0.5, 0, 0.5, 1]), Fraction(16, 9), (1280, 720)),
        (QUARTER, UPRIGHT, (640, 1138)),
        (slot([0, 0, 0.5, 0.5], fit="contain"), UPRIGHT, (204, 360)),
        (QUARTER, Fraction(4, 3), (640, 480)),
    ],
)
def test_whole_picture_is_as_large_as_its_tile_needs_it(
    layout: Layout, shape: Fraction, size: tuple[int, int]
) -> None:
    assert of_ann(layout, shape=shape) == size


def test_largest_of_all_tiles_on_all_canvases_counts() -> None:
    both = parse_layout(
        {
            "slots": [
                {"feed": "ann", "rect": [0, 0, 0.25, 0.25]},
                {"auto": 1, "rect": [0.5, 0.5, 0.5, 0.5]},
                {"auto": 2, "rect": [0.75, 0, 0.25, 0.25]},
            ]
        }
    )
    canvases = [(both, HD), (QUARTER, Size(1920, 1080))]

    assert wanted(canvases, [ann(), BOB], {}) == {
        "ann": Wanted(960, 540),
        "bob": Wanted(320, 180),
    }
    assert wanted(canvases[:1], [ann(), BOB], {})["ann"] == Wanted(640, 360)
    assert wanted([], [ann(), BOB], {}) == {}


def test_feed_that_no_slot_shows_is_not_wanted() -> None:
    assert wanted([(QUARTER, HD)], [BOB], {}).keys() == {"ann"}
    assert wanted([(parse_layout({"preset": "solo"}), HD)], [BOB, ann()], {}).keys() == {"bob"}
    assert wanted([(parse_layout({"preset": "solo"}), HD)], [ann("waiting")], {}) == {}


@pytest.mark.parametrize("state", ["on", "frozen", "away", "gone"])
def test_feed_that_is_missed_is_wanted_as_it_will_be_shown(state: FeedState) -> None:
    assert wanted([(QUARTER, HD)], [ann(state)], {}) == {"ann": Wanted(640, 360)}


def test_border_takes_its_room() -> None:
    assert of_ann(slot([0, 0, 0.5, 0.5], border={"width": 0.01})) == (624, 352)


def test_small_part_of_a_picture_does_not_ask_for_a_vast_one() -> None:
    assert of_ann(slot([0, 0, 1, 1], crop=[0.4, 0.4, 0.1, 0.1])) == (1920, 1080)


@pytest.mark.parametrize(
    ("size", "simplest"),
    [
        ((1280, 720), (16, 9)),
        ((426, 240), (16, 9)),
        ((640, 1138), (9, 16)),
        ((640, 480), (4, 3)),
        ((8, 4000), (1, 16)),
    ],
)
def test_shape_stays_the_same_at_every_size(
    size: tuple[int, int], simplest: tuple[int, int]
) -> None:
    assert shape(*size) == Fraction(*simplest)


@pytest.mark.parametrize(
    ("size", "bitrate_bps"),
    [((640, 360), 1_000_000), ((1280, 720), 2_519_842), ((320, 180), 396_850)],
)
def test_bitrate_grows_with_the_picture(size: tuple[int, int], bitrate_bps: int) -> None:
    assert Wanted(*size).max_bitrate_bps == bitrate_bps


fractions = st.floats(0.1, 1)


@given(st.floats(0, 0.4), fractions, st.floats(0, 0.4), fractions, fractions, fractions, st.data())
def test_what_is_cut_for_a_tile_is_at_least_as_large_and_hardly_larger(
    left: float, across: float, top: float, down: float, width: float, height: float, data: Any
) -> None:
    crop = left, top, min(across, 1 - left), min(down, 1 - top)
    camera = data.draw(st.sampled_from([Fraction(16, 9), Fraction(4, 3), UPRIGHT]))
    layout = slot([0, 0, width, height], crop=list(crop))
    size = Size(*of_ann(layout, shape=camera))
    assume(size.width * size.height < MOST_PIXELS * 0.99)

    tile = pixel_rect((0, 0, width, height), HD).size
    part = cover_crop(pixel_rect(crop, size).size, tile)

    assert part.width >= tile.width - 4
    assert part.height >= tile.height - 4
    assert min(part.width - tile.width, part.height - tile.height) <= 6
