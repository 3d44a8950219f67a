"""Which show a LIVE room belongs to."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sync.orders.order import RoomId
from sync.sales.rooms import AROUND_S, LOST_S, Airing, Said, lives

ROOM = RoomId("7001")
seconds = st.integers(0, 4000).map(lambda quarters: quarters / 4)  # which add up exactly
AUTUMN = Airing("a1", "autumn", "tok", began_at=100.0, seen_at=190.0, ended_at=200.0)
WINTER = Airing("a2", "winter", "tok", began_at=150.0, seen_at=390.0, ended_at=400.0)
KILLED = Airing("a3", "killed", "tok", began_at=100.0, seen_at=130.0)


def candidates(airings: list[Airing], moment: float) -> tuple[str, ...]:
    return lives({ROOM: moment}, airings, {})[ROOM].candidates


def test_a_room_belongs_to_the_show_that_was_live_when_its_first_order_fell() -> None:
    live = lives({ROOM: 120.0}, [AUTUMN, WINTER], {})[ROOM]

    assert (live.show, live.confirmed, live.candidates) == ("autumn", False, ("autumn",))


def test_a_room_whose_first_order_fell_while_nothing_was_live_is_nobodys() -> None:
    for moment in (100.0 - AROUND_S - 0.1, 400.0 + AROUND_S):
        assert lives({ROOM: moment}, [AUTUMN, WINTER], {})[ROOM].show is None


def test_an_order_of_the_second_in_which_an_airing_began_is_of_it() -> None:
    late = replace(AUTUMN, began_at=120.9)

    assert candidates([late, AUTUMN], 120.0) == ("autumn",)
    assert candidates([replace(late, show="spring"), AUTUMN], 120.0) == ("spring", "autumn")
    assert candidates([replace(late, show="spring"), AUTUMN], 119.0) == ("autumn",)


def test_a_show_that_was_live_half_a_minute_before_or_after_has_a_room_that_no_other_has() -> None:
    assert candidates([AUTUMN], 100.0 - AROUND_S) == ("autumn",)
    assert candidates([AUTUMN], 200.0 + AROUND_S - 0.1) == ("autumn",)
    assert candidates([AUTUMN, replace(WINTER, began_at=201.0)], 205.0) == ("winter",)


def test_of_two_shows_that_were_live_the_one_that_began_last_has_the_room() -> None:
    live = lives({ROOM: 160.0}, [AUTUMN, WINTER], {})[ROOM]

    assert (live.show, live.candidates) == ("winter", ("winter", "autumn"))


def test_a_person_has_the_last_word_also_for_no_show() -> None:
    said = {ROOM: Said("summer")}
    assert lives({ROOM: 120.0}, [AUTUMN], said)[ROOM].show == "summer"

    live = lives({ROOM: 120.0}, [AUTUMN], {ROOM: Said(None)})[ROOM]
    assert (live.show, live.confirmed, live.candidates) == (None, True, ("autumn",))


def test_a_show_whose_end_nobody_wrote_down_lasts_for_ten_minutes_after_it_was_last_seen() -> None:
    assert candidates([KILLED], 129.0) == ("killed",)
    assert candidates([KILLED], 130.0 + LOST_S - 0.1) == ("killed",)
    assert candidates([KILLED], 130.0 + LOST_S) == ()


def test_a_show_that_went_on_after_a_kill_is_over_when_it_was_ended() -> None:
    again = Airing("a4", "killed", "tok", began_at=140.0, seen_at=190.0, ended_at=200.0)

    assert candidates([again, KILLED], 135.0) == ("killed",)
    assert candidates([again, KILLED], 200.0 + AROUND_S) == ()
    assert candidates([replace(again, target="other"), KILLED], 200.0 + AROUND_S) == ("killed",)


def test_a_show_that_was_live_for_sure_comes_before_one_whose_end_nobody_wrote_down() -> None:
    later = replace(KILLED, began_at=155.0, seen_at=156.0)

    assert candidates([AUTUMN, later], 160.0) == ("autumn",)


@given(
    moments=st.lists(seconds, min_size=1),
    spans=st.lists(st.tuples(seconds, seconds), max_size=5),
)
def test_each_room_has_at_most_one_show_and_that_was_live(
    moments: list[float], spans: list[tuple[float, float]]
) -> None:
    airings = [
        Airing(f"a{n}", f"show{n % 3}", "tok", began, began, began + lasted)
        for n, (began, lasted) in enumerate(spans)
    ]
    first = {RoomId(str(n)): moment for n, moment in enumerate(moments)}

    for room, live in lives(first, airings, {}).items():
        at = first[room]
        surely = {a.show for a in airings if a.began_at - 1 < at < (a.ended_at or 0)}
        around = {
            a.show for a in airings if a.began_at - AROUND_S <= at < (a.ended_at or 0) + AROUND_S
        }
        assert set(live.candidates) == (surely or around)
        assert live.show in live.candidates or not live.candidates
