import io
import itertools
from collections.abc import Sequence
from pathlib import Path

import fontpkg
import numpy as np
import pytest
import zxingcpp
from PIL import Image

from compositor.card import Card
from compositor.drawing import drawing
from compositor.frame import Colour, Yuv420, yuv420
from compositor.geometry import Rect, Size, pixel_rect
from compositor.overlay import (
    Clock,
    Countdown,
    Overlay,
    Picture,
    Product,
    QrCode,
    Style,
    Text,
    Ticker,
)
from compositor.painter import Painter, Tick, words
from compositor.raster import Raster
from compositor.render import Canvas, Placed
from tests.compositor.pictures import same
from tests.files import arabic_font_file, font_file, spoilt_font

HD = Size(1280, 720)
SPOT = (0.25, 0.25, 0.5, 0.5)
NOW_S = 1_800_000_000.0
BOX = Style(box="#c02040")


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def shown(overlays: Sequence[Overlay], now_s: float = NOW_S, size: Size = HD) -> Yuv420:
    grey = Colour(60, 128, 128)
    return yuv420(Canvas(size, grey).render(Painter(size).paint(overlays, now_s)))


@pytest.mark.parametrize(
    ("overlay", "now_s", "said"),
    [
        (Text(SPOT, "Sale"), NOW_S, "Sale"),
        (Clock(SPOT), NOW_S, "08:00"),
        (Clock(SPOT, "Europe/Berlin", seconds=True), NOW_S + 59.9, "09:00:59"),
        (Clock(SPOT, "Asia/Kathmandu"), NOW_S, "13:45"),
        (Countdown(SPOT, NOW_S + 59.5), NOW_S, "1:00"),
        (Countdown(SPOT, NOW_S + 3600), NOW_S, "1:00:00"),
        (Countdown(SPOT, NOW_S + 93784), NOW_S, "1d 02:03:04"),
        (Countdown(SPOT, NOW_S, "Now!"), NOW_S - 0.1, "0:01"),
        (Countdown(SPOT, NOW_S, "Now!"), NOW_S, "Now!"),
    ],
)
def test_an_overlay_says_what_time_it_is(overlay: Overlay, now_s: float, said: str) -> None:
    assert words(overlay, now_s) == said


def test_an_overlay_that_says_the_same_is_the_same_picture() -> None:
    painter = Painter(HD)
    overlays = (Text(SPOT, "Sale"), Clock(SPOT, seconds=True), QrCode(SPOT, "shop.example"))
    first, second = painter.paint(overlays, NOW_S), painter.paint(overlays, NOW_S + 0.9)
    later = painter.paint(overlays, NOW_S + 1)
    assert [one.picture for one in first] == [other.picture for other in second]
    assert later[0].picture is first[0].picture
    assert later[1].picture is not first[1].picture


def test_text_lies_where_its_style_aligns_it() -> None:
    area = pixel_rect(SPOT, HD)
    for align in ("left", "center", "right"):
        for valign in ("top", "middle", "bottom"):
            style = Style(align=align, valign=valign, box="#c02040")
            (placed,) = Painter(HD).paint([Text(SPOT, "Sale", style)], NOW_S)
            left, right = placed.rect.x - area.x, area.right - placed.rect.right
            top, bottom = placed.rect.y - area.y, area.bottom - placed.rect.bottom
            across = {"left": left, "center": abs(left - right), "right": right}[align]
            down = {"top": top, "middle": abs(top - bottom), "bottom": bottom}[valign]
            assert across <= 2
            assert down <= 2


def test_long_text_wraps_and_stays_in_its_rectangle() -> None:
    text = Text(SPOT, "Everything is half the price until midnight " * 20, BOX)
    (placed,) = Painter(HD).paint([text], NOW_S)
    area = pixel_rect(SPOT, HD)
    assert placed.rect.common(area) == placed.rect
    assert placed.rect.height > area.height * 0.8


def test_a_text_of_characters_the_font_has_not_is_not_shown() -> None:
    assert Painter(HD).paint([Text(SPOT, "小红", BOX)], NOW_S) == []


def test_a_countdown_may_end_in_no_letters_at_all() -> None:
    assert Painter(HD).paint([Countdown(SPOT, NOW_S, "\x85")], NOW_S) == []


def test_a_font_of_the_shows_own_is_used_and_a_broken_one_is_not() -> None:
    own = Path(fontpkg.path("Noto Sans")).read_bytes()
    default, named, broken = (
        Painter(HD).paint([Text(SPOT, "Sale", Style(font=font))], NOW_S, {"own": own, "bad": b"x"})
        for font in ("", "own", "bad")
    )
    assert default[0].rect == named[0].rect == broken[0].rect


