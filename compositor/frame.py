"""Pictures as planes: 8-bit I420, limited range, BT.709."""

import re
from dataclasses import dataclass
from typing import NamedTuple

import av
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from compositor.colorimetry import Plane as Plane
from compositor.colorimetry import conversion, convert
from compositor.errors import GeometryError
from compositor.geometry import Rect, Size, Turns, whole

AVCOL_SPC_BT709 = 1


class Colour(NamedTuple):
    """Y, U and V of one colour, limited range, BT.709."""

    y: int
    u: int
    v: int


BLACK = Colour(16, 128, 128)


@dataclass(frozen=True, slots=True, eq=False)
class Yuv420:
    """A picture: y is (H, W) uint8; u, v are (H/2, W/2). Rows may be apart by more than W.

    Treated as immutable by everyone but who made it: two are the same picture if they are the
    same object.
    """

    y: Plane
    u: Plane
    v: Plane

    @property
    def size(self) -> Size:
        height, width = self.y.shape
        return Size(width, height)


def colour(hex_rgb: str) -> Colour:
    """The colour `#rrggbb` (sRGB, full range). Raises ValueError for any other text.

    Source: ITU-R BT.709-6, items 3.2–3.4.
    """
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", hex_rgb):
        raise ValueError(f"{hex_rgb!r} is not a colour such as #101418")
    red, green, blue = (int(hex_rgb[i : i + 2], 16) / 255 for i in (1, 3, 5))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return Colour(
        round(16 + 219 * luma),
        round(128 + 224 * (blue - luma) / 1.8556),
        round(128 + 224 * (red - luma) / 1.5748),
    )


def blank(size: Size) -> Yuv420:
    """A picture in one new block of memory, its pixels not set."""
    return planar(np.empty(size.width * size.height * 3 // 2, np.uint8), size)


def planar(memory: Plane, size: Size) -> Yuv420:
    """The picture of `size` that lies in `memory`, one plane after the other."""
    width, height = size.width, size.height
    luma, chroma = width * height, width * height // 4
    return Yuv420(
        memory[:luma].reshape(height, width),
        memory[luma : luma + chroma].reshape(height // 2, width // 2),
        memory[luma + chroma :].reshape(height // 2, width // 2),
    )


def solid(size: Size, colour: Colour) -> Yuv420:
    """A picture of one colour."""
    picture = blank(size)
    fill(picture, colour, whole(size))
    return picture


def flat_picture(size: Size, colour: Colour) -> Yuv420:
    """A picture of one colour to copy from: every row is the same few bytes of memory."""
    width, height = size.width, size.height
    y, u, v = (np.uint8(sample) for sample in colour)
    return Yuv420(
        np.broadcast_to(y, (height, width)),
        np.broadcast_to(u, (height // 2, width // 2)),
        np.broadcast_to(v, (height // 2, width // 2)),
    )


def yuv420(frame: av.VideoFrame) -> Yuv420:
    """`frame` as a picture: its own memory if it is yuv420p, BT.709 or untagged, limited range.

    Anything else is converted. An odd last column or row is left out.
    """
    picture, matrix = planes(frame), conversion(frame)
    if matrix is not None:
        picture = clone(picture)
        convert(picture.y, picture.u, picture.v, matrix)
    return picture


def planes(frame: av.VideoFrame) -> Yuv420:
    """The planes of `frame`, whatever their colorimetry: its own memory if it is 8-bit 4:2:0.

    Other formats become that; RGB in BT.709, limited range.
    """
    if frame.format.name not in ("yuv420p", "yuvj420p"):
        rgb = frame.format.is_rgb
        frame = frame.reformat(
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709 if rgb else None,
            src_color_range=ColorRange.JPEG if rgb else frame.color_range,
            dst_color_range=ColorRange.MPEG if rgb else frame.color_range,
            threads=1,
        )
    if frame.width < 2 or frame.height < 2:
        frame = frame.reformat(max(frame.width, 2), max(frame.height, 2), threads=1)
    width, height = frame.width // 2, frame.height // 2
    y, u, v = frame.planes
    return Yuv420(
        _view(y, 2 * width, 2 * height),
        _view(u, width, height),
        _view(v, width, height),
    )


def _view(plane: VideoPlane, width: int, height: int) -> Plane:
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:height, :width]


def video_frame(picture: Yuv420) -> av.VideoFrame:
    """`picture` for an encoder or a filter: the same memory, tagged BT.709, limited range.

    PyAV's `from_numpy_buffer` takes no planes that are apart and miscounts rows where the height
    is no multiple of 4, so the planes are handed over by DLPack.
    """
    frame = av.VideoFrame.from_dlpack((picture.y, picture.u, picture.v), format="yuv420p")
    frame.colorspace = AVCOL_SPC_BT709
    frame.color_range = ColorRange.MPEG
    frame.color_primaries = ColorPrimaries.BT709
    frame.color_trc = ColorTrc.BT709
    return frame


def region(picture: Yuv420, rect: Rect) -> Yuv420:
    """The part `rect` of `picture`: the same memory. Raises GeometryError if it is not inside."""
    x, y, right, bottom = rect.x, rect.y, rect.x + rect.width, rect.y + rect.height
    height, width = picture.y.shape
    if right > width or bottom > height:
        raise GeometryError(f"{rect} is not inside {picture.size}")
    rows, columns = slice(y // 2, bottom // 2), slice(x // 2, right // 2)
    return Yuv420(picture.y[y:bottom, x:right], picture.u[rows, columns], picture.v[rows, columns])


def copy(source: Yuv420, target: Yuv420) -> None:
    """Write `source` into the memory of `target`, which has the same size."""
    np.copyto(target.y, source.y)
    np.copyto(target.u, source.u)
    np.copyto(target.v, source.v)


def fill(picture: Yuv420, colour: Colour, rect: Rect) -> None:
    """Paint `rect` of `picture` in one colour, in place."""
    part = region(picture, rect)
    part.y.fill(colour.y)
    part.u.fill(colour.u)
    part.v.fill(colour.v)


def clone(picture: Yuv420) -> Yuv420:
    """The same pixels in new memory."""
    twin = blank(picture.size)
    copy(picture, twin)
    return twin


def mirrored(picture: Yuv420) -> Yuv420:
    """`picture` with left and right swapped: the same memory."""
    return Yuv420(picture.y[:, ::-1], picture.u[:, ::-1], picture.v[:, ::-1])


def turned(picture: Yuv420, turns: Turns) -> Yuv420:
    """`picture` by so many quarter turns clockwise: the same memory."""
    return Yuv420(
        np.rot90(picture.y, -turns), np.rot90(picture.u, -turns), np.rot90(picture.v, -turns)
    )


_LEVELS = np.arange(256)
_DIMMED_LUMA = (16 + (np.clip(_LEVELS, 16, 235) - 16) * 2 // 5).astype(np.uint8)
_DIMMED_CHROMA = (128 + (np.clip(_LEVELS, 16, 240) - 128) // 2).astype(np.uint8)


def dimmed(picture: Yuv420) -> Yuv420:
    """`picture` at two fifths of its brightness and half of its colour: the host is frozen."""
    return Yuv420(
        _DIMMED_LUMA.take(picture.y),
        _DIMMED_CHROMA.take(picture.u),
        _DIMMED_CHROMA.take(picture.v),
    )
