import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from compositor import text
from compositor.frame import Colour, Yuv420, solid
from compositor.geometry import Size
from compositor.overlay_spec import parse_overlays
from compositor.scale import Scaler
from compositor.spec import parse_layout
from mediaserver import stage as stage_module
from mediaserver.clock import ManualClock
from mediaserver.composition import Composition
from mediaserver.feed import Feed
from mediaserver.feed_state import FeedState
from mediaserver.packet import FeedId
from mediaserver.picture import Picture
from mediaserver.stage import Scene, Stage, drawings
from tests.files import image_file, spoilt_font

LANDSCAPE, PORTRAIT = Size(320, 180), Size(180, 320)
NOON_S = 43_200.0
SLOW = {"transition": {"duration_ms": 1000}}


class FedFeed(Feed):
    """A feed whose pictures a test gives."""

    def __init__(self, name: str, clock: ManualClock) -> None:
        super().__init__(FeedId(name), name, clock=clock, admitted=True)
        self.shown: Picture | None = None
        self.present: FeedState = "on"

    def give(self, level: int, size: tuple[int, int] = (128, 96)) -> None:
        """One picture, all of that brightness."""
        planes = np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)
        planes[: size[1]] = level
        self.shown = Picture(av.VideoFrame.from_ndarray(planes, format="yuv420p"))

    def picture(self) -> Picture | None:
        return self.shown

    def state(self) -> FeedState:
        return self.present


@pytest.fixture
def ann(clock: ManualClock) -> FedFeed:
    feed = FedFeed("ann", clock)
    feed.give(200)
    return feed


@pytest.fixture
def bob(clock: ManualClock) -> FedFeed:
    feed = FedFeed("bob", clock)
    feed.give(60)
    return feed


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def scalings(monkeypatch: pytest.MonkeyPatch) -> list[Size]:
    """The size of every scaling that is done."""
    done: list[Size] = []
    resized: Callable[[Scaler, Yuv420, Size], Yuv420] = Scaler.resized

    def counted(self: Scaler, source: Yuv420, size: Size) -> Yuv420:
        done.append(size)
        return resized(self, source, size)

    monkeypatch.setattr(Scaler, "resized", counted)
    return done


def scene(layout: dict[str, Any], *feeds: Feed, overlays: Any = (), **assets: bytes) -> Scene:
    composition = Composition(parse_layout(layout), parse_overlays(list(overlays)))
    return Scene(composition, feeds, assets)


def luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    plane = frame.planes[0]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size).copy()


def squares(side: int, canvas: Size) -> dict[str, Any]:
    """A layout with a tile of `side` pixels for the first feed."""
    rect = [0, 0, side / canvas.width, side / canvas.height]
    return {"slots": [{"auto": 1, "rect": rect}]}


def test_canvases_that_show_a_feed_at_one_size_have_it_scaled_once(
    ann: FedFeed, scalings: list[Size]
) -> None:
    canvases = [(Stage(size), size) for size in (LANDSCAPE, PORTRAIT, LANDSCAPE)]

    for tick in range(5):
        ann.give(100 + tick)
        for stage, size in canvases:
            stage.compose(scene(squares(80, size), ann), tick / 30, 0.0)

    assert scalings == [Size(80, 80)] * 5


def test_distinct_tile_sizes_are_scaled_once_each(ann: FedFeed, scalings: list[Size]) -> None:
    stages = [Stage(LANDSCAPE) for _ in range(4)]

    for stage, side in zip(stages, (80, 60, 80, 60), strict=True):
        stage.compose(scene(squares(side, LANDSCAPE), ann), 0.0, 0.0)

    assert scalings == [Size(80, 80), Size(60, 60)]


def test_an_unchanged_tile_is_not_scaled_again(ann: FedFeed, scalings: list[Size]) -> None:
    stage = Stage(LANDSCAPE)

    for tick in range(10):
        stage.compose(scene(squares(80, LANDSCAPE), ann), tick / 30, 0.0)

    assert len(scalings) == 1


def test_the_decoder_makes_settled_sizes_ready_but_not_those_of_a_tile_that_moves(
    ann: FedFeed, scalings: list[Size]
) -> None:
    stage = Stage(LANDSCAPE)
    stage.compose(scene(squares(80, LANDSCAPE), ann), 0.0, 0.0)
    for tick in range(1, 10):
        stage.compose(scene(squares(120, LANDSCAPE) | SLOW, ann), tick / 30, 0.0)
    scalings.clear()

    last = ann.picture()
    ann.give(90)
    next_one = ann.picture()
    assert last is not None
    assert next_one is not None
    next_one.prepare_like(last, Scaler())

    assert scalings == [Size(80, 80)]


