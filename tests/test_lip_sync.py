"""Pictures and sound of one feed in simulated time: senders, networks, clocks that drift."""

import numpy as np
import pytest

from mediaserver.audio_buffer import SAMPLE_RATE, AudioBuffer, Samples
from mediaserver.clock import ManualClock
from mediaserver.lip_sync import DECODING_S, HALF_TICK_S, OPUS_LOOKAHEAD_S, LipSync
from mediaserver.packet import AccessUnit

NTP_S = 3_900_000_000.0


def picture(number: int, fps: int, arrived_s: float, captured_s: float | None) -> AccessUnit:
    timestamp = number * 90_000 // fps
    return AccessUnit("h264", timestamp, 90_000, b"", True, arrived_s, captured_s=captured_s)


def packet(position: int, arrived_s: float, captured_s: float | None) -> AccessUnit:
    return AccessUnit("opus", position, SAMPLE_RATE, b"", True, arrived_s, captured_s=captured_s)


def wave(position: int, count: int) -> Samples:
    """100 Hz: two samples that follow each other never differ by more than 0.00655."""
    times = np.arange(position, position + count) % SAMPLE_RATE / SAMPLE_RATE
    return np.tile((0.5 * np.sin(2 * np.pi * 100 * times)).astype(np.float32), (2, 1))


