import itertools
import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compositor.geometry import Turns
from mediaserver.packet import AccessUnit
from mediaserver.webrtc.depacketizer import Vp8Depacketizer
from mediaserver.webrtc.jitter import (
    AUDIO_PATIENCE_S,
    FIRST_ANSWER_S,
    KEYFRAME_AFTER_S,
    MAX_ASKED,
    MAX_HELD_AUDIO,
    MAX_HELD_VIDEO,
    MAX_MISORDER,
    MAX_NACKS_EACH,
    MAX_OVERTAKING_S,
    MAX_PICTURE_PACKETS,
    NACK_INTERVAL_ANSWERS,
    VIDEO_PATIENCE_S,
    AudioJitterBuffer,
    JitterBuffer,
    VideoJitterBuffer,
)
from mediaserver.webrtc.rtp import RtpPacket

KEY, DELTA = 0x00, 0x01


def frame_packets(index: int, first_sequence: int, size: int, *, keyframe: bool) -> list[RtpPacket]:
    """One VP8 frame of `size` packets; its bytes tell its index."""
    packets = []
    for part in range(size):
        body = (
            bytes((KEY if keyframe else DELTA, index % 256)) if part == 0 else bytes((part % 256,))
        )
        packets.append(
            RtpPacket(
                96,
                part == size - 1,
                (first_sequence + part) % 65536,
                index * 3000 % (1 << 32),
                1,
                (b"\x10" if part == 0 else b"\x00") + body,
            )
        )
    return packets


def frame_packet(index: int, sequence: int, *, keyframe: bool) -> RtpPacket:
    return frame_packets(index, sequence, 1, keyframe=keyframe)[0]


def frame_bytes(index: int, size: int, *, keyframe: bool) -> bytes:
    return bytes((KEY if keyframe else DELTA, index % 256)) + bytes(range(1, size))


def buffer() -> VideoJitterBuffer:
    return VideoJitterBuffer("vp8", Vp8Depacketizer())


def test_picture_goes_out_with_its_last_packet() -> None:
    video = buffer()
    first, last = frame_packets(0, 10, 2, keyframe=True)
    assert video.push(first, 1.0) == []
    assert video.push(last, 1.25) == [
        AccessUnit("vp8", 0, 90_000, frame_bytes(0, 2, keyframe=True), True, 1.25)
    ]
    assert not video.keyframe_wanted


def test_orientation_holds_from_the_picture_that_says_it() -> None:
    video = buffer()
    said: dict[int, Turns] = {0: 1, 2: 0, 3: 3}
    turns = []
    for index in range(5):
        packet = frame_packet(index, index, keyframe=index == 0)
        packet.turns = said.get(index)
        turns += [unit.turns for unit in video.push(packet, 1.0)]
    assert turns == [1, 1, 0, 3, 3]


def test_sender_without_marker_bits_is_understood_a_picture_later() -> None:
    video = buffer()
    for index in range(3):
        packet = frame_packet(index, index, keyframe=index == 0)
        packet.marker = False
        assert [u.timestamp for u in video.push(packet, 1.0)] == [3000 * (index - 1)] * (index > 0)


def test_packets_that_changed_places_come_out_in_order() -> None:
    video = buffer()
    packets = frame_packets(0, 65534, 4, keyframe=True)
    arriving = [packets[0], packets[2], packets[1], packets[3]]
    pushed = [video.push(packet, 1.0) for packet in arriving]
    assert [len(units) for units in pushed] == [0, 0, 0, 1]
    assert pushed[3][0].payload == frame_bytes(0, 4, keyframe=True)
    assert video.lost == 0


def test_missing_packet_is_asked_for_until_it_comes() -> None:
    video = buffer()
    first, missing, last = frame_packets(0, 65534, 3, keyframe=True)
    video.push(first, 0.0)
    video.push(last, 0.0)
    assert video.waiting
    asked = [at / 1000 for at in range(1000) if video.nacks(at / 1000) == [65535]]
    interval_s = NACK_INTERVAL_ANSWERS * FIRST_ANSWER_S
    assert asked == pytest.approx([index * interval_s for index in range(MAX_NACKS_EACH)])
    assert [u.timestamp for u in video.push(missing, 0.3)] == [0]
    assert video.nacks(9.0) == []
    assert not video.waiting


def test_packet_is_asked_for_again_when_the_answer_is_due() -> None:
    video = buffer()
    video.push(frame_packet(0, 0, keyframe=True), 0.0)
    for index in range(2, 102, 2):  # every other packet comes 0.2 s after it was asked for
        now = index / 2
        video.push(frame_packet(index, index, keyframe=False), now)
        assert video.nacks(now) == [index - 1]
        video.push(frame_packet(index - 1, index - 1, keyframe=False), now + 0.2)
    video.push(frame_packet(102, 102, keyframe=False), 100.0)
    asked = [at / 1000 for at in range(300) if video.nacks(100 + at / 1000) == [101]]
    assert asked == pytest.approx([0.0, 0.2 * NACK_INTERVAL_ANSWERS, 0.4 * NACK_INTERVAL_ANSWERS])


