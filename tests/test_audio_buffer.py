from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.audio_buffer import CHANNELS, FADE, MAX_WAIT_S, SAMPLE_RATE, AudioBuffer, Samples
from mediaserver.clock import ManualClock

PACKET, BLOCK = 960, 1024


def ramp(position: int, count: int = PACKET) -> Samples:
    """Samples whose value tells their position, never zero."""
    return np.tile((np.arange(position, position + count) % 9973 + 1).astype(np.float32), (2, 1))


def wave(position: int, count: int = PACKET) -> Samples:
    """200 Hz: two samples that follow each other never differ by more than 0.0131."""
    times = np.arange(position, position + count) / SAMPLE_RATE
    return np.tile((0.5 * np.sin(2 * np.pi * 200 * times)).astype(np.float32), (2, 1))


class Line:
    """A sender, a network and a mixer in simulated time, to the buffer from packet 0 on."""

    def __init__(self, sound: Callable[[int, int], Samples] = wave) -> None:
        self.clock = ManualClock(0.0)
        self.buffer = AudioBuffer(self.clock)
        self.heard: list[Samples] = []
        self._sound = sound
        self._packet = 0
        self._block = 0

    def run(
        self, seconds: float, late_s: Callable[[int], float] = lambda number: 0.0
    ) -> list[Samples]:
        """Packet `number` comes `late_s` after it was spoken; gives the blocks heard meanwhile."""
        end_s = self.clock.now() + seconds
        first = len(self.heard)
        ready_s = self._ready_s(late_s)
        while min(ready_s, (self._block + 1) * BLOCK / SAMPLE_RATE) <= end_s:
            due_s = self._block * BLOCK / SAMPLE_RATE
            if ready_s <= due_s + BLOCK / SAMPLE_RATE:
                self._advance_to(ready_s)
                position = self._packet * PACKET
                self.buffer.write(position, self._sound(position, PACKET))
                self._packet += 1
                ready_s = max(ready_s, self._ready_s(late_s))
            else:
                self._advance_to(due_s + BLOCK / SAMPLE_RATE)
                self.heard.append(self.buffer.read(BLOCK, due_s))
                self._block += 1
        self._advance_to(end_s)
        return self.heard[first:]

    def _ready_s(self, late_s: Callable[[int], float]) -> float:
        return (self._packet + 1) * PACKET / SAMPLE_RATE + late_s(self._packet)

    def _advance_to(self, time_s: float) -> None:
        self.clock.advance(max(0.0, time_s - self.clock.now()))


def joined(blocks: Iterable[Samples]) -> Samples:
    return np.concatenate(list(blocks), axis=1)


def largest_step(blocks: Iterable[Samples]) -> float:
    return float(np.abs(np.diff(joined(blocks))).max())


def test_even_sound_comes_out_sample_by_sample_after_a_short_delay() -> None:
    line = Line(ramp)
    heard = joined(line.run(20))

    begin = int(np.flatnonzero(heard[0])[0])
    assert np.array_equal(heard[:, begin:], ramp(0, heard.shape[1] - begin))
    assert begin <= 0.045 * SAMPLE_RATE
    assert (line.buffer.underruns, line.buffer.resyncs) == (0, 0)


def test_lost_packet_is_silence_of_its_length_and_shifts_nothing() -> None:
    clock = ManualClock(0.0)
    buffer = AudioBuffer(clock)
    for position in (0, 2 * PACKET):
        buffer.write(position, np.ones((2, PACKET), np.float32))

    heard = buffer.read(4800, 0.0)[0]

    begin = int(np.flatnonzero(heard)[0])
    heard = heard[begin:]
    assert np.all(heard[: PACKET - FADE] == 1)
    assert np.all(np.diff(heard[PACKET - FADE : PACKET]) < 0)
    assert not heard[PACKET : 2 * PACKET].any()
    assert np.all(np.diff(heard[2 * PACKET : 2 * PACKET + FADE]) > 0)
    assert np.all(heard[2 * PACKET + FADE : 3 * PACKET - FADE] == 1)


def test_nothing_written_is_silence() -> None:
    heard = AudioBuffer(ManualClock()).read(1024)
    assert heard.tolist() == np.zeros((CHANNELS, 1024)).tolist()


def test_jitter_that_was_seen_is_waited_for_and_nothing_is_missed_any_more() -> None:
    line = Line()
    jitter = np.random.default_rng(1).uniform(0, 0.03, 2000)
    line.run(5, lambda number: float(jitter[number]))
    underruns = line.buffer.underruns

    heard = line.run(20, lambda number: float(jitter[number]))

    assert line.buffer.underruns == underruns
    assert largest_step(heard) < 0.0133
    assert line.buffer.delay_s < 0.03 + 0.025


def test_sound_that_comes_too_late_is_heard_whole_after_silence() -> None:
    line = Line(ramp)
    line.run(1)

    heard = joined(line.run(1.2, lambda number: 0.3))[0]

    values = heard[heard > 0]
    assert line.buffer.underruns == 1
    missing = SAMPLE_RATE * 0.2
    assert np.count_nonzero(heard == 0) == pytest.approx(missing, rel=0.6)
    assert {int(v) for v in values} >= {
        int(v) for v in ramp(51 * PACKET, 20 * PACKET)[0, FADE:].tolist()
    }


