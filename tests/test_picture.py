from compositor.frame import Yuv420, turned, yuv420
from compositor.geometry import Size
from compositor.layout import View
from compositor.scale import Scaler
from mediaserver.picture import Look, Picture
from tests.compositor.pictures import same
from tests.media import moving_frames

SMALL = Look(Size(32, 24), View())


def picture() -> Picture:
    return Picture(next(moving_frames(1)))


def test_every_canvas_gets_the_same_tile() -> None:
    shown = picture()

    assert shown.tile(SMALL, Scaler()) is shown.tile(SMALL, Scaler())


def test_looks_are_told_apart() -> None:
    shown, scaler = picture(), Scaler()

    dim = shown.tile(SMALL._replace(dim=True), scaler)

    assert shown.tile(SMALL, scaler).y.mean() > dim.y.mean()
    assert shown.tile(Look(Size(16, 12), View("fill")), scaler).size == Size(16, 12)


def test_next_picture_is_made_ready_for_who_showed_the_last() -> None:
    class IdleScaler(Scaler):
        def resized(self, source: Yuv420, size: Size) -> Yuv420:
            raise AssertionError("the canvas had to scale")

    last, next_one = picture(), picture()
    last.tile(SMALL, Scaler())
    next_one.prepare_like(last, Scaler())

    assert next_one.tile(SMALL, IdleScaler()).size == SMALL.size


def test_turned_picture_is_upright_in_its_tile_and_alone() -> None:
    lying = Picture(next(moving_frames(1)), turns=1)

    tile = lying.tile(Look(Size(48, 64), View()), Scaler())

    assert lying.size == (48, 64)
    assert same(yuv420(lying.upright()), tile)
    assert same(tile, turned(yuv420(lying.frame), 1))


def test_picture_of_another_size_is_made_ready_for_the_same_slot() -> None:
    wide, tall = Picture(next(moving_frames(1))), Picture(next(moving_frames(1, 48, 64)))
    wide.tile(SMALL, Scaler())
    tall.prepare_like(wide, Scaler())

    assert tall.tile(SMALL, Scaler()).size == SMALL.size


def test_new_look_may_be_asked_for_while_the_next_picture_is_made_ready() -> None:
    last, next_one = picture(), picture()
    last.tile(SMALL, Scaler())

    class AskingScaler(Scaler):
        def resized(self, source: Yuv420, size: Size) -> Yuv420:
            last.tile(Look(Size(20, 20), View("fill")), Scaler())  # a canvas on another thread
            return super().resized(source, size)

    next_one.prepare_like(last, AskingScaler())

    assert next_one.tile(SMALL, Scaler()).size == SMALL.size
