from sync.model import ProductId
from sync.sidecar.work import Work

ASH, ELM, FIR = map(ProductId, ("p_ash", "p_elm", "p_fir"))


def test_first_come_is_first_served_and_each_once() -> None:
    work = Work()
    work.add([ASH, ELM, ASH])
    assert [work.next(), work.next(), work.next()] == [ASH, ELM, None]


def test_what_is_urgent_goes_before_also_when_it_has_been_waiting() -> None:
    work = Work()
    work.add([ASH, ELM, FIR])
    work.add([FIR], urgent=True)
    assert work.next(urgent_only=True) == FIR
    assert work.next(urgent_only=True) is None
    assert [work.next(), work.next(), work.next()] == [ASH, ELM, None]


def test_what_is_added_while_it_is_done_is_done_again() -> None:
    work = Work()
    work.add([ASH])
    assert work.next() == ASH
    work.add([ASH])
    assert work.next() is None
    work.done(ASH)
    assert work.next() == ASH
    work.done(ASH)
    assert work.next() is None


def test_what_is_for_later_comes_at_its_time_and_at_the_last_one_told() -> None:
    work = Work()
    work.add_at(ASH, 10.0)
    work.add_at(ASH, 20.0)
    work.add_due(15.0)
    assert work.next() is None
    work.add_due(20.0)
    assert work.next() == ASH


def test_what_is_for_later_may_come_at_once() -> None:
    work = Work()
    work.add_at(ASH, 10.0)
    work.add_all_later()
    assert work.next() == ASH
    work.done(ASH)
    work.add_due(10.0)
    assert work.next() is None
