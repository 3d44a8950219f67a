import pytest
from hypothesis import given

from compositor.geometry import Rect, Size
from compositor.layout import Layout, Slot
from compositor.spec import parse_layout
from compositor.tiles import FeedInfo, FeedState, Tile, tiles
from tests.compositor.strategies import documents, feed_lists, sizes

HD = Size(1280, 720)
LEFT, RIGHT = Rect(0, 0, 640, 720), Rect(640, 0, 640, 720)
AUTO = Layout(slots=(Slot((0, 0, 0.5, 1), 1), Slot((0.5, 0, 0.5, 1), 2)))
NAMED = Layout(slots=(Slot((0, 0, 0.5, 1), "phone"), Slot((0.5, 0, 0.5, 1), "desk")))
STARTING = (Tile(Rect(0, 0, 1280, 720), None, "slate", title="Starting soon"),)


def feed(name: str, state: FeedState = "on") -> FeedInfo:
    return FeedInfo(name, name.title(), state)


@pytest.mark.parametrize(
    ("state", "tile"),
    [
        ("on", Tile(LEFT, "phone", "live")),
        ("frozen", Tile(LEFT, "phone", "dimmed")),
        ("away", Tile(LEFT, "phone", "slate", title="Phone", subtitle="Back in a moment")),
        ("gone", Tile(LEFT, "phone", "slate", title="Phone", subtitle="Not here now")),
    ],
)
def test_a_named_slot_keeps_its_place_in_every_state(state: FeedState, tile: Tile) -> None:
    shown = tiles(NAMED, HD, [feed("phone", state), feed("desk")])
    assert shown == (tile, Tile(RIGHT, "desk", "live"))


def test_a_waiting_feed_is_not_on_the_canvas() -> None:
    assert tiles(NAMED, HD, [feed("phone", "waiting"), feed("desk")]) == (
        Tile(RIGHT, "desk", "live"),
    )
    assert tiles(AUTO, HD, [feed("phone", "waiting"), feed("desk")]) == (
        Tile(LEFT, "desk", "live"),
    )


def test_a_named_feed_that_is_not_known_is_a_slate_without_a_name() -> None:
    shown = tiles(NAMED, HD, [feed("desk")])
    assert shown[0] == Tile(LEFT, "phone", "slate", subtitle="Not here now")


def test_auto_slots_close_up_when_a_feed_is_gone_but_not_while_it_is_away() -> None:
    three = [feed("phone"), feed("desk"), feed("guest")]
    assert [tile.feed for tile in tiles(AUTO, HD, three)] == ["phone", "desk"]
    three[0] = feed("phone", "away")
    assert [tile.feed for tile in tiles(AUTO, HD, three)] == ["phone", "desk"]
    three[0] = feed("phone", "gone")
    assert [tile.feed for tile in tiles(AUTO, HD, three)] == ["desk", "guest"]


def test_a_preset_is_laid_out_anew_for_the_feeds_there_are() -> None:
    layout = Layout(preset="side-by-side")
    assert [tile.rect.width for tile in tiles(layout, HD, [feed("phone"), feed("desk")])] == [
        640,
        640,
    ]
    assert tiles(layout, HD, [feed("phone", "gone"), feed("desk")]) == (
        Tile(Rect(0, 0, 1280, 720), "desk", "live"),
    )


@pytest.mark.parametrize("layout", [AUTO, Layout(preset="grid"), Layout.empty()])
def test_with_nobody_on_the_canvas_it_is_one_slate(layout: Layout) -> None:
    assert tiles(layout, HD, []) == STARTING
    assert tiles(layout, HD, [feed("phone", "waiting"), feed("desk", "gone")]) == STARTING


def test_higher_slots_are_drawn_later_and_equal_ones_in_their_order() -> None:
    full = (0.0, 0.0, 1.0, 1.0)
    layout = Layout(slots=(Slot(full, "a", z=1), Slot(full, "b"), Slot(full, "c", z=1)))
    shown = tiles(layout, HD, [feed("a"), feed("b"), feed("c")])
    assert [tile.feed for tile in shown] == ["b", "a", "c"]


@given(documents(), sizes(), feed_lists())
def test_any_layout_on_any_canvas_resolves_to_tiles_inside_it(
    document: dict[str, object], size: Size, feeds: list[FeedInfo]
) -> None:
    layout = parse_layout(document)
    shown = tiles(layout, size, feeds)
    assert shown
    assert all(tile.rect.inside(size) for tile in shown)
    assert hash(shown) == hash(tiles(layout, size, tuple(feeds)))
    waiting = {info.id for info in feeds if info.state == "waiting"}
    assert not waiting & {tile.feed for tile in shown}