def test_a_still_picture_that_moves_for_long_keeps_no_pile_of_sizes(
    ann: FedFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[NDArray[np.uint8]]] = []
    resized = Scaler.resized

    def remembered(self: Scaler, source: Yuv420, size: Size) -> Yuv420:
        picture = resized(self, source, size)
        made.append(weakref.ref(picture.y))
        return picture

    monkeypatch.setattr(Scaler, "resized", remembered)
    stage = Stage(LANDSCAPE)
    stage.compose(scene(squares(60, LANDSCAPE), ann), 0.0, 0.0)
    for tick in range(1, 99):
        stage.compose(scene(squares(160, LANDSCAPE) | SLOW, ann), tick / 100, 0.0)

    assert len(made) > 40
    assert sum(picture() is not None for picture in made) <= 3


def test_a_layout_is_gone_to_by_its_transition(ann: FedFeed) -> None:
    stage = Stage(LANDSCAPE)
    left = {"slots": [{"auto": 1, "rect": [0, 0, 0.5, 1]}]}
    right = {"slots": [{"auto": 1, "rect": [0.5, 0, 0.5, 1]}], **SLOW}
    stage.compose(scene(left, ann), 10.0, 0.0)

    half_way = luma(stage.compose(scene(right, ann), 10.5, 0.0))[90]
    there = luma(stage.compose(scene(right, ann), 11.0, 0.0))[90]

    assert (half_way[79] < 60, half_way[81], half_way[238], half_way[241] < 60) == (
        True, 200, 200, True,
    )  # fmt: skip
    assert (there[158] < 60, there[161]) == (True, 200)


def test_slots_close_up_slowly_over_who_has_left_and_shows_the_last_picture(
    ann: FedFeed, bob: FedFeed
) -> None:
    stage, layout = Stage(LANDSCAPE), {"preset": "grid", **SLOW}
    stage.compose(scene(layout, ann, bob), 10.0, 0.0)
    bob.present, bob.shown = "gone", None

    early = luma(stage.compose(scene(layout, ann, bob), 10.1, 0.0))[90]
    late = luma(stage.compose(scene(layout, ann, bob), 11.0, 0.0))[90]

    assert early[10] == 200
    assert abs(int(early[300]) - 60) <= 2
    assert set(late) == {200}


def test_a_removed_feed_fades_with_its_last_picture_too(ann: FedFeed, bob: FedFeed) -> None:
    stage, layout = Stage(LANDSCAPE), {"preset": "grid", **SLOW}
    stage.compose(scene(layout, ann, bob), 10.0, 0.0)

    early = luma(stage.compose(scene(layout, ann), 10.1, 0.0))[90]

    assert abs(int(early[300]) - 60) <= 2


def test_a_background_fades_into_the_next(ann: FedFeed) -> None:
    stage = Stage(LANDSCAPE)
    levels = []
    for now_s, background in ((10.0, "#000000"), (10.5, "#ffffff"), (11.0, "#ffffff")):
        shown = scene(squares(20, LANDSCAPE) | {"background": background} | SLOW, ann)
        stage.drawings = drawings(shown, LANDSCAPE, 0.0)
        levels.append(int(luma(stage.compose(shown, now_s, 0.0))[170, 300]))

    assert levels[0] == 16
    assert 100 < levels[1] < 230
    assert levels[2] == 235


def test_an_image_is_behind_the_tiles_and_one_over_them(ann: FedFeed) -> None:
    stage = Stage(LANDSCAPE)
    over = {"kind": "image", "rect": [0, 0, 0.1, 0.1], "image": "black", "fit": "fill"}
    shown = scene(
        squares(100, LANDSCAPE) | {"background": {"image": "white", "fit": "fill"}},
        ann,
        overlays=[over],
        white=image_file(colour="#ffffff"),
        black=image_file(colour="#000000"),
    )
    stage.drawings = drawings(shown, LANDSCAPE, 0.0)

    picture = luma(stage.compose(shown, 0.0, 0.0))

    assert (picture[4, 4], picture[50, 50], picture[150, 300]) == (16, 200, 235)


def test_an_asset_that_is_lost_leaves_the_rest_as_it_is(ann: FedFeed) -> None:
    stage = Stage(LANDSCAPE)
    shown = scene(squares(100, LANDSCAPE) | {"background": {"image": "gone"}}, ann)
    stage.drawings = drawings(shown, LANDSCAPE, 0.0)

    assert luma(stage.compose(shown, 0.0, 0.0))[50, 50] == 200


def test_a_clock_shows_the_time_it_is_given() -> None:
    stage = Stage(LANDSCAPE, patient=True)
    shown = scene({"slots": []}, overlays=[{"kind": "clock", "rect": [0, 0, 1, 1], "size": 0.3}])
    stage.drawings = drawings(shown, LANDSCAPE, 0.0)

    noon, still_noon, later = (
        luma(stage.compose(shown, 0.0, unix_s)) for unix_s in (43_200.0, 43_201.0, 43_260.0)
    )

    assert np.array_equal(noon, still_noon)
    assert not np.array_equal(noon, later)