class Stage:
    """A host whose clock runs `drift` too fast, and the feed's end of the line.

    Sound comes in `packet` samples and is read in blocks of `block`. `run` gives how much later
    than its sound each picture could be seen, in the middle of a canvas's ticks.
    """

    def __init__(
        self, drift: float = 0.0, *, fps: int = 30, packet: int = 960, block: int = 1024
    ) -> None:
        self.clock = ManualClock(0.0)
        self.sound = AudioBuffer(self.clock)
        self.sync = LipSync(self.sound)
        self.knows_clock = True
        self.clock_set_s = 0.0
        self.sound_late_s = self.picture_late_s = 0.0
        self.largest_step = 0.0
        self.longest_hold_s = 0.0
        self._rate = 1 + drift
        self._fps, self._packet, self._block = fps, packet, block
        self._packets = self._pictures = self._blocks = 0
        self._last_sample = 0.0
        self._waves = {n: wave(n * packet, packet) for n in range(SAMPLE_RATE // 480)}

    def run(self, until_s: float) -> list[float]:
        skews: list[float] = []
        while True:
            spoken_s = (self._packets + 1) * self._packet / SAMPLE_RATE / self._rate
            seen_s = self._pictures / self._fps / self._rate
            steps = (
                (spoken_s + self.sound_late_s, 0),
                (seen_s + self.picture_late_s, 1),
                ((self._blocks + 1) * self._block / SAMPLE_RATE, 2),
            )
            at_s, step = min(steps)
            if at_s > until_s:
                return skews
            self.clock.advance(max(0.0, at_s - self.clock.now()))
            if step == 0:
                self._hear(self.clock.now())
            elif step == 1:
                self._see(self.clock.now(), skews)
            else:
                self._read()

    def _hear(self, now_s: float) -> None:
        position = self._packets * self._packet
        self.sync.arrived(packet(position, now_s, self._captured_s(position / SAMPLE_RATE)))
        self.sound.write(position, self._waves[self._packets % len(self._waves)])
        self._packets += 1

    def _see(self, now_s: float, skews: list[float]) -> None:
        captured_s = self._captured_s(self._pictures / self._fps)
        unit = picture(self._pictures, self._fps, now_s, captured_s)
        self._pictures += 1
        self.sync.arrived(unit)
        hold_s = max(0.0, self.sync.hold_s(unit, now_s))
        self.longest_hold_s = max(self.longest_hold_s, hold_s)
        self.sync.shown(unit, now_s + hold_s + DECODING_S)
        if self.sync.skew_s is not None:
            skews.append(self.sync.skew_s)

    def _read(self) -> None:
        block = self.sound.read(self._block, self._blocks * self._block / SAMPLE_RATE)
        self._blocks += 1
        heard = block[0]
        step = max(abs(float(heard[0]) - self._last_sample), float(np.abs(np.diff(heard)).max()))
        self.largest_step = max(self.largest_step, step)
        self._last_sample = float(heard[-1])

    def _captured_s(self, media_s: float) -> float | None:
        return NTP_S + self.clock_set_s + media_s if self.knows_clock else None


def p95(skews: list[float]) -> float:
    assert skews
    return float(np.percentile(np.abs(skews), 95))


def test_pictures_and_sound_on_time_are_in_step_and_next_to_nothing_waits() -> None:
    stage = Stage()

    skews = stage.run(10)

    assert p95(skews) < 0.002
    assert stage.longest_hold_s < 0.035
    assert (stage.sound.underruns, stage.sound.resyncs) == (0, 0)


def test_pictures_wait_for_sound_that_is_late_and_come_back_when_it_is_not() -> None:
    stage = Stage()
    stage.run(3)

    stage.sound_late_s = 0.3
    stage.run(4)
    skews = stage.run(8)
    assert p95(skews) < 0.002
    assert stage.longest_hold_s == pytest.approx(0.3, abs=0.05)

    stage.sound_late_s = 0.0
    stage.run(20)
    stage.longest_hold_s = 0.0
    assert p95(stage.run(24)) < 0.002
    assert stage.longest_hold_s < 0.05
    assert stage.sound.underruns == 1


@pytest.mark.parametrize("late_s", [0.06, 0.3, 0.8])
def test_sound_waits_for_pictures_that_are_late_and_comes_back_when_they_are_not(
    late_s: float,
) -> None:
    stage = Stage()
    stage.run(3)

    stage.picture_late_s = late_s
    stage.run(12)
    assert p95(stage.run(16)) < 0.01
    assert stage.sound.delay_s == pytest.approx(late_s, abs=0.06)

    stage.picture_late_s = 0.0
    stage.run(30)
    assert p95(stage.run(34)) < 0.002
    assert stage.sound.delay_s < 0.04
    assert stage.sound.underruns == 0
    assert stage.largest_step < 0.03


def test_feed_slides_into_step_when_the_senders_clock_becomes_known() -> None:
    stage = Stage()
    stage.knows_clock = False
    stage.picture_late_s = 0.15
    assert stage.run(3) == []
    assert stage.longest_hold_s == 0.0

    stage.knows_clock = True
    stage.run(9)

    assert p95(stage.run(12)) < 0.01
    assert stage.largest_step < 0.03
    assert stage.sound.resyncs == 1


@pytest.mark.parametrize("step_s", [0.3, -0.3, 0.9, 5.0])
def test_clock_that_is_set_makes_neither_sound_nor_pictures_wait(step_s: float) -> None:
    stage = Stage()
    stage.run(5)

    stage.clock_set_s = step_s
    skews = stage.run(10)

    assert max(map(abs, skews)) < 0.002
    assert stage.longest_hold_s < 0.035
    assert (stage.sound.underruns, stage.sound.resyncs) == (0, 0)


def test_clocks_further_apart_than_a_second_are_not_believed() -> None:
    stage = Stage()
    stage.run(3)
    stage.picture_late_s = 1.6

    stage.run(10)

    assert stage.longest_hold_s < 0.035
    assert stage.sound.delay_s < 0.05
    assert stage.sync.skew_s is None


def test_picture_is_not_held_without_a_mixer_that_reads_the_sound() -> None:
    clock = ManualClock(0.0)
    sync = LipSync(AudioBuffer(clock))
    sync.arrived(packet(0, 0.3, NTP_S))
    seen = picture(0, 30, 0.0, NTP_S)
    sync.arrived(seen)

    assert sync.hold_s(seen, 0.0) == 0.0


def test_picture_is_seen_half_a_tick_before_the_sound_that_belongs_to_it() -> None:
    clock = ManualClock(0.0)
    sound = AudioBuffer(clock)
    sync = LipSync(sound)
    sync.arrived(packet(0, 0.0, NTP_S))
    sound.write(0, np.ones((2, 9600), np.float32))
    heard = sound.read(9600, 0.0)
    begin_s = int(np.flatnonzero(heard[0])[0]) / SAMPLE_RATE

    unit = picture(0, 30, 0.0, NTP_S)

    expected_s = begin_s + OPUS_LOOKAHEAD_S - HALF_TICK_S - DECODING_S
    assert sync.hold_s(unit, 0.0) == pytest.approx(expected_s, abs=1e-5)


@pytest.mark.parametrize("drift", [200e-6, -200e-6])
def test_four_hours_of_a_drifting_clock_leave_no_gap_no_delay_and_no_skew(drift: float) -> None:
    stage = Stage(drift, fps=3, packet=9600, block=8192)
    stage.run(20)
    delay_s = stage.sound.delay_s
    stage.largest_step = 0.0
    skews, delays = [], []

    for minute in range(1, 241):
        skews += stage.run(60 * minute)
        delays.append(stage.sound.delay_s)

    assert (stage.sound.underruns, stage.sound.resyncs) == (0, 0)
    assert p95(skews) < 0.005
    assert max(delays) < delay_s + 0.02
    assert stage.largest_step < 0.0068
