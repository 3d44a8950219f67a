"""Layout documents, sizes and feeds as hypothesis draws them."""

from typing import Any, get_args

from hypothesis import strategies as st

from compositor.geometry import Size
from compositor.layout import TransitionKind
from compositor.tiles import FeedInfo, FeedState

UHD = Size(3840, 2160)
FEEDS = ("phone", "camera", "desk", "guest")


def sizes(largest: Size = UHD) -> st.SearchStrategy[Size]:
    return st.builds(
        lambda width, height: Size(2 * width, 2 * height),
        st.integers(1, largest.width // 2),
        st.integers(1, largest.height // 2),
    )


FITS = st.sampled_from(["cover", "contain", "fill"])
COLOURS = st.from_regex(r"#[0-9a-fA-F]{6}", fullmatch=True)
TINTS = st.from_regex(r"#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?", fullmatch=True)
CORNERS = st.sampled_from(["top-left", "top-right", "bottom-left", "bottom-right"])
LABELS = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(max_size=20),
        "at": CORNERS,
        "size": st.floats(0.01, 0.2),
        "colour": TINTS,
        "box": TINTS,
    },
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
            "fit": FITS,
            "z": st.integers(-1000, 1000),
            "focus": st.lists(st.floats(0, 1), min_size=2, max_size=2),
            "crop": rects(),
            "mirror": st.booleans(),
            "radius": st.floats(0, 0.5),
            "border": st.fixed_dictionaries(
                {"width": st.floats(0, 0.1)}, optional={"colour": COLOURS}
            ),
            "opacity": st.floats(0, 1),
            "label": st.booleans() | LABELS,
        },
    )
    return [
        {**source, "rect": draw(rects()), **draw(optional)}
        for source in draw(st.permutations(sources))
    ]


def documents() -> st.SearchStrategy[dict[str, Any]]:
    """Layouts that are valid."""
    common = {
        "background": COLOURS
        | st.fixed_dictionaries({"image": st.just("logo")}, optional={"fit": FITS}),
        "transition": st.fixed_dictionaries(
            {},
            optional={
                "kind": st.sampled_from(get_args(TransitionKind)),
                "duration_ms": st.integers(0, 10_000),
                "easing": st.sampled_from(["linear", "ease-in", "ease-out", "ease-in-out"]),
            },
        ),
    }
    presets = st.sampled_from(
        ["solo", "side-by-side", "stack", "picture-in-picture", "grid", "spotlight"]
    )
    corner = {"preset": st.just("picture-in-picture"), "corner": CORNERS}
    return st.one_of(
        st.fixed_dictionaries({"slots": slot_lists()}, optional=common),
        st.fixed_dictionaries({"preset": presets}, optional=common),
        st.fixed_dictionaries(corner, optional=common),
    )


def feed_lists() -> st.SearchStrategy[list[FeedInfo]]:
    states: st.SearchStrategy[FeedState] = st.sampled_from(get_args(FeedState))
    names = st.sampled_from(FEEDS)
    feeds = st.builds(FeedInfo, names, names.map(str.title), states)
    return st.lists(feeds, max_size=4, unique_by=lambda feed: feed.id)


STYLES = {
    "size": st.floats(0.01, 0.5),
    "colour": TINTS,
    "weight": st.integers(100, 900),
    "font": st.sampled_from(["font", "logo", "nothing"]),
    "align": st.sampled_from(["left", "center", "right"]),
    "valign": st.sampled_from(["top", "middle", "bottom"]),
    "outline": st.fixed_dictionaries({"width": st.floats(0, 0.25)}, optional={"colour": TINTS}),
    "box": TINTS,
}


def overlay_lists() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Overlays that are valid."""

    def kind(
        name: str, optional: dict[str, st.SearchStrategy[Any]], **required: st.SearchStrategy[Any]
    ) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({"kind": st.just(name), **required}, optional=optional)

    line, rect = st.text(min_size=1, max_size=30), rects()
    until = st.floats(0, 4e9) | st.just("2027-01-15T09:00:00+01:00")
    zone = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"])
    return st.lists(
        st.one_of(
            kind("text", STYLES, rect=rect, text=line),
            kind(
                "image",
                {"fit": FITS, "opacity": st.floats(0, 1)},
                rect=rect,
                image=st.sampled_from(["logo", "font", "nothing"]),
            ),
            kind("clock", {"zone": zone, "seconds": st.booleans(), **STYLES}, rect=rect),
            kind("countdown", {"done": st.text(max_size=9), **STYLES}, rect=rect, until=until),
            kind("qr", {"dark": COLOURS, "light": COLOURS}, rect=rect, data=line),
            kind(
                "lower-third",
                {"rect": rect, "subtitle": st.text(max_size=30), "accent": TINTS, **STYLES},
                title=line,
            ),
            kind("ticker", {"rect": rect, "speed": st.floats(0, 1), **STYLES}, text=line),
            kind(
                "product",
                {
                    "qr": st.text(max_size=30),
                    "left": st.text(max_size=20),
                    "prices": st.text(min_size=1, max_size=20),
                    "accent": TINTS,
                    **STYLES,
                },
                rect=rect,
                product=st.sampled_from(["pinned", "p_01"]),
            ),
        ),
        max_size=3,
    )
