import itertools
from typing import get_args

import pytest

from compositor.geometry import Rect, Size, pixel_rect
from compositor.layout import Corner, Layout, PresetName
from compositor.presets import Orientation, orientation, preset
from compositor.tiles import FeedInfo, tiles

NAMES: tuple[PresetName, ...] = get_args(PresetName)
CANVAS: dict[Orientation, Size] = {"landscape": Size(1280, 720), "portrait": Size(720, 1280)}


def rects(name: PresetName, orientation: Orientation, feeds: int) -> list[Rect]:
    slots = preset(name, orientation, feeds).slots
    return [pixel_rect(slot.rect, CANVAS[orientation]) for slot in slots]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("turned", ["landscape", "portrait"])
@pytest.mark.parametrize("feeds", range(1, 10))
def test_every_preset_shows_every_feed_inside_the_canvas_and_apart(
    name: PresetName, turned: Orientation, feeds: int
) -> None:
    layout = preset(name, turned, feeds)
    drawn = rects(name, turned, feeds)
    assert [slot.source for slot in layout.slots] == list(range(1, len(drawn) + 1))
    assert len(drawn) == (1 if name == "solo" else feeds)
    assert all(rect.inside(CANVAS[turned]) for rect in drawn)
    apart = drawn[1:] if name == "picture-in-picture" else drawn
    assert not any(one.overlaps(other) for one, other in itertools.combinations(apart, 2))


@pytest.mark.parametrize("name", ["side-by-side", "stack", "grid", "spotlight"])
@pytest.mark.parametrize("turned", ["landscape", "portrait"])
@pytest.mark.parametrize("feeds", range(1, 10))
def test_no_tile_is_a_sliver(name: PresetName, turned: Orientation, feeds: int) -> None:
    for rect in rects(name, turned, feeds):
        assert max(rect.width, rect.height) <= 2.7 * min(rect.width, rect.height)


@pytest.mark.parametrize("corner", get_args(Corner))
@pytest.mark.parametrize("turned", ["landscape", "portrait"])
@pytest.mark.parametrize("feeds", range(2, 10))
def test_no_inset_covers_the_middle_of_the_picture_behind(
    corner: Corner, turned: Orientation, feeds: int
) -> None:
    slots = preset("picture-in-picture", turned, feeds, corner).slots[1:]
    size = CANVAS[turned]
    middle = pixel_rect((0.35, 0.35, 0.3, 0.3), size)
    assert not any(pixel_rect(slot.rect, size).overlaps(middle) for slot in slots)


def test_two_feeds_side_by_side_on_720p_are_two_halves_in_the_middle() -> None:
    feeds = [FeedInfo("a", "A", "on"), FeedInfo("b", "B", "on")]
    shown = tiles(Layout(preset="side-by-side"), Size(1280, 720), feeds)
    assert [tile.rect for tile in shown] == [Rect(0, 180, 640, 360), Rect(640, 180, 640, 360)]


def test_four_feeds_in_a_grid_fill_the_canvas() -> None:
    assert rects("grid", "landscape", 4) == [
        Rect(0, 0, 640, 360),
        Rect(640, 0, 640, 360),
        Rect(0, 360, 640, 360),
        Rect(640, 360, 640, 360),
    ]


def test_a_short_row_of_a_grid_is_centred() -> None:
    assert rects("grid", "landscape", 3)[2] == Rect(320, 360, 640, 360)


def test_the_inset_is_in_a_lower_corner_in_landscape_and_an_upper_one_in_portrait() -> None:
    assert rects("picture-in-picture", "landscape", 2)[1] == Rect(934, 514, 320, 180)
    assert rects("picture-in-picture", "portrait", 2)[1] == Rect(490, 28, 202, 360)
    assert [slot.z for slot in preset("picture-in-picture", "landscape", 3).slots] == [0, 1, 1]


def test_more_feeds_than_nine_show_the_first_nine() -> None:
    assert preset("grid", "landscape", 12) == preset("grid", "landscape", 9)


def test_no_feed_is_no_slot() -> None:
    assert preset("grid", "landscape", 0) == Layout.empty()


def test_a_square_is_laid_out_as_landscape() -> None:
    assert orientation(Size(720, 720)) == "landscape"
    assert orientation(Size(720, 722)) == "portrait"