def test_an_image_keeps_its_shape_and_its_holes() -> None:
    image = Image.new("RGBA", (40, 20), (255, 255, 255, 255))
    image.paste((0, 0, 0, 0), (0, 0, 20, 20))
    assets = {"logo": png(image)}
    painter = Painter(HD)
    (placed,) = painter.paint([Picture(SPOT, "logo")], NOW_S, assets)
    assert isinstance(placed.picture, Raster)
    assert placed.rect.bottom - placed.rect.y == 320
    assert 590 <= placed.rect.x <= 640
    assert painter.paint([Picture(SPOT, "other")], NOW_S, assets) == []


def test_an_image_appears_when_its_file_does() -> None:
    painter, overlays = Painter(HD), [Picture(SPOT, "logo", "fill")]
    assert painter.paint(overlays, NOW_S, {}) == []
    white = png(Image.new("RGB", (4, 4), (255, 255, 255)))
    (placed,) = painter.paint(overlays, NOW_S, {"logo": white})
    assert placed.rect == pixel_rect(SPOT, HD)
    assert isinstance(placed.picture, Yuv420)
    assert (placed.picture.y == 235).all()


def test_a_qr_code_can_be_read() -> None:
    picture = shown([QrCode(SPOT, "https://shop.example/live?show=42")])
    (code,) = zxingcpp.read_barcodes(picture.y)
    assert code.text == "https://shop.example/live?show=42"


def test_a_ticker_runs_to_the_left_at_its_speed_and_comes_round() -> None:
    ticker = Ticker((0.0, 0.9, 1.0, 0.1), "Free shipping", speed=0.1)
    painter = Painter(HD)
    (first,), (second,) = (painter.paint([ticker], NOW_S + s) for s in (0.0, 0.5))
    assert isinstance(first.picture, Raster)
    assert isinstance(second.picture, Raster)
    assert first.rect == second.rect == Rect(0, 648, 1280, 72)
    assert np.array_equal(first.picture.picture.y[:, 64:], second.picture.picture.y[:, :-64])
    assert np.shares_memory(first.picture.picture.y, second.picture.picture.y)
    strip = drawing(ticker, "Free shipping", None, first.rect.size, HD)
    assert strip is not None
    period_s = (strip.width - 1280) / 128
    assert same(shown([ticker], NOW_S + 0.01), shown([ticker], NOW_S + 0.01 + period_s))


@pytest.mark.parametrize(
    ("width", "fps", "speed", "step_px"),
    [(1280, 30, 0.08, 3), (1920, 30, 0.08, 5), (1280, 60, 0.08, 2), (720, 25, 0.001, 1)],
)
def test_a_ticker_runs_the_same_whole_number_of_pixels_from_each_tick_to_the_next(
    width: int, fps: int, speed: float, step_px: int
) -> None:
    size = Size(width, 720)
    ticker = Ticker((0.0, 0.9, 1.0, 0.1), "Free shipping", speed=speed)
    painter = Painter(size)
    lumas = [
        yuv420(Canvas(size, Colour(60, 128, 128)).render(placed)).y[648:].astype(int)
        for tick in range(4)
        for placed in [painter.paint([ticker], NOW_S + tick, {}, Tick(1000 + tick, fps))]
    ]
    for before, after in itertools.pairwise(lumas):
        assert np.array_equal(before[:, step_px:], after[:, : width - step_px])


