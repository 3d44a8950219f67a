"""Whole canvases beside what FFmpeg's filters make of the same pictures."""

import av
import numpy as np
from PIL import Image, ImageDraw

from compositor.compose import compose
from compositor.frame import yuv420
from compositor.geometry import Rect, Size
from compositor.layout import Layout
from compositor.raster import raster
from compositor.render import Canvas, Placed
from compositor.spec import parse_layout
from tests.compositor.pictures import (
    filtered,
    generated,
    overlaid,
    psnr,
    received,
    stacked,
)

SOURCES = ("testsrc2", "mandelbrot", "smptehdbars", "testsrc")


def feed(source: str) -> av.VideoFrame:
    return received(generated(source, "size=640x360:rate=30", 5), 2_000_000)[-1]


def test_four_received_feeds_in_a_grid_are_what_xstack_makes() -> None:
    feeds = {source: feed(source) for source in SOURCES}
    frame = compose(Layout(preset="grid"), Size(960, 540), feeds)
    expected = stacked(list(feeds.values()), Size(480, 270))
    assert psnr(yuv420(frame), yuv420(expected)) >= 40


def test_a_contained_feed_is_what_scale_and_pad_make() -> None:
    picture = feed("mandelbrot")
    slots = [{"auto": 1, "rect": [0, 0, 1, 1], "fit": "contain"}]
    layout = parse_layout({"background": "#000000", "slots": slots})
    frame = compose(layout, Size(480, 480), {"a": picture})
    expected = filtered([picture], "scale=480:270:flags=bilinear,pad=480:480:0:104:black")
    assert psnr(yuv420(frame), yuv420(expected)) >= 40


def test_a_cropped_and_mirrored_feed_is_what_crop_scale_and_hflip_make() -> None:
    picture = feed("testsrc2")
    crop = [0.25, 0.25, 0.5, 0.5]
    slots = [{"auto": 1, "rect": [0, 0, 1, 1], "crop": crop, "fit": "fill", "mirror": True}]
    frame = compose(parse_layout({"slots": slots}), Size(240, 134), {"a": picture})
    expected = filtered([picture], "crop=320:180:160:90,scale=240:134:flags=bilinear,hflip")
    assert psnr(yuv420(frame), yuv420(expected)) >= 40


def test_a_focus_on_the_left_is_a_crop_at_the_left() -> None:
    picture = feed("testsrc2")
    slots = [{"auto": 1, "rect": [0, 0, 1, 1], "focus": [0, 0.5]}]
    frame = compose(parse_layout({"slots": slots}), Size(180, 180), {"a": picture})
    expected = filtered([picture], "crop=360:360:0:0,scale=180:180:flags=area")
    assert psnr(yuv420(frame), yuv420(expected)) >= 40


def test_a_raster_with_alpha_is_what_overlay_makes() -> None:
    under = feed("mandelbrot")
    image = Image.new("RGBA", (96, 64), (240, 200, 40, 0))
    ImageDraw.Draw(image).ellipse((4, 4, 92, 60), fill=(240, 200, 40, 150))
    over = av.VideoFrame.from_ndarray(np.asarray(image), format="rgba")
    shown = Canvas(Size(640, 360), yuv420(under)).render(
        [Placed(Rect(40, 30, 96, 64), raster(image))]
    )
    assert psnr(yuv420(shown), yuv420(overlaid(under, over, 40, 30))) >= 40
