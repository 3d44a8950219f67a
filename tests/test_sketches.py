from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from compositor.card import Card
from compositor.geometry import Size
from compositor.overlay import Clock, Countdown, Overlay, Product, Style, Text
from compositor.painter import Drawn, Painter, saying
from mediaserver.sketches import Sketches
from tests.files import spoilt_font

SIZE = Size(320, 180)
CLOCK = Clock((0.0, 0.0, 1.0, 0.5), seconds=True, style=Style(size=0.2))
LEFT = Countdown((0.0, 0.5, 1.0, 0.5), 43_205.0, "Now!")
NOON_S = 43_200.0


class Pile(Executor):
    """Work that a test does when it likes."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        self.work.append(lambda: done.set_result(fn(*args, **kwargs)))
        return done

    def do(self) -> int:
        """Do all that waits; how much it was."""
        work, self.work = self.work, []
        for each in work:
            each()
        return len(work)


def said(drawn: Drawn | None) -> str:
    return drawn.saying.words if drawn is not None else ""


def test_what_clocks_say_next_is_drawn_a_second_before() -> None:
    pile = Pile()
    sketches, overlays = Sketches(SIZE, pile), (CLOCK, Text(CLOCK.rect, "Sale"), LEFT)
    sketches.prepare(overlays, NOON_S, {})

    assert pile.do() == 2
    for overlay, words in ((CLOCK, "12:00:01"), (LEFT, "0:04")):
        assert said(sketches.draw(saying(overlay, NOON_S + 1, {}), SIZE)) == words


def test_what_they_say_for_a_second_is_drawn_once() -> None:
    pile, done = Pile(), 0
    sketches = Sketches(SIZE, pile)
    for tick in range(91):
        sketches.prepare((CLOCK,), NOON_S + tick / 30, {})
        done += pile.do()

    assert done == 4


def test_a_painter_changes_to_the_next_second_with_its_tick_and_draws_nothing_itself() -> None:
    pile, painter, shown = Pile(), Painter(SIZE), []
    sketches = Sketches(SIZE, pile)
    first = painter.paint((CLOCK,), NOON_S)
    for tick in range(61):
        now_s = NOON_S + tick / 30
        shown.append(painter.paint((CLOCK,), now_s, draw=sketches.draw))
        sketches.prepare((CLOCK,), now_s, {})
        pile.do()

    changes = [n for n in range(1, 61) if shown[n][0].picture is not shown[n - 1][0].picture]
    assert shown[0] == first
    assert changes == [30, 60]


def test_where_drawing_takes_too_long_the_second_before_stays_and_no_work_piles_up() -> None:
    pile, painter = Pile(), Painter(SIZE)
    sketches = Sketches(SIZE, pile)
    first = painter.paint((CLOCK,), NOON_S)
    for tick in range(150):
        now_s = NOON_S + tick / 30
        late = painter.paint((CLOCK,), now_s, draw=sketches.draw)
        sketches.prepare((CLOCK,), now_s, {})

    assert late == first
    assert pile.do() == 1
    assert painter.paint((CLOCK,), NOON_S + 5, draw=sketches.draw) != first


def test_what_is_new_appears_when_it_is_drawn() -> None:
    pile, painter = Pile(), Painter(SIZE)
    sketches, overlays = Sketches(SIZE, pile), (Text(CLOCK.rect, "Sale"),)

    assert painter.paint(overlays, NOON_S, draw=sketches.draw) == []
    pile.do()
    assert len(painter.paint(overlays, NOON_S, draw=sketches.draw)) == 1


def test_one_that_fails_is_told_of_once() -> None:
    pile = Pile()
    failed: list[Overlay] = []
    painter = Painter(SIZE, lambda overlay, _: failed.append(overlay))
    sketches, text = Sketches(SIZE, pile), Text(CLOCK.rect, "Sale", Style(font="own"))
    for _ in range(3):
        painter.paint((text,), NOON_S, {"own": spoilt_font(b"glyf")}, draw=sketches.draw)
        pile.do()

    assert failed == [text]


MUG = Product(CLOCK.rect, "pinned")
THREE, TWO = Card("Mug", "$12", "3 left"), Card("Mug", "$12", "2 left")


def test_a_card_that_changes_is_drawn_beside_while_the_one_before_is_shown() -> None:
    pile, painter = Pile(), Painter(SIZE)
    sketches, done = Sketches(SIZE, pile), 0
    first = painter.paint((MUG,), 0.0, cards={MUG: THREE})
    shown = []
    for tick in range(40):
        cards = {MUG: THREE if tick < 20 else TWO}
        shown.append(painter.paint((MUG,), tick / 30, draw=sketches.draw, cards=cards))
        sketches.prepare((MUG,), tick / 30, {}, cards)
        done += pile.do()

    changes = [n for n in range(1, 40) if shown[n][0].picture is not shown[n - 1][0].picture]
    assert shown[0] == first
    assert changes == [21]
    assert done == 2


def test_a_card_that_was_taken_off_is_not_seen_again_in_place_of_the_next() -> None:
    pile, painter = Pile(), Painter(SIZE)
    sketches = Sketches(SIZE, pile)
    seen = []
    for cards in ({MUG: THREE}, {MUG: THREE}, {}, {MUG: TWO}):
        seen.append(len(painter.paint((MUG,), 0.0, draw=sketches.draw, cards=cards)))
        sketches.prepare((MUG,), 0.0, {}, cards)
        pile.do()

    assert seen == [0, 1, 0, 0]
    assert len(painter.paint((MUG,), 0.0, draw=sketches.draw, cards={MUG: TWO})) == 1


def test_units_that_sell_fast_are_drawn_four_times_a_second() -> None:
    pile, painter, done = Pile(), Painter(SIZE), 0
    sketches = Sketches(SIZE, pile)
    for tick in range(60):
        cards = {MUG: THREE._replace(stock=f"{600 - tick} left")}
        painter.paint((MUG,), tick / 30, draw=sketches.draw, cards=cards)
        sketches.prepare((MUG,), tick / 30, {}, cards)
        done += pile.do()

    assert done == 8
