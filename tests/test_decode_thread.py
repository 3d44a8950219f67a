import threading
from collections.abc import Iterator

import pytest

from mediaserver.decode_thread import DecodeThread
from mediaserver.decoder import BT601
from mediaserver.packet import AccessUnit
from tests.media import video_units

TIMEOUT_S = 20.0


class Holder:
    """A decode thread whose pictures are held until `let_go`."""

    def __init__(self) -> None:
        self.pictures: list[AccessUnit] = []
        self.seen = threading.Event()
        self._hold_s = 1000.0
        self.thread = DecodeThread(
            "test",
            untagged_matrix=BT601,
            hold_s=lambda unit: self._hold_s,
            on_picture=self._see,
            on_trouble=lambda unit: None,
        )

    def let_go(self) -> None:
        self._hold_s = 0.0

    def _see(self, picture: object, unit: AccessUnit) -> None:
        self.pictures.append(unit)
        self.seen.set()


@pytest.fixture
def holder() -> Iterator[Holder]:
    holder = Holder()
    yield holder
    holder.thread.abandon()


def test_held_picture_is_looked_at_again(holder: Holder) -> None:
    [unit] = video_units(1)
    holder.thread.put(unit)

    holder.let_go()

    assert holder.seen.wait(TIMEOUT_S)
    assert holder.pictures == [unit]


def test_pictures_held_at_the_end_are_decoded_at_once(holder: Holder) -> None:
    first, second = video_units(2)
    for unit in (first, second):
        holder.thread.put(unit)

    holder.thread.finish()

    assert holder.seen.wait(TIMEOUT_S)
    for thread in threading.enumerate():
        if thread.name == "decode-test":
            thread.join(TIMEOUT_S)
    assert holder.pictures == [first, second]


def test_more_pictures_than_a_second_of_them_are_not_held(holder: Holder) -> None:
    [unit] = video_units(1)

    taken = [holder.thread.put(unit) for _ in range(100)]

    assert sum(taken) == 64
    assert taken == sorted(taken, reverse=True)


def test_who_needs_a_picture_decodes_what_is_due_while_the_thread_rests(holder: Holder) -> None:
    first, second = video_units(2)
    shown: list[AccessUnit] = []

    def show(picture: object, unit: AccessUnit) -> None:
        shown.append(unit)

    holder.thread.decode_due(show)
    holder.thread.put(first)
    holder.thread.decode_due(show)
    assert shown == []
    holder.let_go()
    holder.thread.decode_due(show)
    holder.thread.put(second)
    holder.thread.decode_due(show)

    assert shown == [first, second]
    assert holder.pictures == []
    assert 0 < holder.thread.usual_s < TIMEOUT_S


def test_the_thread_decodes_again_when_nobody_does_it_for_it(holder: Holder) -> None:
    [unit] = video_units(1)
    holder.let_go()
    holder.thread.decode_due(lambda picture, unit: None)
    holder.thread.put(unit)

    holder.thread.relieve_no_more()

    assert holder.seen.wait(TIMEOUT_S)
    assert holder.pictures == [unit]


def test_what_somebody_left_undecoded_comes_with_the_end(holder: Holder) -> None:
    [unit] = video_units(1)
    holder.thread.decode_due(lambda picture, unit: None)
    holder.thread.put(unit)

    holder.thread.finish()

    assert holder.seen.wait(TIMEOUT_S)
