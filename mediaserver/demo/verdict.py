"""Whether what a destination recorded is the show that was sent: decided by decoding it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from compositor.frame import region, yuv420
from compositor.geometry import Fractions, pixel_rect

CHROMA_TOLERANCE = 16.0
MOTION_STEP_FRAMES = 6
MOTION_LUMA = 2.0
"""Mean difference of luma over a step above which a picture moves; x264's noise stays below 1."""
TONE_WINDOW_S = 0.5
TONE_LEVEL = 0.005
TONE_OVER_MEDIAN = 30.0
TONE_BAND_HZ = (200.0, 2000.0)
SHARE_NEEDED = 0.8
DURATION_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Expected:
    """One feed of the show: where it is shown, in what colour, and what it sounds like."""

    name: str
    region: Fractions
    chroma: tuple[int, int]
    tone_hz: float


@dataclass(frozen=True, slots=True)
class Seen:
    """The shares (0 … 1) of the recording in which a feed was there."""

    coloured: float
    moving: float
    sounding: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """`faults` says in plain words what is wrong; empty if the show arrived."""

    frames: int
    sound_s: float
    feeds: dict[str, Seen]
    faults: tuple[str, ...]


def judge(recording: Path, feeds: Sequence[Expected], seconds: float, fps: int) -> Verdict:
    """Decode `recording` and compare it with a show of `seconds` at `fps`."""
    try:
        views, samples, rate = _decoded(recording, feeds)
    except (av.FFmpegError, IndexError) as error:
        absent = {feed.name: Seen(0, 0, 0) for feed in feeds}
        return Verdict(0, 0.0, absent, (f"the recording cannot be decoded: {error}",))
    sound_s = len(samples) / rate
    spectra = _spectra(samples, rate)
    seen = {
        feed.name: Seen(
            coloured=_coloured(view, feed.chroma),
            moving=_moving(view),
            sounding=_sounding(spectra, feed.tone_hz),
        )
        for feed, view in zip(feeds, views, strict=True)
    }
    frames = len(views[0].chroma)
    return Verdict(frames, sound_s, seen, tuple(_faults(frames, sound_s, seen, seconds, fps)))


@dataclass(slots=True)
class _View:
    """What one feed's region showed: mean (u, v) of every frame, luma of every sixth."""

    chroma: list[tuple[float, float]]
    luma: list[NDArray[np.uint8]]


def _decoded(
    recording: Path, feeds: Sequence[Expected]
) -> tuple[list[_View], NDArray[np.float32], int]:
    views = [_View([], []) for _ in feeds]
    sound: list[NDArray[np.float32]] = []
    rate = 48_000
    with av.open(recording) as container:
        for packet in container.demux(container.streams.video[0], container.streams.audio[0]):
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    for feed, view in zip(feeds, views, strict=True):
                        _look(frame, feed, view)
                elif isinstance(frame, av.AudioFrame):
                    rate = frame.sample_rate
                    sound.append(frame.to_ndarray().astype(np.float32).mean(axis=0))
    return views, np.concatenate(sound) if sound else np.zeros(0, np.float32), rate


def _look(frame: av.VideoFrame, feed: Expected, view: _View) -> None:
    picture = yuv420(frame)
    part = region(picture, pixel_rect(feed.region, picture.size))
    if len(view.chroma) % MOTION_STEP_FRAMES == 0:
        view.luma.append(part.y.copy())
    view.chroma.append((float(part.u.mean()), float(part.v.mean())))


def _coloured(view: _View, chroma: tuple[int, int]) -> float:
    distances = np.abs(np.array(view.chroma).reshape(-1, 2) - np.array(chroma)).max(axis=1)
    return _share(distances <= CHROMA_TOLERANCE)


def _moving(view: _View) -> float:
    steps = [
        np.abs(after.astype(np.int16) - before).mean()
        for before, after in zip(view.luma, view.luma[1:], strict=False)
    ]
    return _share(np.array(steps) > MOTION_LUMA)


def _spectra(samples: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """Amplitudes (windows, bins) of half-second windows; a bin is 2 Hz wide."""
    size = round(TONE_WINDOW_S * rate)
    windows = samples[: len(samples) // size * size].reshape(-1, size)
    return np.abs(np.fft.rfft(windows * np.hanning(size), axis=1)) * 4 / size


def _sounding(spectra: NDArray[np.float64], tone_hz: float) -> float:
    low, high = (round(edge * TONE_WINDOW_S) for edge in TONE_BAND_HZ)
    bin_ = round(tone_hz * TONE_WINDOW_S)
    level = spectra[:, bin_ - 1 : bin_ + 2].max(axis=1)
    floor = np.median(spectra[:, low:high], axis=1)
    return _share((level > TONE_LEVEL) & (level > TONE_OVER_MEDIAN * floor))


def _share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if len(hits) else 0.0


def _faults(
    frames: int, sound_s: float, feeds: dict[str, Seen], seconds: float, fps: int
) -> list[str]:
    faults = []
    if abs(frames / fps - seconds) > DURATION_TOLERANCE * seconds:
        faults.append(f"{frames} frames arrived where {seconds * fps:.0f} were due")
    if abs(sound_s - seconds) > DURATION_TOLERANCE * seconds:
        faults.append(f"{sound_s:.1f} s of sound arrived where {seconds:.1f} s were due")
    for name, seen in feeds.items():
        for share, what in (
            (seen.coloured, "in its colour"),
            (seen.moving, "moving"),
            (seen.sounding, "to be heard"),
        ):
            if share < SHARE_NEEDED:
                faults.append(f"{name} was {what} only {share:.0%} of the time")
    return faults
