"""The demo's judge: a good recording passes, and each way to be bad is found."""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

from compositor.frame import Yuv420, colour, copy, region, solid, video_frame, yuv420
from compositor.geometry import Rect, Size
from mediaserver.demo.camera import CAMERAS, pictures
from mediaserver.demo.clip import SAMPLE_RATE, tone
from mediaserver.demo.run import expected
from mediaserver.demo.verdict import judge

SECONDS, FPS = 2, 30
CANVAS = Size(640, 360)
TILES = (Rect(0, 90, 320, 180), Rect(320, 90, 320, 180))
AAC_FRAME = 1024
LEFT, RIGHT = CAMERAS


@cache
def tile(camera: int) -> tuple[Yuv420, ...]:
    """A third of a second of a camera, at the size of its tile."""
    return tuple(
        yuv420(picture.reformat(TILES[0].width, TILES[0].height, threads=1))
        for picture in pictures(CAMERAS[camera], 20)
    )


def record(
    path: Path,
    *,
    shown: Iterable[int] = (0, 1),
    frozen: Iterable[int] = (),
    tones_hz: Iterable[float] = (LEFT.tone_hz, RIGHT.tone_hz),
    seconds: float = SECONDS,
) -> Path:
    """An .flv such as a destination keeps, of the cameras that are `shown` in their places."""
    sound = sum((tone(hz, SECONDS).astype(np.int32) for hz in tones_hz), np.zeros(1, np.int32))
    samples = np.broadcast_to(sound, (SECONDS * SAMPLE_RATE,))[: round(seconds * SAMPLE_RATE)]
    with av.open(path, "w", format="flv") as container:
        video = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = CANVAS.width, CANVAS.height, "yuv420p"
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        for number in range(round(seconds * FPS)):
            canvas = solid(CANVAS, colour("#101418"))
            for camera in shown:
                picture = tile(camera)[0 if camera in frozen else number % 20]
                copy(picture, region(canvas, TILES[camera]))
            frame = video_frame(canvas)
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for start in range(0, len(samples) - AAC_FRAME, AAC_FRAME):
            block = samples[start : start + AAC_FRAME].astype(np.int16).reshape(1, -1)
            heard = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            heard.sample_rate, heard.pts = SAMPLE_RATE, start
            container.mux(audio.encode(heard))
        container.mux(audio.encode(None))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "on-air.flv"


def test_show_that_arrived_has_no_fault(path: Path) -> None:
    verdict = judge(record(path), expected(), SECONDS, FPS)
    assert verdict.faults == ()
    assert verdict.frames == SECONDS * FPS
    for seen in verdict.feeds.values():
        assert (seen.coloured, seen.moving, seen.sounding) == (1.0, 1.0, 1.0)


def test_missing_feed_is_found(path: Path) -> None:
    verdict = judge(record(path, shown=[0]), expected(), SECONDS, FPS)
    assert verdict.faults == (
        "Workshop was in its colour only 0% of the time",
        "Workshop was moving only 0% of the time",
    )


def test_feeds_in_each_others_place_are_found(path: Path) -> None:
    studio, workshop = expected()
    swapped = [replace(studio, region=workshop.region), replace(workshop, region=studio.region)]
    verdict = judge(record(path), swapped, SECONDS, FPS)
    assert verdict.faults == (
        "Studio was in its colour only 0% of the time",
        "Workshop was in its colour only 0% of the time",
    )


def test_frozen_feed_is_found(path: Path) -> None:
    verdict = judge(record(path, frozen=[1]), expected(), SECONDS, FPS)
    assert verdict.faults == ("Workshop was moving only 0% of the time",)


def test_silence_is_found(path: Path) -> None:
    verdict = judge(record(path, tones_hz=[]), expected(), SECONDS, FPS)
    assert verdict.faults == (
        "Studio was to be heard only 0% of the time",
        "Workshop was to be heard only 0% of the time",
    )


def test_missing_sound_of_one_feed_is_found(path: Path) -> None:
    verdict = judge(record(path, tones_hz=[RIGHT.tone_hz]), expected(), SECONDS, FPS)
    assert verdict.faults == ("Studio was to be heard only 0% of the time",)


def test_recording_that_is_too_short_is_found(path: Path) -> None:
    verdict = judge(record(path, seconds=1), expected(), SECONDS, FPS)
    assert verdict.faults == (
        "30 frames arrived where 60 were due",
        "1.0 s of sound arrived where 2.0 s were due",
    )


def test_recording_that_is_none_is_found(path: Path) -> None:
    path.write_bytes(b"")
    (fault,) = judge(path, expected(), SECONDS, FPS).faults
    assert fault.startswith("the recording cannot be decoded")


def test_absent_recording_is_found(path: Path) -> None:
    (fault,) = judge(path, expected(), SECONDS, FPS).faults
    assert fault.startswith("the recording cannot be decoded")
