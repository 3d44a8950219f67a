import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.audio_buffer import CHANNELS, DELAY_S, RESYNC_S, SAMPLE_RATE, AudioBuffer, Samples

DELAY = int(DELAY_S * SAMPLE_RATE)
PACKET = 960


def ramp(position: int, count: int = PACKET) -> Samples:
    """Samples whose value tells their position, never zero."""
    return np.tile((np.arange(position, position + count) % 9973 + 1).astype(np.float32), (2, 1))


def test_sound_comes_out_unchanged_after_the_fixed_delay() -> None:
    buffer = AudioBuffer()
    for position in range(0, 3 * PACKET, PACKET):
        buffer.write(position, ramp(position))

    assert not buffer.read(DELAY).any()
    assert np.array_equal(buffer.read(1024), ramp(0, 1024))
    assert buffer.underruns == 0


def test_lost_packet_is_silence_of_its_length_and_shifts_nothing() -> None:
    buffer = AudioBuffer()
    for position in (0, 2 * PACKET):
        buffer.write(position, ramp(position))
    buffer.read(DELAY)

    assert np.array_equal(buffer.read(PACKET), ramp(0))
    assert not buffer.read(PACKET).any()
    assert np.array_equal(buffer.read(PACKET), ramp(2 * PACKET))


def test_nothing_written_is_silence() -> None:
    assert AudioBuffer().read(1024).tolist() == np.zeros((CHANNELS, 1024)).tolist()


def test_underrun_is_counted_and_heals_with_the_same_delay() -> None:
    buffer = AudioBuffer()
    buffer.write(0, ramp(0))
    buffer.read(DELAY + 2 * PACKET)

    buffer.write(PACKET, ramp(PACKET))

    assert buffer.underruns == 1
    assert not buffer.read(DELAY).any()
    assert np.array_equal(buffer.read(PACKET), ramp(PACKET))


def test_sender_that_starts_over_elsewhere_is_heard_after_the_delay() -> None:
    buffer = AudioBuffer()
    buffer.write(0, ramp(0))
    buffer.write(4_000_000_000, ramp(4_000_000_000))

    buffer.read(DELAY)

    assert np.array_equal(buffer.read(PACKET), ramp(4_000_000_000))
    assert buffer.resyncs == 1


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(0, 100), st.integers(1, 2000)),
            st.tuples(st.just("read"), st.integers(1, 2000), st.just(0)),
        ),
        max_size=60,
    )
)
def test_every_sample_read_is_one_written_or_silence(steps: list[tuple[str, int, int]]) -> None:
    buffer = AudioBuffer()
    position = 0
    read: list[float] = []
    for step, value, count in steps:
        if step == "write":
            position += value * 100
            buffer.write(position, ramp(position, count))
            position += count
        else:
            block = buffer.read(value)
            assert block.shape == (CHANNELS, value)
            assert np.array_equal(block[0], block[1])
            read.extend(block[0])

    heard = [value for value in read if value]
    assert all(1 <= value <= 9973 for value in heard)


@pytest.mark.parametrize("burst_s", [0.3, 0.9])
def test_burst_does_not_leave_the_feed_delayed_by_more_than_the_resync_bound(
    burst_s: float,
) -> None:
    buffer = AudioBuffer()
    last = int(burst_s * SAMPLE_RATE) // PACKET * PACKET
    for position in range(0, last + PACKET, PACKET):
        buffer.write(position, ramp(position))

    soon = buffer.read(int((DELAY_S + RESYNC_S) * SAMPLE_RATE) + PACKET)
    assert ramp(last + PACKET - 1, 1)[0, 0] in soon[0]