def test_what_takes_long_to_draw_is_drawn_on_another_thread(
    ann: FedFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn_on: list[str] = []
    lettering = text.lettering

    def watched(*words: Any, **style: Any) -> Any:
        drawn_on.append(threading.current_thread().name)
        return lettering(*words, **style)

    for module in ("label", "drawing"):
        monkeypatch.setattr(f"compositor.{module}.lettering", watched)
    stage = Stage(LANDSCAPE)
    clock = {"kind": "clock", "rect": [0, 0, 1, 0.5], "size": 0.3, "seconds": True}
    shown = scene(
        {"slots": [{"auto": 1, "rect": [0, 0, 1, 1], "label": {"text": "Named", "size": 0.09}}]},
        ann,
        overlays=[clock],
    )
    stage.drawings = drawings(shown, LANDSCAPE, NOON_S)
    drawn_on.clear()

    noon = luma(stage.compose(shown, 0.0, NOON_S))
    stage_module._drawer.submit(int).result(20)
    later = luma(stage.compose(shown, 1.0, NOON_S + 1))

    assert len(drawn_on) >= 2
    assert threading.current_thread().name not in drawn_on
    assert not np.array_equal(noon[140:], later[140:]), "the name has appeared"
    assert not np.array_equal(noon[:90], later[:90]), "the clock has gone on"


def test_two_canvases_ask_for_one_picture_at_once_and_it_is_scaled_once(
    ann: FedFeed, scalings: list[Size]
) -> None:
    stages = [Stage(LANDSCAPE) for _ in range(4)]
    start = threading.Barrier(len(stages))

    def compose(stage: Stage) -> None:
        start.wait(20)
        stage.compose(scene(squares(80, LANDSCAPE), ann), 0.0, 0.0)

    threads = [threading.Thread(target=compose, args=[stage]) for stage in stages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert scalings == [Size(80, 80)]


def test_until_a_slate_is_drawn_the_last_picture_stays_dimmed(
    clock: ManualClock, ann: FedFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Future[Yuv420] = Future()
    monkeypatch.setattr("mediaserver.stage.drawn_slate", lambda *_: asked)
    stage, layout = Stage(LANDSCAPE), {"preset": "solo"}
    live = luma(stage.compose(scene(layout, ann), 0.0, 0.0))[90, 160]
    ann.present = "away"

    waiting = luma(stage.compose(scene(layout, ann), 1.0, 0.0))[90, 160]
    asked.set_result(solid(LANDSCAPE, Colour(33, 128, 128)))
    drawn = luma(stage.compose(scene(layout, ann), 2.0, 0.0))[90, 160]

    assert (live, waiting, drawn) == (200, 89, 33)


def test_a_slate_that_fails_is_drawn_again_and_the_show_goes_on(
    ann: FedFeed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[str] = []

    def slate(size: Size, title: str, _: str) -> Yuv420:
        attempts.append(title)
        if len(attempts) <= 3:
            raise MemoryError
        return solid(size, Colour(33, 128, 128))

    monkeypatch.setattr("mediaserver.stage.slate", slate)
    stage, shown = Stage(LANDSCAPE, patient=True), scene({"preset": "solo"}, ann)
    ann.present = "away"

    *failed, drawn = (luma(stage.compose(shown, now_s, 0.0))[90, 160] for now_s in range(4))

    assert (failed, drawn) == ([89, 89, 89], 33)
    assert caplog.messages == ["a slate cannot be drawn: MemoryError()"]


def test_an_overlay_that_cannot_be_drawn_is_left_out_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage(LANDSCAPE, patient=True)
    spoilt, whole = ({"kind": "clock", "rect": [0, y, 1, 0.5], "seconds": True} for y in (0, 0.5))
    shown = scene(
        {"slots": []}, overlays=[spoilt | {"font": "spoilt"}, whole], spoilt=spoilt_font(b"glyf")
    )
    bare = luma(stage.compose(scene({"slots": []}), 0.0, 0.0))
    stage.drawings = drawings(shown, LANDSCAPE, 0.0)

    seen = [luma(stage.compose(shown, unix_s, unix_s)) for unix_s in (0.0, 1.0, 2.0)]

    assert all(np.array_equal(picture[:90], bare[:90]) for picture in seen)
    assert not any(np.array_equal(picture[90:], bare[90:]) for picture in seen)
    assert [record.message for record in caplog.records] == [
        "a Clock overlay cannot be drawn and is left out"
    ]
