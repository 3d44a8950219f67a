from pathlib import Path

import fontpkg
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compositor.card import Card
from compositor.compose import compose
from compositor.frame import Plane, yuv420
from compositor.geometry import Size
from compositor.layout import Backdrop, Layout
from compositor.overlay import Product
from compositor.overlay_spec import parse_overlays
from compositor.spec import parse_layout
from compositor.tiles import FeedInfo
from tests.compositor.golden import ASSETS
from tests.compositor.pictures import camera
from tests.compositor.strategies import documents, feed_lists, overlay_lists, sizes

MUG = Card("Blue mug", "$12.50", "3 left", picture=ASSETS["mug"])
FILES = {"logo": ASSETS["logo"], "font": Path(fontpkg.path("Noto Sans")).read_bytes()}


def shown(layout: Layout, **files: bytes) -> Plane:
    return yuv420(compose(layout, Size(64, 36), {}, assets=files)).y


@given(documents(), overlay_lists(), sizes(), feed_lists(), st.floats(0, 4e9))
def test_any_layout_and_overlays_render_on_any_canvas_from_2x2_to_4k(
    document: dict[str, object],
    overlays: list[dict[str, object]],
    size: Size,
    feeds: list[FeedInfo],
    now_s: float,
) -> None:
    over = parse_overlays(overlays)
    frame = compose(
        parse_layout(document),
        size,
        {feed.id: camera(1) for feed in feeds},
        over,
        now_s,
        FILES,
        feeds,
        {each: MUG._replace(link=each.qr) for each in over if isinstance(each, Product)},
    )
    assert (frame.width, frame.height) == (size.width, size.height)


def test_pictures_are_feeds_in_their_order_unless_said_otherwise() -> None:
    size = Size(256, 144)
    one, two = camera(1, size), camera(2, size)
    frame = compose(Layout(preset="solo"), size, {"first": one, "second": two})
    assert np.array_equal(yuv420(frame).y, yuv420(one).y)
    feeds = [FeedInfo("second", "", "on"), FeedInfo("first", "", "on")]
    frame = compose(Layout(preset="solo"), size, {"first": one, "second": two}, feeds=feeds)
    assert np.array_equal(yuv420(frame).y, yuv420(two).y)


def test_a_background_that_is_gone_or_broken_is_the_default_colour() -> None:
    slots = parse_layout({"slots": [{"feed": "a", "rect": [0.4, 0.4, 0.2, 0.2]}]}).slots
    plain = shown(Layout(slots))
    image = Layout(slots, background=Backdrop("logo"))
    assert np.array_equal(shown(image), plain)
    assert np.array_equal(shown(image, logo=b"no image"), plain)
    assert not np.array_equal(shown(image, logo=ASSETS["logo"]), plain)
