from hypothesis import given
from hypothesis import strategies as st

from sync.model import ProductId
from sync.sidecar.selection import Candidate, left_out

IDS = [ProductId(f"p_{number}") for number in range(12)]

candidates = st.lists(
    st.builds(
        Candidate,
        id=st.sampled_from(IDS),
        created_at=st.sampled_from((1.0, 2.0, 3.0)),
        barred=st.sampled_from(("", "", "it is a draft")),
        is_listed=st.booleans(),
    ),
    unique_by=lambda each: each.id,
)
rundowns = st.lists(st.sampled_from(IDS))


def candidate(number: int, *, is_listed: bool = False, barred: str = "") -> Candidate:
    return Candidate(IDS[number], float(number), barred, is_listed)


@given(candidates, rundowns, st.none() | st.integers(0, 12))
def test_no_more_than_the_limit_are_listed_and_no_fewer_than_could_be(
    all_: list[Candidate], rundown: list[ProductId], limit: int | None
) -> None:
    out = left_out(all_, rundown, limit)
    listed = [each for each in all_ if each.id not in out]
    possible = [each for each in all_ if not each.barred]
    assert len(listed) == (len(possible) if limit is None else min(limit, len(possible)))


@given(candidates, rundowns, st.integers(0, 12))
def test_whoever_is_left_out_says_why(
    all_: list[Candidate], rundown: list[ProductId], limit: int
) -> None:
    out = left_out(all_, rundown, limit)
    assert all(out.values())
    for each in all_:
        if each.barred:
            assert out[each.id] == each.barred


@given(candidates, rundowns, st.integers(0, 12))
def test_nothing_of_the_rundown_is_left_out_for_something_that_is_not_in_it(
    all_: list[Candidate], rundown: list[ProductId], limit: int
) -> None:
    out = left_out(all_, rundown, limit)
    waiting = [each for each in all_ if each.id in out and not each.barred]
    if any(each.id in rundown for each in waiting):
        assert all(each.id in rundown for each in all_ if each.id not in out)


@given(candidates, rundowns, st.integers(0, 12))
def test_what_was_chosen_stays_chosen_once_it_is_listed(
    all_: list[Candidate], rundown: list[ProductId], limit: int
) -> None:
    out = left_out(all_, rundown, limit)
    then = [Candidate(each.id, each.created_at, each.barred, each.id not in out) for each in all_]
    assert left_out(then, rundown, limit) == out


def test_the_rundown_comes_first_then_what_is_listed_then_the_oldest() -> None:
    all_ = [candidate(0), candidate(1), candidate(2, is_listed=True), candidate(3)]
    assert left_out(all_, [IDS[3]], 3).keys() == {IDS[1]}


def test_whoever_is_over_the_limit_is_told_the_limit() -> None:
    (reason,) = left_out([candidate(0), candidate(1)], [], 1).values()
    assert "may list 1 products" in reason
