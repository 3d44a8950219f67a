from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from compositor.geometry import Rect, Size, pixel_rect, whole
from compositor.layout import Transition, View
from compositor.spec import parse_layout
from compositor.tiles import FeedInfo, Tile, tiles
from compositor.transition import MAX_TILES, Motion, between, eased
from compositor.trim import Trim
from tests.compositor.strategies import FEEDS, rects

CANVAS = Size(64, 36)
LEFT, RIGHT = Rect(0, 0, 32, 36), Rect(32, 0, 32, 36)
SLOW = Transition(1000)


def tile(feed: str, rect: Rect, opacity: float = 1.0) -> Tile:
    return Tile(rect, feed, "live", opacity=opacity)


def bordered(trim: Trim, feed: str, rect: Rect, opacity: float) -> Tile:
    """A tile whose border lies within the canvas too."""
    room = min(rect.x, rect.y, CANVAS.width - rect.right, CANVAS.height - rect.bottom)
    return replace(tile(feed, rect, opacity), trim=trim._replace(border=min(trim.border, room)))


def painted(shown: tuple[Tile, ...] | list[Tile]) -> NDArray[np.float64]:
    """A canvas of one number a pixel, feeds told apart by theirs."""
    canvas = np.zeros((CANVAS.height, CANVAS.width))
    for each in shown:
        part = canvas[each.rect.y : each.rect.bottom, each.rect.x : each.rect.right]
        level = 50.0 * (1 + FEEDS.index(each.feed or ""))
        part += (level - part) * each.opacity
    return canvas


def arrangements() -> st.SearchStrategy[tuple[Tile, ...]]:
    trims = st.builds(Trim, st.just(0), st.sampled_from([0, 2, 6]), st.just("#ffffff"))
    placed = st.builds(
        bordered,
        trims,
        st.sampled_from(FEEDS),
        rects().map(lambda rect: pixel_rect((rect[0], rect[1], rect[2], rect[3]), CANVAS)),
        st.sampled_from([1.0, 1.0, 0.5]),
    )
    return st.lists(placed, max_size=5).map(tuple)


moments = st.floats(0, 1)


@given(arrangements(), arrangements(), st.booleans())
def test_a_transition_begins_at_the_old_picture_and_ends_at_the_new(
    old: tuple[Tile, ...], new: tuple[Tile, ...], moving: bool
) -> None:
    start, end = (between(old, new, progress, moving=moving) for progress in (0, 1))
    assert np.allclose(painted(start), painted(old))
    assert np.allclose(painted(end), painted(new))


@given(arrangements(), arrangements(), arrangements(), moments, st.booleans(), st.booleans())
def test_interrupted_anywhere_it_goes_on_from_the_picture_that_was_there(
    old: tuple[Tile, ...],
    new: tuple[Tile, ...],
    other: tuple[Tile, ...],
    moment: float,
    moving: bool,
    then_moving: bool,
) -> None:
    half_way = between(old, new, moment, moving=moving)
    assert np.allclose(painted(between(half_way, other, 0, moving=then_moving)), painted(half_way))
    assert np.allclose(painted(between(half_way, other, 1, moving=then_moving)), painted(other))


@given(arrangements(), arrangements(), moments, st.booleans())
def test_no_tile_leaves_the_canvas_on_its_way(
    old: tuple[Tile, ...], new: tuple[Tile, ...], moment: float, moving: bool
) -> None:
    for each in between(old, new, moment, moving=moving):
        line = each.trim.border
        outer = Rect(
            each.rect.x - line,
            each.rect.y - line,
            each.rect.width + 2 * line,
            each.rect.height + 2 * line,
        )
        assert outer.inside(CANVAS)
        assert 0 < each.opacity <= 1


@given(arrangements(), st.lists(arrangements(), max_size=20), st.booleans())
def test_interrupted_again_and_again_it_stays_bounded(
    old: tuple[Tile, ...], wanted: list[tuple[Tile, ...]], moving: bool
) -> None:
    for new in wanted:
        old = between(old, new, 0.1, moving=moving)
    assert len(old) <= MAX_TILES


def test_a_tile_moves_straight_to_its_new_place_and_size() -> None:
    (half_way,) = between([tile("phone", LEFT)], [tile("phone", whole(CANVAS))], 0.5)
    assert half_way == tile("phone", Rect(0, 0, 48, 36))


def test_tiles_that_touch_stay_together_while_they_move() -> None:
    old = [tile("phone", LEFT), tile("desk", RIGHT)]
    new = [tile("phone", Rect(0, 0, 50, 20)), tile("desk", Rect(50, 0, 14, 20))]
    for step in range(21):
        first, second = between(old, new, step / 20)
        assert first.rect.right == second.rect.x


def test_who_leaves_fades_out_below_and_who_comes_fades_in_above() -> None:
    old, new = [tile("phone", whole(CANVAS))], [tile("desk", whole(CANVAS))]
    assert between(old, new, 0.5) == (
        tile("phone", whole(CANVAS), 0.75),
        tile("desk", whole(CANVAS), 0.75),
    )


@pytest.mark.parametrize("progress", [0.1, 0.5, 0.9])
def test_what_is_behind_hardly_shines_through_two_pictures_that_change_places(
    progress: float,
) -> None:
    leaving, coming = between([tile("phone", LEFT)], [tile("desk", LEFT)], progress, moving=False)
    assert (1 - leaving.opacity) * (1 - coming.opacity) <= 1 / 16


def test_a_fade_moves_nothing_and_leaves_alone_what_stays() -> None:
    old = [tile("phone", LEFT), tile("desk", RIGHT)]
    new = [tile("phone", LEFT), tile("desk", Rect(40, 10, 20, 20))]
    assert between(old, new, 0.5, moving=False) == (
        tile("phone", LEFT),
        tile("desk", RIGHT, 0.75),
        tile("desk", Rect(40, 10, 20, 20), 0.75),
    )


