import pytest

from mediaserver.feed_state import FeedState, feed_state


@pytest.mark.parametrize(
    ("silent_s", "state"),
    [(0, "on"), (0.49, "on"), (0.5, "frozen"), (1.49, "frozen"), (1.5, "away"), (14.9, "away"),
     (15, "gone")],
)  # fmt: skip
def test_admitted_feed_goes_from_on_to_gone_by_its_silence(
    silent_s: float, state: FeedState
) -> None:
    assert (
        feed_state(admitted=True, connected=True, seen_at_s=100.0, now_s=100.0 + silent_s) == state
    )


def test_feed_that_never_joined_or_left_is_gone() -> None:
    assert feed_state(admitted=True, connected=False, seen_at_s=None, now_s=5.0) == "gone"


def test_joined_but_not_admitted_feed_waits_however_long() -> None:
    assert feed_state(admitted=False, connected=True, seen_at_s=0.0, now_s=900.0) == "waiting"


def test_host_that_vanished_from_the_green_room_is_gone() -> None:
    assert feed_state(admitted=False, connected=False, seen_at_s=0.0, now_s=15.0) == "gone"
