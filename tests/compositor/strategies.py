"""Layout documents, sizes and feeds as hypothesis draws them."""

from typing import Any, get_args

from hypothesis import strategies as st

from compositor.geometry import Size
from compositor.tiles import FeedInfo, FeedState

UHD = Size(3840, 2160)
FEEDS = ("phone", "camera", "desk", "guest")


def sizes(largest: Size = UHD) -> st.SearchStrategy[Size]:
    return st.builds(
        lambda width, height: Size(2 * width, 2 * height),
        st.integers(1, largest.width // 2),
        st.integers(1, largest.height // 2),
    )


@st.composite
def rects(draw: st.DrawFn) -> list[float]:
    x, y = draw(st.floats(0, 1, exclude_max=True)), draw(st.floats(0, 1, exclude_max=True))
    width = draw(st.floats(0, 1 - x, exclude_min=True))
    height = draw(st.floats(0, 1 - y, exclude_min=True))
    return [x, y, width, height]


@st.composite
def slot_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    autos = draw(st.lists(st.integers(1, 32), unique=True, max_size=4))
    named = draw(st.lists(st.sampled_from(FEEDS), max_size=4))
    sources: list[dict[str, Any]] = [{"auto": n} for n in autos]
    sources += [{"feed": name} for name in named]
    optional = st.fixed_dictionaries(
        {},
        optional={
            "fit": st.sampled_from(["cover", "contain", "fill"]),
            "z": st.integers(-1000, 1000),
        },
    )
    return [
        {**source, "rect": draw(rects()), **draw(optional)}
        for source in draw(st.permutations(sources))
    ]


def documents() -> st.SearchStrategy[dict[str, Any]]:
    """Layouts that are valid."""
    common = {
        "background": st.from_regex(r"#[0-9a-fA-F]{6}", fullmatch=True),
        "transition": st.fixed_dictionaries(
            {},
            optional={
                "duration_ms": st.integers(0, 10_000),
                "easing": st.sampled_from(["linear", "ease-in", "ease-out", "ease-in-out"]),
            },
        ),
    }
    presets = st.sampled_from(["solo", "side-by-side", "stack", "picture-in-picture", "grid"])
    return st.one_of(
        st.fixed_dictionaries({"slots": slot_lists()}, optional=common),
        st.fixed_dictionaries({"preset": presets}, optional=common),
    )


def feed_lists() -> st.SearchStrategy[list[FeedInfo]]:
    states: st.SearchStrategy[FeedState] = st.sampled_from(get_args(FeedState))
    names = st.sampled_from(FEEDS)
    feeds = st.builds(FeedInfo, names, names.map(str.title), states)
    return st.lists(feeds, max_size=4, unique_by=lambda feed: feed.id)
