"""Against the signals that BS.1770-4 and EBU Tech 3341 give, and against FFmpeg's ebur128."""

import math

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.audio_buffer import SAMPLE_RATE, Samples
from mediaserver.loudness import STEP_SAMPLES, Loudness, LoudnessMeter
from tests.media import tone

BLOCK = 1024


def measured(sound: Samples, block: int = BLOCK) -> Loudness:
    meter = LoudnessMeter()
    for start in range(0, sound.shape[1], block):
        meter.add(sound[:, start : start + block])
    return meter.read()


def parts(*levels: tuple[float, float]) -> Samples:
    """A stereo sine of 1 kHz: (dBFS, seconds) one after the other."""
    tones = [tone(seconds, 1000, 10 ** (level_db / 20)) for level_db, seconds in levels]
    return np.concatenate(tones, axis=1)


def test_a_full_sine_of_997_hz_in_one_channel_is_3_01_lkfs_below_zero() -> None:
    sound = tone(5, 997, 1.0)
    sound[1] = 0

    assert measured(sound).integrated == pytest.approx(-3.01, abs=0.005)


@pytest.mark.parametrize("level_db", [-23.0, -33.0], ids=["case 1", "case 2"])
def test_ebu_tech_3341_steady_tones(level_db: float) -> None:
    loudness = measured(parts((level_db, 20)))

    assert loudness.momentary == pytest.approx(level_db, abs=0.1)
    assert loudness.short_term == pytest.approx(level_db, abs=0.1)
    assert loudness.integrated == pytest.approx(level_db, abs=0.1)


@pytest.mark.parametrize(
    "sound",
    [
        parts((-36, 10), (-23, 60), (-36, 10)),
        parts((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)),
        parts((-26, 20), (-20, 20.1), (-26, 20)),
    ],
    ids=["case 3", "case 4", "case 5"],
)
def test_ebu_tech_3341_gates_leave_out_what_is_not_programme(sound: Samples) -> None:
    assert measured(sound).integrated == pytest.approx(-23.0, abs=0.1)


def ebur128(sound: Samples) -> Loudness:
    """What FFmpeg's filter says of `sound` at its end."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=SAMPLE_RATE, format="fltp", layout="stereo")
    meter = graph.add("ebur128", "metadata=1")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), "fltp", "stereo")
    frame.sample_rate = SAMPLE_RATE
    frame.pts = 0
    source.push(frame)
    source.push(None)
    said: dict[str, str] = {}
    while True:
        try:
            said.update(sink.pull().metadata)
        except (av.EOFError, av.BlockingIOError):
            break
    return Loudness(*(float(said[f"lavfi.r128.{letter}"]) for letter in "MSI"))


def test_ffmpeg_measures_the_same_of_noise_and_speech_like_sound() -> None:
    rng = np.random.default_rng(7)
    swell = 0.02 + 0.3 * np.abs(np.sin(np.arange(12 * SAMPLE_RATE) / SAMPLE_RATE * 1.7)) ** 3
    sound = (rng.normal(0, 1, (2, 12 * SAMPLE_RATE)) * swell).astype(np.float32)
    sound[1] *= 0.3
    sound = sound[:, : sound.shape[1] // STEP_SAMPLES * STEP_SAMPLES]

    ours, theirs = measured(sound), ebur128(sound)

    assert ours.momentary == pytest.approx(theirs.momentary, abs=0.1)
    assert ours.short_term == pytest.approx(theirs.short_term, abs=0.1)
    assert ours.integrated == pytest.approx(theirs.integrated, abs=0.1)


@given(st.integers(1, 10_000))
def test_the_size_of_the_blocks_does_not_matter(block: int) -> None:
    sound = tone(1, 300, 0.2)

    assert measured(sound, block).momentary == pytest.approx(measured(sound).momentary)


def test_a_reading_comes_every_tenth_of_a_second() -> None:
    meter = LoudnessMeter()
    block = np.zeros((2, BLOCK), np.float32)

    readings = [meter.add(block) for _ in range(375)]  # 8 s

    assert sum(readings) == 80


def test_silence_is_minus_infinity() -> None:
    silence = np.zeros((2, SAMPLE_RATE), np.float32)

    assert measured(silence) == Loudness(-math.inf, -math.inf, -math.inf)


def test_after_a_sound_the_filters_come_to_rest() -> None:
    meter = LoudnessMeter()
    meter.add(tone(1))
    meter.add(np.zeros((2, 10 * SAMPLE_RATE), np.float32))

    assert meter.read().short_term == -math.inf
