"""What `bench.compose` compares is the same picture, and nothing is allocated for it."""

import pytest

from bench import clips, compose
from compositor.frame import yuv420
from compositor.geometry import Size


@pytest.fixture(scope="module")
def feeds() -> compose.Feeds:
    return compose.feeds(Size(*clips.SIZE))


def test_our_grid_is_libavfilters(feeds: compose.Feeds) -> None:
    ours, theirs = compose.ours(feeds)(3), compose.libavfilter(feeds)(3)
    assert compose.psnr_db(yuv420(ours), yuv420(theirs)) >= 50


def test_no_canvas_is_allocated_once_warm_and_one_would_be_seen() -> None:
    taken = compose.allocations()
    assert taken.pop("wasteful") > 0.9
    assert max(taken.values()) < 0.01