def test_inset_and_background_change_places_without_a_sudden_one_on_top() -> None:
    small = Rect(40, 20, 20, 12)
    old = [tile("phone", whole(CANVAS)), tile("desk", small)]
    new = [tile("desk", whole(CANVAS)), tile("phone", small)]
    first, last = between(old, new, 0.01), between(old, new, 0.99)
    assert [each.feed for each in first] == ["phone", "desk", "phone"]
    assert first[2].opacity == pytest.approx(0.0199)
    assert [each.feed for each in last] == ["phone", "desk", "phone"]
    assert last[0].opacity == pytest.approx(0.0199)


def test_a_crop_and_an_edge_change_on_the_way() -> None:
    old = replace(tile("phone", LEFT), trim=Trim(8, 0), view=View(crop=(0.0, 0.0, 1.0, 1.0)))
    new = replace(
        tile("phone", LEFT), trim=Trim(16, 4, "#ffffff"), view=View(crop=(0.5, 0, 0.5, 1))
    )
    (half_way,) = between([old], [new], 0.5)
    assert half_way.trim == Trim(12, 2, "#ffffff")
    assert half_way.view.crop == (0.25, 0.0, 0.75, 1.0)


def test_a_tile_that_is_mirrored_on_its_way_fades_into_that() -> None:
    old, new = tile("phone", LEFT), replace(tile("phone", RIGHT), view=View(mirror=True))
    below, above = between([old], [new], 0.5)
    assert below.rect == above.rect == Rect(16, 0, 32, 36)
    assert (below.view.mirror, above.view.mirror) == (False, True)
    assert below.opacity == above.opacity == 0.75


@pytest.mark.parametrize(
    ("easing", "half_way"),
    [("linear", 0.5), ("ease-in", 0.25), ("ease-out", 0.75), ("ease-in-out", 0.5)],
)
def test_easings_begin_and_end_alike_and_differ_between(easing: str, half_way: float) -> None:
    transition = parse_layout({"preset": "solo", "transition": {"easing": easing}}).transition
    assert [eased(p, transition.easing) for p in (0, 0.5, 1)] == [0, half_way, 1]
    values = [eased(p / 50, transition.easing) for p in range(51)]
    assert values == sorted(values)


class TestMotion:
    def test_the_first_tiles_are_there_at_once(self) -> None:
        wanted = (tile("phone", LEFT),)
        assert Motion().at(wanted, SLOW, 5.0) is wanted

    def test_it_takes_as_long_as_the_transition_says(self) -> None:
        motion, wanted = Motion(), (tile("phone", RIGHT),)
        motion.at((tile("phone", LEFT),), SLOW, 10.0)
        lefts = [motion.at(wanted, SLOW, 10 + ms / 1000)[0].rect.x for ms in (250, 500, 750)]
        assert lefts == [8, 16, 24]
        assert motion.at(wanted, SLOW, 11.0) is wanted

    def test_the_first_frame_of_a_transition_is_a_step_already(self) -> None:
        motion, wanted = Motion(), (tile("phone", RIGHT),)
        motion.at((tile("phone", LEFT),), SLOW, 10.0)
        motion.at((tile("phone", LEFT),), SLOW, 20.0)
        assert motion.at(wanted, SLOW, 20.125)[0].rect.x == 4

    @pytest.mark.parametrize("transition", [Transition(), Transition(500, kind="cut")])
    def test_a_cut_is_there_at_once(self, transition: Transition) -> None:
        motion, wanted = Motion(), (tile("phone", RIGHT),)
        motion.at((tile("phone", LEFT),), SLOW, 10.0)
        assert motion.at(wanted, transition, 10.01) is wanted

    def test_a_second_transition_begins_where_the_first_one_was(self) -> None:
        motion, there, back = Motion(), (tile("phone", RIGHT),), (tile("phone", LEFT),)
        motion.at(back, SLOW, 10.0)
        motion.at(there, SLOW, 10.5)
        lefts = [motion.at(back, SLOW, 10.5 + ms / 1000)[0].rect.x for ms in (250, 500, 1000)]
        assert lefts == [12, 8, 0]

    def test_a_feed_that_comes_makes_the_auto_slots_go_to_their_places(self) -> None:
        layout = parse_layout({"preset": "grid", "transition": {"duration_ms": 1000}})
        feeds = [FeedInfo("phone", "", "on"), FeedInfo("desk", "", "on")]
        motion = Motion()
        motion.at(tiles(layout, CANVAS, feeds[:1]), layout.transition, 10.0)
        phone, desk = motion.at(tiles(layout, CANVAS, feeds), layout.transition, 10.5)
        assert whole(CANVAS).width > phone.rect.width > LEFT.width
        assert 0 < desk.opacity < 1

    def test_a_host_who_freezes_half_way_is_dimmed_at_once_and_goes_on_moving(self) -> None:
        motion = Motion()
        motion.at((tile("phone", LEFT),), SLOW, 10.0)
        motion.at((tile("phone", RIGHT),), SLOW, 10.25)
        frozen = (replace(tile("phone", RIGHT), picture="dimmed"),)
        (shown,) = motion.at(frozen, SLOW, 10.5)
        assert (shown.picture, shown.rect.x) == ("dimmed", 16)

    def test_a_changed_state_alone_is_no_transition(self) -> None:
        motion = Motion()
        motion.at((tile("phone", LEFT),), SLOW, 10.0)
        away = (replace(tile("phone", LEFT), picture="slate", title="Ann"),)
        assert motion.at(away, SLOW, 10.1) is away
