import threading
from dataclasses import replace

import av
import numpy as np
import pytest

from mediaserver.clock import ManualClock
from mediaserver.decoder import BT601, BT709, VideoDecoder
from mediaserver.feed import Feed
from mediaserver.packet import AccessUnit, FeedId
from tests.media import opus_units, tone, video_units


class FakeSource:
    """Counts what the feed asks of its connection."""

    untagged_matrix = BT601

    def __init__(self) -> None:
        self.keyframe_requests = 0

    def request_keyframe(self) -> None:
        self.keyframe_requests += 1

    async def close(self) -> None:
        pass


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def feed(clock: ManualClock) -> Feed:
    return Feed(FeedId("phone"), "Ada", clock=clock, admitted=True)


def decode_all(feed: Feed, units: list[AccessUnit]) -> None:
    """Push `units` to a watched feed and wait until its thread has decoded them."""
    feed.watch()
    for unit in units:
        feed.push(unit)
    feed.unwatch()
    join_decoders()


def join_decoders() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("decode-"):
            thread.join(20)
            assert not thread.is_alive()


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_every_picture_pushed_is_decoded_and_the_last_one_shown(feed: Feed, codec: str) -> None:
    decode_all(feed, video_units(20, codec))

    picture = feed.picture()
    assert picture is not None
    assert (picture.frame.width, picture.frame.height) == (64, 48)
    assert feed.stats().frames_decoded == 20
    assert feed.stats().decode_errors == 0


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_sender_may_change_its_size_and_turn_in_mid_stream(feed: Feed, codec: str) -> None:
    wide, tall = video_units(3, codec), video_units(3, codec, (48, 80))

    decode_all(feed, wide + tall + wide + [replace(unit, turns=1) for unit in tall])

    assert (feed.stats().width, feed.stats().height) == (80, 48)
    assert (feed.stats().frames_decoded, feed.stats().decode_errors) == (12, 0)


def say(feed: Feed, clock: ManualClock) -> None:
    """Push some sound that has just come."""
    for unit in opus_units(tone(0.12)):
        feed.push(replace(unit, arrived_s=clock.now()))


def test_sound_pushed_is_heard_at_its_place(feed: Feed, clock: ManualClock) -> None:
    feed.watch()
    say(feed, clock)

    feed.hear(1024)
    heard = feed.hear(48_000 // 4)[0]
    feed.unwatch()

    spectrum = np.abs(np.fft.rfft(heard))
    assert abs(np.argmax(spectrum) * 48_000 / heard.size - 440) <= 4


def test_sound_of_the_connection_before_is_not_heard(feed: Feed, clock: ManualClock) -> None:
    feed.watch()
    say(feed, clock)

    feed.attach(FakeSource())
    heard = feed.hear(48_000 // 4)
    feed.unwatch()

    assert not heard.any()


def test_nothing_is_decoded_while_nobody_watches(feed: Feed) -> None:
    feed.attach(FakeSource())
    for unit in video_units(5):
        feed.push(unit)

    assert feed.picture() is None
    assert feed.stats().frames_decoded == 0


def test_decoding_starts_at_a_keyframe_and_asks_for_one(feed: Feed) -> None:
    source = FakeSource()
    feed.attach(source)

    decode_all(feed, video_units(10)[1:])

    assert feed.stats().frames_decoded == 0
    assert feed.stats().units_dropped == 9
    assert source.keyframe_requests >= 1


def test_keyframe_is_asked_for_at_most_twice_a_second(feed: Feed, clock: ManualClock) -> None:
    source = FakeSource()
    feed.attach(source)
    units = video_units(30)[1:]
    feed.watch()
    for unit in units:
        feed.push(unit)
        clock.advance(1 / 30)
    feed.unwatch()

    assert 1 <= source.keyframe_requests <= 3


def test_unit_that_cannot_be_decoded_is_counted_and_mended_by_a_keyframe(
    feed: Feed, clock: ManualClock
) -> None:
    source = FakeSource()
    feed.attach(source)
    good = video_units(5)
    broken = AccessUnit("h264", 0, 90_000, b"\x00\x00\x00\x01\x65" + b"\xff" * 40, True, 0.0)
    decode_all(feed, [broken])
    clock.advance(1)

    feed.watch()
    feed.push(good[1])
    feed.push(good[0])
    feed.unwatch()
    join_decoders()

    assert feed.stats().decode_errors >= 1
    assert feed.stats().frames_decoded == 1


def test_backlog_is_bounded_and_what_is_dropped_is_counted(feed: Feed) -> None:
    units = video_units(2)
    feed.watch()
    for _ in range(2000):
        feed.push(units[0])
    feed.unwatch()
    join_decoders()

    stats = feed.stats()
    assert stats.frames_decoded + stats.units_dropped <= 2000
    assert stats.frames_decoded > 0


def test_new_source_takes_the_place_of_the_old_one(feed: Feed) -> None:
    old, new = FakeSource(), FakeSource()

    assert feed.attach(old) is None
    assert feed.attach(new) is old
    feed.detach(old)

    assert feed.source is new


def test_host_that_left_is_gone_and_one_that_was_cut_off_is_not(
    feed: Feed, clock: ManualClock
) -> None:
    source = FakeSource()
    feed.attach(source)
    feed.detach(source)
    assert feed.state() == "on"
    clock.advance(2)
    assert feed.state() == "away"

    feed.attach(source)
    feed.detach(source, left=True)
    assert feed.state() == "gone"


def test_host_that_left_does_not_come_back_by_what_was_still_to_be_decoded(feed: Feed) -> None:
    source = FakeSource()
    feed.attach(source)
    feed.watch()
    for unit in video_units(30, size=(640, 480)):
        feed.push(unit)

    feed.detach(source, left=True)
    feed.unwatch()
    join_decoders()

    assert feed.picture() is None
    assert feed.state() == "gone"


def test_unit_that_breaks_the_decoder_costs_no_more_than_the_next_keyframe(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = VideoDecoder.decode
    broken: list[AccessUnit] = []

    def break_once(decoder: VideoDecoder, unit: AccessUnit) -> list[av.VideoFrame]:
        if not broken:
            broken.append(unit)
            raise RuntimeError("not an error of FFmpeg's")
        return decode(decoder, unit)

    monkeypatch.setattr(VideoDecoder, "decode", break_once)
    decode_all(feed, [video_units(1)[0], *video_units(5)])

    assert feed.stats().decode_errors == 1
    assert feed.stats().frames_decoded == 5


@pytest.mark.parametrize("matrix", [BT601, BT709])
def test_untagged_pictures_are_of_the_matrix_that_their_source_is_known_for(
    feed: Feed, matrix: int
) -> None:
    source = FakeSource()
    source.untagged_matrix = matrix
    feed.attach(source)

    decode_all(feed, video_units(1))

    picture = feed.picture()
    assert picture is not None
    assert picture.frame.colorspace == matrix
