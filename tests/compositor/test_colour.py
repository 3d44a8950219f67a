"""Colour bars through the whole path: sent, decoded, scaled, composed, encoded, seen.

Distances are CIE 1976 ΔE*ab of sRGB; about 2.3 is just noticeable.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from compositor.frame import BLACK, Colour, colour, solid, video_frame, yuv420
from compositor.geometry import Rect, Size
from compositor.render import Canvas, Placed
from compositor.scale import scaled
from mediaserver.decoder import BT601, VideoDecoder
from mediaserver.encoder import VideoEncoder, VideoEncoding
from mediaserver.packet import AccessUnit
from tests.compositor.pictures import filtered, same

FEED, TILE, CANVAS = Size(1280, 720), Size(640, 360), Size(640, 720)
BARS = (
    (191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0),
    (191, 0, 191), (191, 0, 0), (0, 0, 191), (16, 16, 16),
    (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255),
    (224, 172, 140), (92, 58, 40), (128, 128, 128), (0, 0, 0),
)  # fmt: skip
"""75 % bars, primaries at full, skin light and dark, greys."""

RGB = NDArray[np.float64]


@dataclass(frozen=True)
class Sender:
    """How a feed's numbers are meant, in FFmpeg's and in H.273's words; code 2: it says nothing."""

    matrix: Literal["bt601", "bt709"]
    range: Literal["limited", "full"]
    code: int

    @property
    def tag(self) -> ColorRange:
        return ColorRange.JPEG if self.range == "full" else ColorRange.MPEG


SENDERS = (
    Sender("bt709", "limited", 1),
    Sender("bt709", "full", 1),
    Sender("bt601", "limited", 6),
    Sender("bt601", "full", 6),
    Sender("bt601", "limited", 2),
)


@pytest.mark.parametrize("size", [TILE, Size(480, 270), FEED], ids=str)
@pytest.mark.parametrize("sender", SENDERS, ids=lambda s: f"{s.matrix}-{s.range}-{s.code}")
def test_bars_keep_their_colours_through_the_whole_path(sender: Sender, size: Size) -> None:
    feed = received(sender)
    ours = scaled(feed, size)
    canvas = Canvas(CANVAS if size != FEED else FEED, BLACK)
    seen = broadcast(canvas.render([Placed(Rect(0, 0, size.width, size.height), ours)]))

    assert (seen.colorspace, seen.color_range) == (1, ColorRange.MPEG)
    assert delta_e(colours(seen, size), np.array(BARS)).max() < 2.5

    theirs = filtered(
        [feed],
        f"scale={size.width}:{size.height}:flags=bilinear:in_color_matrix={sender.matrix}"
        f":in_range={sender.range}:out_color_matrix=bt709:out_range=limited",
    )
    error = delta_e(colours(video_frame(ours), size), np.array(BARS))
    assert error.mean() <= delta_e(colours(theirs, size), np.array(BARS)).mean() + 0.5


@pytest.mark.parametrize(
    ("bt601", "bt709"),
    [
        (Colour(81, 90, 240), colour("#ff0000")._replace(y=62)),
        (Colour(145, 54, 34), colour("#00ff00")),
        (Colour(41, 240, 110), colour("#0000ff")),
        (Colour(235, 128, 128), colour("#ffffff")),
        (Colour(16, 128, 128), colour("#000000")),
        (Colour(255, 255, 255), Colour(214, 255, 255)),
        (Colour(0, 0, 255), Colour(0, 12, 249)),
    ],
)
def test_bt601_becomes_bt709_and_stays_in_eight_bits(bt601: Colour, bt709: Colour) -> None:
    frame = video_frame(solid(Size(16, 16), bt601))
    frame.colorspace = 6
    assert same(yuv420(frame), solid(Size(16, 16), bt709))


def test_a_feed_in_bt709_limited_range_is_not_touched() -> None:
    feed = received(SENDERS[0])
    assert np.shares_memory(scaled(feed, FEED).y, yuv420(feed).y)


def test_a_feed_in_other_colours_is_left_as_it_is() -> None:
    feed = received(SENDERS[3])
    before = feed.to_ndarray().copy()
    scaled(feed, FEED)
    assert np.array_equal(feed.to_ndarray(), before)


def received(sender: Sender) -> av.VideoFrame:
    """The bars as the feed's decoder gives them."""
    pixels = np.repeat(np.array(BARS, np.uint8), FEED.width // len(BARS), axis=0)
    rgb = av.VideoFrame.from_ndarray(np.broadcast_to(pixels, (FEED.height, *pixels.shape)).copy())
    yuv = filtered(
        [rgb],
        f"scale=out_color_matrix={sender.matrix}:out_range={sender.range},format=yuv420p",
    )
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = FEED.width, FEED.height, "yuv420p"
    encoder.time_base = Fraction(1, 30)
    encoder.colorspace, encoder.color_range = sender.code, sender.tag
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "qp": "1"}
    yuv.pts, yuv.colorspace, yuv.color_range = 0, sender.code, sender.tag
    data = b"".join(bytes(packet) for packet in encoder.encode(yuv))
    (frame,) = VideoDecoder(BT601).decode(AccessUnit("h264", 0, 90_000, data, True, 0.0))
    return frame


def broadcast(frame: av.VideoFrame) -> av.VideoFrame:
    """`frame` as who watches the show decodes it."""
    encoder = VideoEncoder(VideoEncoding(frame.width, frame.height, Fraction(30), 20_000_000))
    (packet,) = encoder.encode(frame, 0)
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = encoder.header.payload[5:]
    return [*decoder.decode(av.Packet(packet.payload[5:])), *decoder.decode(None)][0]


def colours(frame: av.VideoFrame, size: Size) -> RGB:
    """The middle of each bar, as FFmpeg shows BT.709 in RGB: (bars, 3)."""
    rgb = filtered([frame], "scale=in_color_matrix=bt709:in_range=limited,format=rgb24")
    row = rgb.to_ndarray()[size.height // 2, : size.width].astype(np.float64)
    width = size.width // len(BARS)
    bars = row.reshape(len(BARS), width, 3)
    return np.asarray(bars[:, width // 3 : -width // 3].mean(axis=1))


def delta_e(one: RGB, other: RGB) -> RGB:
    return np.asarray(np.linalg.norm(lab(one) - lab(other), axis=-1))


def lab(rgb: RGB) -> RGB:
    """CIE L*a*b* under D65 (CIE 15, 8.2.1) of sRGB from 0 to 255 (IEC 61966-2-1)."""
    linear = np.where(rgb <= 0.04045 * 255, rgb / 255 / 12.92, ((rgb / 255 + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    white = to_xyz.sum(axis=1)
    ratio = linear @ to_xyz.T / white
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