def test_sound_ends_and_begins_softly_around_what_is_missing() -> None:
    line = Line()
    line.run(1)

    heard = line.run(2, lambda number: 0.15 if number == 60 else 0.0)

    assert line.buffer.underruns == 1
    assert largest_step(heard) < 0.03


@pytest.mark.parametrize("happens", ["begins anew", "sender starts over"])
def test_sound_that_is_cut_off_ends_softly(happens: str) -> None:
    line = Line()
    line.run(1.0)
    before = np.concatenate(line.heard, axis=1)[:, -BLOCK:]

    if happens == "begins anew":
        line.buffer.begin_anew()
    else:
        line.buffer.write(10**7, wave(0))
    after = line.buffer.read(BLOCK)

    heard = np.concatenate([before, after], axis=1)
    assert np.abs(np.diff(heard)).max() < 0.02
    assert not after[:, FADE:].any()


@pytest.mark.parametrize("burst_s", [0.1, 0.3, 0.9])
def test_delay_comes_back_down_after_a_burst(burst_s: float) -> None:
    line = Line()
    line.run(2)
    before_s = line.buffer.delay_s

    line.run(1, lambda number: burst_s if number == 100 else 0.0)
    highest_s = line.buffer.delay_s
    heard = line.run(20)

    assert before_s < 0.025
    assert burst_s * 0.95 <= highest_s < burst_s + 0.03
    assert line.buffer.delay_s < 0.025
    assert largest_step(heard) < 0.03


def test_delay_is_bounded_however_late_packets_come() -> None:
    line = Line()
    line.run(1)
    line.run(3, lambda number: 1.9 if number == 60 else 0.0)

    assert line.buffer.delay_s <= MAX_WAIT_S + 0.1
    line.run(30)
    assert line.buffer.delay_s < 0.025


@pytest.mark.parametrize("pause_s", [0.5, 0.9, 1.2, 1.9, 60.0])
def test_microphone_whose_timestamps_stood_still_is_heard_at_once_when_it_goes_on(
    pause_s: float,
) -> None:
    line = Line()
    line.run(5)

    line.run(pause_s + 0.1, lambda number: pause_s)
    heard = line.run(2, lambda number: pause_s)

    assert all(block.any() for block in heard)
    assert line.buffer.underruns == 1


def test_sender_that_starts_over_elsewhere_is_heard_after_the_usual_delay() -> None:
    line = Line(ramp)
    line.run(1)
    line.buffer.write(4_000_000_000, ramp(4_000_000_000))

    heard = line.buffer.read(4096)[0]

    assert ramp(4_000_000_000)[0, 500] in heard
    assert line.buffer.resyncs == 1


def test_sound_waits_for_its_pictures_and_comes_back() -> None:
    line = Line()
    line.run(1)
    assert line.buffer.offset_s(line.clock.now()) is not None
    line.buffer.wanted_s = 0.02 + 0.2  # its packets are ready 20 ms after their position

    heard = line.run(2)
    assert line.buffer.delay_s == pytest.approx(0.2, abs=0.005)
    assert largest_step(heard) < 0.03

    line.buffer.wanted_s = None
    heard += line.run(10)
    assert line.buffer.delay_s < 0.025
    assert line.buffer.underruns == 0
    assert largest_step(heard) < 0.03
    assert line.buffer.resyncs == 2


def test_sound_does_not_wait_for_pictures_later_than_a_second() -> None:
    line = Line()
    line.run(1)
    line.buffer.wanted_s = 1000.0

    line.run(2)

    assert line.buffer.delay_s < 0.025


def test_blocks_that_the_mixer_left_out_leave_sound_in_its_place() -> None:
    clock = ManualClock(0.0)
    buffer = AudioBuffer(clock)
    for position in range(0, 48_000, PACKET):
        buffer.write(position, ramp(position))
    buffer.read(BLOCK, 0.1)
    before = buffer.read(BLOCK, 0.1 + BLOCK / SAMPLE_RATE)

    after = buffer.read(BLOCK, 0.1 + 11 * BLOCK / SAMPLE_RATE)

    assert (after[0, 0] - before[0, 0]) % 9973 == 10 * BLOCK % 9973


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(-100, 5000), st.integers(0, 2000)),
            st.tuples(st.just("read"), st.integers(1, 5000), st.just(0)),
            st.tuples(st.just("pass"), st.integers(0, 5_000), st.just(0)),
            st.tuples(st.just("want"), st.integers(-3000, 3000), st.just(0)),
        ),
        max_size=60,
    )
)
def test_whatever_comes_when_blocks_are_whole_and_no_louder_than_it(
    steps: list[tuple[str, int, int]],
) -> None:
    clock = ManualClock(0.0)
    buffer = AudioBuffer(clock)
    position = 0
    for step, value, count in steps:
        if step == "write":
            position += value * 100
            buffer.write(position, np.ones((2, count), np.float32))
            position += count
        elif step == "pass":
            clock.advance(value / 1000)
        elif step == "want":
            buffer.wanted_s = value / 1000
        else:
            block = buffer.read(value)
            assert block.shape == (CHANNELS, value)
            assert block.dtype == np.float32
            assert -0.2 <= block.min() <= block.max() <= 1.2  # a filter rings at a step