def test_packets_that_are_only_overtaken_are_soon_not_asked_for() -> None:
    video = buffer()
    video.push(frame_packet(0, 0, keyframe=True), 0.0)
    asked = 0
    for index in range(1, 401, 2):  # every other packet comes 20 ms late
        now = index / 10
        first, second = (frame_packet(i, i, keyframe=False) for i in (index, index + 1))
        assert video.push(second, now) == []
        in_vain = bool(video.nacks(now) or video.nacks(now + 0.019))
        assert len(video.push(first, now + 0.02)) == 2
        if in_vain:  # the sender repeats it
            assert video.push(first, now + 0.05) == []
        asked += in_vain
    assert 0 < asked <= 15
    # What is lost is asked for all the same, once it cannot have been overtaken.
    video.push(frame_packet(402, 402, keyframe=False), 100.0)
    asked_s = next(at / 1000 for at in range(100) if video.nacks(100 + at / 1000))
    assert 0.02 < asked_s <= MAX_OVERTAKING_S


def test_hole_is_given_up_and_the_next_keyframe_goes_on() -> None:
    video = buffer()
    key = frame_packet(0, 0, keyframe=True)
    assert len(video.push(key, 0.0)) == 1
    for index in (2, 3):  # the packet of picture 1 is lost
        assert video.push(frame_packet(index, index, keyframe=False), 0.1) == []
    assert video.poll(0.1 + KEYFRAME_AFTER_S - 0.01) == []
    assert not video.keyframe_wanted
    assert video.poll(0.1 + KEYFRAME_AFTER_S) == []
    assert video.keyframe_wanted
    assert video.poll(0.1 + VIDEO_PATIENCE_S) == []
    assert video.lost == 1
    assert not video.waiting
    assert video.push(frame_packet(4, 4, keyframe=False), 1.2) == []
    assert video.keyframe_wanted
    [unit] = video.push(frame_packet(5, 5, keyframe=True), 1.3)
    assert unit.timestamp == 5 * 3000
    assert not video.keyframe_wanted
    [unit] = video.push(frame_packet(6, 6, keyframe=False), 1.4)
    assert unit.timestamp == 6 * 3000


def test_keyframe_that_was_asked_for_ends_the_wait_for_a_hole() -> None:
    video = buffer()
    video.push(frame_packet(0, 0, keyframe=True), 0.0)
    video.push(frame_packet(2, 2, keyframe=False), 0.1)
    video.poll(0.1 + KEYFRAME_AFTER_S)
    first, last = frame_packets(3, 3, 2, keyframe=True)
    assert video.push(first, 0.4) == []
    [unit] = video.push(last, 0.41)
    assert unit.timestamp == 3 * 3000


def test_no_keyframe_is_wanted_any_more_when_the_hole_is_repaired_after_all() -> None:
    video = buffer()
    video.push(frame_packet(0, 0, keyframe=True), 0.0)
    video.push(frame_packet(2, 2, keyframe=False), 0.0)
    video.poll(KEYFRAME_AFTER_S)
    assert video.keyframe_wanted
    assert len(video.push(frame_packet(1, 1, keyframe=False), 0.4)) == 2
    assert not video.keyframe_wanted


def test_picture_cut_off_by_the_sender_is_dropped_without_asking_when_a_keyframe_follows() -> None:
    # Chromium empties its queue when it makes a keyframe of another size.
    video = buffer()
    video.push(frame_packet(0, 0, keyframe=True), 0.0)
    video.push(frame_packets(1, 1, 3, keyframe=False)[1], 0.1)
    video.push(frame_packets(2, 2, 2, keyframe=True)[0], 0.2)
    assert not video.keyframe_wanted


def test_jump_further_than_the_buffer_starts_over() -> None:
    video = buffer()
    video.push(frame_packet(0, 0, keyframe=True), 0.0)
    assert video.push(frame_packet(1, 5000, keyframe=False), 0.1) == []
    assert video.keyframe_wanted
    assert len(video.push(frame_packet(2, 5001, keyframe=True), 0.2)) == 1
    assert video.lost == 4999


def test_padding_between_pictures_takes_no_part() -> None:
    video = buffer()
    video.push(frame_packet(0, 0, keyframe=True), 0.0)
    assert video.push(RtpPacket(96, False, 1, 0, 1, b""), 0.0) == []
    assert len(video.push(frame_packet(1, 2, keyframe=False), 0.1)) == 1