def test_a_ticker_comes_round_without_a_seam_at_even_and_odd_columns() -> None:
    ticker = Ticker((0.0, 0.9, 1.0, 0.1), "Free shipping")
    strip = drawing(ticker, "Free shipping", None, Size(1280, 72), HD)
    assert strip is not None
    period, painter = strip.width - 1280, Painter(HD)
    ticks = [Tick(n * period // 3 + n, 1e9) for n in (0, 1, 3)]  # one pixel a tick
    pictures = [painter.paint([ticker], NOW_S, {}, tick)[0].picture for tick in ticks]
    again = [
        painter.paint([ticker], NOW_S, {}, tick._replace(number=tick.number + period))[0].picture
        for tick in ticks
    ]
    for one, other in zip(pictures, again, strict=True):
        assert isinstance(one, Raster)
        assert isinstance(other, Raster)
        assert same(one.picture, other.picture)


def test_a_ticker_that_is_read_from_the_right_runs_to_the_right() -> None:
    ticker = Ticker((0.0, 0.9, 1.0, 0.1), "شحن مجاني", style=Style(font="own"))
    painter, files = Painter(HD), {"own": arabic_font_file()}
    before, after = (
        placed.picture.picture.y
        for number in (7, 9)
        for placed in painter.paint([ticker], NOW_S, files, Tick(number, 30))
        if isinstance(placed.picture, Raster)
    )
    assert np.ptp(before) > 100
    assert np.array_equal(before[:, :-6], after[:, 6:])


def test_a_ticker_that_stands_is_the_same_picture() -> None:
    ticker, painter = Ticker((0.0, 0.9, 1.0, 0.1), "Sale", speed=0.0), Painter(HD)
    (first,), (second,) = (painter.paint([ticker], NOW_S, {}, Tick(n, 30)) for n in (1, 2))
    assert first.picture is second.picture


def test_what_is_too_small_for_a_letter_is_left_out() -> None:
    overlays = (Text(SPOT, "Sale"), QrCode(SPOT, "x"), Ticker(SPOT, "Sale"), Clock(SPOT))
    assert Painter(Size(8, 8)).paint(overlays, NOW_S) == []


def test_still_overlays_write_nothing() -> None:
    painter, canvas = Painter(HD), Canvas(HD, Colour(60, 128, 128))
    overlays = (Text(SPOT, "Sale", BOX), Clock((0.0, 0.0, 0.2, 0.1)))
    frame = yuv420(canvas.render(painter.paint(overlays, NOW_S)))
    frame.y[:] = 99
    canvas.render(painter.paint(overlays, NOW_S + 0.5))
    assert (frame.y == 99).all()


def test_over_a_moving_tile_only_what_is_over_it_is_written_again() -> None:
    canvas, painter = Canvas(HD, Colour(60, 128, 128)), Painter(HD)
    left = Rect(0, 0, 640, 720)
    over = painter.paint([Text((0.25, 0.4, 0.5, 0.2), "Sale " * 9, BOX)], NOW_S)
    pictures = [Yuv420(*(np.full(s, 80, np.uint8) for s in SHAPES)) for _ in range(2)]
    canvas.render([Placed(left, pictures[0]), *over])
    frame = yuv420(canvas.render([Placed(left, pictures[0]), *over]))
    before = frame.y.copy()
    frame.y[:] = 99
    canvas.render([Placed(left, pictures[1]), *over])
    assert np.array_equal(frame.y[:, :640], before[:, :640])
    assert (frame.y[:, 640:] == 99).all()


SHAPES = ((720, 640), (360, 320), (360, 320))


@pytest.mark.parametrize("rect", [(0.1, 0.1, 0.05, 0.5), (0.1, 0.1, 0.5, 0.05)])
def test_a_clock_stays_in_one_line_of_smaller_letters(
    rect: tuple[float, float, float, float],
) -> None:
    clock = Clock(rect, seconds=True, style=Style(size=0.4, box="#c02040"))
    (placed,) = Painter(HD).paint([clock], NOW_S)
    assert placed.rect.width > 2 * placed.rect.height
    area = pixel_rect(rect, HD)
    assert placed.rect.common(area) == placed.rect


def test_a_long_ticker_is_cut_before_it_fills_the_memory() -> None:
    small = Size(320, 180)
    ticker = Ticker((0, 0, 1, 0.1), "Everything is half the price " * 200)
    strip = drawing(ticker, ticker.text, None, Size(320, 18), small)

    assert strip is not None
    assert strip.width * strip.height < 5 * small.width * small.height


def test_an_overlay_that_cannot_be_drawn_has_another_try_with_another_file() -> None:
    failed: list[Overlay] = []
    painter = Painter(HD, lambda overlay, _: failed.append(overlay))
    text = Text(SPOT, "Sale", Style(font="own"))

    painted = [
        painter.paint([text], NOW_S, {"own": font})
        for font in (spoilt_font(b"glyf"), spoilt_font(b"glyf"), font_file())
    ]

    assert [len(placed) for placed in painted] == [0, 0, 1]
    assert failed == [text]


CARD = Card("Blue mug", "$12.50", "3 left", picture=png(Image.new("RGB", (40, 40), "#2060a0")))


def test_a_product_is_shown_with_a_card_and_gone_at_once_without() -> None:
    product, painter = Product(SPOT, "pinned"), Painter(HD)
    assert painter.paint([product], NOW_S) == []
    (placed,) = painter.paint([product], NOW_S, cards={product: CARD})
    assert placed.rect == pixel_rect(SPOT, HD)
    assert painter.paint([product], NOW_S, draw=lambda *_: None) == []


def test_a_change_of_stock_draws_the_card_alone_again() -> None:
    product, text, painter = Product(SPOT, "pinned"), Text(SPOT, "Sale"), Painter(HD)
    fewer = CARD._replace(stock="2 left")
    first, same_again, other = (
        painter.paint([text, product], NOW_S, cards={product: card})
        for card in (CARD, CARD._replace(), fewer)
    )
    assert same_again[1].picture is first[1].picture
    assert other[0].picture is first[0].picture
    assert other[1].picture is not first[1].picture
