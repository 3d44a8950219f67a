"""Synthetic cameras: pictures and sounds that can still be told apart after all processing."""

from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from compositor.frame import Yuv420, video_frame
from mediaserver.demo.clip import Clip, encoded_pictures, encoded_sound, tone

WIDTH, HEIGHT, FPS = 1280, 720, 30
LOOP_S = 2
GOP = 10
"""Pictures: a loop cannot answer a request for a keyframe, so the next one must come soon."""
BITRATE_BPS = 1_500_000
STRIPE_PX = 160
DISC_RADIUS_PX, ORBIT_PX = 70, 190


@dataclass(frozen=True, slots=True)
class Camera:
    """`chroma` is the (u, v) of every pixel it shows, `tone_hz` all that is heard."""

    name: str
    chroma: tuple[int, int]
    tone_hz: float


CAMERAS = (
    Camera("Studio", chroma=(98, 168), tone_hz=440.0),
    Camera("Workshop", chroma=(156, 96), tone_hz=660.0),
)


def pictures(camera: Camera, count: int = LOOP_S * FPS) -> Iterator[av.VideoFrame]:
    """`count` yuv420p pictures of passing stripes and an orbiting disc, which loop.

    The name and the tone are written at the bottom.
    """
    row, column = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    shade = 95 + 50 * row / HEIGHT
    label = _label(f"{camera.name} · {camera.tone_hz:.0f} Hz")
    for number in range(count):
        turn = 2 * np.pi * number / count
        stripes = np.sin(2 * np.pi * (column + row) / STRIPE_PX - 6 * turn)
        luma = shade + 14 * np.clip(3 * stripes, -1, 1)
        x = WIDTH / 2 + ORBIT_PX * np.cos(turn)
        y = HEIGHT / 2 + ORBIT_PX * np.sin(turn)
        luma[np.hypot(column - x, row - y) < DISC_RADIUS_PX] = 215
        luma[label] = 235
        yield _frame(luma.astype(np.uint8), camera.chroma)


def camera_clip(camera: Camera) -> Clip:
    """What `camera` sends, encoded once; takes a second or two."""
    return Clip(
        encoded_pictures(pictures(camera), FPS, BITRATE_BPS, gop=GOP),
        FPS,
        encoded_sound(tone(camera.tone_hz, LOOP_S)),
    )


def _label(text: str) -> NDArray[np.bool_]:
    image = Image.new("1", (WIDTH, HEIGHT))
    font = ImageFont.load_default(size=64)
    ImageDraw.Draw(image).text((WIDTH / 2, HEIGHT - 70), text, fill=1, font=font, anchor="mm")
    return np.asarray(image, dtype=np.bool_)


def _frame(luma: NDArray[np.uint8], chroma: tuple[int, int]) -> av.VideoFrame:
    u, v = (np.full((HEIGHT // 2, WIDTH // 2), value, np.uint8) for value in chroma)
    return video_frame(Yuv420(luma, u, v))