def test_timestamps_go_on_where_32_bits_end() -> None:
    video = buffer()
    first = frame_packet(0, 0, keyframe=True)
    second = frame_packet(1, 1, keyframe=False)
    first.timestamp = (1 << 32) - 1000
    second.timestamp = 2000
    assert [u.timestamp for u in video.push(first, 0.0)] == [(1 << 32) - 1000]
    assert [u.timestamp for u in video.push(second, 0.0)] == [(1 << 32) + 2000]


def opus(sequence: int) -> RtpPacket:
    return RtpPacket(
        111, False, sequence % 65536, sequence * 960 % (1 << 32), 2, sequence.to_bytes(8, "big")
    )


def test_audio_goes_out_as_it_comes() -> None:
    audio = AudioJitterBuffer()
    for sequence in range(65530, 65545):
        [unit] = audio.push(opus(sequence), 1.0)
        assert unit == AccessUnit(
            "opus", sequence * 960, 48_000, sequence.to_bytes(8, "big"), True, 1.0
        )


def test_lost_audio_holds_up_the_rest_for_a_moment_only() -> None:
    audio = AudioJitterBuffer()
    audio.push(opus(0), 0.0)
    assert audio.push(opus(2), 0.02) == []
    assert audio.poll(0.02 + AUDIO_PATIENCE_S - 0.001) == []
    assert [u.timestamp for u in audio.poll(0.02 + AUDIO_PATIENCE_S)] == [2 * 960]
    assert audio.push(opus(1), 0.06) == []
    assert audio.lost == 1


@pytest.mark.parametrize("distance", [-30_000, -5000, -500, -102, 20_000])
def test_sender_that_numbers_anew_is_heard_at_once(distance: int) -> None:
    audio, video = AudioJitterBuffer(), buffer()
    for index in range(3):
        audio.push(opus(40_000 + index), 1.0)
        video.push(frame_packet(index, 40_000 + index, keyframe=index == 0), 1.0)
    again = [40_003 + distance + index for index in range(3)]
    heard = [unit.payload for sequence in again for unit in audio.push(opus(sequence), 1.1)]
    seen = [
        unit.timestamp
        for index, sequence in enumerate(again)
        for unit in video.push(frame_packet(10 + index, sequence, keyframe=index == 0), 1.1)
    ]
    assert heard == [sequence.to_bytes(8, "big") for sequence in again]
    assert seen == [30_000, 33_000, 36_000]


def test_sender_that_numbers_anew_is_not_held_up_by_what_was_missing_before() -> None:
    video = buffer()
    video.push(frame_packet(0, 5000, keyframe=True), 0.0)
    video.push(frame_packet(2, 5002, keyframe=False), 0.0)
    video.push(frame_packet(3, 100, keyframe=True), 0.1)
    video.push(frame_packet(4, 101, keyframe=False), 0.1)
    assert not video.waiting
    assert video.lost == 1


def test_single_packets_from_long_ago_are_left_out() -> None:
    audio = AudioJitterBuffer()
    audio.push(opus(40_000), 0.0)
    for stray in (10_000, 39_000, 10_002, 10_001):
        assert audio.push(opus(stray), 0.1) == []
    assert len(audio.push(opus(40_001), 0.1)) == 1


def test_what_was_asked_for_and_comes_twice_is_no_new_start() -> None:
    video = buffer()
    video.push(frame_packet(0, 0, keyframe=True), 0.0)
    for index in range(4, 400):
        video.push(frame_packet(index, index, keyframe=False), 0.1)
    assert video.nacks(0.1) == [1, 2, 3]
    missing = [frame_packet(index, index, keyframe=False) for index in (1, 2, 3)]
    assert sum(len(video.push(packet, 0.3)) for packet in missing) == 399
    assert [video.push(packet, 0.4) for packet in missing] == [[], [], []]
    assert len(video.push(frame_packet(400, 400, keyframe=False), 0.4)) == 1


@dataclass
class Arrival:
    """What a network did to a stream: packets in the order they came, and when."""

    packets: list[RtpPacket]
    frames: dict[int, bytes]


@st.composite
def networks(draw: st.DrawFn) -> Arrival:
    """Frames of several packets, lost, doubled and in another order."""
    sequence = draw(st.integers(0, 65535))
    sent: list[RtpPacket] = []
    frames = {}
    for index in range(draw(st.integers(1, 25))):
        size = draw(st.integers(1, 4))
        keyframe = index == 0 or draw(st.booleans())
        sent += frame_packets(index, sequence + len(sent), size, keyframe=keyframe)
        frames[index * 3000] = frame_bytes(index, size, keyframe=keyframe)
    keys = [
        (position + draw(st.integers(0, 6)), packet)
        for position, packet in enumerate(sent)
        for _ in range(draw(st.sampled_from([0, 1, 1, 1, 1, 1, 2])))
    ]
    return Arrival([packet for _, packet in sorted(keys, key=lambda key: key[0])], frames)


@given(networks(), st.sampled_from([0.001, 0.05, 0.3]))
def test_whatever_the_network_does_pictures_are_whole_in_order_and_from_a_keyframe(
    arrival: Arrival, step_s: float
) -> None:
    video = buffer()
    units: list[AccessUnit] = []
    now = 0.0
    for packet in arrival.packets:
        units += video.push(packet, now)
        now += step_s
        units += video.poll(now)
        video.nacks(now)
    units += video.poll(now + VIDEO_PATIENCE_S)
    assert not video.waiting
    times = [unit.timestamp for unit in units]
    assert times == sorted(set(times))
    assert all(unit.payload == arrival.frames[unit.timestamp] for unit in units)
    assert not units or units[0].is_keyframe
    for before, after in itertools.pairwise(units):
        assert after.is_keyframe or after.timestamp == before.timestamp + 3000


@given(st.permutations(range(12)), st.integers(0, 65535))
def test_no_picture_is_lost_when_packets_only_change_places(order: list[int], base: int) -> None:
    video = buffer()
    sent = [p for i in range(6) for p in frame_packets(i, base + 2 * i, 2, keyframe=i == 0)]
    units = video.push(sent[0], 0.0)
    for position in order:
        if position > 0:
            units += video.push(sent[position], 0.1)
    assert [unit.timestamp for unit in units] == [3000 * i for i in range(6)]
    assert video.lost == 0


@given(st.lists(st.integers(0, MAX_MISORDER - 1), max_size=200))
def test_audio_comes_out_in_order_whatever_comes_in(sequences: list[int]) -> None:
    audio = AudioJitterBuffer()
    times = []
    for index, sequence in enumerate(sequences):
        now = index * 0.02
        times += [u.timestamp for u in audio.push(opus(sequence), now)]
        times += [u.timestamp for u in audio.poll(now)]
    assert times == sorted(set(times))


def test_what_is_held_behind_a_hole_is_bounded() -> None:
    video = buffer()
    video.push(frame_packet(0, 0, keyframe=True), 0.0)
    out = [
        unit
        for index in range(2, 10_000)
        for unit in video.push(frame_packet(index, index, keyframe=False), 0.0)
    ]
    assert out == []
    assert len(video.nacks(0.0)) <= MAX_HELD_VIDEO
    assert video.lost > 0


@pytest.mark.parametrize("late_by", [1, 2, 100])
def test_packet_that_comes_after_it_was_given_up_is_left_out(late_by: int) -> None:
    video = buffer()
    video.push(frame_packet(0, 0, keyframe=True), 0.0)
    for index in range(2, 2 + late_by):
        video.push(frame_packet(index, index, keyframe=True), 0.0)
    video.poll(VIDEO_PATIENCE_S)
    assert video.push(frame_packet(1, 1, keyframe=False), 1.1) == []


def test_what_is_remembered_of_a_hostile_sender_is_bounded() -> None:
    rng = random.Random(1)
    video, audio = buffer(), AudioJitterBuffer()
    for number in range(50_000):
        now = number / 10_000
        sequence = rng.choice((rng.randrange(65536), number, 2 * number, number - 900)) % 65536
        video.push(frame_packet(number, sequence, keyframe=number % 7 == 0), now)
        audio.push(opus(sequence), now)
        if number % 25 == 0:
            video.nacks(now)
            video.poll(now)
            audio.poll(now)
    assert max(sizes(video)) <= max(MAX_HELD_VIDEO, MAX_ASKED)
    assert max(sizes(audio)) <= MAX_HELD_AUDIO
    video.push(frame_packet(1, 1, keyframe=True), 20.0)
    video.push(frame_packet(2, 2, keyframe=True), 20.0)
    assert len(video.push(frame_packet(3, 3, keyframe=True), 20.0)) == 1


def test_picture_that_never_ends_is_dropped() -> None:
    video = buffer()
    endless = frame_packets(0, 0, MAX_PICTURE_PACKETS + 10, keyframe=True)
    for packet in endless[:-1]:
        assert video.push(packet, 0.0) == []
        assert max(sizes(video)) <= MAX_PICTURE_PACKETS
    assert video.push(endless[-1], 0.0) == []
    assert video.pictures_dropped == 1
    assert video.keyframe_wanted
    assert len(video.push(frame_packet(1, len(endless), keyframe=True), 0.1)) == 1


def sizes(jitter: JitterBuffer) -> list[int]:
    """How many packets each part of a buffer knows of."""
    known = [*vars(jitter).values(), *vars(jitter._reorder).values()]
    return [len(part) for part in known if isinstance(part, (dict, list))]
